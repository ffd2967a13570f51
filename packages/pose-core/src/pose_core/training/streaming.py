"""Batches of clips that are streamed from shards."""

from __future__ import annotations

from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from pose_core.errors import UserError
from pose_core.training.distributed import rank_and_world_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from pose_core.data import ShardDataset, ShardSample


class StreamLoader(DataLoader):
    """Batches of a `ShardDataset`'s clips, as many in every process, whatever its share and what is skipped.

    Clips that fill no whole batch are left out of an epoch, others in the next. A run resumes within an epoch if
    `num_workers` is 0, and otherwise starts that epoch again.

    Args:
        shards: shuffled to train on.
        item: a clip to an item for `collate`; None: the clip itself.
        batch_size: clips per batch.
        collate: items to a batch.
        num_workers: processes that read.
        steps: batches per epoch, at most; None: as many as hold every clip once.

    Raises:
        UserError: fewer clips than processes.
    """

    def __init__(
        self,
        shards: ShardDataset,
        item: Callable[[ShardSample], Any] | None = None,
        *,
        batch_size: int,
        collate: Callable[[list], Any],
        num_workers: int = 0,
        steps: int | None = None,
    ) -> None:
        self.items = StreamedItems(shards, item, batch_size, max(1, num_workers), steps)
        super().__init__(
            self.items,
            batch_size=batch_size,
            collate_fn=collate,
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
        )

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch, which determines the order of the clips."""
        self.items.shards.set_epoch(epoch)

    def position(self, batches_consumed: int) -> dict[str, Any] | None:
        """This process's position after so many batches of an epoch; None where it cannot go on from there.

        No `state_dict`: Lightning would call that, without the number.
        """
        if self.num_workers:
            return None
        return {"batches_consumed": batches_consumed, "shards": self.items.shards.state_dict()}

    def resume_from(self, position: dict[str, Any], rng_state: Tensor) -> None:
        """Makes the next epoch yield only the remaining batches, then restores `rng_state`."""
        assert self.batch_size is not None
        self.items.shards.load_state_dict(position["shards"])
        self.items.resume_at = position["batches_consumed"] * self.batch_size, rng_state


class StreamedItems(IterableDataset):
    """A worker's items: whole batches of them, as many as every other worker's."""

    def __init__(
        self,
        shards: ShardDataset,
        item: Callable[[ShardSample], Any] | None,
        batch_size: int,
        workers: int,
        steps: int | None = None,
    ) -> None:
        self.shards, self.item = shards, item
        self.batch_size, self.workers, self.steps = batch_size, workers, steps
        self.resume_at: tuple[int, Tensor] | None = None  # items consumed, random state
        if not self.items_per_worker:
            raise UserError(f"{shards.folder}: has fewer clips than processes that train on them; use fewer of these")

    @property
    def items_per_worker(self) -> int:
        """Items of every worker; fewer than a batch only where it has no more."""
        share = self.shards.clips // (rank_and_world_size()[1] * self.workers)
        if self.steps is not None:
            share = min(share, -(-self.steps // self.workers) * self.batch_size)
        return share - share % self.batch_size or share

    def __len__(self) -> int:
        """Items of this process and its workers."""
        return self.items_per_worker * self.workers

    def __iter__(self) -> Iterator[Any]:
        resume_at, self.resume_at = self.resume_at, None
        clips = iter(self.shards)
        done = 0
        if resume_at is not None:
            done, rng_state = resume_at
            torch.set_rng_state(rng_state)
        last = None
        for sample in islice(clips, self.items_per_worker - done):
            last = sample
            done += 1
            yield self._item(sample)
        # Damaged clips were skipped: the others wait for this process's batches.
        if last is not None:
            yield from (self._item(sample) for sample in chain(repeat(last, self.items_per_worker - done)))

    def _item(self, sample: ShardSample) -> Any:
        return sample if self.item is None else self.item(sample)
