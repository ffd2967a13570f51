"""`train`: sequences to a model folder."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import torch

from ht_vae.checkpoint import load_model
from ht_vae.config import PRESETS as PRESETS
from ht_vae.config import ModelConfig, ModelSizes
from ht_vae.data.dataset import PoseSequenceDataset, Window
from ht_vae.data.loader import PoseDataLoader, TrainingBatch
from ht_vae.data.loading import name_of, read_data, read_shards
from ht_vae.data.streaming import StreamedWindows, as_it_is
from ht_vae.lightning_module import MONITOR, HTVAEModule
from ht_vae.losses import LossManager, VAELoss
from ht_vae.model import HierarchicalTransformerVAE
from ht_vae.nn.arms import has_hands_on_arms
from pose_core import Skeleton
from pose_core.command_line import say
from pose_core.training import (
    StreamLoader,
    are_shards,
    fit,
    is_main_process,
    model_card,
    run_folder,
)
from pose_core.training.data import data_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import Tensor
    from torch.utils.data import DataLoader

    from ht_vae.config import RunConfig
    from ht_vae.nn.latent import Posterior
    from pose_core.data import ShardDataset
    from pose_core.training.data import Data

LONGEST_FITTED = 16  # chunks of a window that the linear basis and the prior are fitted to


class HTVAETrainer:
    """Trains models into a folder: checkpoints, logs, early stopping and resuming are pose-core's.

    Args:
        config: see `RunConfig`.
        output: run folder; in the end it is a model folder, too.
        resume: go on with the run in `output`.
        overwrite: start it again.
        data: what it trains on, and `others`, whatever else makes it another run; see `run_folder`.

    Raises:
        UserError: the folder holds something else, or nothing to resume.
    """

    def __init__(
        self,
        config: RunConfig,
        output: str | Path,
        *,
        resume: bool = False,
        overwrite: bool = False,
        data: Sequence[str | Path] = (),
        **others: Any,
    ) -> None:
        self.config = config
        self.run = run_folder(output, config, data=data, resume=resume, overwrite=overwrite, **others)

    def fit(
        self,
        model: HierarchicalTransformerVAE,
        train_loader: DataLoader,
        validation_loader: DataLoader | None = None,
        *,
        loss: type[VAELoss] = VAELoss,
    ) -> dict[str, float]:
        """Trains a model and saves it; arguments as `train_only`'s."""
        metrics = self.train_only(model, train_loader, validation_loader, loss=loss)
        self.run.finish(model.save_pretrained)
        return metrics

    def train_only(
        self,
        model: HierarchicalTransformerVAE,
        train_loader: DataLoader,
        validation_loader: DataLoader | None = None,
        *,
        loss: type[VAELoss] = VAELoss,
    ) -> dict[str, float]:
        """Trains a model.

        Args:
            model: on the skeleton of the loaders' batches; see its `begin_with`.
            train_loader, validation_loader: of `TrainingBatch`es, as `PoseDataLoader`'s.
            loss: a subclass with components of its own.

        Returns:
            The last metrics; the model holds the weights that `config.keep` says.

        Raises:
            UserError: settings that Lightning refuses.
        """
        objective = loss(Skeleton.from_dict(model.config.skeleton), LossManager(self.config))
        module = HTVAEModule(model, self.config, objective)
        metrics = fit(module, train_loader, validation_loader, self.config, self.run, monitor=MONITOR)
        model.eval()
        return metrics


def train(
    data: Data,
    output: str | Path,
    config: RunConfig,
    *,
    begin_from: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    dataset: type[PoseSequenceDataset] = PoseSequenceDataset,
    loss: type[VAELoss] = VAELoss,
) -> tuple[HierarchicalTransformerVAE, dict[str, float]]:
    """Trains on the train split of manifests or folders.

    Args:
        data: manifests or folders, as `pose_core.data.read_clips` takes them; or one folder or URL of shards, which are
            streamed.
        output: run folder; in the end it is a model folder, too.
        begin_from: a model to fine-tune, as `load_model` takes it.
        resume: go on with the run in `output`; overwrite: start it again.
        dataset: loads clips; a subclass with a `load_sample` of its own reads files of its own.
        loss: a subclass with components of its own.

    Returns:
        The model and its last metrics.

    Raises:
        UserError: what the user has to mend in data, settings or folder.
    """
    data = data_paths(data)
    trainer = HTVAETrainer(config, output, resume=resume, overwrite=overwrite, data=data, begin_from=begin_from)
    source = load_model(begin_from, "cpu") if begin_from is not None else None
    stream: ShardDataset | None = None
    if are_shards(data[0]):
        train_set, validation_set, stream = read_shards(data, config, source=source)
    else:
        train_set, validation_set = read_data(data, config, dataset=dataset, source=source)
    clips, frames = (len(train_set.clips), sum(train_set.lengths)) if stream is None else (stream.clips, stream.frames)
    trained_on = f"{clips} clips, {frames:,} frames, of {', '.join(name_of(path) for path in data)}"
    torch.manual_seed(config.seed)
    settings = model_config(train_set, trained_on, config)
    if source is not None:
        settings = settings.model_copy(update={"relative_arms": source.config.relative_arms})
    model = HierarchicalTransformerVAE(settings)
    if source is not None:
        model.load_state_dict(source.state_dict())
    elif trainer.run.resume_from is None:
        say("fitting the linear basis")
        model.begin_with(*train_set.mean_pose(), fitting_windows(train_set, config))
    loading = {
        "batch_size": config.batch_size,
        "batch_frames": config.batch_frames,
        "num_workers": config.num_workers,
        "pin_memory": config.pin_memory,
    }
    if stream is None:
        train_loader = PoseDataLoader(train_set, min_frames=config.min_frames, steps=config.steps_per_epoch, **loading)
    else:
        train_loader = StreamLoader(
            stream,
            as_it_is,
            batch_size=config.batch_size,
            collate=StreamedWindows(train_set, config),
            num_workers=config.num_workers,
            steps=config.steps_per_epoch,
        )
    validation_loader = PoseDataLoader(validation_set, **loading) if validation_set is not None else None
    metrics = trainer.train_only(model, train_loader, validation_loader, loss=loss)
    if is_main_process() and not config.dry_run:
        say("fitting the prior to the latents")
        torch.manual_seed(config.seed)
        fit_prior(model, train_set, config)
    card = model_card("ht-vae", data, clips, config, metrics)
    trainer.run.finish(model.save_pretrained, card)
    return model, metrics


def fitting_windows(train_set: PoseSequenceDataset, config: RunConfig) -> list[tuple[Tensor, Tensor]]:
    """Windows of the train set, `fitting_frames` in all: keypoints (T, K, D) and which are seen (T, K)."""
    drawn = [window.sequence for window in drawn_windows(train_set, config)]
    return [(torch.from_numpy(each.keypoints), torch.from_numpy(each.confidence > 0)) for each in drawn]


def fit_prior(model: HierarchicalTransformerVAE, train_set: PoseSequenceDataset, config: RunConfig) -> None:
    """Fits the prior to the latents of windows of the train set, as they are: what augmentation adds is not signed."""
    model.eval()
    model.latent_space.fit_prior(list(posteriors(model, train_set, config)))


@torch.no_grad()
def posteriors(
    model: HierarchicalTransformerVAE, train_set: PoseSequenceDataset, config: RunConfig
) -> Iterator[Posterior]:
    """Of windows of the train set, one at a time and without augmentation."""
    plain = copy(train_set)
    plain.augmentation = None
    for window in drawn_windows(plain, config):
        batch = TrainingBatch.of([window]).to(model.device)
        yield model.encode(batch.poses.keypoints, batch.poses.confidence, batch.poses.mask, batch.condition)


def drawn_windows(train_set: PoseSequenceDataset, config: RunConfig) -> Iterator[Window]:
    """Windows of few and of many chunks, drawn as training draws them, `fitting_frames` in all."""
    longest = min(config.max_frames, LONGEST_FITTED * config.chunk_size)
    weights = torch.tensor(train_set.lengths, dtype=torch.float64)
    left = config.fitting_frames
    while left > 0:
        frames = int(torch.randint(min(config.min_frames, longest), longest + 1, ()))
        window = train_set[int(torch.multinomial(weights, 1)), frames]
        left -= len(window.sequence)
        yield window


def model_config(train_set: PoseSequenceDataset, trained_on: str, config: RunConfig) -> ModelConfig:
    """The configuration of a model for a data set; what it is trained on in words."""
    return ModelConfig(
        **config.model_dump(include={*ModelSizes.model_fields}),
        labels=train_set.labels,
        skeleton=train_set.skeleton.to_dict(),
        fps=train_set.fps,
        trained_on=trained_on,
        relative_arms=has_hands_on_arms(train_set.skeleton),
    )
