"""What of a letter's clip says the letter: between the hand's way up and its way down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_core import PoseSequence
    from pose_core.skeleton import Side

    Array = NDArray[np.float64]

# Shoulder widths per frame, of the wrist and of fingers beside it: a hand that is slower rests, one that is faster is
# under way. Generated hands that hold a letter stay below the first; on their ways they reach five times the second.
AT_REST, UNDER_WAY = 0.03, 0.06
SLOWED = 0.35  # of its speed on the way: a hand that is as slow as that has arrived, if it then gains speed again
SHORTEST_REST = 4  # frames at the end of a clip in which a hand that holds its letter to the end does not move
RISING = 0.12  # shoulder widths in two frames: a hand that goes on rising so fast has not arrived
MOVING = 0.2  # shoulder widths: a hand that goes no farther while it says a letter stands still
NEAR = 0.05  # shoulder widths: frames of a movement that are as near to its ends stand still, and are left out


@dataclass(frozen=True)
class Stroke:
    """The frames of a clip that say its letter.

    Attributes:
        first, last: the first of them, and the last.
        moving: whether the hand moves in them, as in J and Z; if not, they are one frame.
    """

    first: int
    last: int
    moving: bool


def find_stroke(clip: PoseSequence, dominant_hand: Side) -> Stroke:
    """Finds the stroke of a clip that begins before it, and ends in it or after it.

    The hand's way up ends where it comes to rest, or where it slows down before it moves again; its way down begins at
    the same, seen from the end. Where a hand is in the picture does not count: some letters are signed low.

    Args:
        clip: (T, K, D) in shoulder widths, whose dominant hand is visible throughout.
        dominant_hand: that says where the stroke is; a second hand's movement counts where it is visible.
    """
    points = _points(clip, dominant_hand)
    first, last = _between_ways(_speeds(points), points)
    middle = _middle(points, first, last)
    if np.abs(_distances(points[first : last + 1], points[middle])).max() < MOVING:
        return Stroke(middle, middle, moving=False)
    first, last = _trimmed(points, first, last)
    return Stroke(first, last, moving=True)


def _points(clip: PoseSequence, dominant_hand: Side) -> Array:
    """Points of hands in the picture, (T, n, 2): of the dominant one, and of the other where it is always visible."""
    skeleton = clip.skeleton
    hands = list(skeleton.hand(dominant_hand))
    other = list(skeleton.hand("left" if dominant_hand == "right" else "right"))
    if other and (clip.confidence[:, other] > 0).all():
        hands += other
    return clip.keypoints[:, hands, :2].astype(np.float64)


def _speeds(points: Array) -> Array:
    """Speed from each frame to the next, (T - 1,): the mean of all points' speeds."""
    return np.linalg.norm(np.diff(points, axis=0), axis=-1).mean(axis=-1)


def _between_ways(speeds: Array, points: Array) -> tuple[int, int]:
    """First and last frame between the hand's way up and its way down."""
    first = _end_of_way(speeds, points)
    rest = len(speeds) - int(np.argmax(speeds[::-1] > AT_REST)) if (speeds > AT_REST).any() else 0
    if len(speeds) - rest >= SHORTEST_REST and not _is_low(points, first):  # held to the end
        return first, len(speeds)
    last = len(speeds) - _end_of_way(speeds[::-1], points[::-1])
    return (first, last) if first <= last else (last, first)


def _is_low(points: Array, first: int) -> bool:
    """Whether the hand ends where it began, rather than where its way up ended."""
    return bool(_distances(points[-1:], points[0])[0] < _distances(points[-1:], points[first])[0])


def _end_of_way(speeds: Array, points: Array) -> int:
    """How many steps a hand that sets out takes until it has arrived; 0 where it does not set out."""
    begin = int(np.argmax(speeds > UNDER_WAY)) if (speeds > UNDER_WAY).any() else len(speeds)
    if begin > len(speeds) // 2:
        return 0
    height = -points[..., 1].mean(axis=1)  # y is down
    fastest = 0.0
    for step in range(begin, len(speeds)):
        fastest = max(fastest, float(speeds[step]))
        later = float(speeds[step + 1]) if step + 1 < len(speeds) else np.inf
        slow = speeds[step] <= AT_REST or (speeds[step] <= SLOWED * fastest and later >= speeds[step])
        if slow and height[step : step + 3].max() - height[step] < RISING:
            return step
    return len(speeds) // 2


def _middle(points: Array, first: int, last: int) -> int:
    """The frame that is nearest to the others of the middle half, where a hand that holds a letter is surest of it."""
    quarter = (last - first) // 4
    frames = np.arange(first + quarter, last - quarter + 1)
    distances = np.array([_distances(points[frames], points[frame]).sum() for frame in frames])
    return int(frames[np.argmin(distances)])


def _trimmed(points: Array, first: int, last: int) -> tuple[int, int]:
    """First and last frame of a movement without those that stand still at its ends."""
    away = np.flatnonzero(_distances(points[first : last + 1], points[first]) > NEAR)
    begin = first + max(0, int(away[0]) - 1) if len(away) else first
    away = np.flatnonzero(_distances(points[begin : last + 1], points[last]) > NEAR)
    end = begin + int(away[-1]) + 1 if len(away) else last
    return begin, end


def _distances(points: Array, frame: Array) -> Array:
    """Mean distance of the points of each frame, (T, n, 2), from those of one, (n, 2)."""
    return np.linalg.norm(points - frame, axis=-1).mean(axis=-1)
