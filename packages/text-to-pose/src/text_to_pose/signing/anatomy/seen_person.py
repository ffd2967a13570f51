"""A person in a clip in three dimensions: how far each point is from the camera, and so how large what it shows is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core.transforms import clean, to_layout
from text_to_pose.signing.anatomy.body import FACE_POINTS, MEAN_BODY, NOSE_TIP
from text_to_pose.signing.layouts import BODY_DEPTH

if TYPE_CHECKING:
    from pose_core import PoseSequence
    from text_to_pose.signing.vectors import Array

NOSE, SHOULDERS, ELBOWS, WRISTS, HIPS = 0, (11, 12), (13, 14), (15, 16), (23, 24)
FACE = slice(33, 33 + FACE_POINTS)
HANDS = tuple(slice(first, first + 21) for first in (FACE.stop, FACE.stop + 21))
"""How MediaPipe's 543 points are ordered: 33 of the pose, 468 of the face, the left and the right hand."""
_CONFIDENT = 0.5
_FLAT, _DEEP = 0.02, 1.5
"""A hand's spread in z by that in x and y is between, where z is in the unit of x and y."""
_DISTANCES = np.geomspace(0.8, 4.0, 15)
_MOST_FRAMES, _FRAMES = 2000, 250
"""Of a long clip so many frames, spread over it, are looked at; and by so many the camera's distance is told."""
_USUAL_DISTANCE, _DISTANCE_SPREAD = 2.0, 0.5  # metres; standard deviation of the logarithm
_DOUBT = 0.03
"""How much the lengths of a rigid bone vary between frames in the best of real clips: about as much as a wrong distance
makes them vary, so that there the usual distance counts."""


@dataclass(frozen=True)
class SeenPerson:
    """What a clip shows of somebody.

    Attributes:
        picture: where MediaPipe's 543 points are in the picture, (T, 543, 2), y up; NaN where they are not visible.
        points: (T, 543, 3) as they would be seen from far away, in pixels at the shoulders, z towards the camera; None
            where the clip has no depth.
    """

    picture: Array
    points: Array | None

    @classmethod
    def of(cls, sequence: PoseSequence) -> SeenPerson:
        """What is visible in a clip, on any layout, of two or three coordinates."""
        some = sequence[:: max(1, -(-len(sequence) // _MOST_FRAMES))]
        cleaned = to_layout(clean(some), "holistic_543")
        points = np.full((len(cleaned), HANDS[1].stop, 3), np.nan)
        points[..., : cleaned.keypoints.shape[-1]] = cleaned.keypoints
        points[~(cleaned.visible & (cleaned.confidence > _CONFIDENT))] = np.nan
        width, height = cleaned.size[:2]
        if min(width, height) > 1:
            center = np.array([width, height]) / 2
        else:
            center = np.array([middle(axis) or 0.0 for axis in points[:, SHOULDERS, :2].mean(axis=1).T])
        points[..., :2] = (points[..., :2] - center) * [1.0, -1.0]
        picture = points[..., :2].copy()
        depth = _depth(points, width)
        if depth is None:
            return cls(picture, None)
        points[..., 2] = -depth
        breadth = breadth_of(points)
        if breadth is None:
            return cls(picture, None)
        metre = breadth / MEAN_BODY.shoulder_width
        few = points[:: -(-len(points) // _FRAMES)]
        doubts = [_variation(_from_afar(few, distance * metre)) + _unlikely(distance) for distance in _DISTANCES]
        return cls(picture, _from_afar(points, float(_DISTANCES[int(np.argmin(doubts))]) * metre))


def breadth_of(points: Array) -> float | None:
    """The breadth of the shoulders of points (T, 543, D); None where they are not visible, or on one point."""
    breadth = middle(lengths_between(points, *SHOULDERS))
    return breadth if breadth is not None and breadth > 1e-6 else None


def lengths_between(points: Array, first: int, second: int) -> Array:
    """Distances (T,) of two of the points (T, 543, D)."""
    far: Array = np.linalg.norm(points[:, first] - points[:, second], axis=-1)
    return far


def upright(points: Array) -> Array:
    """Points (T, 543, 3) as a camera straight before the person sees them; the same where the hips are not visible."""
    across = points[:, SHOULDERS[0]] - points[:, SHOULDERS[1]]
    up = points[:, SHOULDERS].mean(axis=1) - points[:, HIPS].mean(axis=1)
    known = np.isfinite(across).all(axis=1) & np.isfinite(up).all(axis=1)
    if not known.any():
        return points
    x, y = np.median(across[known], axis=0), np.median(up[known], axis=0)
    x /= max(float(np.linalg.norm(x)), 1e-9)
    y -= x * (x @ y)
    if not np.linalg.norm(y) > 1e-6:
        return points  # hips on the line of the shoulders are nobody's
    y /= np.linalg.norm(y)
    turned: Array = points @ np.stack([x, y, np.cross(x, y)], axis=1)
    return turned


def visible_hands(points: Array) -> list[Array]:
    """The left and the right hand, (n, 21, D), in the frames where it is visible."""
    hands = [points[:, hand] for hand in HANDS]
    return [hand[np.isfinite(hand).all(axis=(1, 2))] for hand in hands]


def _depth(points: Array, width: int) -> Array | None:
    """(T, 543) pixels that points are farther than the middle of the shoulders; None where no depth is known."""
    hands = np.concatenate(visible_hands(points))
    if not len(hands):
        return None
    x, y, z = np.median(hands.std(axis=1), axis=0)
    share = z / max(x + y, 1e-9)
    if not (share > _FLAT or _FLAT < share * width < _DEEP):
        return None
    deep = points[..., 2] * (1.0 if share > _FLAT else width)
    depth = deep / BODY_DEPTH
    depth[:, 33:] = deep[:, 33:]
    depth[:, :33] -= depth[:, SHOULDERS].mean(axis=1, keepdims=True)
    # MediaPipe's hands and face have depths of their own, which begin at the wrist and in the middle of the face.
    for hand, wrist in zip(HANDS, WRISTS, strict=True):
        depth[:, hand] += (depth[:, wrist] - depth[:, hand.start])[:, None]
    depth[:, FACE] += (depth[:, NOSE] - depth[:, FACE.start + NOSE_TIP])[:, None]
    return depth


def _from_afar(points: Array, distance: float) -> Array:
    """The points (T, 543, 3) as large as a camera sees them that is so far from all as it is from the shoulders."""
    return points * np.stack([1 - points[..., 2] / distance] * 2 + [np.ones(points.shape[:2])], axis=-1)


def _variation(points: Array) -> float:
    """How much the lengths of rigid bones vary: mean standard deviation of their logarithms, by `_DOUBT`, squared."""
    pairs = [*zip(SHOULDERS, ELBOWS, strict=True), *zip(ELBOWS, WRISTS, strict=True)]
    pairs += [(hand.start, hand.start + knuckle) for hand in HANDS for knuckle in (5, 9, 13, 17)]
    spread = [variation(lengths_between(points, a, b)) for a, b in pairs]
    known = [each for each in spread if each is not None]
    return float(np.mean(np.square(known))) / _DOUBT**2 if known else 0.0


def _unlikely(distance: float) -> float:
    return float((np.log(distance / _USUAL_DISTANCE) / _DISTANCE_SPREAD) ** 2) * 0.05


def variation(lengths: Array) -> float | None:
    """Robust standard deviation of the logarithms of lengths; None of fewer than two."""
    lengths = lengths[np.isfinite(lengths) & (lengths > 1e-9)]
    if len(lengths) < 2:
        return None
    logs = np.log(lengths)
    return float(1.4826 * np.median(np.abs(logs - np.median(logs))))


def middle(values: Array) -> float | None:
    """The median of what is finite."""
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else None
