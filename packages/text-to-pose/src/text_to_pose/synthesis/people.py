"""Who signs, how fast and with which hand, and from where they are filmed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from text_to_pose.signing.anatomy.body import Body
from text_to_pose.signing.view import Camera

SIZE = (500, 400)
"""Picture of the cameras, in pixels: as wide as those of the fingerspelling clips, whose z it thereby matches."""
HELD_OUT = 10
"""Every so many people sign in validation and test only."""

# Cameras stand before the signer, as in dictionaries and before webcams: a little to a side, a little too high or low.
_TURN, _HEIGHT, _ROLL = 6.0, 0.12, 1.5  # degrees, metres, degrees
_NEAREST, _FARTHEST = 0.9, 3.0  # metres; a laptop on a table, a camera in a studio
_PERSON_SPEED, _CLIP_SPEED = 0.08, 0.05  # standard deviations of logarithms


@dataclass(frozen=True, eq=False)
class Person:
    """A signer.

    Attributes:
        name: of the manifest's column `person`.
        body: their sizes.
        left_handed: signs with the left hand.
        speed: how fast, relative to the usual speed.
    """

    name: str
    body: Body
    left_handed: bool
    speed: float


def person(number: int, seed: int, left_handed: float = 0.1) -> Person:
    """The person of a number, the same for a seed however many there are.

    Args:
        number: from 0.
        seed: of the data set.
        left_handed: the share of left-handers.
    """
    rng = generator(seed, 1, number)
    hand, speed = rng.uniform(), rng.standard_normal()
    return Person(f"{number:04}", Body.drawn(rng), bool(hand < left_handed), float(np.exp(_PERSON_SPEED * speed)))


def generator(seed: int, *purpose: int) -> np.random.Generator:
    """What draws for one purpose of a data set, by its seed, which may be negative."""
    return np.random.default_rng([seed % 2**64, *purpose])


def drawn_number(people: int, split: str, rng: np.random.Generator) -> int:
    """The number of one of so many people, who signs in a split.

    Those of the train split sign in no other, where there are enough of them.
    """
    held_out = people // HELD_OUT
    if not held_out:
        return int(rng.integers(people))
    if split == "train":
        i = int(rng.integers(people - held_out))
        return i + i // (HELD_OUT - 1)
    return int(rng.integers(held_out)) * HELD_OUT + HELD_OUT - 1


def camera(rng: np.random.Generator) -> Camera:
    """A random camera."""
    turn, height, roll = np.clip(rng.standard_normal(3), -2.5, 2.5)
    distance = float(np.exp(rng.uniform(np.log(_NEAREST), np.log(_FARTHEST))))
    # A camera that is near is not far above the eyes either.
    height = float(height * _HEIGHT * min(distance, 2.0))
    return Camera(float(turn * _TURN), height, float(roll * _ROLL), distance, SIZE)


def clip_speed(rng: np.random.Generator) -> float:
    """How much faster one clip is than the person's others."""
    return float(np.exp(_CLIP_SPEED * np.clip(rng.standard_normal(), -2.5, 2.5)))
