"""What the two hands have or do differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Pair(Generic[T]):
    """One for the strong hand, one for the weak hand; None where it is not said.

    Where a value is no pair it holds for the strong hand, and with a symmetry operator also for the weak one, mirrored.
    """

    dominant: T | None
    nondominant: T | None
