"""Transitions from one frame to another: hands turn and bend, everything else goes straight, with the least jerk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.fingerspelling.hand_turns import HandTurn, bone_length
from text_to_pose.signing.timing import FASTEST, FASTEST_TURN, PEAK, SMOOTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_core import Skeleton

    Array = NDArray[np.float64]

FASTEST_BEND = 25.0
"""The fastest finger joint in radians per second. In signs it is 15; who spells six letters per second opens a fist
in a sixth of one."""
PICTURE_WIDTHS = 800.0
"""Depth of hands of a model that was told nothing of it: z is in widths of the clips' pictures, x and y are not. With
this factor the bones of generated letters differ least in length, in each of four languages."""
MAX_GROWTH = 2.0  # of the hand in a mean of frames, which is smaller the more they differ
_HAND_POINTS = 21


@dataclass(frozen=True)
class Limits:
    """How fast hands are, and in which unit their depth is.

    Attributes:
        max_step: shoulder widths that a keypoint moves at most from one frame to the next.
        fps: of those frames.
        hand_depth: what z of hands is multiplied by to be in the unit of x and y.
    """

    max_step: float
    fps: float
    hand_depth: float


@dataclass(frozen=True, eq=False)
class Transition:
    """The way from one frame to another.

    Attributes:
        first, second: keypoints (K, D) in shoulder widths.
        hands: the points of each hand, and how it turns.
        depth: (D,) what x, y and z of hands are multiplied by for all to be in one unit.
    """

    first: Array
    second: Array
    hands: list[tuple[list[int], HandTurn]]
    depth: Array

    @classmethod
    def of(cls, first: Array, second: Array, skeleton: Skeleton, limits: Limits) -> Transition:
        """The transition between two frames (K, D), in which hands are visible or are where they would be."""
        hands = [
            (hand, HandTurn.of(_in_space(first[hand], limits), _in_space(second[hand], limits)))
            for hand in _hands(skeleton)
        ]
        return cls(first, second, hands, _depth(first, limits))

    def shortest(self, limits: Limits) -> float:
        """Seconds that it takes at least: of a wrist, the turn of a hand or bend of a finger at its fastest."""
        distance = np.linalg.norm((self.second - self.first)[:, :2], axis=-1)
        times = [float(distance.max()) / (limits.max_step * limits.fps)]
        for points, turn in self.hands:
            wrist = float(distance[points[0]])
            times += [wrist / FASTEST, turn.angle / FASTEST_TURN, turn.bend / FASTEST_BEND]
        return PEAK * max(times)

    def distance(self) -> float:
        """Shoulder widths from wrist to wrist, of the hand that goes farther."""
        return max((float(np.linalg.norm((self.second - self.first)[p[0], :2])) for p, _ in self.hands), default=0.0)

    def at(self, share: Array) -> Array:
        """Keypoints (N, K, D) after shares (N,) of its time."""
        way = SMOOTH.at(np.asarray(share, dtype=np.float64))
        frames = self.first + way[:, None, None] * (self.second - self.first)
        for points, turn in self.hands:
            shapes = turn.at(way)[..., : frames.shape[-1]] / self.depth
            frames[:, points] = frames[:, points[:1]] + shapes
        return frames


def with_sizes(frame: Array, like: Array, skeleton: Skeleton, limits: Limits) -> Array:
    """A frame (K, D) whose hands are as large as in another, if they were smaller, and at most `MAX_GROWTH` larger."""
    resized = frame.copy()
    for hand in _hands(skeleton):
        own, other = (bone_length(_in_space(points[hand], limits)) for points in (frame, like))
        growth = min(max(other / max(own, 1e-9), 1.0), MAX_GROWTH)
        resized[hand] = frame[hand[:1]] + growth * (frame[hand] - frame[hand[:1]])
    return resized


def _hands(skeleton: Skeleton) -> list[list[int]]:
    hands = (list(skeleton.hand(side)) for side in ("left", "right"))
    return [hand for hand in hands if len(hand) == _HAND_POINTS]


def _depth(frame: Array, limits: Limits) -> Array:
    """What x, y and z of hands are multiplied by for all to be in one unit."""
    return np.array([1.0, 1.0, limits.hand_depth])[: frame.shape[-1]]


def _in_space(hand: Array, limits: Limits) -> Array:
    """A hand (21, D) in three dimensions of one unit."""
    return np.pad(hand * _depth(hand, limits), ((0, 0), (0, 3 - hand.shape[-1])))
