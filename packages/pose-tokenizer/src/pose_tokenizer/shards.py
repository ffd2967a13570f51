"""Training data that outgrows memory: shards, as `pose-core pack` writes them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pose_core import UserError
from pose_core.data import ShardDataset
from pose_tokenizer.clips import chosen, prepare

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from pose_core import PoseSequence, Skeleton
    from pose_core.data import ShardSample
    from pose_tokenizer.clips import ClipDataset
    from pose_tokenizer.config import RunConfig

INDEX = "index.json"
VALIDATION_FRAMES = 200_000  # that are kept in memory


def are_shards(data: str | Path) -> bool:
    """Whether data is a URL or a folder of shards."""
    return "://" in str(data) or (Path(data) / INDEX).is_file()


def read_shards(folder: str, config: RunConfig) -> tuple[ShardDataset, list[PoseSequence], list[PoseSequence]]:
    """What to train on, what to fit the basis and the codebooks to, and what to validate with.

    Args:
        folder: of shards, or its URL.
        config: `overfit` trains and validates on the first few clips.

    Returns:
        Prepared sequences to stream; the first of them, as many as the fitting takes; and those of the validation
        split, about `VALIDATION_FRAMES` at most: none where there is no such split.

    Raises:
        UserError: no shards there, too many damaged clips, or other keypoints than the config says.
    """
    shards = ShardDataset(folder, "train", shuffle=True, seed=config.seed, on_error="skip")
    skeleton = chosen(next(iter(shards)).sequence, config.keypoints).skeleton.with_dims(2)
    if config.num_keypoints not in (None, skeleton.num_keypoints):
        raise UserError(
            f"{folder}: num_keypoints is {config.num_keypoints}, the clips have {skeleton.num_keypoints}; correct the "
            "config or choose other `keypoints`"
        )
    shards.transform = partial(prepared, config=config, skeleton=skeleton)
    fitting = first_of(shards, config.fitting_blocks * config.downsampling)
    if config.overfit:
        few = fitting[: config.overfit]
        return shards, few, few
    try:
        validation = ShardDataset(folder, "validation", transform=shards.transform, on_error="skip")
    except UserError:  # there are none; the train split was there
        return shards, fitting, []
    return shards, fitting, first_of(validation, VALIDATION_FRAMES)


def prepared(sequence: PoseSequence, config: RunConfig, skeleton: Skeleton) -> PoseSequence:
    """A clip as it is trained on."""
    return prepare(chosen(sequence, config.keypoints), skeleton)


def varied(sample: ShardSample, clips: ClipDataset) -> tuple[np.ndarray, np.ndarray]:
    """A prepared clip as an item of a batch."""
    return clips.varied(sample.sequence)


def first_of(shards: Iterable, frames: int) -> list[PoseSequence]:
    """The first sequences, of at least so many frames together, or all."""
    found: list[PoseSequence] = []
    for sample in shards:
        found.append(sample.sequence)
        frames -= len(sample.sequence)
        if frames <= 0:
            break
    return found
