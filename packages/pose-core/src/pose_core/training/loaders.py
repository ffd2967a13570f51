"""Data loaders of padded batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from pose_core.data.bucketing import FrameBudgetSampler, LengthBucketSampler
from pose_core.errors import UserError
from pose_core.training.batch_sampler import DistributedBatchSampler
from pose_core.training.streaming import StreamLoader

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.utils.data import Dataset

    from pose_core.data.clip import Clip
    from pose_core.data.shards import ShardDataset, ShardSample
    from pose_core.training.config import TrainingConfig


def overfit_subset(train: list[Clip], validation: list[Clip], config: TrainingConfig) -> tuple[list[Clip], list[Clip]]:
    """The clips to train on and to validate with: all, or the first few for both where a run is to overfit."""
    few = train[: config.overfit]
    return (few, few) if config.overfit else (train, validation)


def batch_loader(
    dataset: Dataset, lengths: list[int], config: TrainingConfig, *, collate: Callable[..., Any], shuffle: bool
) -> DataLoader:
    """Batches of `config.batch_size`: of similar length in random order to train on, in the data's order otherwise.

    In a distributed run each process takes its share. `config.batch_frames`, if set, bounds training batches instead.

    Args:
        dataset: items for `collate`.
        lengths: frames of each item.
    """
    if not shuffle:
        batches = BatchSampler(SequentialSampler(lengths), config.batch_size, drop_last=False)
    elif config.batch_frames is not None:
        batches = FrameBudgetSampler(lengths, config.batch_frames)
    else:
        batches = LengthBucketSampler(lengths, config.batch_size)
    return DataLoader(
        dataset,
        batch_sampler=DistributedBatchSampler(batches),
        collate_fn=collate,
        num_workers=config.num_workers,
        persistent_workers=config.num_workers > 0,
        pin_memory=config.pin_memory,
    )


def stream_loader(
    shards: ShardDataset,
    item: Callable[[ShardSample], Any],
    config: TrainingConfig,
    *,
    collate: Callable[..., Any],
) -> StreamLoader:
    """Batches of `config.batch_size` clips that are streamed from shards to train on.

    Args:
        shards: the train split, shuffled.
        item: a prepared clip to an item for `collate`.

    Raises:
        UserError: `batch_frames` is set, or fewer clips than processes.
    """
    if config.batch_frames is not None:
        raise UserError("batch_frames: a batch of shards is batch_size clips; leave it out")
    return StreamLoader(shards, item, batch_size=config.batch_size, collate=collate, num_workers=config.num_workers)
