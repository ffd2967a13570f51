"""Training and validation steps of a hierarchical VAE."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.callbacks import EarlyStopping as EarlyStopping
from lightning.pytorch.callbacks import ModelCheckpoint as ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger
from torch import nn
from torchmetrics import MeanMetric
from torchmetrics import MetricTracker as MetricsTracker  # noqa: F401 - public name of this package

from ht_vae.evaluation.latent_statistics import LatentStatistics
from ht_vae.losses import LossManager, VAELoss, total
from pose_core.training import configure_optimizer

if TYPE_CHECKING:
    from lightning.fabric.loggers import Logger
    from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
    from torch import Tensor

    from ht_vae.config import RunConfig
    from ht_vae.data.loader import TrainingBatch
    from ht_vae.model import HierarchicalTransformerVAE
    from ht_vae.nn.latent import Posterior

MONITOR = "validation/loss"


class HTVAEModule(LightningModule):
    """Trains a `HierarchicalTransformerVAE`.

    Logs every component of the loss; for each level of latents ("whole", "chunk") the KL divergence in nats per vector
    and the number of active units; once per epoch the KL divergence of every dimension; in validation `mpjpe` and
    `rmse` of reconstructions from the posterior's mean, in shoulder widths.

    Args:
        model: see `HierarchicalTransformerVAE`.
        config: see `RunConfig`.
        loss: `VAELoss`, or a subclass with other components.
    """

    def __init__(self, model: HierarchicalTransformerVAE, config: RunConfig, loss: type[VAELoss] = VAELoss) -> None:
        super().__init__()
        self.model = model
        self.run = config
        self.loss = loss(model.skeleton, LossManager(config))
        dims = {"whole": model.config.latent_dim, "chunk": model.config.chunk_latent_dim}
        self.latents = nn.ModuleDict(
            {
                f"{stage}_{level}": LatentStatistics(size)
                for stage in ("train", "validation")
                for level, size in dims.items()
                if size
            }
        )
        self.distance, self.square = MeanMetric(), MeanMetric()

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        steps = int(self.trainer.estimated_stepping_batches)
        return configure_optimizer(self.model.parameters(), self.run, steps)

    def on_train_epoch_start(self) -> None:
        self._reset("train")

    def on_validation_epoch_start(self) -> None:
        self._reset("validation")
        self.distance.reset()
        self.square.reset()

    def training_step(self, batch: TrainingBatch) -> Tensor:
        reconstruction = self.model(*batch.inputs, batch.condition)
        components = self.loss(reconstruction, *batch.inputs, self.global_step)
        self._update_statistics("train", reconstruction.posterior)
        loss = total(components)
        values = {f"train/{name}": value for name, (_, value) in components.items()}
        values["train/kl_weight"] = torch.tensor(components["kl"][0])
        self.log_dict(values, batch_size=len(batch.poses), sync_dist=True)
        self.log("train/loss", loss, prog_bar=True, batch_size=len(batch.poses), sync_dist=True)
        return loss

    def validation_step(self, batch: TrainingBatch, batch_index: int) -> None:
        reconstruction = self.model(*batch.inputs, batch.condition)
        components = self.loss(reconstruction, *batch.inputs, self.global_step)
        self._update_statistics("validation", reconstruction.posterior)
        # With the final KL weight: a loss that rises with its weights says nothing about the model.
        components["kl"] = (self.run.kl_weight, components["kl"][1])
        frames = int(batch.poses.mask.sum())
        values = {f"validation/{name}": value for name, (_, value) in components.items()}
        self.log_dict(values, batch_size=frames, sync_dist=True)
        self.log(MONITOR, total(components), prog_bar=True, batch_size=frames, sync_dist=True)
        error = (reconstruction.poses.keypoints - batch.poses.keypoints)[batch.poses.visible].float()  # (N, D)
        if len(error):
            self.distance.update(error.norm(dim=-1))
            self.square.update(error.square())

    def on_train_epoch_end(self) -> None:
        nats = self._log_latents("train")
        for logger in self.loggers:
            log_dimensions(logger, nats, step=max(0, self.global_step - 1))  # the last step, as for other metrics

    def on_validation_epoch_end(self) -> None:
        self._log_latents("validation")
        self.log("validation/mpjpe", self.distance.compute(), sync_dist=True)
        self.log("validation/rmse", self.square.compute().sqrt(), sync_dist=True)

    def _statistics(self, stage: str) -> dict[str, LatentStatistics]:
        """The statistics of a stage, by level of latents."""
        return {
            name.removeprefix(f"{stage}_"): statistics
            for name, statistics in self.latents.items()
            if name.startswith(stage) and isinstance(statistics, LatentStatistics)
        }

    def _update_statistics(self, stage: str, posterior: Posterior) -> None:
        statistics = self._statistics(stage)
        statistics["whole"].update(posterior.whole)
        if posterior.chunks is not None:
            statistics["chunk"].update(posterior.chunks, posterior.chunk_mask)

    def _reset(self, stage: str) -> None:
        for statistics in self._statistics(stage).values():
            statistics.reset()

    def _log_latents(self, stage: str) -> dict[str, Tensor]:
        """Logs KL divergence and active units of each level; returns the nats of every dimension (Z,) by level."""
        nats: dict[str, Tensor] = {}
        for level, statistics in self._statistics(stage).items():
            values = statistics.compute()
            self.log(f"{stage}/kl_{level}", values["kl"].sum(), sync_dist=True)
            if values["active"].isfinite():
                self.log(f"{stage}/active_{level}", values["active"], sync_dist=True)
            nats[level] = values["kl"].reshape(-1)
        return nats


def log_dimensions(logger: Logger, nats: dict[str, Tensor], step: int) -> None:
    """Logs the KL divergence of every latent dimension: one column each in CSV, else one histogram per level.

    Args:
        logger: one of Lightning's.
        nats: (Z,) by level of latents.
        step: of training.
    """
    if isinstance(logger, TensorBoardLogger):
        for level, values in nats.items():
            logger.experiment.add_histogram(f"train/kl_{level}_dimensions", values, step)
    elif isinstance(logger, WandbLogger):
        import wandb

        histograms = {
            f"train/kl_{level}_dimensions": wandb.Histogram(values.tolist()) for level, values in nats.items()
        }
        logger.experiment.log(histograms | {"trainer/global_step": step})
    else:
        columns = {f"kl_{level}/{i:03}": value for level in nats for i, value in enumerate(nats[level].tolist())}
        logger.log_metrics(columns, step=step)
