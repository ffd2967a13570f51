"""How fluently words are fingerspelled."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fluency:
    """How words are fingerspelled fluently.

    Attributes:
        letters_per_second: how fast. Letters far from each other take longer: hands have a greatest speed.
        hold: seconds that each letter stands still; None: what its rate leaves beside the way to it.
    """

    letters_per_second: float = 4.0
    hold: float | None = None
