"""Arms at other times than those at which they were found: what they do differently from a motion goes on in between.

So a figure is the same at any number of frames per second, at the instants that these have in common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.anatomy.arm import held_near
from text_to_pose.signing.anatomy.both_arms import both, hand_shapes, mirrored_left, mirrored_left_rotations
from text_to_pose.signing.rotations import from_vector, to_vector

if TYPE_CHECKING:
    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.anatomy.both_arms import Held
    from text_to_pose.signing.motion import Motion
    from text_to_pose.signing.vectors import Array


def at_frames(motion: Motion, body: Body, found: Held, known: Motion) -> Held:
    """Arms at the frames of a motion, found at those of the same motion at another rate; bones and limits are kept."""
    at: Array = np.arange(len(motion), dtype=np.float64) * (known.fps / motion.fps)
    (shoulders, wrists, rotations), (known_shoulders, known_wrists, known_rotations) = _asked(motion), _asked(known)
    shoulders = shoulders + between(found.shoulders - known_shoulders, at)
    wrists = wrists + between(found.wrists - known_wrists, at)
    turns = to_vector(np.swapaxes(known_rotations, -1, -2) @ found.rotations)
    asked = mirrored_left_rotations(rotations)
    turned = mirrored_left_rotations(rotations @ from_vector(between(turns, at)))
    elbows = mirrored_left(between(found.elbows, at))
    arms = held_near(body, mirrored_left(shoulders), mirrored_left(wrists), turned, elbows, asked)
    return both(arms, hand_shapes(motion, body))


def _asked(motion: Motion) -> tuple[Array, Array, Array]:
    """Shoulders' displacements and wrists, (2, T, 3) each, and rotations (2, T, 3, 3) of a motion."""
    hands = (motion.left, motion.right)
    wrists, rotations = np.stack([hand.wrist for hand in hands]), np.stack([hand.rotation for hand in hands])
    return np.swapaxes(motion.shoulders, 0, 1), wrists, rotations


def between(values: Array, at: Array) -> Array:
    """Values (A, T, D) at frames (n,) and between, (A, n, D): a smooth curve through them (Catmull-Rom)."""
    last = values.shape[1] - 1
    # Whole numbers within rounding are whole, so that nothing is lost at times that both rates have.
    at = np.minimum(np.where(np.abs(at - np.round(at)) < 1e-6, np.round(at), at), last)
    frame = np.floor(at).astype(np.int64)
    share = (at - frame)[:, None]
    before, first, second, after = (values[:, np.clip(frame + offset, 0, last)] for offset in (-1, 0, 1, 2))
    slope, next_slope = (second - before) / 2, (after - first) / 2
    rise = second - first
    bend, twist = 3 * rise - 2 * slope - next_slope, slope + next_slope - 2 * rise
    return first + share * (slope + share * (bend + share * twist))
