"""Both arms hold both hands: within reach and limits, what touches in its place, and not in body or each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.anatomy.arm import solve
from text_to_pose.signing.anatomy.collisions import Limbs, evasion, spread
from text_to_pose.signing.anatomy.haste import slowed
from text_to_pose.signing.anatomy.signs import Signs
from text_to_pose.signing.frame import mirrored_rotation
from text_to_pose.signing.hands.hand_model import forward, mirrored
from text_to_pose.signing.motion import HandMotion
from text_to_pose.signing.rotations import from_vector
from text_to_pose.signing.timing import FASTEST
from text_to_pose.signing.vectors import lengths

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
_ELSEWHERE = 0.005
"""Metres by which a wrist is moved that is somewhere else."""
_SLOWINGS = 4
"""How often hands that corrections make faster than people's are slowed."""


@dataclass(frozen=True, eq=False)
class Held:
    """Arms and hands, left and right, over T frames.

    Attributes:
        shoulders, elbows: (2, T, 3).
        rotations: of the hands, (2, T, 3, 3).
        hands: (2, T, 21, 3), the wrist first.
        turned: by how much the hands are not turned as they were to be, (2, T) radians.
        asked: where wrists were to be, (2, T, 3).
    """

    shoulders: Array
    elbows: Array
    rotations: Array
    hands: Array
    turned: Array
    asked: Array

    @property
    def wrists(self) -> Array:
        """(2, T, 3)."""
        return self.hands[:, :, 0]


def trunk(motion: Motion) -> tuple[Array, Array]:
    """How the head is turned, (T, 3, 3), and how far trunk and head are from where they rest, (T, 3) metres."""
    return from_vector(motion.head), motion.shoulders.mean(axis=1) * [1.0, 0.0, 1.0]


def hold(motion: Motion, body: Body) -> Held:
    """Both arms of a body as nearly as they can do a motion.

    Whatever is decided is decided for each sign alone, so that no sign changes what another one looks like.
    """
    shapes, wanted = hand_shapes(motion, body), _wrists(motion)
    head, sway = trunk(motion)
    signs = Signs.of(motion)
    held = _solved(motion, body, wanted, shapes, signs.numbers)
    touching = _shares(motion)
    held = _touching(motion, body, held, shapes, signs)
    for _ in range(_EVASIONS):
        shift = evasion(body, Limbs(held.hands, held.elbows), head, sway, motion.fps, touching, signs.numbers)
        if np.abs(shift).max(initial=0.0) < _SMALLEST_EVASION:
            break
        held = _moved(motion, body, held, held.wrists + shift, shapes, signs)
    longest = np.maximum(_steps(wanted), FASTEST * body.shoulder_width / motion.fps)
    for _ in range(_SLOWINGS):
        if (_steps(held.wrists) <= 1.001 * longest).all():
            break
        slower = slowed(held.wrists, longest, signs.numbers, 1 - np.minimum(touching, 0.95))
        held = _moved(motion, body, held, slower, shapes, signs)
    return held


def _moved(motion: Motion, body: Body, held: Held, wrists: Array, shapes: Array, signs: Signs) -> Held:
    """Arms with wrists elsewhere, (2, T, 3); those that are where they were stay as they are, out of reach as well."""
    same = np.exp(-lengths(wrists - held.wrists) / _ELSEWHERE)[..., None]
    asked = wrists + same * (held.asked - held.wrists)
    return _solved(motion, body, asked, shapes, signs.numbers, held.elbows)


def _touching(motion: Motion, body: Body, held: Held, shapes: Array, signs: Signs) -> Held:
    """With hands moved to what they are to touch, however arms turn them: both, if one touches the other."""
    if not motion.contacts:
        return held
    wanted, on_body = _wrists(motion), _shares(motion, on_body=True)
    count = len(signs.weights)
    least, step, going = np.full(count, np.inf), np.ones(count), np.ones(count, dtype=bool)
    best, pull, best_held = held.wrists - wanted, np.zeros_like(wanted), held
    best_asked, best_elbows = held.asked, held.elbows
    for again in range(_KEPT):
        shift, shares = _to_touch(motion, held, on_body)
        missed = signs.greatest(lengths(shift).max(axis=0))
        # Each sign is where it was best; one that got worse goes on from there, and less far.
        better, worse = missed < least, missed > _WORSE * least
        base = signs.chosen(worse, best, held.wrists - wanted)
        shift = signs.chosen(worse, pull, shift)
        best, pull = signs.chosen(better, held.wrists - wanted, best), signs.chosen(better, shift, pull)
        best_elbows = signs.chosen(better, held.elbows, best_elbows)
        best_asked = signs.chosen(better, held.asked, best_asked)
        best_held = held if better.all() else best_held if not better.any() else None
        least, step = np.minimum(least, missed), np.where(worse, 0.5 * step, step)
        going &= (missed >= _MISSED) & (step >= _LEAST_STEP)
        if not going.any():
            break
        shift = signs.factors(step)[:, None] * shift
        shift += (1 - np.minimum(shares, 1.0))[..., None] * (spread(shift, _BACK * motion.fps) - shift)
        correction = base + shift
        correction *= np.minimum(1, _FARTHEST / np.maximum(lengths(correction), 1e-9))[..., None]
        wrists = wanted + signs.chosen(going, correction, best)
        elbows = held.elbows
        far = going & (missed > _FAR)
        if again == 0 and far.any():
            # Far from where it was the hand may want another elbow.
            anew = _solved(motion, body, wrists, shapes, signs.numbers)
            elbows = signs.chosen(far, anew.elbows, elbows)
        held = _solved(motion, body, wrists, shapes, signs.numbers, elbows)
    return best_held or _solved(motion, body, best_asked, shapes, signs.numbers, best_elbows)


def _to_touch(motion: Motion, held: Held, on_body: Array) -> tuple[Array, Array]:
    """How far hands miss what they are to touch, (2, T, 3), and how surely they are to, (2, T); may be above 1."""
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
    return shift, shares


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


def _solved(
    motion: Motion,
    body: Body,
    wrists: Array,
    shapes: Array,
    parts: NDArray[np.int64],
    like: Array | None = None,
) -> Held:
    """Arms with wrists (2, T, 3) and the motion's rotations; left ones are mirrored, solved as right ones, and back.

    Their elbows are near some others (2, T, 3), or chosen, for each part (T,) alone, see `elbow.elbows`.
    """
    shoulder = np.swapaxes(body.shoulders + motion.shoulders, 0, 1)
    rotation = np.stack([mirrored_rotation(motion.left.rotation), motion.right.rotation])
    near = None if like is None else mirrored_left(like)
    arms = solve(body, mirrored_left(shoulder), mirrored_left(wrists), rotation, motion.fps, near, parts)
    return both(arms, shapes, wrists)


def both(arms: Arms, shapes: Array, asked: Array) -> Held:
    """Two right arms, the first of which is a left one mirrored, with hands of these shapes, (2, T, 21, 3)."""
    rotations = mirrored_left_rotations(arms.rotation)
    hands = mirrored_left(arms.wrist)[:, :, None] + shapes @ np.swapaxes(rotations, -1, -2)
    return Held(mirrored_left(arms.shoulder), mirrored_left(arms.elbow), rotations, hands, arms.turned, asked)


def hand_shapes(motion: Motion, body: Body) -> Array:
    """The points of both hands in their own frames, (2, T, 21, 3)."""
    shapes = forward(np.stack([motion.left.angles, motion.right.angles]), body.hand).points
    return np.stack([mirrored(shapes[LEFT]), shapes[RIGHT]])


def mirrored_left_rotations(rotations: Array) -> Array:
    """(2, T, 3, 3), the first of both mirrored."""
    return np.stack([mirrored_rotation(rotations[LEFT]), rotations[RIGHT]])


def _wrists(motion: Motion) -> Array:
    return np.stack([motion.left.wrist, motion.right.wrist])


def mirrored_left(points: Array) -> Array:
    """(2, T, 3), the first of both mirrored."""
    return points * _FLIP_LEFT


def _steps(wrists: Array) -> Array:
    """How far wrists (2, T, 3) go from each frame to the next, (2, T - 1) metres."""
    return lengths(wrists[:, 1:] - wrists[:, :-1])
