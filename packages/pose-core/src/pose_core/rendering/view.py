"""View: the part of the pose plane that pictures show, fixed for a whole clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence

REACH = 3.0  # shoulder widths from the mid-shoulder point; an arm and a hand reach two and a half
MARGIN = 0.06  # of the longer side of what is shown, on every side
ASPECT = (0.6, 2.0)  # width by height of the narrowest and the widest picture


@dataclass(frozen=True)
class View:
    """A box in the pose plane, scaled to a picture.

    Attributes:
        origin: (2,) upper left corner of the box, in the poses' unit.
        scale: pixels per unit of the poses.
        width, height: of the picture, in pixels, both even (video encoders want that).
    """

    origin: np.ndarray
    scale: float
    width: int
    height: int

    @classmethod
    def fit(cls, sequence: PoseSequence, height: int) -> View:
        """Fits the view to everything visible from the hips up, except points out of an arm's reach.

        Legs and hips are cropped: estimators guess them below the picture, and room for them would shrink the hands.
        """
        height = max(2, height // 2 * 2)
        skeleton = sequence.skeleton
        points = sequence.keypoints[..., :2].astype(np.float64)
        visible = visible_keypoints(sequence)
        visible[:, skeleton.duplicates()] = False
        if not visible.any():
            return cls(origin=np.full(2, -1.0), scale=height / 2, width=height, height=height)

        upper = visible.copy()
        upper[:, [*skeleton.legs(), *skeleton.hips()]] = False
        visible = upper if upper.any() else visible
        inside = _within_reach(sequence, points, visible)
        inside = _within_fences(sequence, points, inside if inside.any() else visible)
        low, high = points[inside].min(axis=0), points[inside].max(axis=0)

        middle, extent = (low + high) / 2, high - low
        if extent.max() <= 1e-6 * max(1.0, np.abs(middle).max()):
            extent = np.full(2, max(1.0, 0.1 * np.abs(middle).max()))  # a single point
        extent = extent + 2 * MARGIN * extent.max()
        aspect = float(np.clip(extent[0] / extent[1], *ASPECT))
        width = max(2, round(height * aspect / 2) * 2)
        scale = float(min(width / extent[0], height / extent[1]))
        return cls(middle - np.array([width, height]) / (2 * scale), scale, width, height)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 2) in the poses' unit to pixels."""
        return (points - self.origin) * self.scale


def visible_keypoints(sequence: PoseSequence) -> np.ndarray:
    """(T, K) True where confidence is above 0 and x and y are finite; z does not matter here."""
    return (sequence.confidence > 0) & np.isfinite(sequence.keypoints[..., :2]).all(axis=-1)


def _within_reach(sequence: PoseSequence, points: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """(T, K) visible points within reach of an arm; none where the shoulders are never visible together."""
    try:
        left, right = sequence.skeleton.shoulders()
    except UserError:
        return np.zeros_like(visible)
    both = visible[:, left] & visible[:, right]
    if not both.any():
        return np.zeros_like(visible)
    a, b = points[both, left], points[both, right]
    middle = np.median((a + b) / 2, axis=0)
    distance = np.abs(points - middle).max(axis=-1, initial=0.0, where=visible[..., None])  # (T, K)
    width = float(np.median(np.linalg.norm(a - b, axis=-1)))
    width = max(width, float(np.median(distance[visible])))  # visible from the side, shoulders lie on one another
    return visible & (distance <= REACH * width)


def _within_fences(sequence: PoseSequence, points: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """(T, K) the visible points near those of most frames; components count alike, however many points they have."""
    extremes = []
    for name in dict.fromkeys(component for component, _ in sequence.skeleton.keypoints):
        part = sequence.skeleton.slice_of(name)
        frames_shown = visible[:, part].any(axis=1)
        mask = visible[frames_shown, part, None]
        extremes.append(points[frames_shown, part].min(axis=1, initial=np.inf, where=mask))
        extremes.append(points[frames_shown, part].max(axis=1, initial=-np.inf, where=mask))
    low, high = np.percentile(np.concatenate(extremes), (5, 95), axis=0)
    inside = visible & ((points >= low - (high - low)) & (points <= high + (high - low))).all(axis=-1)
    return inside if inside.any() else visible
