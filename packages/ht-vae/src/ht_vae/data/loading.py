"""Data of a run: files, read into memory, or shards, which are streamed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ht_vae.config import ModelSizes
from ht_vae.data.augmentation import Augmentation
from ht_vae.data.dataset import PoseSequenceDataset, PreparedDataset
from ht_vae.data.loader import PoseDataLoader, draw_batch
from ht_vae.data.preprocessing import common_skeleton, preprocess
from pose_core import UserError
from pose_core.command_line import say
from pose_core.training import StreamLoader, read_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch.utils.data import DataLoader

    from ht_vae.config import RunConfig
    from ht_vae.model import HierarchicalTransformerVAE
    from pose_core.data import Clip, ShardDataset


@dataclass(frozen=True)
class TrainingData:
    """Train and validation clips of a run, on one skeleton.

    Attributes:
        names: of the data sets, in words.
        train: train clips in memory; where they are streamed the first few, to fit the basis and the prior to.
        validation: None where there is no validation split.
        stream: all train clips, streamed from shards; None where they are in memory.
    """

    names: str
    train: PoseSequenceDataset
    validation: PoseSequenceDataset | None
    stream: ShardDataset | None = None

    @property
    def num_clips(self) -> int:
        return len(self.train.clips) if self.stream is None else self.stream.clips

    @property
    def num_frames(self) -> int:
        return sum(self.train.lengths) if self.stream is None else self.stream.frames

    def loaders(self, config: RunConfig) -> tuple[DataLoader, DataLoader | None]:
        """Loaders of training and validation batches; see `TrainingBatch`."""
        loader = partial(
            PoseDataLoader,
            batch_size=config.batch_size,
            batch_frames=config.batch_frames,
            num_workers=config.num_workers,
            pin_memory=config.pin_memory,
        )
        validation = None if self.validation is None else loader(self.validation)
        if self.stream is None:
            return loader(self.train, min_frames=config.min_frames, steps=config.steps_per_epoch), validation
        windows = partial(
            draw_batch,
            min_frames=config.min_frames,
            batch_size=config.batch_size,
            batch_frames=config.batch_frames,
            max_frames=config.max_frames,
            condition=config.label_column,
            labels=self.train.labels,
            **_drawing(config),
        )
        streamed = StreamLoader(
            self.stream,
            batch_size=config.batch_size,
            collate=windows,
            num_workers=config.num_workers,
            steps=config.steps_per_epoch,
        )
        return streamed, validation


def read_training_data(
    data: Sequence[str | Path],
    config: RunConfig,
    *,
    dataset: type[PoseSequenceDataset] = PoseSequenceDataset,
    source: HierarchicalTransformerVAE | None = None,
) -> TrainingData:
    """The data of a run, see `pose_core.training.read_data`.

    Args:
        data, config, dataset: as `train`'s; shards are not read by `dataset`.
        source: the model to fine-tune, whose skeleton and labels are used; None: there is none.

    Raises:
        UserError: files or settings that cannot be used, or files of several skeletons; the message names them.
    """
    column = config.label_column
    labels = None if source is None or column is None else source.config.labels

    def check(clips: Sequence[Clip]) -> None:
        check_labels(clips, column)
        check_sizes(source, config)

    clips = read_data(
        data,
        partial(preprocess, keypoints=config.keypoints),
        config,
        frames=config.fitting_frames,
        skeleton=None if source is None else source.skeleton,
        common=common_skeleton,
        load=dataset([]).load_sample,
        validation_share=config.validation_share,
        resampled=False,
        check=check,
        # Without labels none is rejected, and shards are not read for them.
        reject=None if column is None else partial(unknown_labels, column=column, labels=labels),
    )
    if labels is None and column is not None:
        labels = sorted({getattr(clip, column) for clip in clips.train_clips()})
    make = partial(PreparedDataset, max_frames=config.max_frames, condition=column, labels=labels)
    train_set = make(clips.train, training=True, **_drawing(config))
    validation_set = make(clips.validation) if clips.validation else None
    found = TrainingData(", ".join(map(_name_of, data)), train_set, validation_set, clips.stream)
    say(f"{found.num_frames:,} frames to train on")
    return found


def _name_of(data: str | Path) -> str:
    """The name of a data set's folder, also of a manifest's."""
    path = Path(data)
    return path.name if "://" in str(data) else (path if path.is_dir() else path.parent).resolve().name


def _drawing(config: RunConfig) -> dict[str, Any]:
    """How training windows are drawn."""
    augmentation = Augmentation() if config.augment else None
    return {"augmentation": augmentation, "stitching": config.stitching}


def check_labels(clips: Sequence[Clip], column: str | None) -> None:
    """Refuses clips without a label in the column that conditions the model, if one does.

    Raises:
        UserError: naming one.
    """
    for clip in clips:
        if column is not None and not getattr(clip, column):
            raise UserError(f"{clip.path}: nothing says its {column}; name the files in a manifest CSV")


def unknown_labels(
    train: Sequence[Clip], validation: Sequence[Clip], column: str | None, labels: Sequence[str] | None
) -> list[str | None]:
    """For each validation clip why the model does not know its label; None where it does.

    Args:
        train, validation: the clips.
        column: of labels; None: there are none.
        labels: that the model knows; None: those of the train clips.
    """
    if column is None:
        return [None] * len(validation)
    known = {getattr(clip, column) for clip in train} if labels is None else set(labels)
    values = [getattr(clip, column) for clip in validation]
    return [None if value in known else f"no clip to train on has its {column}, {value!r}" for value in values]


def check_sizes(source: HierarchicalTransformerVAE | None, config: RunConfig) -> None:
    """Refuses a model to fine-tune that has other sizes or another condition than the run.

    Raises:
        UserError: naming the setting to change.
    """
    if source is None:
        return
    for name in ModelSizes.model_fields:
        theirs, wanted = getattr(source.config, name), getattr(config, name)
        if name != "dropout" and theirs != wanted:
            raise UserError(f"the model to begin from has {name} {theirs}, this run {wanted}; --set {name}={theirs}")
    if bool(source.config.labels) != (config.condition != "none") or source.config.condition_dim:
        raise UserError("the model to begin from is conditioned on something else; see `condition` in the config")
