"""Each process's share of the batches, with a position from which a run resumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch.distributed
from torch.utils.data import Sampler

from pose_core.training.distributed import rank_and_world_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


class DistributedBatchSampler(Sampler[list[int]]):
    """A distributed batch sampler: this process's share of the batches, as many in every process, each index in one.

    Where the batches do not divide evenly, the largest are cut in two; only of fewer indices than processes are some
    taken twice. Rank 0 draws the order for all. In a run of one process these are the sampler's own batches.

    Args:
        batches: the batch sampler, knowing its length; it draws by torch's generator, if it draws.

    Attributes:
        rng_state: torch's random state when the epoch's batches were drawn, on rank 0.
    """

    def __init__(self, batches: Sampler[list[int]]) -> None:
        self.batches = batches
        self.rng_state: Tensor | None = None
        self._resume_at: tuple[dict[str, Any], Tensor] | None = None

    def __len__(self) -> int:
        return -(-len(self.batches) // rank_and_world_size()[1])  # ty: ignore[invalid-argument-type]

    def position(self, batches_consumed: int) -> dict[str, Any]:
        """This process's position after so many batches of an epoch."""
        return {"batches_consumed": batches_consumed, "rng_state": self.rng_state}

    def resume_from(self, position: dict[str, Any], rng_state: Tensor) -> None:
        """Makes the next epoch yield only the remaining batches, then restores `rng_state`."""
        self._resume_at = position, rng_state

    def __iter__(self) -> Iterator[list[int]]:
        rank, world_size = rank_and_world_size()
        resume_at, self._resume_at = self._resume_at, None
        if resume_at is not None and rank == 0:
            torch.set_rng_state(resume_at[0]["rng_state"].cpu())
        drawn: list[list[list[int]] | None] = [None]
        if rank == 0:
            self.rng_state = torch.get_rng_state()
            drawn = [split_evenly(list(self.batches), world_size)]
        if world_size > 1:
            torch.distributed.broadcast_object_list(drawn)
        batches = cast("list[list[int]]", drawn[0])[rank::world_size]
        if resume_at is not None:
            position, rng_state = resume_at
            batches = batches[position["batches_consumed"] :]
            torch.set_rng_state(rng_state)
        yield from batches


def split_evenly(batches: list[list[int]], world_size: int) -> list[list[int]]:
    """The batches, the largest of them cut in two until their number is a multiple of `world_size`."""
    batches = list(batches)
    while len(batches) % world_size:
        largest = max(range(len(batches)), key=lambda i: len(batches[i]))
        batch = batches[largest]
        half = (len(batch) + 1) // 2
        batches[largest : largest + 1] = [batch[:half], batch[half:] or batch]
    return batches
