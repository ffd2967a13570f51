"""How a hand gets from one orientation to another: the shortest way, or one that arms can go.

Between palm up with fingers out and palm out with fingers up, the shortest way leads through orientations that no wrist
has. There the fingers go to their new direction, and the hand turns about them, this way or the other way round.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from text_to_pose.signing.anatomy.arm import ease
from text_to_pose.signing.anatomy.comfort import MIRROR
from text_to_pose.signing.frame import mirrored_rotation
from text_to_pose.signing.rotations import to_vector, turned_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.motion import HandSide
    from text_to_pose.signing.vectors import Array

_SMALL = np.radians(115.0)
"""A turn by less goes the shortest way: in 5,700 signs that is as near to what arms can do."""
_SHARES = np.array([0.25, 0.5, 0.75])
_LONGER = 1.0
"""What a radian of way costs, in what it costs an arm to hold a hand on it (`arm.ease`)."""


@dataclass(frozen=True, eq=False)
class Turn:
    """A way from one orientation (3, 3): two turns at the same time.

    Attributes:
        first: the orientation it begins with.
        swing: a rotation vector (3,) in the frame of the hand as it begins.
        twist: radians about the fingers, within it.
    """

    first: Array
    swing: Array
    twist: float = 0.0

    def at(self, share: Array) -> Array:
        """Orientations (n, 3, 3) after shares (n,) of the way."""
        swung = turned_by(self.first, self.swing, share)
        if self.twist == 0.0:
            return swung
        return swung @ turned_by(np.eye(3), np.array([0.0, self.twist, 0.0]), share)

    @cached_property
    def length(self) -> float:
        """Radians, of both."""
        return math.hypot(*self.swing) + abs(self.twist)


def shortest_turn(first: Array, last: Array) -> Turn:
    """The shortest way from one orientation (3, 3) to another."""
    return Turn(first, to_vector(first.T @ last))


class Move(NamedTuple):
    """A hand that turns on its way.

    Attributes:
        side: which hand.
        first, last: orientations (3, 3).
        wrists: (2, 3) where it begins and ends.
    """

    side: HandSide
    first: Array
    last: Array
    wrists: Array


def feasible_turns(moves: Sequence[Move], body: Body) -> list[Turn]:
    """The way of each that is easiest for the arm."""
    ways: list[list[Turn]] = []
    rotations, wrists = [], []
    for side, first, last, (begin, end) in moves:
        direct = shortest_turn(first, last)
        ways.append([direct] if direct.length < _SMALL else [direct, *_by_fingers(first, last)])
        if len(ways[-1]) > 1:
            turned = np.concatenate([each.at(_SHARES) for each in ways[-1]])
            places = np.concatenate([begin + _SHARES[:, None] * (end - begin)] * len(ways[-1]))
            rotations.append(mirrored_rotation(turned) if side == "left" else turned)
            wrists.append(places * MIRROR if side == "left" else places)
    if not rotations:
        return [direct for (direct,) in ways]
    costs = ease(body, body.shoulders[1], np.concatenate(wrists), np.concatenate(rotations))
    efforts = iter(costs.reshape(-1, len(_SHARES)).sum(axis=1))
    return [
        each[0] if len(each) == 1 else min(each, key=lambda turn: float(next(efforts)) + _LONGER * turn.length)
        for each in ways
    ]


def _by_fingers(first: Array, last: Array) -> list[Turn]:
    """Ways on which the fingers go straight to their new direction, and the hand turns about them, either way round."""
    towards = first.T @ last[:, 1]
    axis = np.array([towards[2], 0.0, -towards[0]])  # square to both, from the fingers' y
    sine = math.hypot(*axis)
    # To the opposite direction there are many ways; one bends the wrist.
    axis = axis / sine if sine > 1e-6 else np.array([1.0, 0.0, 0.0])
    swing = axis * np.arctan2(sine, towards[1])
    swung = turned_by(first, swing, np.ones(1))[0]
    rest = swung.T @ last
    twist = float(np.arctan2(rest[0, 2], rest[0, 0]))
    other = twist - np.copysign(2 * np.pi, twist)
    return [Turn(first, swing, twist), Turn(first, swing, other)]
