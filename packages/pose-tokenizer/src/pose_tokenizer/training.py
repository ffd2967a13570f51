"""`train`: clips to a model folder."""

from __future__ import annotations

import itertools
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch.utils.data import DataLoader

from pose_core import UserError
from pose_core.command_line import say
from pose_core.data import PoseDataset, read_clips, read_usable
from pose_core.training import are_shards, batch_loader, fit, model_card, overfit_subset, run_folder, stream_loader
from pose_core.training.data import data_paths
from pose_tokenizer.config import PRESETS as PRESETS
from pose_tokenizer.config import ModelSizes
from pose_tokenizer.data.augmentation import Augmentation
from pose_tokenizer.data.dataset import ClipDataset, TrainingBatch, collate
from pose_tokenizer.data.shards import prepared, read_shards, varied
from pose_tokenizer.initialization import (
    FITTING_SEED,
    continue_codebooks,
    fit_codebooks,
    fit_grids,
    fit_linear,
    mean_pose,
)
from pose_tokenizer.lightning_module import MONITOR, TokenizerModule
from pose_tokenizer.losses import TokenizerLoss
from pose_tokenizer.model import PoseTokenizer, load_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pose_core import PoseSequence, Skeleton
    from pose_core.data import Clip
    from pose_core.training.data import Data
    from pose_tokenizer.config import RunConfig


def train(
    data: Data,
    output: str | Path,
    config: RunConfig,
    *,
    begin_from: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    dataset: type[PoseDataset] = PoseDataset,
    loss: type[TokenizerLoss] = TokenizerLoss,
    model: type[PoseTokenizer] = PoseTokenizer,
) -> tuple[PoseTokenizer, dict[str, float]]:
    """Trains on the train split of manifests or folders.

    Args:
        data: manifests or folders, as `read_clips` takes them; or one folder or URL of shards, which are streamed.
        output: run folder; in the end it is a model folder, too.
        begin_from: a model to fine-tune, as `load_model` takes it; clips are put on its skeleton.
        resume: go on with the run in `output`; overwrite: start it again.
        dataset: loads clips; a subclass with a `load_sample` of its own reads files of its own.
        loss: a subclass with components of its own.
        model: a subclass with networks of its own.

    Returns:
        The model and its last validation metrics.

    Raises:
        UserError: what the user has to mend in manifest, clips or folder.
    """
    data = data_paths(data)
    run = run_folder(output, config, data=data, resume=resume, overwrite=overwrite, begin_from=begin_from)
    source = load_model(begin_from, "cpu") if begin_from is not None else None
    if source is not None:
        check_sizes(source, config)
    shards = None
    if are_shards(data[0]):
        say("reading shards")
        shards = read_shards(str(data[0]), config, source.skeleton if source is not None else None)
        train_sequences = [sample.sequence for sample in shards.train]
        validation_sequences = [sample.sequence for sample in shards.validation]
        num_clips = len(shards.train_clips())
    else:
        train_sequences, validation_sequences = read_files(
            [Path(path) for path in data], config, dataset, source.skeleton if source is not None else None
        )
        num_clips = len(train_sequences)
    torch.manual_seed(config.seed)
    tokenizer = model(config.model(train_sequences[0].skeleton.to_dict()))

    def first(module: TokenizerModule) -> None:
        if source is not None:
            tokenizer.load_state_dict(source.state_dict())
            adopt_codebooks(module, train_sequences, config)
            return
        say("fitting basis and codebooks")
        initialize(module, train_sequences, config)

    objective = loss(config, tokenizer.skeleton, tokenizer.features.weights)
    module = TokenizerModule(tokenizer, config, objective, first=first if run.resume_from is None else None)
    together = partial(collate, block_frames=tokenizer.block_frames)
    train_set = ClipDataset(train_sequences, sequence_length=config.sequence_length, augmentation=Augmentation())
    validation_loader = None
    if validation_sequences:
        lengths = [len(sequence) for sequence in validation_sequences]
        validation_loader = batch_loader(
            ClipDataset(validation_sequences), lengths, config, collate=together, shuffle=False
        )
    if shards is not None and shards.stream is not None:
        train_loader: DataLoader = stream_loader(
            shards.stream, partial(varied, clips=train_set), config, collate=together
        )
    else:
        lengths = [min(len(sequence), config.sequence_length) for sequence in train_sequences]
        train_loader = batch_loader(train_set, lengths, config, collate=together, shuffle=True)
    metrics = fit(module, train_loader, validation_loader, config, run, monitor=MONITOR)
    tokenizer.eval()
    card = model_card("pose-tokenizer", data, num_clips, config, metrics)
    run.finish(tokenizer.save_pretrained, card)
    return tokenizer, metrics


def read_files(
    data: Sequence[Path],
    config: RunConfig,
    dataset: type[PoseDataset],
    skeleton: Skeleton | None = None,
) -> tuple[list[PoseSequence], list[PoseSequence]]:
    """Prepared clips to train on and to validate with, of manifests or folders.

    Raises:
        UserError: there is nothing to train on, or as `read_prepared`.
    """
    clips = read_clips(*data)
    train_clips = [clip for clip in clips if clip.split == "train"]
    validation_clips = [clip for clip in clips if clip.split == "validation"]
    if not train_clips:
        raise UserError(f"{data[0]}: no clip has split train; there is nothing to train on")
    train_clips, validation_clips = overfit_subset(train_clips, validation_clips, config)
    say(f"reading {len(train_clips) + len(validation_clips)} clips")
    if not validation_clips:
        warnings.warn(f"{data[0]}: no clip has split validation; nothing will tell how good the model is", stacklevel=2)
    train_sequences = read_prepared(train_clips, config, dataset=dataset, skeleton=skeleton)
    skeleton = train_sequences[0].skeleton
    return train_sequences, read_prepared(validation_clips, config, dataset=dataset, skeleton=skeleton)


def read_prepared(
    clips: Sequence[Clip],
    config: RunConfig,
    *,
    dataset: type[PoseDataset] = PoseDataset,
    skeleton: Skeleton | None = None,
) -> list[PoseSequence]:
    """Reads and prepares clips, all on one skeleton, or that of the first; a few that cannot be used are left out.

    Raises:
        UserError: too many clips cannot be used, or the first has another number of keypoints than the config says; the
            message names them.
    """
    prepare = partial(prepared, keypoints=config.keypoints if skeleton is None else None)
    load = dataset(clips).load_sample
    if skeleton is None and config.num_keypoints is not None:
        _check_keypoints(clips, lambda clip: prepare(load(clip), None), config.num_keypoints)
    return read_usable(clips, prepare, skeleton, load=load, resampled=False)[1]


def _check_keypoints(clips: Sequence[Clip], read: Callable[[Clip], PoseSequence], expected: int) -> None:
    """Refuses clips, before all are read, of which the first that can be read has another number of keypoints.

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


def check_sizes(source: PoseTokenizer, config: RunConfig) -> None:
    """Refuses a model to fine-tune that is not of the run's sizes.

    Raises:
        UserError: naming the setting.
    """
    for name in ModelSizes.model_fields:
        theirs, ours = getattr(source.config, name), getattr(config, name)
        if name != "rate" and theirs != ours:
            raise UserError(f"{name} is {ours}, and {theirs} in the model to fine-tune; set it to {theirs}")


def adopt_codebooks(module: TokenizerModule, sequences: Sequence[PoseSequence], config: RunConfig) -> None:
    """Has codebooks go on from a fine-tuned model's, each code as heavy as it is often used in the clips."""
    if module.vq is not None:
        continue_codebooks(module.model, module.vq, fitting_batches(module.model, sequences, config))


def initialize(module: TokenizerModule, sequences: Sequence[PoseSequence], config: RunConfig) -> None:
    """Fits what needs no gradients: on the clips and, until there are enough blocks, varied copies of them."""
    model = module.model
    model.features.mean.copy_(mean_pose(sequences))
    left = fit_linear(model, partial(fitting_batches, model, sequences, config))
    if module.vq is None:
        fit_grids(model, left)
    else:
        fit_codebooks(model, module.vq, left)


def fitting_batches(
    model: PoseTokenizer, sequences: Sequence[PoseSequence], config: RunConfig
) -> Iterator[TrainingBatch]:
    """The clips and, until there are `fitting_blocks`, varied copies of them; each time the same."""
    together = partial(collate, block_frames=model.block_frames)
    blocks = 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(FITTING_SEED)
        for copy in itertools.count():
            clips = ClipDataset(sequences, augmentation=Augmentation() if copy else None)
            for batch in DataLoader(clips, batch_size=config.batch_size, shuffle=True, collate_fn=together):
                yield batch
                blocks += int(batch.mask.sum())
                if blocks >= config.fitting_blocks:
                    return
