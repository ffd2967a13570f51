"""Training and validation data of a run: files, read into memory, or shards, which are streamed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pose_core.command_line import say
from pose_core.data.audit import summary
from pose_core.data.clips import read_clips
from pose_core.data.held_out import split_clips
from pose_core.data.loading import on_layout_of, read_clip, read_usable
from pose_core.data.packing import INDEX
from pose_core.data.shards import ShardDataset, ShardSample
from pose_core.data.splits import select_split
from pose_core.errors import UserError, naming
from pose_core.training.loaders import overfit_subset
from pose_core.training.ranks import is_main_process

if TYPE_CHECKING:
    from pose_core.data.clip import Clip
    from pose_core.sequence import PoseSequence
    from pose_core.skeleton import Skeleton
    from pose_core.training.config import TrainingConfig

VALIDATION_FRAMES = 200_000  # of shards that are kept in memory
Check = Callable[["list[Clip]"], object]
Reject = Callable[["list[Clip]", "list[Clip]"], Sequence[str | None]]


@dataclass(frozen=True)
class RunData:
    """Prepared clips of a run, on one skeleton.

    Attributes:
        train: clips of the train split in memory: all of them, or where the rest is streamed the first few.
        validation: clips of the validation split, in memory; none where there is no such split.
        stream: the whole train split, shuffled, damaged clips skipped and named; None where it is in memory.
    """

    train: list[ShardSample]
    validation: list[ShardSample]
    stream: ShardDataset | None = None

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton of all prepared clips."""
        return self.train[0].sequence.skeleton

    def train_clips(self) -> list[Clip]:
        """All clips of the train split, without their poses; where they are streamed, read anew each time."""
        return [sample.clip for sample in self.train] if self.stream is None else self.stream.read_clips()


Data = str | Path | Sequence[str | Path]


def data_paths(data: Data) -> list[str | Path]:
    """The data sets of a run as a list.

    Raises:
        UserError: shards among several data sets.
    """
    paths = [data] if isinstance(data, str | Path) else [*data]
    for path in paths:
        if len(paths) > 1 and are_shards(path):
            raise UserError(f"{path}: shards are trained on alone; pack all data together")
    return paths


def read_data(
    data: Data,
    prepare: Callable[..., PoseSequence],
    config: TrainingConfig,
    *,
    frames: int = 1,
    skeleton: Skeleton | None = None,
    common: Callable[[list[tuple[Path, Skeleton]]], Skeleton] | None = None,
    load: Callable[[Clip], PoseSequence] = read_clip,
    validation_share: float | None = None,
    resampled: bool = True,
    check: Check = lambda clips: None,
    reject: Reject | None = None,
) -> RunData:
    """The data of a run. Clips that cannot be used are left out with a warning, if they are few, see `check_skipped`.

    Args:
        data: one or several, see `read_clips`; or one folder of shards, or its URL.
        prepare: called with a sequence and `skeleton`, the one to put it on or None: its own.
        config: `overfit` trains and validates on the first few clips.
        frames: of shards, fewest of the first clips together that are kept in memory, where there are as many.
        skeleton: of all clips; None: that of the first one prepared.
        common: of files, chooses one skeleton for all from their paths and skeletons, where `skeleton` is None. Without
            it, clips of other estimators are mapped by anatomy, see `on_layout_of`.
        load: reads a clip; shards hold theirs.
        validation_share: of files without a validation split, the share that is held out for it, see `split_clips`;
            None: splits are taken as they are.
        resampled: whether `prepare` makes frame rates alike; files of different ones are warned of otherwise.
        check: called with the clips to train on before any is read, to refuse them.
        reject: called with the clips to train on and those to validate with, before any is read: why each of the latter
            is not to be validated with, or None. They are left out with a warning.

    Raises:
        UserError: there is nothing to train on, too many files cannot be used, or as `open_shards`.
    """
    paths = data_paths(data)
    name = ", ".join(map(str, paths))
    if are_shards(paths[0]):
        return open_shards(
            paths[0],
            prepare,
            config,
            frames=frames,
            skeleton=skeleton,
            check=check,
            reject=reject,
            by_anatomy=common is None,
        )
    train, validation = overfit_subset(*_split(paths, name, validation_share), config)
    check(train)
    validation = drop_rejected_clips(train, validation, reject, name)
    if is_main_process():
        say(f"{name}: reading {len(train) + len(validation)} clips")
    read_usable_clips = partial(read_usable, load=load, resampled=resampled, by_anatomy=common is None)
    if skeleton is not None or common is None:
        read = partial(read_usable_clips, prepare=prepare)
        train, sequences = read(train, skeleton=skeleton)
        validation, held_out = read(validation, skeleton=sequences[0].skeleton)
    else:
        read = partial(read_usable_clips, prepare=lambda sequence, skeleton: prepare(sequence, None))
        (train, sequences), (validation, held_out) = read(train), read(validation)
        files = zip(train + validation, sequences + held_out, strict=True)
        skeleton = common([(clip.path, sequence.skeleton) for clip, sequence in files])
        sequences = [sequence.on_skeleton(skeleton) for sequence in sequences]
        held_out = [sequence.on_skeleton(skeleton) for sequence in held_out]
    if is_main_process():
        say(f"{name}: {len(train)} clips to train on, {len(validation) or 'none'} to validate with")
    return RunData(
        [ShardSample(clip, sequence) for clip, sequence in zip(train, sequences, strict=True)],
        [ShardSample(clip, sequence) for clip, sequence in zip(validation, held_out, strict=True)],
    )


def _mapped(prepare: Callable[..., PoseSequence], sequence: PoseSequence, skeleton: Skeleton | None) -> PoseSequence:
    """A clip prepared, mapped by anatomy before where it is another estimator's."""
    return prepare(on_layout_of(sequence, skeleton), skeleton=skeleton)


def _split(paths: list[str | Path], name: str, validation_share: float | None) -> tuple[list[Clip], list[Clip]]:
    if validation_share is not None:
        return split_clips(paths, validation_share, say if is_main_process() else lambda message: None)
    clips = read_clips(*paths)
    with naming(name):
        train = select_split(clips, "train")
    return train, [clip for clip in clips if clip.split == "validation"]


def are_shards(data: str | Path) -> bool:
    """Whether data is a URL or a folder of shards."""
    return "://" in str(data) or (Path(data) / INDEX).is_file()


def open_shards(
    folder: str | Path,
    prepare: Callable[..., PoseSequence],
    config: TrainingConfig,
    *,
    frames: int = 1,
    skeleton: Skeleton | None = None,
    check: Check = lambda clips: None,
    reject: Reject | None = None,
    by_anatomy: bool = True,
) -> RunData:
    """Opens shards, and reads what is kept of them in memory; every process of a run reads the same.

    Args:
        folder: of shards, or its URL.
        prepare, config, frames, skeleton, check, reject: as `read_data`'s.
        by_anatomy: map clips of other estimators, see `on_layout_of`.

    Raises:
        UserError: no shards there, no clip that can be used, or too many damaged ones.
    """
    stream = ShardDataset(folder, "train", shuffle=True, seed=config.seed, on_error="skip")
    train_clips = stream.read_clips()
    check(train_clips)
    if skeleton is None:
        stream.transform = partial(prepare, skeleton=None)
        skeleton = _first(stream, 1)[0].sequence.skeleton
    transform = partial(_mapped, prepare) if by_anatomy else prepare
    stream.transform = partial(transform, skeleton=skeleton)
    first = _first(stream, frames)
    if config.overfit:
        few = first[: config.overfit]
        return RunData(few, few)
    held_out = _held_out(folder, stream, train_clips, reject)
    if is_main_process():
        say(f"{folder}: {stream.clips} clips to train on, {len(held_out) or 'none'} to validate with")
    if len(stream.skeletons) > 1:
        counts = ", ".join(str(each.num_keypoints) for each in stream.skeletons)
        estimators = {each.layout.name for each in stream.skeletons if each.layout is not None}
        mapped = "those of another estimator are mapped by anatomy; " if by_anatomy and len(estimators) > 1 else ""
        warnings.warn(
            f"{folder}: clips differ in layout (of {counts} keypoints); {mapped}what a clip lacks counts as missing",
            stacklevel=2,
        )
    return RunData(first, held_out, stream)


def _held_out(
    folder: str | Path, stream: ShardDataset, train_clips: list[Clip], reject: Reject | None
) -> list[ShardSample]:
    """The validation clips of shards that are kept in memory; none where there is no such split."""
    try:
        validation = ShardDataset(folder, "validation", transform=stream.transform, on_error="skip")
    except UserError:  # there are none; the train split was there
        return []
    kept = None if reject is None else {*drop_rejected_clips(train_clips, validation.read_clips(), reject, folder)}
    if kept is not None and not kept:
        return []
    return [each for each in _first(validation, VALIDATION_FRAMES) if kept is None or each.clip in kept]


def drop_rejected_clips(
    train: list[Clip], validation: list[Clip], reject: Reject | None, data: str | Path
) -> list[Clip]:
    """Validation clips without those that `reject` refuses; a warning gives their number and the first few."""
    if reject is None or not validation:
        return validation
    reasons = reject(train, validation)
    why = [f"{clip.location}: {reason}" for clip, reason in zip(validation, reasons, strict=True) if reason is not None]
    if why:
        warnings.warn(
            f"{data}: {len(why)} of {len(validation)} validation clips are left out: {summary(why, 3)}", stacklevel=2
        )
    return [clip for clip, reason in zip(validation, reasons, strict=True) if reason is None]


def _first(shards: ShardDataset, frames: int) -> list[ShardSample]:
    """The first clips, of at least so many frames together, or all."""
    found: list[ShardSample] = []
    for sample in shards:
        found.append(sample)
        frames -= len(sample.sequence)
        if frames <= 0:
            break
    if not found:
        raise UserError(f"{shards.folder}: none of its clips can be used, the first because of {shards.skipped[0]}")
    return found
