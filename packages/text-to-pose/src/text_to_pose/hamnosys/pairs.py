"""What the two hands have or do differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Pair(Generic[T]):
    """One for the dominant hand, one for the non-dominant hand; None where it is not said.

    Where a value is no pair it holds for the dominant hand, and with a symmetry operator also for the non-dominant one,
    mirrored.
    """

    dominant: T | None
    nondominant: T | None
