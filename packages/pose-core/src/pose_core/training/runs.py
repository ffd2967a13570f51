"""What all packages train with: loaders of padded batches, and the card of a trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from pose_core.data.bucketing import LengthBucketSampler

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

    Args:
        dataset: items for `collate`.
        lengths: frames of each item.
    """
    in_order = BatchSampler(SequentialSampler(lengths), config.batch_size, drop_last=False)
    return DataLoader(
        dataset,
        batch_sampler=LengthBucketSampler(lengths, config.batch_size) if shuffle else in_order,
        collate_fn=collate,
        num_workers=config.num_workers,
        persistent_workers=config.num_workers > 0,
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
