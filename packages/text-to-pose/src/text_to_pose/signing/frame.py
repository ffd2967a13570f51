"""The signer's frame of reference: x to the signer's left, y up, z out, in metres from the middle of the shoulders.

It is right-handed, and a camera in front of the signer sees x to the right: its picture is (x, -y, -z), y down and z
away from the camera. The frame of a hand is that of `hand_model`: its rotation's columns are where x, y (the extended
fingers) and z (out of the palm) point. x points to the thumb of a right hand and away from the thumb of a left one, so
that every rotation is a proper one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from text_to_pose.hamnosys.directions import Direction
    from text_to_pose.signing.vectors import Array

_FLIPPED = np.array([[1.0, -1.0, -1.0], [-1.0, 1.0, 1.0], [-1.0, 1.0, 1.0]])


def vector(direction: Direction) -> Array:
    """The unit vector (3,) of a direction in the signer's frame."""
    right, up, out = direction.vector
    return np.array([-right, up, out])


def mirrored_rotation(rotation: Array) -> Array:
    """The rotation (..., 3, 3) of the other hand when both mirror each other at the plane x = 0."""
    return rotation * _FLIPPED
