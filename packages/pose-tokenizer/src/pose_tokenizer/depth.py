"""How many codes a vector takes, and which they were: the parts of the beam search that need no library's arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pose_tokenizer.codes import NO_CODE

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_UNPAID_CODES = 2  # codes in a row that do not pay for themselves, after which a vector takes no more
EARLY_STOP_MARGIN = 0.3  # of lambda; a code that misses the best cost by more is not followed by one that pays


@dataclass
class Depth:
    """How many codes one vector takes: as many as have the least cost."""

    best_cost: float
    free: bool  # lambda is 0: all codes are taken
    depth: int = 0
    active: bool = True

    def update(self, depth: int, cost: float, optimistic: float) -> None:
        """Takes the cost of `depth` codes, and about the least that further codes could bring it to."""
        if self.free or (self.active and cost < self.best_cost):
            self.best_cost, self.depth = cost, depth
        elif depth - self.depth >= MAX_UNPAID_CODES or optimistic > self.best_cost:
            self.active = False


def codes_back(codes: Sequence[Sequence[int]], parents: Sequence[Sequence[int]], depth: int, Q: int) -> list[int]:
    """The Q codes of one vector, `NO_CODE` after the last: of its best hypothesis of `depth` codes.

    Args:
        codes, parents: of the hypotheses after each codebook, see `Beam`.
        depth: how many the vector takes.
        Q: how many codebooks there are.
    """
    found, hypothesis = [NO_CODE] * Q, 0
    for q in reversed(range(depth)):
        found[q], hypothesis = codes[q][hypothesis], parents[q][hypothesis]
    return found
