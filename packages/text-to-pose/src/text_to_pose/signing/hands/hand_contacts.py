"""Places on a hand, and where its parts run into each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.hands.hand_model import MEAN_HAND, forward

if TYPE_CHECKING:
    from text_to_pose.signing.hands.hand_model import Hands, Proportions
    from text_to_pose.signing.vectors import Array

PALM = 5
"""Digits 0 to 4 are thumb to pinky; the metacarpals follow, `PALM` + digit."""


@dataclass(frozen=True)
class Spot:
    """A place on a digit.

    Attributes:
        digit: 0 to 4, thumb to pinky; `PALM` + digit for the metacarpal of a finger.
        bone: 0 to 2, from the knuckle to the tip.
        along: 0 at the start of the bone, 1 at its end.
        palmar: how far from the bone to the palm's side, in half thicknesses; below 0 to the nail's.
        side: how far to the thumb's side, in half thicknesses.
    """

    digit: int
    bone: int = 2
    along: float = 1.0
    palmar: float = 0.0
    side: float = 0.0

    def on(self, hands: Hands, proportions: Proportions) -> Array:
        """Where it is, (..., 3)."""
        if self.digit > PALM:
            knuckle = proportions.palm[self.digit - PALM]
            inside = knuckle * self.along + np.array([0.0, 0.0, proportions.palm_radius * self.palmar])
            return np.broadcast_to(inside, (*hands.points.shape[:-2], 3))
        direction = hands.directions[..., self.digit, self.bone, :]
        palmar = hands.palmar[..., self.digit, self.bone, :]
        start = hands.points[..., 4 * self.digit + self.bone + 1, :]
        radius = proportions.radii[self.digit]
        on_bone = start + self.along * proportions.bones[self.digit, self.bone] * direction
        if self.palmar == self.side == 0:
            return on_bone
        return on_bone + radius * (self.palmar * palmar + self.side * np.cross(direction, palmar))


@dataclass(frozen=True)
class Contact:
    """Two places that meet, or keep a distance.

    Attributes:
        first: a spot.
        seconds: spots, the middle of which the first meets.
        gap: how far apart they are in metres, 0: they meet.
        below: how much nearer to the wrist the first is, in metres: how far a hand is open. Which of them reaches
            farther out of the palm does not count then.
        tolerance: the deviation in metres that weighs as much as a radian by which all else bends.
    """

    first: Spot
    seconds: tuple[Spot, ...]
    gap: float = 0.0
    below: float = 0.0
    tolerance: float = 0.0004

    def offset(self, hands: Hands, proportions: Proportions) -> Array:
        """What is missing in metres, (..., 3), or (..., 1) where there is a gap, (..., 2) where one is below."""
        second = np.mean([spot.on(hands, proportions) for spot in self.seconds], axis=0)
        difference = self.first.on(hands, proportions) - second + np.array([0.0, self.below, 0.0])
        if self.below > 0:
            return difference[..., :2]
        if self.gap == 0:
            return difference
        return np.linalg.norm(difference, axis=-1, keepdims=True) - self.gap

    def distance(self, angles: Array, proportions: Proportions = MEAN_HAND) -> Array:
        """By how much the places miss each other, (...,), metres."""
        return np.linalg.norm(self.offset(forward(angles, proportions), proportions), axis=-1)


@cache
def _pairs() -> tuple[Array, Array]:
    """Capsules that may not meet: 15 bones of digits, from the thumb on, then the metacarpals of the four fingers.

    Bones that hang together or lie side by side in the flesh of the palm are left out.
    """
    pairs = []
    for first in range(5):
        for second in range(first + 1, 5):
            pairs += [
                (3 * first + a, 3 * second + b)
                for a in range(3)
                for b in range(3)
                if not (a == b == 0 or (first == 0 and a == 0) or (first, second, a, b) == (0, 1, 1, 0))
            ]
        for metacarpal in range(4):
            free = (2,) if first == 0 and metacarpal == 0 else (1, 2)
            pairs += [(3 * first + a, 15 + metacarpal) for a in free]
    first, second = np.array(pairs).T
    return first, second


def depths(hands: Hands, proportions: Proportions, meeting: frozenset[tuple[int, int]] = frozenset()) -> Array:
    """By how much parts of a hand run into each other, (..., pairs), metres; below 0: the distance between them.

    Bones are capsules; the last ends where the tip of the finger is.

    Args:
        hands: the hands.
        proportions: what they were made with.
        meeting: pairs of digits, lower first, whose last bones are pressed together: they are left out.
    """
    starts, ends, radii = capsules(hands, proportions)
    first, second = _pairs()
    pressed = [(3 * a + 2, 3 * b + 2) for a, b in meeting]
    kept = np.array([pair not in pressed for pair in zip(first.tolist(), second.tolist(), strict=True)])
    first, second = first[kept], second[kept]
    distance = _between_segments(
        starts[..., first, :], ends[..., first, :], starts[..., second, :], ends[..., second, :]
    )
    return radii[first] + radii[second] - distance


def deepest(angles: Array, proportions: Proportions = MEAN_HAND, contacts: tuple[Contact, ...] = ()) -> Array:
    """The greatest of `depths`, (...,), of hands with these angles; what `contacts` press together may overlap."""
    return depths(forward(angles, proportions), proportions, pressed_together(contacts)).max(axis=-1)


def pressed_together(contacts: tuple[Contact, ...]) -> frozenset[tuple[int, int]]:
    """Digits whose tips meet in contacts."""
    pairs = set()
    for contact in contacts:
        if contact.gap == contact.below == 0 and contact.first.digit < PALM:
            for spot in contact.seconds:
                low, high = sorted((contact.first.digit, spot.digit))
                if spot.bone == contact.first.bone == 2 and high < PALM:
                    pairs.add((low, high))
    return frozenset(pairs)


def capsules(hands: Hands, proportions: Proportions) -> tuple[Array, Array, Array]:
    """Starts and ends (..., 19, 3) and radii (19,) of a hand's flesh: 15 bones of digits, then four metacarpals."""
    shape = hands.points.shape[:-2]
    digits = hands.points[..., 1:, :].reshape(*shape, 5, 4, 3)
    ends = digits[..., 1:, :].copy()
    ends[..., 2, :] -= proportions.radii[:, None] * hands.directions[..., 2, :]
    wrist = np.zeros((*shape, 4, 3))
    knuckles = np.broadcast_to(proportions.palm[1:], (*shape, 4, 3))
    starts = np.concatenate([digits[..., :-1, :].reshape(*shape, 15, 3), 0.3 * knuckles + wrist], axis=-2)
    ends = np.concatenate([ends.reshape(*shape, 15, 3), knuckles], axis=-2)
    radii = np.concatenate([np.repeat(proportions.radii, 3), np.full(4, proportions.palm_radius)])
    return starts, ends, radii


def _between_segments(a: Array, b: Array, c: Array, d: Array) -> Array:
    """The least distance of segments a-b and c-d (C. Ericson, Real-Time Collision Detection, 2005, 5.1.9)."""
    u, v, w = b - a, d - c, a - c
    uu, vv, uv = (u * u).sum(-1), (v * v).sum(-1), (u * v).sum(-1)
    uw, vw = (u * w).sum(-1), (v * w).sum(-1)
    across = uu * vv - uv * uv
    s = np.clip(np.where(across > 1e-15, (uv * vw - uw * vv) / np.maximum(across, 1e-15), 0.5), 0.0, 1.0)
    t = np.clip((uv * s + vw) / np.maximum(vv, 1e-15), 0.0, 1.0)
    s = np.clip((uv * t - uw) / np.maximum(uu, 1e-15), 0.0, 1.0)
    return np.linalg.norm(w + s[..., None] * u - t[..., None] * v, axis=-1)
