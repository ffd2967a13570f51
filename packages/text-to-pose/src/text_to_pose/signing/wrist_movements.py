"""Movements of the wrist and of the forearm about itself: how a hand turns while its wrist stays where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.movements import Size, WristMovementKind
from text_to_pose.signing.rotations import from_vector

if TYPE_CHECKING:
    from text_to_pose.hamnosys.movements import WristMovement
    from text_to_pose.signing.hand_model import Array

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


def turns(movement: WristMovement, cycles: int, share: Array, *, mirrored: bool = False, scale: float = 1.0) -> Array:
    """Rotations (n, 3, 3) in the frame of the hand, to be multiplied from the right; none at the start and the end.

    Args:
        movement: kind and size.
        cycles: how often there and back.
        share: (n,) of the time, 0 to 1.
        mirrored: of the hand that mirrors the one that is described.
        scale: larger or smaller than its size says.
    """
    amplitude = np.radians(AMPLITUDES[movement.kind]) * SIZES[movement.size] * scale
    fade = np.clip(np.minimum(share, 1 - share) / _FADE, 0.0, 1.0)
    swing = amplitude * np.sin(2 * np.pi * cycles * share) * fade**2 * (3 - 2 * fade)
    away = amplitude * np.cos(2 * np.pi * cycles * share) * fade**2 * (3 - 2 * fade)
    nothing = np.zeros_like(swing)
    # About the hand's x a positive angle bends the palm forward, about its z the fingers to the right hand's little
    # finger, about its y the forearm. Clockwise is as seen along the fingers, from the wrist.
    vectors = {
        WristMovementKind.NODDING: (swing, nothing, nothing),
        WristMovementKind.SWINGING: (nothing, nothing, swing),
        WristMovementKind.TWISTING: (nothing, swing, nothing),
        WristMovementKind.STIR_CLOCKWISE: (away, nothing, -swing),
        WristMovementKind.STIR_COUNTERCLOCKWISE: (away, nothing, swing),
    }
    rotation = from_vector(np.stack(vectors[movement.kind], axis=-1))
    if mirrored:
        flip = np.diag([-1.0, 1.0, 1.0])
        rotation = flip @ rotation @ flip
    return rotation
