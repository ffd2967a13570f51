"""The data of a run: prepared clips, and loaders of batches."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING

from pose_core import UserError
from pose_core.data import PoseDataset
from pose_core.training import batch_loader, stream_loader
from pose_core.training import read_data as read_run_data
from pose_core.training.data import are_shards, data_paths
from pose_core.transforms import choose_keypoints, to_layout
from pose_tokenizer.data.augmentation import Augmentation
from pose_tokenizer.data.dataset import ClipDataset, collate, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch.utils.data import DataLoader

    from pose_core import PoseSequence, Skeleton
    from pose_core.data import Clip
    from pose_core.training import RunData
    from pose_core.training.data import Data
    from pose_core.transforms import KeypointChoice
    from pose_tokenizer.config import RunConfig


def read_data(
    data: Data, config: RunConfig, *, dataset: type[PoseDataset] = PoseDataset, skeleton: Skeleton | None = None
) -> RunData:
    """The clips of a run, prepared, on one skeleton; a few that cannot be used are left out.

    Args:
        data: see `pose_core.training.read_data`. Of shards, as many clips are in memory as basis and codebooks are
            fitted to; the others are streamed.
        config: of the run.
        dataset: loads clips of files.
        skeleton: of a model to fine-tune; None: that of the first clip.

    Raises:
        UserError: there is nothing to train on, too many clips cannot be used, or the first has another number of
            keypoints than the config says.
    """
    prepare = partial(
        prepare_clip,
        keypoints=config.keypoints if skeleton is None else None,
        layout=config.layout if skeleton is None else None,
        dims=config.coordinates,
    )
    load = dataset([]).load_sample
    paths = data_paths(data)
    name = ", ".join(map(str, paths))
    expected = config.num_keypoints if skeleton is None else None

    def check(train: Sequence[Clip]) -> None:
        if expected is not None and not are_shards(paths[0]):
            check_keypoints(train, lambda clip: prepare(load(clip), None), expected)

    clips = read_run_data(
        paths,
        prepare,
        config,
        frames=config.fitting_blocks * config.downsampling,
        skeleton=skeleton,
        load=load,
        resampled=False,
        check=check,
    )
    if expected not in (None, clips.skeleton.num_keypoints):
        raise UserError(
            f"{name}: num_keypoints is {expected}, the clips have {clips.skeleton.num_keypoints}; correct "
            "the config or choose other `keypoints`"
        )
    if not clips.validation:
        warnings.warn(f"{name}: no clip has split validation; nothing will tell how good the model is", stacklevel=2)
    return clips


def prepare_clip(
    sequence: PoseSequence,
    skeleton: Skeleton | None,
    *,
    keypoints: KeypointChoice | None,
    layout: str | None = None,
    dims: int = 2,
) -> PoseSequence:
    """A clip as training sees it.

    Args:
        sequence: as read.
        skeleton: to put it on; None: its own.
        keypoints: which to choose; None leaves that to the skeleton.
        layout: to map clips to by anatomy first, see `named_skeleton`; None leaves them as they are.
        dims: coordinates of a keypoint, where the skeleton does not say.
    """
    if layout is not None:
        sequence = to_layout(sequence, layout)
    if keypoints is not None:
        sequence = choose_keypoints(sequence, keypoints)
    return prepare(sequence, skeleton or sequence.skeleton.with_dims(dims))


def check_keypoints(clips: Sequence[Clip], read: Callable[[Clip], PoseSequence], expected: int) -> None:
    """Refuses clips, before all are read, if the first that can be read has another number of keypoints.

    Raises:
        UserError: naming it.
    """
    for clip in clips:
        try:
            found = read(clip).skeleton.num_keypoints
        except UserError:
            continue  # is skipped, or refused with the others like it
        if found != expected:
            raise UserError(
                f"{clip.path}: num_keypoints is {expected}, the clip has {found}; "
                "correct the config or choose other `keypoints`"
            )
        return


def loaders(clips: RunData, config: RunConfig) -> tuple[DataLoader, DataLoader | None]:
    """Batches of augmented clips cut to `sequence_length`, to train on, and of whole clips, to validate with."""
    to_batch = partial(collate, block_frames=config.downsampling)
    validation = None
    if clips.validation:
        sequences = [sample.sequence for sample in clips.validation]
        validation = batch_loader(
            ClipDataset(sequences), list(map(len, sequences)), config, collate=to_batch, shuffle=False
        )
    sequences = [sample.sequence for sample in clips.train]
    train_set = ClipDataset(sequences, sequence_length=config.sequence_length, augmentation=Augmentation())
    if clips.stream is not None:
        return stream_loader(clips.stream, train_set.item_of_shard, config, collate=to_batch), validation
    lengths = [min(len(sequence), config.sequence_length) for sequence in sequences]
    return batch_loader(train_set, lengths, config, collate=to_batch, shuffle=True), validation
