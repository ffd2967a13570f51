"""Training and validation steps of text-to-pose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torchmetrics import MeanMetric

from pose_core import PoseSequence
from pose_core.metrics import dtw_mje
from pose_core.training import warmup_cosine_adamw
from text_to_pose.losses import length_loss, pose_losses, start_loss

if TYPE_CHECKING:
    from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
    from torch import Tensor

    from pose_core.training import TrainingConfig
    from text_to_pose.clips import TrainingBatch
    from text_to_pose.model import Condition, TextToPose

WEIGHTS = {"position": 1.0, "velocity": 1.0, "presence": 0.1, "start": 0.2, "length": 0.05}
MONITOR = "validation/dtw_mje"


class TextToPoseModule(LightningModule):
    """Trains a `TextToPose` to predict the clean sequence from any point of the way there."""

    def __init__(self, model: TextToPose, config: TrainingConfig) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.validation_dtw_mje = MeanMetric()

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return warmup_cosine_adamw(self.model.parameters(), self.config, int(self.trainer.estimated_stepping_batches))

    def training_step(self, batch: TrainingBatch) -> Tensor:
        losses = self.losses(batch, drop_keypoints(batch.start_confidence), random_progress(len(batch.tokens)))
        total = torch.stack([WEIGHTS[name] * loss for name, loss in losses.items()]).sum()
        self.log_dict({f"train/{name}": loss for name, loss in losses.items()}, batch_size=len(batch.tokens))
        self.log("train/loss", total, prog_bar=True, batch_size=len(batch.tokens))
        return total

    def validation_step(self, batch: TrainingBatch) -> None:
        progress = torch.zeros(len(batch.tokens))
        losses = self.losses(batch, batch.start_confidence, progress)
        self.log_dict({f"validation/{name}": loss for name, loss in losses.items()}, batch_size=len(batch.tokens))

        condition, _ = self._condition(batch, batch.start_confidence)
        *_, refined = self.model.refine(condition, batch.target.mask, self.model.config.num_steps)
        keypoints = self.model.features.inverse(refined.features.float()).cpu().numpy()
        for row, length in enumerate(batch.target.lengths.tolist()):
            # The reference says which keypoints count: presence is judged by its own loss.
            seen = np.ones((length, self.model.skeleton.num_keypoints), np.float32)
            made = self._sequence(keypoints[row, :length], seen)
            reference = self._sequence(
                batch.target.keypoints[row, :length].cpu().numpy(), batch.target.confidence[row, :length].cpu().numpy()
            )
            self.validation_dtw_mje.update(dtw_mje(made, reference))
        self.log(MONITOR, self.validation_dtw_mje, prog_bar=True)

    def losses(self, batch: TrainingBatch, start_confidence: Tensor, progress: Tensor) -> dict[str, Tensor]:
        """Every loss by name.

        Args:
            start_confidence: (B, K), what the model is shown of the start frame.
            progress: (B,) in [0, 1], how far on the way the sequences are that it starts from.
        """
        target, progress = batch.target, progress.to(batch.tokens.device)
        condition, filled = self._condition(batch, start_confidence)
        clean = self.model.features(target.keypoints)
        confidence = self.model.features.confidence(target.confidence)
        current = on_the_way(condition.start.detach(), clean, confidence, progress)
        prediction = self.model.refiner(current, target.mask, condition, progress)
        mean, log_std = self.model.length_predictor(condition)
        return {
            **pose_losses(prediction, clean, confidence, target.mask),
            "start": start_loss(
                filled,
                self.model.features(batch.start_keypoints),
                self.model.features.confidence(batch.start_confidence),
            ),
            "length": length_loss(mean, log_std, target.lengths),
        }

    def _condition(self, batch: TrainingBatch, start_confidence: Tensor) -> tuple[Condition, Tensor]:
        return self.model.condition(batch.tokens, batch.token_mask, batch.start_keypoints, start_confidence)

    def _sequence(self, keypoints: np.ndarray, confidence: np.ndarray) -> PoseSequence:
        return PoseSequence(keypoints, confidence, self.model.config.fps, self.model.skeleton)


def on_the_way(start: Tensor, clean: Tensor, confidence: Tensor, progress: Tensor) -> Tensor:
    """Sequences as the sampler meets them: `progress` of the way from the start frame repeated to the clean sequence.

    Noise, least at the start, teaches the model to mend what its earlier steps got wrong.

    Args:
        start: (B, K, D) features; clean: (B, T, K, D); confidence: (B, T, K); progress: (B,).

    Returns:
        (B, T, K, D); a missing keypoint stays at the start frame.
    """
    progress = progress[:, None, None, None]
    way = (clean - start[:, None]) * (confidence > 0)[..., None]
    noise = torch.randn_like(clean) * 0.05 * torch.rand_like(progress) * progress.sqrt()
    return start[:, None] + progress * way + noise


def random_progress(batch_size: int) -> Tensor:
    """(B,): the first step, which sees nothing but the start frame, for two in five; the rest anywhere on the way."""
    progress = torch.rand(batch_size)
    return progress.masked_fill(torch.rand(batch_size) < 0.4, 0.0)


def drop_keypoints(confidence: Tensor) -> Tensor:
    """Hides parts of start frames (B, K): nothing for most, a third of the keypoints for some, all for a few."""
    share = torch.rand(len(confidence), device=confidence.device)
    rate = torch.where(share < 0.05, 1.0, torch.where(share < 0.2, 0.33, 0.0))
    return confidence * (torch.rand_like(confidence) >= rate[:, None])
