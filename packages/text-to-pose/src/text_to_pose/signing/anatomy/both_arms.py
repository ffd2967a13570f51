"""Both arms hold both hands: within reach and limits, what touches in its place, and not in body or each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.anatomy.arm import solve
from text_to_pose.signing.anatomy.collisions import Limbs, evasion, spread
from text_to_pose.signing.frame import mirrored_rotation
from text_to_pose.signing.hands.hand_model import forward, mirrored
from text_to_pose.signing.motion import HandMotion
from text_to_pose.signing.timing import FASTEST
from text_to_pose.signing.vectors import lengths

if TYPE_CHECKING:
    from text_to_pose.signing.anatomy.arm import Arms
    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.motion import HandSide, Motion
    from text_to_pose.signing.vectors import Array

LEFT, RIGHT = 0, 1
_SIDES: tuple[HandSide, ...] = ("left", "right")
_FLIP_LEFT = np.array([[[-1.0, 1.0, 1.0]], [[1.0, 1.0, 1.0]]])
_EVASIONS, _SMALLEST_EVASION = 2, 0.002
"""How often hands make way, as where they are pushed to may be out of reach, and by how many metres at least."""
_KEPT, _MISSED = 8, 0.002
"""How often hands are put back to what they are to touch, and by how many metres they may miss it."""
_WORSE, _LEAST_STEP = 1.1, 0.2
"""Hands that miss so much more than at best go there again, and on from there by half, but for no less of the way."""
_FAR, _FARTHEST = 0.02, 0.12
"""Metres by which hands miss what they are to touch that want another elbow for it, and by which they are at most put
back."""
_BACK = 0.08
"""Seconds (standard deviation) before and after a contact over which a hand is put back."""
_SLOWINGS, _STEPS, _SLOWER = 3, 60, 0.97
"""How often hands that corrections make faster than people's are slowed, in how many steps each, and to which share."""


@dataclass(frozen=True, eq=False)
class Held:
    """Arms and hands, left and right, over T frames.

    Attributes:
        shoulders, elbows: (2, T, 3).
        rotations: of the hands, (2, T, 3, 3).
        hands: (2, T, 21, 3), the wrist first.
        turned: by how much the hands are not turned as they were to be, (2, T) radians.
        arms: the same, the left one mirrored.
    """

    shoulders: Array
    elbows: Array
    rotations: Array
    hands: Array
    turned: Array
    arms: Arms

    @property
    def wrists(self) -> Array:
        """(2, T, 3)."""
        return self.hands[:, :, 0]


def hold(motion: Motion, body: Body, head: Array, sway: Array) -> Held:
    """Both arms as nearly as they can do a motion.

    Args:
        motion: what hands and shoulders do.
        body: whose.
        head: (T, 3, 3) how the head is turned.
        sway: (T, 3) how far trunk and head are from where they rest.
    """
    shapes = forward(np.stack([motion.left.angles, motion.right.angles]), body.hand).points
    shapes = np.stack([mirrored(shapes[LEFT]), shapes[RIGHT]])
    wanted = np.stack([motion.left.wrist, motion.right.wrist])
    held = _solved(motion, body, wanted, shapes)
    touching = _shares(motion)
    held = _touching(motion, body, held, shapes)
    for _ in range(_EVASIONS):
        shift = _in_the_way(body, held, head, sway, motion.fps, touching)
        if np.abs(shift).max(initial=0.0) < _SMALLEST_EVASION:
            break
        held = _solved(motion, body, held.wrists + shift, shapes, held)
    fastest = max(_speeds(wanted, motion.fps).max(), FASTEST * body.shoulder_width)
    for _ in range(_SLOWINGS):
        if _speeds(held.wrists, motion.fps).max() <= 1.001 * fastest:
            break
        slower = _slowed(held.wrists, touching, _SLOWER * fastest / motion.fps)
        held = _solved(motion, body, slower, shapes, held)
    return held


def _slowed(wrists: Array, fixed: Array, longest: float) -> Array:
    """Wrists (2, T, 3) whose steps are no longer, 0 to 1 as far as they are not fixed, (2, T), where they are."""
    wrists, free = wrists.copy(), 1 - np.minimum(fixed, 0.95)[..., None]
    weights = free[:, :-1] + free[:, 1:]
    for _ in range(_STEPS):
        steps = wrists[:, 1:] - wrists[:, :-1]
        length = lengths(steps)[..., None]
        over = np.maximum(1 - longest / np.maximum(length, 1e-9), 0.0)
        if not over.any():
            break
        wrists[:, :-1] += over * steps * free[:, :-1] / weights
        wrists[:, 1:] -= over * steps * free[:, 1:] / weights
    return wrists


def _touching(motion: Motion, body: Body, held: Held, shapes: Array) -> Held:
    """With hands moved to what they are to touch, however arms turn them: both, if one touches the other."""
    wanted = np.stack([motion.left.wrist, motion.right.wrist])
    best, least, step, pull = held, np.inf, 1.0, np.zeros_like(wanted)
    on_body = _shares(motion, on_body=True)
    for again in range(_KEPT if motion.contacts else 0):
        hands = {side: HandMotion(held.wrists[k], held.rotations[k], held.hands[k]) for k, side in enumerate(_SIDES)}
        shift, shares = np.zeros_like(held.wrists), np.zeros(held.wrists.shape[:2])
        for contact in motion.contacts:
            touch = contact.touch
            misses, row = contact.share[:, None] * touch.misses(hands), _SIDES.index(touch.hand)
            if touch.on is not None:
                # A hand that touches the body as well stays there, and the other one comes all the way.
                other = 0.5 * (1 + on_body[row] - on_body[1 - row])
                shift[1 - row] -= other[:, None] * misses
                shares[1 - row] += contact.share
                misses = misses * (1 - other)[:, None]
            shift[row] += misses
            shares[row] += contact.share
        shift /= np.maximum(shares, 1.0)[..., None]
        missed = float(lengths(shift).max(initial=0.0))
        if missed < least:
            best, least, pull = held, missed, shift.copy()
        elif missed > _WORSE * least:
            # Back to the best, and less far from there.
            held, shift, step = best, pull.copy(), 0.5 * step
        if missed < _MISSED or step < _LEAST_STEP:
            break
        shift = step * shift
        shift += (1 - np.minimum(shares, 1.0))[..., None] * (spread(shift, _BACK * motion.fps) - shift)
        correction = held.wrists + shift - wanted
        correction *= np.minimum(1, _FARTHEST / np.maximum(lengths(correction), 1e-9))[..., None]
        # Far from where it was the hand may want another elbow.
        like = None if again == 0 and missed > _FAR else held
        held = _solved(motion, body, wanted + correction, shapes, like)
    return best


def _shares(motion: Motion, *, on_body: bool = False) -> Array:
    """How surely hands are to touch something, or the body, (2, T)."""
    shares = np.zeros((2, len(motion)))
    for contact in motion.contacts:
        if on_body and contact.touch.on is not None:
            continue
        for side in {contact.touch.hand, contact.touch.on or contact.touch.hand}:
            row = _SIDES.index(side)
            shares[row] = np.maximum(shares[row], contact.share)
    return shares


def _in_the_way(body: Body, held: Held, head: Array, sway: Array, fps: float, touching: Array) -> Array:
    return evasion(body, Limbs(held.hands, held.elbows), head, sway, fps, touching)


def _solved(motion: Motion, body: Body, wrists: Array, shapes: Array, like: Held | None = None) -> Held:
    """Arms with wrists (2, T, 3) and the motion's rotations; left ones are mirrored, solved as right ones, and back."""
    shoulder = np.swapaxes(body.shoulders + motion.shoulders, 0, 1)
    rotation = np.stack([mirrored_rotation(motion.left.rotation), motion.right.rotation])
    near = None if like is None else like.arms
    arms = solve(body, _mirrored_left(shoulder), _mirrored_left(wrists), rotation, motion.fps, near)
    rotations = np.stack([mirrored_rotation(arms.rotation[LEFT]), arms.rotation[RIGHT]])
    hands = _mirrored_left(arms.wrist)[:, :, None] + shapes @ np.swapaxes(rotations, -1, -2)
    return Held(_mirrored_left(arms.shoulder), _mirrored_left(arms.elbow), rotations, hands, arms.turned, arms)


def _mirrored_left(points: Array) -> Array:
    """(2, T, 3), the first of both mirrored."""
    return points * _FLIP_LEFT


def _speeds(wrists: Array, fps: float) -> Array:
    """Of wrists (2, T, 3), the greater one of before and after each frame, (2, T) metres per second."""
    steps = lengths(wrists[:, 1:] - wrists[:, :-1]) * fps
    result = np.zeros(wrists.shape[:2])
    result[:, 1:] = steps
    result[:, :-1] = np.maximum(result[:, :-1], steps)
    return result
