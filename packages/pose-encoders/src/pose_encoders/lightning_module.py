"""Training and validation steps of pose encoders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning.pytorch import LightningModule
from torch.nn import functional as F
from torchmetrics.classification import MulticlassAccuracy

from pose_core.training import configure_optimizer
from pose_encoders.losses import hidden_frame_loss, hide_frames

if TYPE_CHECKING:
    from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
    from torch import Tensor

    from pose_core.training import TrainingConfig
    from pose_encoders.dataset import LabelledBatch
    from pose_encoders.model import PoseEncoderModel

MONITOR = "validation/loss"
HIDDEN = 0.4  # share of the frames that are hidden where there are no labels
SMOOTHING = 0.1


class ClassificationModule(LightningModule):
    """Trains a model to tell its labels apart."""

    def __init__(self, model: PoseEncoderModel, config: TrainingConfig) -> None:
        super().__init__()
        self.model = model
        self.config = config
        assert model.config.labels is not None
        self.accuracy = MulticlassAccuracy(len(model.config.labels), average="micro")

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return configure_optimizer(self.model.parameters(), self.config, int(self.trainer.estimated_stepping_batches))

    def training_step(self, batch: LabelledBatch) -> Tensor:
        loss = F.cross_entropy(self.model.logits(batch.pose), batch.labels, label_smoothing=SMOOTHING)
        self.log("train/loss", loss, prog_bar=True, batch_size=len(batch.labels), sync_dist=True)
        return loss

    def validation_step(self, batch: LabelledBatch) -> None:
        logits = self.model.logits(batch.pose)
        self.accuracy.update(logits, batch.labels)
        self.log(MONITOR, F.cross_entropy(logits, batch.labels), batch_size=len(batch.labels), sync_dist=True)
        self.log("validation/accuracy", self.accuracy, prog_bar=True)


class HiddenFramesModule(LightningModule):
    """Trains a model, without labels, to say what was in frames that are hidden from it."""

    def __init__(self, model: PoseEncoderModel, config: TrainingConfig) -> None:
        super().__init__()
        self.model = model
        self.model.pooling.requires_grad_(False)  # frames are not pooled here, and several processes want it said
        self.config = config

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return configure_optimizer(self.model.parameters(), self.config, int(self.trainer.estimated_stepping_batches))

    def training_step(self, batch: LabelledBatch) -> Tensor:
        loss = self._loss(batch)
        self.log("train/loss", loss, prog_bar=True, batch_size=len(batch.labels), sync_dist=True)
        return loss

    def validation_step(self, batch: LabelledBatch) -> None:
        self.log(MONITOR, self._loss(batch), prog_bar=True, batch_size=len(batch.labels), sync_dist=True)

    def _loss(self, batch: LabelledBatch) -> Tensor:
        shown, hidden = hide_frames(batch.pose, HIDDEN)
        return hidden_frame_loss(self.model.predict_keypoints(shown), batch.pose, hidden)
