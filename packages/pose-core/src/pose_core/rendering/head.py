"""A drawn head, an oval on a neck, for pictures of poses without a face; it is no measurement."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.rendering.view import visible_keypoints
from pose_core.skeleton import Component, Skeleton

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pose_core.sequence import PoseSequence

COMPONENT = "DRAWN_HEAD"
COLOR = (128, 128, 128)  # RGB
CORNERS = 32  # of the polygon that looks like an oval

# In shoulder widths, as MediaPipe's face mesh has it in clips of many people; an oval a little higher has hair, too.
WIDTH, HEIGHT = 0.5, 0.66
ABOVE_SHOULDERS = 0.61  # of the oval's middle
# How far points of the body's own lie above the oval's middle.
ABOVE_MIDDLE = {"nose": 0.0, "ear": 0.05, "eye": 0.10}
TORSO = 0.6  # shoulder widths of a torso's length, at least: shoulders visible from the side are too narrow to go by
NARROW = 0.4  # of their usual width; shoulders nearer to one another do not say which way is up


def with_head(sequence: PoseSequence) -> PoseSequence:
    """Adds a component `DRAWN_HEAD`, visible in the frames that show shoulders or a nose but no face.

    It follows the nose, ears or eyes where the body has them, else the shoulders, and tilts as the shoulders do. A
    sequence that has a face in every frame, or never shows both shoulders, is returned as it is.
    """
    outline = _outline(sequence)
    if outline is None:
        return sequence
    positions, defined = outline
    dims = sequence.keypoints.shape[2]
    keypoints = np.zeros((*positions.shape[:2], dims), sequence.keypoints.dtype)
    keypoints[..., :2] = np.where(defined[:, None, None], positions, 0)
    confidence = np.repeat(defined[:, None], positions.shape[1], axis=1).astype(sequence.confidence.dtype)
    ring = tuple((i, (i + 1) % CORNERS) for i in range(CORNERS))
    names = (*(f"outline_{i}" for i in range(CORNERS)), "neck")
    component = Component(COMPONENT, names, (*ring, (0, CORNERS)), (COLOR,), "XYZ"[:dims] + "C")
    return replace(
        sequence,
        keypoints=np.concatenate([sequence.keypoints, keypoints], axis=1),
        confidence=np.concatenate([sequence.confidence, confidence], axis=1),
        skeleton=Skeleton((*sequence.skeleton.components, component)),
    )


def _outline(sequence: PoseSequence) -> tuple[np.ndarray, np.ndarray] | None:
    """Outline (T, CORNERS + 1, 2), the chin first and the base of the neck last, and (T,) True where it is known."""
    skeleton = sequence.skeleton
    try:
        left, right = skeleton.shoulders()
    except UserError:
        return None
    visible = visible_keypoints(sequence)
    points = sequence.keypoints[..., :2].astype(np.float64)
    faceless = ~visible[:, skeleton.face()].any(axis=1)
    both = visible[:, left] & visible[:, right]
    if not both.any() or not faceless.any():
        return None
    across = points[:, left] - points[:, right]  # (T, 2)
    middle = (points[:, left] + points[:, right]) / 2
    unit = max(float(np.median(np.linalg.norm(across[both], axis=-1))), TORSO * _torso(points, visible, both, skeleton))
    if not unit > 0:
        return None
    up = _up(across, both, unit, _upwards(points, visible, both, middle, skeleton))

    center = middle + ABOVE_SHOULDERS * unit * up
    known = both.copy()
    parts = skeleton.head()
    estimates = [
        _mean(points, visible, [i for name, i in parts.items() if kind in name], -above * unit * up)
        for kind, above in ABOVE_MIDDLE.items()
    ]
    nose, ears, eyes = estimates
    for position, defined in (eyes, _mean_of([nose, ears])):  # the latter know better
        center = np.where(defined[:, None], position, center)
        known |= defined

    turn = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)[:, None]  # 0 at the chin
    side = np.stack([-up[:, 1], up[:, 0]], axis=-1)
    ring = center[:, None] + unit / 2 * (
        WIDTH * np.sin(turn) * side[:, None] - HEIGHT * np.cos(turn) * up[:, None]
    )  # (T, CORNERS, 2)
    foot = np.where(both[:, None], middle, center - ABOVE_SHOULDERS * unit * up)
    return np.concatenate([ring, foot[:, None]], axis=1), known & faceless


def _up(across: np.ndarray, both: np.ndarray, unit: float, upwards: np.ndarray) -> np.ndarray:
    """(T, 2) unit vectors towards the head, perpendicular to the shoulders; the clip's median where unclear."""
    square = np.stack([across[:, 1], -across[:, 0]], axis=-1)
    length = np.linalg.norm(square, axis=-1)
    clear = both & (length > NARROW * unit)
    usual = np.median(square[clear], axis=0) if clear.any() else upwards
    if usual @ upwards < 0:  # visible from behind, or mirrored
        usual, square = -usual, -square
    if not np.linalg.norm(usual) > 0:
        usual = upwards
    up = np.where(clear[:, None], square, usual)
    return up / np.linalg.norm(up, axis=-1, keepdims=True)


def _upwards(
    points: np.ndarray, visible: np.ndarray, both: np.ndarray, middle: np.ndarray, skeleton: Skeleton
) -> np.ndarray:
    """(2,) direction of the head, from head or hips; up in the picture where neither is visible."""
    for indices, sign in ((list(skeleton.head().values()), 1), (skeleton.hips(), -1)):
        position, defined = _mean(points, visible, indices, 0.0)
        if (defined & both).any():
            direction = sign * np.median((position - middle)[defined & both], axis=0)
            if np.linalg.norm(direction) > 0:
                return direction
    return np.array([0.0, -1.0])


def _torso(points: np.ndarray, visible: np.ndarray, both: np.ndarray, skeleton: Skeleton) -> float:
    """Median distance from mid-hip to mid-shoulder; 0 where they are never visible together."""
    hips, defined = _mean(points, visible, skeleton.hips(), 0.0)
    together = defined & both
    middle = points[:, list(skeleton.shoulders())].mean(axis=1)
    return float(np.median(np.linalg.norm(hips - middle, axis=-1)[together])) if together.any() else 0.0


def _mean(
    points: np.ndarray, visible: np.ndarray, indices: Iterable[int], offset: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """(T, 2) mean of some points plus an offset, and (T,) True where all of them are visible."""
    indices = list(indices)
    if not indices:
        return np.zeros((len(points), 2)), np.zeros(len(points), bool)
    defined = np.asarray(visible[:, indices].all(axis=1))
    return np.where(defined[:, None], points[:, indices].mean(axis=1) + offset, 0.0), defined


def _mean_of(estimates: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """(T, 2) mean of those estimates (T, 2) that are defined, and (T,) True where any is."""
    weights = np.stack([defined for _, defined in estimates]).astype(float)  # (N, T)
    positions = np.stack([position for position, _ in estimates])
    total = weights.sum(axis=0)
    return (weights[..., None] * positions).sum(axis=0) / np.maximum(total, 1)[:, None], total > 0
