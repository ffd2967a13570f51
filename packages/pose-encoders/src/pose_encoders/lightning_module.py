"""Lightning modules: training and validation steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning.pytorch import LightningModule
from torch.nn import functional as F
from torchmetrics.classification import MulticlassAccuracy

from pose_core.training import configure_optimizer
from pose_encoders.losses import HIDDEN_SHARE, hidden_frame_loss, hide_frames

if TYPE_CHECKING:
    from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
    from torch import Tensor

    from pose_core.training import TrainingConfig
    from pose_encoders.dataset import LabelledBatch
    from pose_encoders.model import PoseEncoderModel

MONITOR = "validation/loss"
LABEL_SMOOTHING = 0.1


class EncoderModule(LightningModule):
    """Base class: the optimizer, and the logging of losses."""

    def __init__(self, model: PoseEncoderModel, config: TrainingConfig) -> None:
        super().__init__()
        self.model = model
        self.config = config

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return configure_optimizer(self.model.parameters(), self.config, int(self.trainer.estimated_stepping_batches))

    def log_loss(self, name: str, loss: Tensor, batch: LabelledBatch, *, prog_bar: bool = True) -> Tensor:
        """Logs a loss, (), as the mean over all processes' clips; returns it."""
        self.log(name, loss, prog_bar=prog_bar, batch_size=len(batch.labels), sync_dist=True)
        return loss


class ClassificationModule(EncoderModule):
    """Trains a model with labels, by cross-entropy."""

    def __init__(self, model: PoseEncoderModel, config: TrainingConfig) -> None:
        super().__init__(model, config)
        assert model.config.labels is not None
        self.accuracy = MulticlassAccuracy(len(model.config.labels), average="micro")

    def training_step(self, batch: LabelledBatch) -> Tensor:
        loss = F.cross_entropy(self.model.logits(batch.pose), batch.labels, label_smoothing=LABEL_SMOOTHING)
        return self.log_loss("train/loss", loss, batch)

    def validation_step(self, batch: LabelledBatch) -> None:
        logits = self.model.logits(batch.pose)
        self.accuracy.update(logits, batch.labels)
        self.log_loss(MONITOR, F.cross_entropy(logits, batch.labels), batch, prog_bar=False)
        self.log("validation/accuracy", self.accuracy, prog_bar=True)


class HiddenFramesModule(EncoderModule):
    """Trains a model without labels, to predict the keypoints of hidden frames."""

    def __init__(self, model: PoseEncoderModel, config: TrainingConfig) -> None:
        super().__init__(model, config)
        self.model.pooling.requires_grad_(False)  # DDP refuses parameters that no loss depends on

    def training_step(self, batch: LabelledBatch) -> Tensor:
        return self.log_loss("train/loss", self._loss(batch), batch)

    def validation_step(self, batch: LabelledBatch) -> None:
        self.log_loss(MONITOR, self._loss(batch), batch)

    def _loss(self, batch: LabelledBatch) -> Tensor:
        shown, hidden = hide_frames(batch.pose, HIDDEN_SHARE)
        return hidden_frame_loss(self.model.predict_keypoints(shown), batch.pose, hidden)
