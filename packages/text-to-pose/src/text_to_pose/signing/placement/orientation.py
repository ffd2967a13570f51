"""How a hand is turned: extended finger direction and palm orientation as a rotation.

A palm orientation is the turn of the hand about its fingers, named by where the palm faces when the fingers point out.
From there the hand is pitched up or down and then headed to the side, with the signer's head kept upright: fingers that
point up and left have palm `d` down and left, `l` towards the signer. Where fingers point back at the signer, left and
right are the signer's own again (`extfingeril palmr` is the index finger at the chest, palm towards it). One open
engine reads the notation so (upf-gti/performs), and German signs that are transcribed in SignWriting as well agree: of
41 with fingers up and left and palm `l`, 35 show the palm, of 17 with palm `d` 12 the back from above or the edge.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.directions import Direction
from text_to_pose.signing.frame import vector
from text_to_pose.signing.vectors import cross

if TYPE_CHECKING:
    from text_to_pose.hamnosys.postures import FingerDirection, Palm
    from text_to_pose.signing.vectors import Array

_NOTHING = 1e-6


def finger_vector(direction: FingerDirection) -> Array:
    """Where the extended fingers point, (3,), length 1; between two directions halfway."""
    first = vector(direction.direction)
    if direction.between is None:
        return first
    both = first + vector(direction.between)
    length = float(np.linalg.norm(both))
    return both / length if length > _NOTHING else first


def hand_rotation(direction: FingerDirection, palm: Palm) -> Array:
    """The rotation (3, 3) of either hand: fingers and palm face in the directions that are said."""
    fingers = finger_vector(direction)
    if palm.absolute:
        return _facing(fingers, vector(palm.direction))
    turn = _dial(palm)
    # Straight up and down belong to the fingers that point out.
    if fingers[2] < -_NOTHING:
        turn = -turn
    return turned(fingers, turn)


def turned(fingers: Array, turn: float) -> Array:
    """The rotation (3, 3) of a hand whose fingers point there, turned about them.

    Args:
        fingers: (3,), length 1.
        turn: in radians, 0 for palm down and a quarter for palm left where the fingers point out.
    """
    pitch = math.asin(min(max(float(fingers[1]), -1.0), 1.0))
    heading = math.atan2(fingers[0], fingers[2]) if math.hypot(fingers[0], fingers[2]) > _NOTHING else 0.0
    normal = np.array([math.sin(turn), -math.cos(turn), 0.0])
    up_and_down = np.array(
        [[1, 0, 0], [0, math.cos(pitch), math.sin(pitch)], [0, -math.sin(pitch), math.cos(pitch)]], dtype=np.float64
    )
    sideways = np.array(
        [[math.cos(heading), 0, math.sin(heading)], [0, 1, 0], [-math.sin(heading), 0, math.cos(heading)]],
        dtype=np.float64,
    )
    return _frame(fingers, sideways @ up_and_down @ normal)


def mirrored_direction(direction: FingerDirection) -> FingerDirection:
    """That of the other hand, left and right exchanged."""
    return replace(
        direction,
        direction=_exchanged(direction.direction),
        between=None if direction.between is None else _exchanged(direction.between),
    )


def mirrored_palm(palm: Palm) -> Palm:
    """That of the other hand, left and right exchanged."""
    return replace(
        palm,
        direction=_exchanged(palm.direction),
        between=None if palm.between is None else _exchanged(palm.between),
    )


def _exchanged(direction: Direction) -> Direction:
    right, up, out = direction.axes
    return Direction.of(-right, up, out) or direction


def _dial(palm: Palm) -> float:
    """Radians from palm down, to the left."""
    first = _angle(palm.direction)
    if palm.between is None:
        return first
    step = (_angle(palm.between) - first + math.pi) % (2 * math.pi) - math.pi
    return first + step / 2


def _angle(direction: Direction) -> float:
    right, up, _ = direction.axes
    return math.atan2(-right, -up)


def _facing(fingers: Array, palm: Array) -> Array:
    """The palm as near to its direction as the fingers let it; where they point there too, as when they point out."""
    normal = palm - (palm @ fingers) * fingers
    length = float(np.linalg.norm(normal))
    return _frame(fingers, normal / length) if length > 0.05 else turned(fingers, math.pi / 2)


def _frame(fingers: Array, normal: Array) -> Array:
    return np.stack([cross(fingers, normal), fingers, normal], axis=1)
