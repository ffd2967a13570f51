"""Finger play: fingers that wiggle one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.handshapes import Digit
from text_to_pose.signing.hands.hand_model import LIMITS, MCP, PIP

if TYPE_CHECKING:
    from text_to_pose.hamnosys.movements import FingerPlay
    from text_to_pose.signing.vectors import Array

BENDS = {MCP: 32.0, PIP: 14.0}
"""How far the joints of a finger bend and back, in degrees."""
THUMB_BEND = 25.0
PERIOD = 0.32
"""Seconds in which a finger bends and stretches."""
DURATION = 0.8
LAG = 0.17
"""By which share of the period each finger is behind its neighbour: from the little finger on, as fingers drum."""
_FADE = 0.15
_FOLDED = np.radians(50.0)
"""Fingers whose knuckle is bent further are folded, and do not play unless they are named."""


def bends(play: FingerPlay, angles: Array, cycles: float, share: Array) -> Array:
    """What it adds to the angles of a hand, (n, 21) radians, nothing at the start and the end.

    Args:
        play: which fingers.
        angles: (21,) of the hand that plays; it stays within the limits of its joints.
        cycles: how often each finger bends and stretches.
        share: (n,) of the time, 0 to 1.
    """
    fade = np.clip(np.minimum(share, 1 - share) / _FADE, 0.0, 1.0)
    fade = fade**2 * (3 - 2 * fade)
    added = np.zeros((len(share), 21))
    for digit in play.fingers or Digit:
        finger = digit.number - 2
        if digit is Digit.THUMB:
            if play.fingers:
                added[:, 4] = np.radians(THUMB_BEND) * _wave(cycles * share) * fade
            continue
        first = 5 + 4 * finger
        if not play.fingers and angles[first + MCP] > _FOLDED and _others_are_straight(angles):
            continue
        wave = _wave(cycles * share - LAG * (3 - finger)) * fade
        for joint, degrees in BENDS.items():
            added[:, first + joint] = np.radians(degrees) * wave
    room_below, room_above = LIMITS[:, 0] - angles, LIMITS[:, 1] - angles
    # A finger that can bend no further stretches instead.
    turned = np.where(added.max(axis=0) > room_above, -1.0, 1.0)
    return np.clip(added * turned, np.minimum(room_below, 0.0), np.maximum(room_above, 0.0))


def _others_are_straight(angles: Array) -> bool:
    """Whether any finger is stretched; where all are folded, all play."""
    return bool((angles[5 + MCP :: 4] < _FOLDED).any())


def _wave(phase: Array) -> Array:
    return (1 - np.cos(2 * np.pi * phase)) / 2
