"""The data sets of a run: files, which are read into memory, or shards, which are streamed."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ht_vae.config import ModelSizes
from ht_vae.data.augmentation import Augmentation
from ht_vae.data.dataset import PoseSequenceDataset
from ht_vae.data.preprocessing import PoseDataProcessor, common_skeleton
from ht_vae.data.splits import split_clips
from ht_vae.data.streaming import PreparedDataset, prepared
from pose_core import Skeleton, UserError
from pose_core.command_line import say
from pose_core.data.loading import MAX_SKIPPED, Kinds
from pose_core.training import open_shards, overfit_subset, validated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ht_vae.config import RunConfig
    from ht_vae.model import HierarchicalTransformerVAE
    from pose_core.data import Clip, ShardDataset


def read_data(
    data: Sequence[str | Path],
    config: RunConfig,
    *,
    dataset: type[PoseSequenceDataset] = PoseSequenceDataset,
    source: HierarchicalTransformerVAE | None = None,
) -> tuple[PoseSequenceDataset, PoseSequenceDataset | None]:
    """The data sets to train on and to validate with, read and on one skeleton.

    Args:
        data, config, dataset: as `train`'s.
        source: a model whose skeleton and labels are taken.

    Raises:
        UserError: a file that cannot be used, or files of several skeletons; the message names them.
    """
    train_clips, validation_clips = overfit_subset(*split_clips(data, config.validation_share, say), config)
    condition = None if config.condition == "none" else config.condition
    labels = source.config.labels if source is not None and condition is not None else None
    if condition is not None:
        check_named(train_clips, condition)
    if source is not None:
        check_sizes(source, config)
    if condition is not None:
        validation_clips = validated(
            train_clips, validation_clips, partial(unnamed, condition=condition, labels=labels), data[0]
        )
    skeleton = Skeleton.from_dict(source.config.skeleton) if source is not None else None
    say(f"reading {len(train_clips) + len(validation_clips)} clips")
    make = partial(
        dataset,
        processor=PoseDataProcessor(config.keypoints, skeleton),
        max_frames=config.max_frames,
        condition=condition,
        on_error="skip",
        max_skipped=MAX_SKIPPED,
    )
    train_set = make(
        train_clips,
        training=True,
        augmentation=Augmentation() if config.augment else None,
        stitching=config.stitching,
        labels=labels,
    )
    validation_set = make(validation_clips, labels=train_set.labels) if validation_clips else None
    sets = [each for each in (train_set, validation_set) if each is not None]
    if skeleton is None:
        skeleton = common_skeleton([file for each in sets for file in each.skeletons()])
    for each in sets:
        each.skeleton = skeleton
    frames = [sum(each.lengths) for each in sets]
    for notice in rate_notices(sets):
        warnings.warn(notice, stacklevel=2)
    say(f"{frames[0]:,} frames to train on" + (f", {frames[1]:,} to validate with" if len(frames) > 1 else ""))
    return train_set, validation_set


def read_shards(
    data: Sequence[str | Path],
    config: RunConfig,
    *,
    source: HierarchicalTransformerVAE | None = None,
) -> tuple[PreparedDataset, PreparedDataset | None, ShardDataset | None]:
    """The clips of shards that are kept in memory, to train on and to validate with, and all to stream.

    Args:
        data, config, source: as `train`'s. A run that is to overfit streams nothing.

    Raises:
        UserError: as `pose_core.training.open_shards`, or settings that shards do not go with.
    """
    condition = None if config.condition == "none" else config.condition
    known = source.config.labels if source is not None and condition is not None else None
    say("reading shards")
    if source is not None:
        check_sizes(source, config)
    clips = open_shards(
        data[0],
        partial(prepared, keypoints=config.keypoints),
        config,
        frames=config.fitting_frames,
        skeleton=Skeleton.from_dict(source.config.skeleton) if source is not None else None,
        check=(lambda clips: None) if condition is None else partial(check_named, condition=condition),
        reject=None if condition is None else partial(unnamed, condition=condition, labels=known),
    )
    labels: Sequence[str] | None = None
    if condition is not None:
        found = sorted({getattr(clip, condition) for clip in clips.train_clips()})
        labels = found if known is None else known
    make = partial(PreparedDataset, max_frames=config.max_frames, condition=condition, labels=labels)
    train_set = make(
        clips.train,
        training=True,
        augmentation=Augmentation() if config.augment else None,
        stitching=config.stitching,
    )
    return train_set, make(clips.validation) if clips.validation else None, clips.stream


def check_named(clips: Sequence[Clip], condition: str) -> None:
    """Refuses clips that have no value for what a model is conditioned on.

    Raises:
        UserError: naming one.
    """
    for clip in clips:
        if not getattr(clip, condition):
            raise UserError(f"{clip.path}: nothing says its {condition}; name the files in a manifest CSV")


def unnamed(
    train: Sequence[Clip], validation: Sequence[Clip], condition: str, labels: Sequence[str] | None
) -> list[str | None]:
    """Why each clip cannot be validated with by a model conditioned on the clips to train on; None where it can."""
    known = {getattr(clip, condition) for clip in train} if labels is None else set(labels)
    values = [getattr(clip, condition) for clip in validation]
    return [None if value in known else f"no clip to train on has its {condition}, {value!r}" for value in values]


def rate_notices(sets: Sequence[PoseSequenceDataset]) -> list[str]:
    """That clips have different frame rates, if they do; they were read."""
    kinds = Kinds()
    for each in sets:
        kinds.add(each.kinds)
    return kinds.notices(rates=True)


def check_sizes(source: HierarchicalTransformerVAE, config: RunConfig) -> None:
    """Refuses a model to begin from that is not of the run's sizes.

    Raises:
        UserError: naming the setting to change.
    """
    for name in ModelSizes.model_fields:
        theirs, wanted = getattr(source.config, name), getattr(config, name)
        if name != "dropout" and theirs != wanted:
            raise UserError(f"the model to begin from has {name} {theirs}, this run {wanted}; --set {name}={theirs}")
    if bool(source.config.labels) != (config.condition != "none") or source.config.condition_dim:
        raise UserError("the model to begin from is conditioned on something else; see `condition` in the config")


def name_of(data: str | Path) -> str:
    """What a data set is called: its folder's name, also where a manifest is given."""
    path = Path(data)
    if "://" in str(data):
        return path.name
    return (path if path.is_dir() else path.parent).resolve().name
