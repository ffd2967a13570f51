"""From one handshape to another as a hand moves: it turns, its joints bend, and its bones keep their length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.rotations import between, from_vector, shortest, to_vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_KNUCKLES = [5, 9, 13, 17]
_DIGITS, _BONES = 5, 4  # per hand, and per digit: from the wrist to the tip


@dataclass(frozen=True, eq=False)
class HandTurn:
    """The way from one hand to another, both (21, 3) about their wrist, in one unit.

    The palm takes the shortest turn. In its frame every digit is a chain: how its first bone points, and how each
    next one is bent from the one before, as a rotation vector in a frame that the bones carry along. Joints go evenly
    from bend to bend: a fist opens outwards, though its fingertips point where they will point in the end.

    Attributes:
        turn: of the palm, (3, 3).
        directions: where the first bones point at first, (5, 3).
        first, second: bends of the four joints of each digit, rotation vectors (5, 4, 3); those of the first bones
            are 0 and what turns them.
        lengths: of the bones, (2, 5, 4).
    """

    turn: Array
    directions: Array
    first: Array
    second: Array
    lengths: Array

    @classmethod
    def of(cls, first: Array, second: Array) -> HandTurn:
        """The way between two hands, (21, 3) each."""
        first, second = (hand - hand[:1] for hand in (first, second))
        turn = _palm_turn(first[_KNUCKLES], second[_KNUCKLES])
        (bones, lengths), (turned_bones, turned_lengths) = _bones(first), _bones(second @ turn)
        start = shortest(bones[:, 0], turned_bones[:, 0])
        eye = np.broadcast_to(np.eye(3), start.shape)
        first_bends = np.concatenate([np.zeros((_DIGITS, 1, 3)), _bends(bones, eye)], axis=1)
        second_bends = np.concatenate([to_vector(start)[:, None], _bends(turned_bones, start)], axis=1)
        return cls(turn, bones[:, 0], first_bends, second_bends, np.stack([lengths, turned_lengths]))

    @property
    def angle(self) -> float:
        """By how much the palm turns, in radians."""
        return float(np.linalg.norm(to_vector(self.turn)))

    @property
    def bend(self) -> float:
        """By how much the joint bends that bends most, in radians."""
        return float(np.linalg.norm(self.second - self.first, axis=-1).max())

    def at(self, share: Array) -> Array:
        """The hands (N, 21, 3), about their wrist, after shares (N,) of the way."""
        share = np.asarray(share, dtype=np.float64)
        part = share[:, None, None, None]
        bends = (1 - part) * self.first + part * self.second  # (N, 5, 4, 3)
        lengths = (1 - part[..., 0]) * self.lengths[0] + part[..., 0] * self.lengths[1]  # (N, 5, 4)
        points = np.zeros((len(share), 1 + _DIGITS * _BONES, 3))
        frame = np.broadcast_to(np.eye(3), (len(share), _DIGITS, 3, 3))
        direction = np.broadcast_to(self.directions, (len(share), _DIGITS, 3))
        joint = np.zeros((len(share), _DIGITS, 3))
        for bone in range(_BONES):
            rotation = from_vector((frame @ bends[:, :, bone, :, None])[..., 0])
            frame, direction = rotation @ frame, (rotation @ direction[..., None])[..., 0]
            joint = joint + lengths[:, :, bone, None] * direction
            points[:, 1 + bone :: _BONES] = joint
        return points @ np.swapaxes(between(np.eye(3), self.turn, share), -1, -2)


def bone_length(hand: Array) -> float:
    """Mean length of the bones of a hand (21, 3)."""
    return float(_bones(hand)[1].mean())


def _palm_turn(first: Array, second: Array) -> Array:
    """The rotation (3, 3) that turns the knuckles (4, 3) of one hand nearest to another's (W. Kabsch, 1976)."""
    left, _, right = np.linalg.svd(second.T @ first)
    handedness = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right)) or 1.0])
    return left @ handedness @ right


def _bones(hand: Array) -> tuple[Array, Array]:
    """Directions (5, 4, 3) and lengths (5, 4) of the bones of a hand (21, 3)."""
    digits = hand[1:].reshape(_DIGITS, _BONES, 3)
    vectors = np.diff(digits, axis=1, prepend=np.broadcast_to(hand[0], (_DIGITS, 1, 3)))
    lengths = np.linalg.norm(vectors, axis=-1)
    along = np.array([0.0, -1.0, 0.0])  # of a bone that nobody sees, as it points to the camera: any direction
    return np.where(lengths[..., None] > 1e-9, vectors / np.maximum(lengths, 1e-9)[..., None], along), lengths


def _bends(bones: Array, frame: Array) -> Array:
    """Bends (5, 3, 3) from each bone (5, 4, 3) to the next, in frames (5, 3, 3) that the first bones carry."""
    bends = []
    for bone in range(1, _BONES):
        rotation = shortest(bones[:, bone - 1], bones[:, bone])
        bends.append((np.swapaxes(frame, -1, -2) @ to_vector(rotation)[..., None])[..., 0])
        frame = rotation @ frame
    return np.stack(bends, axis=1)
