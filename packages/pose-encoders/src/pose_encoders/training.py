"""`train`: a data set to a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from pydantic import BaseModel, ConfigDict, Field

from pose_core.data import read_clips, select_split
from pose_core.errors import UserError
from pose_core.training import TrainingConfig, batch_loader, chosen_clips, fit, model_card, run_folder
from pose_encoders.checkpoint import load_model
from pose_encoders.clips import LabelledDataset, read_prepared
from pose_encoders.config import EncoderConfig, ModelConfig, Pool, TransformerEncoderConfig
from pose_encoders.labels import Task, label_names, label_of, numbers
from pose_encoders.lightning_module import MONITOR, ClassificationModule, HiddenFramesModule
from pose_encoders.model import PoseEncoderModel

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

    from pose_core.skeleton import Skeleton

PRESETS = {path.stem: path for path in sorted((Path(__file__).parent / "presets").glob("*.yaml"))}


class RunConfig(BaseModel):
    """A preset: what is trained, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Task = Field("text", description="a manifest's column to tell clips apart by, or hidden_frames: no labels")
    encoder: EncoderConfig = TransformerEncoderConfig()
    pool: Pool = "attention"
    fps: float = Field(25.0, gt=0)
    face: bool = False
    training: TrainingConfig = TrainingConfig()


def train(
    data: Path,
    output: Path,
    config: RunConfig,
    *,
    start_from: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> tuple[PoseEncoderModel, dict[str, float]]:
    """Trains on a data set's train split, choosing the best weights by its validation split where it has one.

    Args:
        data: see `pose_core.data.read_clips`.
        output: run folder; in the end it is a model folder too.
        start_from: a model whose encoder to begin with, pretrained without labels for one.
        resume: go on with the run in `output`.
        overwrite: start the run in `output` again.

    Returns:
        The model and its last validation metrics.

    Raises:
        UserError: what the user has to mend in data, settings or folder.
    """
    run = run_folder(output, config, data=[data], resume=resume, overwrite=overwrite, start_from=start_from)
    clips = read_clips(data)
    train_clips = select_split(clips, "train")
    validation_clips = [clip for clip in clips if clip.split == "validation"]
    train_clips, validation_clips = chosen_clips(train_clips, validation_clips, config.training)
    start = load_model(start_from, "cpu") if start_from else None
    skeleton = start.skeleton if start else None
    train_sequences = read_prepared(train_clips, config.fps, face=config.face, skeleton=skeleton)
    skeleton = train_sequences[0].skeleton
    labels = label_names(train_clips, config.task, data)
    train_set = LabelledDataset(train_sequences, numbers(train_clips, labels, config.task), augment=True)
    validation_loader = None
    taught = [clip for clip in validation_clips if labels is None or label_of(clip, config.task) in labels]
    if taught:
        sequences = read_prepared(taught, config.fps, face=config.face, skeleton=skeleton)
        validation_set = LabelledDataset(sequences, numbers(taught, labels, config.task), augment=False)
        validation_loader = _loader(validation_set, config.training, shuffle=False)

    torch.manual_seed(config.training.seed)
    model = build_model(config, skeleton, labels, start)
    module = (HiddenFramesModule if labels is None else ClassificationModule)(model, config.training)
    trainer = fit(
        module,
        _loader(train_set, config.training, shuffle=True),
        validation_loader,
        config.training,
        run,
        monitor=MONITOR,
    )
    metrics = {name: value.item() for name, value in trainer.callback_metrics.items()}
    model.eval()
    run.finish(model.save_pretrained, model_card("pose-encoders", data, len(train_clips), config, metrics))
    return model, metrics


def build_model(
    config: RunConfig, skeleton: Skeleton, labels: list[str] | None, start: PoseEncoderModel | None = None
) -> PoseEncoderModel:
    """A fresh model, with the encoder of `start` where there is one.

    Raises:
        UserError: that encoder is another one than `config` describes.
    """
    model = PoseEncoderModel(
        ModelConfig(
            encoder=config.encoder,
            pool=config.pool,
            skeleton=skeleton.to_dict(),
            fps=config.fps,
            face=config.face,
            labels=labels,
        )
    )
    if start is not None:
        if start.config.encoder != config.encoder:
            theirs, ours = (c.model_dump() for c in (start.config.encoder, config.encoder))
            other = sorted(name for name in {*theirs, *ours} if theirs.get(name) != ours.get(name))
            raise UserError(f"the model to start from has another encoder: {', '.join(other)} differ; name its preset")
        model.encoder.load_state_dict(start.encoder.state_dict())
    return model


def _loader(dataset: LabelledDataset, config: TrainingConfig, *, shuffle: bool) -> DataLoader:
    lengths = [len(sequence) for sequence in dataset.sequences]
    return batch_loader(dataset, lengths, config, collate=dataset.collate, shuffle=shuffle)
