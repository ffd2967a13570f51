"""Runs of several processes: how many there are, and which batches each of them takes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, cast

import torch.distributed
from torch.utils.data import Sampler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from pose_core.training.config import TrainingConfig


def devices_and_nodes(config: TrainingConfig) -> tuple[int | Literal["auto"], int]:
    """Devices a machine and machines: the config's or, where it leaves them alone, what torchrun started."""
    launched = torch.distributed.is_available() and torch.distributed.is_torchelastic_launched()
    if not launched or config.devices not in (1, "auto") or config.num_nodes != 1:
        return config.devices, config.num_nodes
    local = int(os.environ["LOCAL_WORLD_SIZE"])
    return local, int(os.environ["WORLD_SIZE"]) // local


class DistributedBatchSampler(Sampler[list[int]]):
    """This process's share of a batch sampler's batches: as many in every process, every index in one of them.

    Where the batches do not divide evenly, the largest are cut in two; only of fewer indices than processes are some
    taken twice. Rank 0 draws the order for all. In a run of one process these are the sampler's own batches.

    Args:
        batches: the batch sampler, knowing its length; it draws by torch's generator, if it draws.

    Attributes:
        begun: torch's random state when the epoch's batches were drawn, on rank 0.
    """

    def __init__(self, batches: Sampler[list[int]]) -> None:
        self.batches = batches
        self.begun: Tensor | None = None
        self._rest: tuple[dict[str, Any], Tensor] | None = None

    def __len__(self) -> int:
        return -(-len(self.batches) // ranks()[1])  # ty: ignore[invalid-argument-type]

    def position(self, taken: int) -> dict[str, Any]:
        """Where this process is after so many batches of an epoch."""
        return {"taken": taken, "begun": self.begun}

    def go_on(self, position: dict[str, Any], now: Tensor) -> None:
        """Has the next epoch be the rest of one; `now` is torch's random state to go on with."""
        self._rest = position, now

    def __iter__(self) -> Iterator[list[int]]:
        rank, processes = ranks()
        rest, self._rest = self._rest, None
        if rest is not None and rank == 0:
            torch.set_rng_state(rest[0]["begun"].cpu())
        drawn: list[list[list[int]] | None] = [None]
        if rank == 0:
            self.begun = torch.get_rng_state()
            drawn = [divided(list(self.batches), processes)]
        if processes > 1:
            torch.distributed.broadcast_object_list(drawn)
        batches = cast("list[list[int]]", drawn[0])[rank::processes]
        if rest is not None:
            position, now = rest
            batches = batches[position["taken"] :]
            torch.set_rng_state(now)
        yield from batches


def divided(batches: list[list[int]], ranks: int) -> list[list[int]]:
    """The batches, the largest of them cut in two until their number is a multiple of `ranks`."""
    batches = list(batches)
    while len(batches) % ranks:
        largest = max(range(len(batches)), key=lambda i: len(batches[i]))
        batch = batches[largest]
        half = (len(batch) + 1) // 2
        batches[largest : largest + 1] = [batch[:half], batch[half:] or batch]
    return batches


def ranks() -> tuple[int, int]:
    """Number of this process, and how many there are."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1
