"""Hands that are not in the body or in each other: pushed away, or tilted about what they touch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.anatomy.body_surface import intrusion
from text_to_pose.signing.rotations import from_vector
from text_to_pose.signing.vectors import cross, dot, lengths, within

if TYPE_CHECKING:
    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.hands.solid_hand import SolidHand
    from text_to_pose.signing.vectors import Array

_GIVE = 0.004
"""How far flesh gives way, in metres."""
_TILT = np.radians(30.0)
"""By how much a hand tilts at most about what it touches."""
_PUSH = 0.006
"""And how far it may go from there."""
_LEVER = 0.02
"""What is nearer to the contact than that cannot be tilted away, in metres."""
_ROUNDS = 6


def samples(hand: SolidHand) -> tuple[Array, Array]:
    """Balls that fill a hand, from its wrist: middles (n, 3) and radii (n,)."""
    middles = np.concatenate([hand.starts, (hand.starts + hand.ends) / 2, hand.ends])
    return middles, np.concatenate([hand.radii] * 3)


def in_body(body: Body, points: Array, radii: Array) -> Array:
    """How far balls are in the body, (n,) metres; 0: not at all.

    Args:
        body: whose.
        points: their middles, (n, 3).
        radii: (n,).
    """
    return intrusion(body, points, radii)


def in_hand(other: SolidHand, wrist: Array, points: Array, radii: Array) -> Array:
    """How far balls are in another hand, whose wrist (3,) is given, (n,) metres."""
    points = (points - wrist)[:, None]
    bones = other.ends - other.starts
    along = within(dot(points - other.starts, bones) / dot(bones, bones), 0.0, 1.0)
    distance = lengths(points - other.starts - along[..., None] * bones)
    deepest: Array = (other.radii - distance).max(axis=1) + radii
    return deepest


def pushed_out(body: Body, hand: SolidHand, wrist: Array, away: Array) -> Array:
    """The wrist (3,) of a hand that is pushed away until it is not in the body."""
    middles, radii = samples(hand)
    for _ in range(_ROUNDS):
        inside = float(in_body(body, wrist + middles, radii).max()) - _GIVE
        if inside <= 0:
            break
        wrist = wrist + (inside + 0.001) * away
    return wrist


def tilted(
    body: Body,
    hand: SolidHand,
    part: Array,
    target: Array,
    away: Array,
    *,
    other: tuple[SolidHand, Array] | None = None,
) -> tuple[Array, Array]:
    """How a hand that touches turns and moves so as not to be in the body, or in the other hand.

    Args:
        body: whose.
        hand: the hand.
        part: (3,) what touches, from the wrist.
        target: (3,) what it touches.
        away: (3,) out of the skin there.
        other: the other hand and its wrist (3,), if that is what is touched.

    Returns:
        A rotation (3, 3) about the contact and a shift (3,), as small as they can be.
    """
    middles, radii = samples(hand)
    middles = middles - part
    turned, shift, left = np.eye(3), 0.0, float(_TILT)
    for _ in range(_ROUNDS):
        arms = middles @ turned.T
        points = target + shift * away + arms
        inside = in_body(body, points, radii) - _GIVE
        if other is not None:
            inside = np.maximum(inside, in_hand(*other, points, radii) - _GIVE)
        deepest = int(np.argmax(inside))
        excess = float(inside[deepest])
        if excess <= 0 or (shift == _PUSH and left == 0):
            break
        axis = cross(arms[deepest], away)
        lever = math.hypot(*axis)
        if lever < _LEVER or left == 0:
            shift = min(shift + excess, _PUSH)
            continue
        angle = min(excess / lever, left)
        left -= angle
        turned = from_vector(axis / lever * angle) @ turned
    return turned, shift * away
