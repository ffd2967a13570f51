"""Hands and forearms kept out of trunk and head and of each other, by the least shift of the hands.

What is to touch may: surfaces give way by some millimetres, and fingers may go between fingers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.anatomy.body_surface import intrusion, outward
from text_to_pose.signing.anatomy.signs import apart
from text_to_pose.signing.vectors import lengths, unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.vectors import Array

_PALM = (0, 5, 9, 13, 17)
_PALM_RADIUS, _FOREARM_RADIUS = 0.012, 0.027
_FINGER_RADIUS = 0.007
"""Half thicknesses in metres; a palm's is that of balls about its wrist, knuckles and middle."""
_GIVES_WAY = 0.008
"""How far bodies may be in each other, in metres."""
_TOUCHING_GIVES_WAY = 0.014
"""And how much farther where they touch."""
_ALONG = (0.0, 0.25, 0.5, 0.75)
"""Where the balls of a forearm are, from the wrist on."""
_SPREAD = 0.08
"""Seconds (standard deviation) before and after a collision over which hands make way."""
_APART = 0.16
"""Seconds from a sign to where hands make way as they have to for what is not in it."""
_ROUNDS = 8
_SMALLEST = 5e-4
"""Metres: less is not worth a move."""
_COARSE, _NEAR = (0, 9, 12), 0.2
"""Points of a hand by which it is seen at once that hands are too far apart to meet, if these are so far apart."""


@dataclass(frozen=True, eq=False)
class Limbs:
    """Hands and forearms, left and right, over T frames.

    Attributes:
        hands: (2, T, 21, 3).
        elbows: (2, T, 3).
    """

    hands: Array
    elbows: Array

    @property
    def palms(self) -> Array:
        """Balls of the palms, (2, T, 6, 3)."""
        palm = self.hands[:, :, _PALM]
        return np.concatenate([palm, palm.mean(axis=2, keepdims=True)], axis=2)

    @property
    def forearms(self) -> Array:
        """Balls of the forearms, (2, T, 4, 3)."""
        along = np.array(_ALONG)[:, None]
        return self.hands[:, :, :1] * (1 - along) + self.elbows[:, :, None] * along


def evasion(
    body: Body,
    limbs: Limbs,
    head: Array,
    sway: Array,
    fps: float,
    touching: Array | None = None,
    parts: NDArray[np.int64] | None = None,
) -> Array:
    """By how much hands have to be elsewhere so that nothing is in anything else, (2, T, 3) metres; mostly 0.

    Args:
        body: whose.
        limbs: where they would be.
        head: (T, 3, 3) how the head is turned.
        sway: (T, 3) how far trunk and head are from where they rest.
        fps: frames per second.
        touching: 0 to 1, (2, T), how surely a hand touches: then it stays there if it is not too deep in anything, and
            makes way for nothing that comes before or after. None: nothing does.
        parts: (T,) which sign a frame belongs to, -1 between signs: signs make way for nothing there. None: all is one.
    """
    touching = np.zeros(limbs.elbows.shape[:2]) if touching is None else touching
    shift = np.zeros_like(limbs.elbows)
    active = np.ones(len(head), dtype=bool)
    outside = apart(parts, _APART * fps)
    for _ in range(_ROUNDS):
        now = Limbs(limbs.hands[:, active] + shift[:, active, None], limbs.elbows[:, active])
        push = np.zeros_like(shift)
        allowed = _GIVES_WAY + _TOUCHING_GIVES_WAY * touching[:, active]
        push[:, active] = _out_of_body(body, now, head[active], sway[active], allowed)
        push[:, active] += _out_of_each_other(now, allowed.max(axis=0))
        push[:, np.abs(push).max(axis=(0, 2)) < _SMALLEST] = 0.0
        if not push.any():
            break
        push = push + (1 - touching[..., None]) * (_spread_apart(push, _SPREAD * fps, outside) - push)
        shift = shift + push
        active = (np.abs(push) > 0).any(axis=(0, 2))
    return shift


def _out_of_body(body: Body, limbs: Limbs, head: Array, sway: Array, allowed: Array) -> Array:
    """(2, T, 3) along the surface's normal where a hand is deepest in it."""
    points = limbs.hands - sway[:, None]
    deep = intrusion(body, points, _FINGER_RADIUS, head[:, None])
    amount = deep.max(axis=-1) - allowed
    push = np.zeros_like(limbs.elbows)
    found = amount > 0
    if found.any():
        deepest = deep[found].argmax(axis=-1)
        at = points[found][np.arange(len(deepest)), deepest]
        turned = np.broadcast_to(head, (2, *head.shape))
        push[found] = amount[found, None] * outward(body, at, turned[found])
    return push


def _out_of_each_other(limbs: Limbs, allowed: Array) -> Array:
    """(2, T, 3) apart where the two come nearest to each other's middle, each by half."""
    push = np.zeros_like(limbs.elbows)
    left, right = np.concatenate([limbs.hands[:, :, _COARSE], limbs.forearms[:, :, 2:]], axis=2)
    near = (((left[:, :, None] - right[:, None]) ** 2) @ np.ones(3)).min(axis=(1, 2)) < _NEAR**2
    if not near.any():
        return push
    here = Limbs(limbs.hands[:, near], limbs.elbows[:, near])
    (left, right), (palm, other_palm), (forearm, other_forearm) = here.hands, here.palms, here.forearms
    pairs = (
        (palm, right, _PALM_RADIUS + _FINGER_RADIUS),
        (left, other_palm, _PALM_RADIUS + _FINGER_RADIUS),
        (palm, other_palm, 2 * _PALM_RADIUS),
        (forearm, right, _FOREARM_RADIUS + _FINGER_RADIUS),
        (left, other_forearm, _FOREARM_RADIUS + _FINGER_RADIUS),
        (forearm, other_forearm, 2 * _FOREARM_RADIUS),
    )
    most, direction = np.zeros(len(left)), np.zeros((len(left), 3))
    for first, second, radii in pairs:
        apart = (first[:, :, None] - second[:, None]).reshape(len(left), -1, 3)
        too_near = np.maximum(radii - allowed[near, None] - lengths(apart), 0.0)
        most = np.maximum(most, too_near.max(axis=1))
        direction += (too_near[:, None] @ apart)[:, 0]
    if not most.any():
        return push
    # Balls in each other's middle tell no direction: hands go on to the side on which they are.
    middle = left.mean(axis=1) - right.mean(axis=1)
    half = 0.5 * most[:, None] * unit(unit(direction) + 0.3 * unit(middle))
    push[:, near] = np.stack([half, -half])
    return push


def _spread_apart(push: Array, frames: float, outside: Array | None) -> Array:
    """As `spread`, but shifts for what is outside signs, 0 to 1 (T,), rise from where signs end."""
    if outside is None:
        return spread(push, frames)
    between = outside > 0
    result = np.zeros_like(push)
    for where, weight in ((~between, 1.0), (between, outside[:, None])):
        if push[:, where].any():
            result = result + weight * spread(push * where[:, None], frames)
    return result


def spread(push: Array, frames: float) -> Array:
    """Shifts (2, T, 3) that rise to each push and fall again, by a Gaussian of a standard deviation in frames."""
    size = lengths(push)
    most, direction = size, push
    length = push.shape[1]
    for offset in range(1, min(int(np.ceil(3 * frames)) + 1, length)):
        weight = np.exp(-0.5 * (offset / frames) ** 2)
        for to, of in ((slice(offset, None), slice(None, -offset)), (slice(None, -offset), slice(offset, None))):
            most = most.copy()
            most[:, to] = np.maximum(most[:, to], weight * size[:, of])
            direction = direction.copy()
            direction[:, to] += weight * push[:, of]
    norm = np.linalg.norm(direction, axis=-1, keepdims=True)
    result: Array = np.where(norm > 0, direction / np.maximum(norm, 1e-12), 0.0) * most[..., None]
    return result
