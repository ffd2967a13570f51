"""`train`: data to a model folder."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import torch

from ht_vae.basis_training import basis_error_ratio, sequence_rows, train_basis_transformer
from ht_vae.config import PRESETS as PRESETS
from ht_vae.config import ModelConfig, ModelSizes
from ht_vae.data.augmentation import WIDE
from ht_vae.data.dataset import PoseSequenceDataset, Window
from ht_vae.data.loader import TrainingBatch
from ht_vae.data.loading import read_training_data
from ht_vae.lightning_module import MONITOR, HTVAEModule
from ht_vae.losses import VAELoss
from ht_vae.model import HierarchicalTransformerVAE, load_model
from ht_vae.nn.arms import has_hands_on_arms
from ht_vae.prior_training import sequence_latents, train_prior
from pose_core.command_line import say
from pose_core.training import fit, is_main_process, model_card, run_folder
from pose_core.training.data import data_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch.utils.data import DataLoader

    from ht_vae.config import RunConfig
    from ht_vae.data.loading import TrainingData
    from ht_vae.nn.latent import Posterior
    from pose_core.training.data import Data

PRIOR_COPIES = 4
FITTING_CHUNKS = 16  # of the longest window that the linear basis and the prior are fitted to


def train(
    data: Data,
    output: str | Path,
    config: RunConfig,
    *,
    init_from: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    dataset: type[PoseSequenceDataset] = PoseSequenceDataset,
    loss: type[VAELoss] = VAELoss,
) -> tuple[HierarchicalTransformerVAE, dict[str, float]]:
    """Trains on the train split of manifests or folders.

    Args:
        data: manifests or folders, as `pose_core.data.read_clips` takes them; or one folder or URL of shards, which are
            streamed.
        output: run folder; becomes a model folder when the run is finished.
        config: of the run.
        init_from: a model to fine-tune, as `load_model` takes it.
        resume: continue the run in `output`; overwrite: start it again.
        dataset: loads clips; a subclass with its own `load_sample` reads other files.
        loss: a subclass may have other components.

    Returns:
        The model and its last metrics.

    Raises:
        UserError: data, settings or a folder that cannot be used.
    """
    paths = data_paths(data)
    run = run_folder(output, config, data=paths, resume=resume, overwrite=overwrite, init_from=init_from)
    source = load_model(init_from, "cpu") if init_from is not None else None
    clips = read_training_data(paths, config, dataset=dataset, source=source)
    torch.manual_seed(config.seed)
    model = build_model(clips, config, source)
    if source is None and run.resume_from is None:
        say("fitting the linear basis")
        windows = [window.tensors for window in draw_windows(clips.train, config)]
        model.initialize(*clips.train.mean_pose(), windows)
        if model.basis_transformer is not None and not config.dry_run:
            say("training the layers over the basis")
            rows = sequence_rows(model, draw_windows(widely_augmented(clips.train), config, config.basis_frames))
            train_basis_transformer(model, rows, config)
    module = HTVAEModule(model, config, loss)
    metrics = fit(module, *clips.loaders(config), config, run, monitor=MONITOR)
    model.eval()
    if is_main_process() and not config.dry_run:
        if model.basis_transformer is not None and clips.validation is not None:
            held_out = map(clips.validation.__getitem__, range(len(clips.validation)))
            metrics["validation/basis_error_ratio"] = basis_error_ratio(model, sequence_rows(model, held_out))
        torch.manual_seed(config.seed)
        if config.prior_layers:
            say("learning the prior of the latents")
            windows = prior_windows(clips.train, config)
            metrics["prior/loss"] = train_prior(model, sequence_latents(model, windows), config.prior_steps)
        else:
            say("fitting the prior to the latents")
            model.latent_space.fit_prior([*posteriors(model, clips.train, config)])
    run.finish(model.save_pretrained, model_card("ht-vae", paths, clips.num_clips, config, metrics))
    return model, metrics


def build_model(
    data: TrainingData, config: RunConfig, source: HierarchicalTransformerVAE | None = None
) -> HierarchicalTransformerVAE:
    """A model for the data, untrained or with the weights of `source`."""
    clips = data.train
    settings = ModelConfig(
        **config.model_dump(include={*ModelSizes.model_fields}),
        labels=clips.labels,
        skeleton=clips.skeleton.to_dict(),
        fps=clips.fps,
        trained_on=f"{data.num_clips} clips, {data.num_frames:,} frames, of {data.names}",
        relative_arms=has_hands_on_arms(clips.skeleton) if source is None else source.config.relative_arms,
    )
    model = HierarchicalTransformerVAE(settings)
    if source is not None:
        model.load_state_dict(source.state_dict())
    return model


def widely_augmented(clips: PoseSequenceDataset) -> PoseSequenceDataset:
    """The clips, augmented more than the networks over frames see them; unless they are not to be augmented at all."""
    wide = copy(clips)
    wide.augmentation = None if clips.augmentation is None else WIDE
    return wide


def draw_windows(clips: PoseSequenceDataset, config: RunConfig, frames: int | None = None) -> Iterator[Window]:
    """Random training windows from `min_frames` to `FITTING_CHUNKS` chunks; so many frames, or `fitting_frames`."""
    longest = min(config.max_frames, FITTING_CHUNKS * config.chunk_size)
    weights = torch.tensor(clips.lengths, dtype=torch.float64)
    remaining = frames or config.fitting_frames
    while remaining > 0:
        length = int(torch.randint(min(config.min_frames, longest), longest + 1, ()))
        window = clips[int(torch.multinomial(weights, 1)), length]
        remaining -= len(window.sequence)
        yield window


def prior_windows(clips: PoseSequenceDataset, config: RunConfig) -> Iterator[Window]:
    """What a learned prior is to learn: each clip `PRIOR_COPIES` times, as it is augmented, and longer windows."""
    for _ in range(PRIOR_COPIES):
        for i, frames in enumerate(clips.lengths):
            yield clips[i, frames]
    yield from draw_windows(clips, config, config.prior_frames)


@torch.no_grad()
def posteriors(model: HierarchicalTransformerVAE, clips: PoseSequenceDataset, config: RunConfig) -> Iterator[Posterior]:
    """Posteriors of random windows, without augmentation, one at a time."""
    plain = copy(clips)
    plain.augmentation = None
    for window in draw_windows(plain, config):
        batch = TrainingBatch.of([window]).to(model.device)
        yield model.encode(*batch.inputs, batch.condition)


class HTVAETrainer:
    """Trains any model on any loaders into a run folder; `train` reads the data and builds the model, too.

    Args:
        config: see `RunConfig`.
        output: run folder; becomes a model folder when the run is finished.
        resume: continue the run in `output`.
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
        """Trains a model and saves it.

        Args:
            model: on the skeleton of the loaders' batches; see its `initialize`.
            train_loader, validation_loader: of `TrainingBatch`es, as `PoseDataLoader`'s.
            loss: a subclass may have other components.

        Returns:
            The last metrics; the model holds the weights that `config.keep` says.

        Raises:
            UserError: settings that Lightning refuses.
        """
        module = HTVAEModule(model, self.config, loss)
        metrics = fit(module, train_loader, validation_loader, self.config, self.run, monitor=MONITOR)
        model.eval()
        self.run.finish(model.save_pretrained)
        return metrics
