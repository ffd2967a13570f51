"""Directions: the 26 of HamNoSys, and the points of a dial."""

from __future__ import annotations

import enum
import math
from functools import cached_property

_AXES = {"r": (1, 0, 0), "l": (-1, 0, 0), "u": (0, 1, 0), "d": (0, -1, 0), "o": (0, 0, 1), "i": (0, 0, -1)}


class Direction(enum.Enum):
    """One of 26 directions, from the signer's point of view: the letters are SiGML's.

    `u` up, `d` down, `l` left, `r` right, `o` out (away from the signer), `i` in (towards the signer). Of the 26, 18
    have a symbol as an extended finger direction or a movement; the other eight, with three letters, are written as
    two extended finger directions one after the other: `uo ol` is `uol`.
    """

    U = "u"
    UR = "ur"
    R = "r"
    DR = "dr"
    D = "d"
    DL = "dl"
    L = "l"
    UL = "ul"
    OL = "ol"
    O = "o"  # noqa: E741
    OR = "or"
    IL = "il"
    I = "i"  # noqa: E741
    IR = "ir"
    UI = "ui"
    DI = "di"
    DO = "do"
    UO = "uo"
    UOL = "uol"
    UOR = "uor"
    UIL = "uil"
    UIR = "uir"
    DOL = "dol"
    DOR = "dor"
    DIL = "dil"
    DIR = "dir"

    @cached_property
    def axes(self) -> tuple[int, int, int]:
        """Steps to the right, up and out: -1, 0 or 1."""
        steps = [_AXES[letter] for letter in self.value]
        return sum(s[0] for s in steps), sum(s[1] for s in steps), sum(s[2] for s in steps)

    @cached_property
    def vector(self) -> tuple[float, float, float]:
        """Unit vector: to the signer's right, up, out."""
        length = math.hypot(*self.axes)
        right, up, out = self.axes
        return right / length, up / length, out / length

    @classmethod
    def of(cls, right: int, up: int, out: int) -> Direction | None:
        """The direction of these steps; None for none."""
        return _BY_AXES.get((right, up, out))


_BY_AXES = {each.axes: each for each in Direction}

STRAIGHT = tuple(each for each in Direction if len(each.value) < 3)
"""The 18 that have a symbol as an extended finger direction and as a movement."""

COMPASS = (
    Direction.U,
    Direction.UR,
    Direction.R,
    Direction.DR,
    Direction.D,
    Direction.DL,
    Direction.L,
    Direction.UL,
)
"""The eight of a plane: palm orientations, and the points of a circle's dial."""


def corner(first: Direction, second: Direction) -> Direction | None:
    """The direction that two written one after the other mean: `uo`, `ol` is `uol`; None where they share no part."""
    together = [a if b == 0 else b for a, b in zip(first.axes, second.axes, strict=True)]
    agree = all(0 in (a, b) or a == b for a, b in zip(first.axes, second.axes, strict=True))
    found = Direction.of(together[0], together[1], together[2]) if agree else None
    return found if found and len(found.value) == 3 and len(first.value) == len(second.value) == 2 else None


def corner_parts(direction: Direction) -> tuple[Direction, Direction]:
    """The two that are written for one with three letters: `uol` is `uo`, `ol`."""
    right, up, out = direction.axes
    first, second = Direction.of(0, up, out), Direction.of(right, 0, out)
    if first is None or second is None or direction in STRAIGHT:
        raise ValueError(f"{direction} has a symbol of its own")
    return first, second
