"""What all packages train with: loaders of padded batches, and the card of a trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from pose_core.data.bucketing import FrameBudgetSampler, LengthBucketSampler
from pose_core.training.distributed import RankBatches

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydantic import BaseModel
    from torch.utils.data import Dataset

    from pose_core.training.config import TrainingConfig


def batch_loader(
    dataset: Dataset, lengths: list[int], config: TrainingConfig, *, collate: Callable[..., Any], shuffle: bool
) -> DataLoader:
    """Batches of `config.batch_size`: of similar length in random order to train on, in the data's order otherwise.

    Each process of a run of several takes its share of them. `config.max_frames` bounds those to train on instead.

    Args:
        dataset: items for `collate`.
        lengths: frames of each item.
    """
    if not shuffle:
        batches = BatchSampler(SequentialSampler(lengths), config.batch_size, drop_last=False)
    elif config.max_frames is not None:
        batches = FrameBudgetSampler(lengths, config.max_frames)
    else:
        batches = LengthBucketSampler(lengths, config.batch_size)
    return DataLoader(
        dataset,
        batch_sampler=RankBatches(batches),
        collate_fn=collate,
        num_workers=config.num_workers,
        persistent_workers=config.num_workers > 0,
        pin_memory=config.pin_memory,
    )


def model_card(library: str, data: Path, clips: int, config: BaseModel, metrics: dict[str, float]) -> str:
    """The README.md of a model folder: which data, last metrics, every setting."""
    figures = "\n".join(f"| {name} | {value:.4f} |" for name, value in sorted(metrics.items()))
    settings = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    return (
        f"---\nlibrary_name: {library}\ntags: [sign-language, {library}]\n---\n\n"
        f"Trained by `{library} train` on {clips} clips of {data.name}.\n\n"
        f"| last value | |\n|---|---|\n{figures}\n\n```yaml\n{settings}```\n"
    )
