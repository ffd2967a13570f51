"""`train`: a data set to a model folder."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

from pose_core.errors import UserError
from pose_core.training import batch_loader, fit, model_card, read_data, run_folder, stream_loader
from pose_core.training.data import data_paths
from pose_encoders.config import PRESETS as PRESETS
from pose_encoders.config import ModelConfig, RunConfig
from pose_encoders.dataset import LabelledDataset, augment_sample
from pose_encoders.labels import class_index, class_indices, class_names, label_of, unknown_labels
from pose_encoders.lightning_module import MONITOR, ClassificationModule, HiddenFramesModule
from pose_encoders.model import PoseEncoderModel, load_model
from pose_encoders.preprocessing import prepare

if TYPE_CHECKING:
    from pathlib import Path

    from torch.utils.data import DataLoader

    from pose_core.data import ShardSample
    from pose_core.skeleton import Skeleton
    from pose_core.training import RunData
    from pose_core.training.data import Data


def train(
    data: Data,
    output: str | Path,
    config: RunConfig,
    *,
    init_from: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> tuple[PoseEncoderModel, dict[str, float]]:
    """Trains on a data set's train split, choosing the best weights by its validation split where it has one.

    Args:
        data: manifests or folders, as `read_clips` takes them; or one folder of shards, or its URL, which are streamed.
        output: run folder; in the end it is a model folder too.
        init_from: model whose encoder's weights are the initial ones.
        resume: continue the run in `output`.
        overwrite: start the run in `output` again.

    Returns:
        The model and its last validation metrics.

    Raises:
        UserError: what the user has to mend in data, settings or folder.
    """
    data = data_paths(data)
    run = run_folder(output, config, data=data, resume=resume, overwrite=overwrite, init_from=init_from)
    start = load_model(init_from, "cpu") if init_from is not None else None
    prepared = partial(prepare, fps=config.fps, face=config.face)
    clips = read_data(
        data,
        prepared,
        config,
        skeleton=start.skeleton if start else None,
        check=partial(class_names, task=config.task, data=data[0]),
        reject=partial(unknown_labels, task=config.task),
    )
    train_clips = clips.train_clips()
    labels = class_names(train_clips, config.task, data[0])
    train_loader, validation_loader = loaders(clips, labels, config)

    torch.manual_seed(config.seed)
    model = build_model(config, clips.skeleton, labels, start)
    module = (HiddenFramesModule if labels is None else ClassificationModule)(model, config)
    metrics = fit(module, train_loader, validation_loader, config, run, monitor=MONITOR)
    model.eval()
    run.finish(model.save_pretrained, model_card("pose-encoders", data, len(train_clips), config, metrics))
    return model, metrics


def build_model(
    config: RunConfig, skeleton: Skeleton, labels: list[str] | None, start: PoseEncoderModel | None = None
) -> PoseEncoderModel:
    """A new model, with the encoder's weights of `start` if it is given.

    Raises:
        UserError: the encoder of `start` has another configuration.
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


def loaders(clips: RunData, labels: list[str] | None, config: RunConfig) -> tuple[DataLoader, DataLoader | None]:
    """Data loaders of training clips, and of validation clips whose label is a training clip's; None without any."""

    def batches(samples: list[ShardSample], *, train: bool) -> DataLoader:
        sequences = [sample.sequence for sample in samples]
        indices = class_indices([sample.clip for sample in samples], labels, config.task)
        dataset = LabelledDataset(sequences, indices, augment=train)
        lengths = [len(sequence) for sequence in sequences]
        return batch_loader(dataset, lengths, config, collate=dataset.collate, shuffle=train)

    known = [sample for sample in clips.validation if labels is None or label_of(sample.clip, config.task) in labels]
    validation = batches(known, train=False) if known else None
    if clips.stream is None:
        return batches(clips.train, train=True), validation
    return stream_loader(
        clips.stream,
        partial(augment_sample, index_of=class_index(labels), task=config.task),
        config,
        collate=LabelledDataset.collate,
    ), validation
