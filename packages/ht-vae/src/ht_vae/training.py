"""`train`: sequences to a model folder."""

from __future__ import annotations

from copy import copy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ht_vae.augment import Augmentation
from ht_vae.checkpoint import load_model
from ht_vae.config import ModelConfig
from ht_vae.dataset import PoseSequenceDataset, Window
from ht_vae.lightning_module import MONITOR, HTVAEModule
from ht_vae.loader import PoseDataLoader, TrainingBatch
from ht_vae.losses import LossManager, VAELoss
from ht_vae.model import HierarchicalTransformerVAE
from ht_vae.processing import PoseDataProcessor, common_skeleton
from ht_vae.splitting import split_clips
from pose_core import Skeleton, UserError
from pose_core.training import chosen_clips, fit, is_main_process, model_card, run_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor
    from torch.utils.data import DataLoader

    from ht_vae.config import RunConfig
    from ht_vae.latent import Posterior

LONGEST_FITTED = 16  # chunks of a window that the linear basis and the prior are fitted to
PRESETS = {path.stem: path for path in sorted((Path(__file__).parent / "presets").glob("*.yaml"))}


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
        objective = loss(Skeleton.from_dict(model.config.skeleton), LossManager(self.config.loss()))
        trainer = fit(
            HTVAEModule(model, self.config, objective),
            train_loader,
            validation_loader,
            self.config.training(),
            self.run,
            monitor=MONITOR,
        )
        model.eval()
        return {name: value.item() for name, value in trainer.callback_metrics.items()}


def train(
    data: Sequence[str | Path],
    output: str | Path,
    config: RunConfig,
    *,
    begin_from: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    dataset: type[PoseSequenceDataset] = PoseSequenceDataset,
    loss: type[VAELoss] = VAELoss,
    say: Callable[[str], None] = lambda message: None,
) -> tuple[HierarchicalTransformerVAE, dict[str, float]]:
    """Trains on the train split of manifests or folders.

    Args:
        data: manifests or folders, as `pose_core.data.read_clips` takes them.
        output: run folder; in the end it is a model folder, too.
        begin_from: a model to fine-tune, as `load_model` takes it.
        resume: go on with the run in `output`; overwrite: start it again.
        dataset: loads clips; a subclass with a `load_sample` of its own reads files of its own.
        loss: a subclass with components of its own.
        say: told what is being done.

    Returns:
        The model and its last metrics.

    Raises:
        UserError: what the user has to mend in data, settings or folder.
    """
    trainer = HTVAETrainer(config, output, resume=resume, overwrite=overwrite, data=data, begin_from=begin_from)
    data = [Path(path) for path in data]
    source = load_model(begin_from, "cpu") if begin_from is not None else None
    train_set, validation_set = read_data(data, config, dataset=dataset, source=source, say=say)
    torch.manual_seed(config.seed)
    model = HierarchicalTransformerVAE(model_config(train_set, data, config))
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
    train_loader = PoseDataLoader(train_set, min_frames=config.min_frames, steps=config.steps_per_epoch, **loading)
    validation_loader = PoseDataLoader(validation_set, **loading) if validation_set is not None else None
    metrics = trainer.train_only(model, train_loader, validation_loader, loss=loss)
    if is_main_process() and not config.dry_run:
        say("fitting the prior to the latents")
        torch.manual_seed(config.seed)
        fit_prior(model, train_set, config)
    card = model_card("ht-vae", data[0], len(train_set.clips), config, metrics)
    trainer.run.finish(model.save_pretrained, card)
    return model, metrics


def read_data(
    data: Sequence[Path],
    config: RunConfig,
    *,
    dataset: type[PoseSequenceDataset] = PoseSequenceDataset,
    source: HierarchicalTransformerVAE | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> tuple[PoseSequenceDataset, PoseSequenceDataset | None]:
    """The data sets to train on and to validate with, read and on one skeleton.

    Args:
        data, config, dataset, say: as `train`'s.
        source: a model whose skeleton and labels are taken.

    Raises:
        UserError: a file that cannot be used, or files of several skeletons; the message names them.
    """
    train_clips, validation_clips = chosen_clips(*split_clips(data, config.validation_share, say), config.training())
    condition = None if config.condition == "none" else config.condition
    labels = source.config.labels if source is not None and condition is not None else None
    if condition is not None:
        nameless = [clip.path for clip in train_clips if not getattr(clip, condition)]
        if nameless:
            raise UserError(f"{nameless[0]}: nothing says its {condition}; name the files in a manifest CSV")
    if source is not None:
        check_sizes(source, config)
    skeleton = Skeleton.from_dict(source.config.skeleton) if source is not None else None
    say(f"reading {len(train_clips) + len(validation_clips)} clips")
    make = partial(
        dataset,
        processor=PoseDataProcessor(config.keypoints, skeleton),
        max_frames=config.max_frames,
        condition=condition,
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
    say(f"{frames[0]:,} frames to train on" + (f", {frames[1]:,} to validate with" if len(frames) > 1 else ""))
    return train_set, validation_set


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


def model_config(train_set: PoseSequenceDataset, data: Sequence[Path], config: RunConfig) -> ModelConfig:
    """The configuration of a model for a data set."""
    clips = len(train_set.clips)
    return ModelConfig(
        **config.sizes(),
        labels=train_set.labels,
        skeleton=train_set.skeleton.to_dict(),
        fps=train_set.fps,
        trained_on=f"{clips} clips, {sum(train_set.lengths):,} frames, of {', '.join(name_of(path) for path in data)}",
    )


def name_of(path: Path) -> str:
    """What a data set is called: its folder's name, also where a manifest is given."""
    return (path if path.is_dir() else path.parent).resolve().name


def check_sizes(source: HierarchicalTransformerVAE, config: RunConfig) -> None:
    """Refuses a model to begin from that is not of the run's sizes.

    Raises:
        UserError: naming the setting to change.
    """
    for name, wanted in config.sizes().items():
        theirs = getattr(source.config, name)
        if name != "dropout" and theirs != wanted:
            raise UserError(f"the model to begin from has {name} {theirs}, this run {wanted}; --set {name}={theirs}")
    if bool(source.config.labels) != (config.condition != "none") or source.config.condition_dim:
        raise UserError("the model to begin from is conditioned on something else; see `condition` in the config")
