"""Movements of the wrist and of the forearm about itself: how a hand turns while its wrist stays where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.movements import Size, WristMovementKind
from text_to_pose.signing.anatomy.wrist import WRIST_LIMITS, bent
from text_to_pose.signing.frame import mirrored_rotation

if TYPE_CHECKING:
    from text_to_pose.hamnosys.movements import WristMovement
    from text_to_pose.signing.vectors import Array

AMPLITUDES = {
    WristMovementKind.NODDING: 25.0,
    WristMovementKind.SWINGING: 18.0,
    WristMovementKind.TWISTING: 32.0,
    WristMovementKind.STIR_CLOCKWISE: 16.0,
    WristMovementKind.STIR_COUNTERCLOCKWISE: 16.0,
}
"""To each side, in degrees: about half of what a wrist and a forearm can do (AAOS, 1965: extension 70, flexion 80, 20
and 30 sideways, 80 about the forearm)."""
SIZES = {Size.SMALL: 0.5, None: 1.0, Size.LARGE: 1.5}
CYCLES = 2
"""How often there and back, of one that is not said to be repeated: half a movement would be a change of posture."""
PERIOD = 0.36
"""Seconds there and back; real nods and twists take 0.25 to 0.45."""
_FADE = 0.15
"""The share of the time over which it sets in and dies away."""


_ROOM = np.radians(3.0)
"""How near to a limit of the joints it comes at most, so that none cuts it."""
_FLEXION, _DEVIATION, _TURN = range(3)
"""Angles of a wrist, as `wrist.wrist_angles` has them."""
_MOVED = {
    WristMovementKind.NODDING: [_FLEXION],
    WristMovementKind.SWINGING: [_DEVIATION],
    WristMovementKind.TWISTING: [_TURN],
    WristMovementKind.STIR_CLOCKWISE: [_FLEXION, _DEVIATION],
    WristMovementKind.STIR_COUNTERCLOCKWISE: [_FLEXION, _DEVIATION],
}
_STRAIGHT: Array = np.zeros(3)


def turns(
    movement: WristMovement,
    cycles: int,
    share: Array,
    joints: Array = _STRAIGHT,
    *,
    left: bool = False,
    other_way: bool = False,
    scale: float = 1.0,
) -> Array:
    """Rotations (n, 3, 3) in the frame of the hand, to be multiplied from the right; none at the start and the end.

    The joints move, not the hand: where they have no room on both sides, the middle is moved to where they have it.

    Args:
        movement: kind and size.
        cycles: how often there and back.
        share: (n,) of the time, 0 to 1.
        joints: (3,) the angles of the wrist at the start (`wrist.wrist_angles`), of a left one as of a right one.
        left: of the left hand.
        other_way: round the other way.
        scale: larger or smaller than its size says.
    """
    amplitude = np.radians(AMPLITUDES[movement.kind]) * SIZES[movement.size]
    fade = np.clip(np.minimum(share, 1 - share) / _FADE, 0.0, 1.0)
    fade = (fade**2 * (3 - 2 * fade))[:, None]
    phase = 2 * np.pi * cycles * share
    swing = scale * amplitude * np.sin(phase)
    offsets = np.zeros((len(share), 3))
    if movement.kind in (WristMovementKind.NODDING, WristMovementKind.TWISTING):
        offsets[:, _MOVED[movement.kind][0]] = swing
    elif movement.kind is WristMovementKind.SWINGING:
        offsets[:, _DEVIATION] = -swing  # to the little finger first
    else:
        # Clockwise is as seen along the fingers, from the wrist.
        clockwise = movement.kind is WristMovementKind.STIR_CLOCKWISE
        offsets[:, _FLEXION] = scale * amplitude * np.cos(phase)
        offsets[:, _DEVIATION] = swing if clockwise != other_way else -swing
    low, high = WRIST_LIMITS.T
    room = np.full(3, _ROOM)
    room[_MOVED[movement.kind]] += amplitude
    room = np.minimum(room, (high - low) / 2)
    middle = np.clip(joints, low + room, high - room)
    rotation = bent(joints).T @ bent(joints + fade * (middle - joints + offsets))
    return mirrored_rotation(rotation) if left else rotation
