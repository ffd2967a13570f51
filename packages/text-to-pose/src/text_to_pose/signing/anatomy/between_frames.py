"""Arms at other times than those at which they were found: what they do differently from a motion goes on in between.

So a figure is the same at any number of frames per second, at the instants that these have in common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.anatomy.arm import held_near
from text_to_pose.signing.anatomy.both_arms import both, hand_shapes, mirrored_left, mirrored_left_rotations
from text_to_pose.signing.rotations import from_vector, to_vector
from text_to_pose.signing.vectors import lengths, within

if TYPE_CHECKING:
    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.anatomy.both_arms import Held
    from text_to_pose.signing.motion import Motion
    from text_to_pose.signing.vectors import Array

_WHOLE = 1e-6
"""Of a frame: a time that is no farther from it is its time."""
_STEADY = 0.004
"""Metres by which corrections change from a frame to the next where what is asked for is followed in between."""


def at_frames(motion: Motion, body: Body, found: Held, known: Motion) -> Held:
    """Arms at the frames of a motion, found at those of the same motion at another rate; bones and limits are kept."""
    at: Array = np.arange(len(motion), dtype=np.float64) * (known.fps / motion.fps)
    (shoulders, wrists, rotations), (known_shoulders, known_wrists, known_rotations) = _asked(motion), _asked(known)
    shoulders = shoulders + between(found.shoulders - known_shoulders, at)
    wrists = _wrists(wrists, found.wrists - known_wrists, found.wrists, at)
    turns = to_vector(np.swapaxes(known_rotations, -1, -2) @ found.rotations)
    asked = mirrored_left_rotations(rotations)
    turned = mirrored_left_rotations(rotations @ from_vector(between(turns, at)))
    elbows = mirrored_left(between(found.elbows, at))
    arms = held_near(body, mirrored_left(shoulders), mirrored_left(wrists), turned, elbows, asked)
    return both(arms, hand_shapes(motion, body), wrists)


def _wrists(asked: Array, corrections: Array, found: Array, at: Array) -> Array:
    """Wrists (2, n, 3): as asked and corrected, but straight from frame to frame where corrections change a lot."""
    last = found.shape[1] - 1
    if last == 0:
        return asked + corrections
    change = lengths(np.diff(corrections, axis=1))
    frame = np.minimum(np.floor(at + _WHOLE).astype(np.int64), last - 1)
    straight = within((change[:, frame, None] - _STEADY) / _STEADY, 0.0, 1.0)
    share = within(at - frame, 0.0, 1.0)[:, None]
    line = found[:, frame] + share * (found[:, frame + 1] - found[:, frame])
    return (1 - straight) * (asked + between(corrections, at)) + straight * line


def _asked(motion: Motion) -> tuple[Array, Array, Array]:
    """Shoulders' displacements and wrists, (2, T, 3) each, and rotations (2, T, 3, 3) of a motion."""
    hands = (motion.left, motion.right)
    wrists, rotations = np.stack([hand.wrist for hand in hands]), np.stack([hand.rotation for hand in hands])
    return np.swapaxes(motion.shoulders, 0, 1), wrists, rotations


def between(values: Array, at: Array) -> Array:
    """Values (A, T, D) at frames (n,) and between, (A, n, D): a smooth curve through them (Catmull-Rom)."""
    last = values.shape[1] - 1
    # Whole numbers within rounding are whole, so that nothing is lost at times that both rates have.
    at = np.minimum(np.where(np.abs(at - np.round(at)) < _WHOLE, np.round(at), at), last)
    frame = np.floor(at).astype(np.int64)
    share = (at - frame)[:, None]
    before, first, second, after = (values[:, np.clip(frame + offset, 0, last)] for offset in (-1, 0, 1, 2))
    slope, next_slope = (second - before) / 2, (after - first) / 2
    rise = second - first
    bend, twist = 3 * rise - 2 * slope - next_slope, slope + next_slope - 2 * rise
    return first + share * (slope + share * (bend + share * twist))
