"""Contacts that are meant: which place of a hand is to be where, and by how much it misses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from text_to_pose.signing.vectors import Array

    HandSide = Literal["left", "right"]


class Placed(Protocol):
    """A hand somewhere, at one moment or over T frames."""

    @property
    def wrist(self) -> Array:
        """(3,), or (T, 3)."""

    @property
    def rotation(self) -> Array:
        """(3, 3), or (T, 3, 3)."""


@dataclass(frozen=True, eq=False)
class Touch:
    """A place of a hand that touches.

    Attributes:
        hand: which hand.
        part: (3,) where on it, in its own frame.
        target: (3,) what it touches, in the frame of `on`, in metres.
        on: the hand that is touched; None: the body, and `target` is in the signer's frame.
    """

    hand: HandSide
    part: Array
    target: Array
    on: HandSide | None = None

    def missed(self, hands: Mapping[HandSide, Placed]) -> float:
        """The distance between the two places, in metres."""
        return float(np.linalg.norm(self.misses(hands)))

    def misses(self, hands: Mapping[HandSide, Placed]) -> Array:
        """The way from the place of the hand to what it is to touch, (3,), or (T, 3) of hands that move."""
        here = hands[self.hand]
        there = self.target
        if self.on is not None:
            there = hands[self.on].wrist + hands[self.on].rotation @ there
        return there - here.wrist - here.rotation @ self.part


def contact_error(hands: Mapping[HandSide, Placed], contacts: Iterable[Touch]) -> float:
    """The greatest distance between places that are to touch, in metres; 0 for none."""
    return max((contact.missed(hands) for contact in contacts), default=0.0)
