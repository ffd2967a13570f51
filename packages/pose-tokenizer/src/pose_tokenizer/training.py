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
from pose_core.data import PoseDataset, read_clips, read_usable
from pose_core.training import StreamLoader, are_shards, batch_loader, chosen_clips, fit, model_card, run_folder
from pose_tokenizer.augment import Augmentation
from pose_tokenizer.clips import ClipDataset, TrainingBatch, collate
from pose_tokenizer.fitting import FITTING_SEED, fit_codebooks, fit_grids, fit_linear, mean_pose
from pose_tokenizer.lightning_module import MONITOR, TokenizerModule
from pose_tokenizer.losses import TokenizerLoss
from pose_tokenizer.model import PoseTokenizer
from pose_tokenizer.shards import prepared, read_shards, varied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pose_core import PoseSequence
    from pose_core.data import Clip
    from pose_tokenizer.config import RunConfig

PRESETS = {path.stem: path for path in sorted((Path(__file__).parent / "presets").glob("*.yaml"))}


def train(
    data: Sequence[str | Path],
    output: str | Path,
    config: RunConfig,
    *,
    resume: bool = False,
    overwrite: bool = False,
    dataset: type[PoseDataset] = PoseDataset,
    loss: type[TokenizerLoss] = TokenizerLoss,
    model: type[PoseTokenizer] = PoseTokenizer,
    say: Callable[[str], None] = lambda message: None,
) -> tuple[PoseTokenizer, dict[str, float]]:
    """Trains on the train split of manifests or folders.

    Args:
        data: manifests or folders, as `read_clips` takes them; or one folder or URL of shards, which are streamed.
        output: run folder; in the end it is a model folder, too.
        resume: go on with the run in `output`; overwrite: start it again.
        dataset: loads clips; a subclass with a `load_sample` of its own reads files of its own.
        loss: a subclass with components of its own.
        model: a subclass with networks of its own.
        say: told what is being done.

    Returns:
        The model and its last validation metrics.

    Raises:
        UserError: what the user has to mend in manifest, clips or folder.
    """
    training = config.training()
    run = run_folder(output, config, data=data, resume=resume, overwrite=overwrite)
    shards = None
    if are_shards(data[0]):
        if len(data) > 1:
            raise UserError(f"{data[0]}: shards are trained on alone; pack all data together")
        say("reading shards")
        shards = read_shards(str(data[0]), config)
        train_sequences = [sample.sequence for sample in shards.train]
        validation_sequences = [sample.sequence for sample in shards.validation]
        num_clips = len(shards.train_clips())
    else:
        train_sequences, validation_sequences = read_files([Path(path) for path in data], config, dataset, say)
        num_clips = len(train_sequences)
    torch.manual_seed(config.seed)
    tokenizer = model(config.model(train_sequences[0].skeleton.to_dict()))

    def first(module: TokenizerModule) -> None:
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
            ClipDataset(validation_sequences), lengths, training, collate=together, shuffle=False
        )
    if shards is not None and shards.stream is not None:
        train_loader: DataLoader = StreamLoader(
            shards.stream,
            partial(varied, clips=train_set),
            batch_size=config.batch_size,
            collate=together,
            num_workers=config.num_workers,
        )
    else:
        lengths = [min(len(sequence), config.sequence_length) for sequence in train_sequences]
        train_loader = batch_loader(train_set, lengths, training, collate=together, shuffle=True)
    trainer = fit(
        module,
        train_loader,
        validation_loader,
        training,
        run,
        monitor=MONITOR,
    )
    metrics = {name: value.item() for name, value in trainer.callback_metrics.items()}
    tokenizer.eval()
    card = model_card("pose-tokenizer", Path(data[0]), num_clips, config, metrics)
    run.finish(tokenizer.save_pretrained, card)
    return tokenizer, metrics


def read_files(
    data: Sequence[Path], config: RunConfig, dataset: type[PoseDataset], say: Callable[[str], None]
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
    train_clips, validation_clips = chosen_clips(train_clips, validation_clips, config.training())
    say(f"reading {len(train_clips) + len(validation_clips)} clips")
    if not validation_clips:
        warnings.warn(f"{data[0]}: no clip has split validation; nothing will tell how good the model is", stacklevel=2)
    train_sequences = read_prepared(train_clips, config, dataset=dataset)
    return train_sequences, read_prepared(validation_clips, config, dataset=dataset, like=train_sequences[0])


def read_prepared(
    clips: Sequence[Clip],
    config: RunConfig,
    *,
    dataset: type[PoseDataset] = PoseDataset,
    like: PoseSequence | None = None,
) -> list[PoseSequence]:
    """Reads and prepares clips, all on the skeleton of `like`, or of the first; a few that cannot be used are left out.

    Raises:
        UserError: too many clips cannot be used, or the first has another number of keypoints than the config says; the
            message names them.
    """
    prepare = partial(prepared, keypoints=config.keypoints)
    load = dataset(clips).load_sample
    skeleton = like.skeleton if like is not None else None
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


def initialize(module: TokenizerModule, sequences: Sequence[PoseSequence], config: RunConfig) -> None:
    """Fits what needs no gradients: on the clips and, until there are enough blocks, varied copies of them."""
    model = module.model
    model.features.mean.copy_(mean_pose(sequences))
    together = partial(collate, block_frames=model.block_frames)

    def batches() -> Iterable[TrainingBatch]:
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

    left = fit_linear(model, batches)
    if module.vq is None:
        fit_grids(model, left)
    else:
        fit_codebooks(model, module.vq, left)
