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
        losses = self.losses(batch, drop_keypoints(batch.start_confidence), torch.rand(len(batch.tokens)))
        total = torch.stack([WEIGHTS[name] * loss for name, loss in losses.items()]).sum()
        self.log_dict({f"train/{name}": loss for name, loss in losses.items()}, batch_size=len(batch.tokens))
        self.log("train/loss", total, prog_bar=True, batch_size=len(batch.tokens))
        return total

    def validation_step(self, batch: TrainingBatch) -> None:
        losses = self.losses(batch, batch.start_confidence, torch.full((len(batch.tokens),), 0.5))
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
        """Every loss by name, those of the poses averaged over a first and a later step.

        The first step sees the start frame alone. The later one sees a sequence on the way to the truth or, for half of
        the batch, to what the first step made of it: generation leads there, so the model learns to mend it.

        Args:
            start_confidence: (B, K), what the model is shown of the start frame.
            progress: (B,) in [0, 1], how far the later step's sequences have come.
        """
        target, progress = batch.target, progress.to(batch.tokens.device)
        condition, filled = self._condition(batch, start_confidence)
        clean = self.model.features(target.keypoints)
        confidence = self.model.features.confidence(target.confidence)
        start = condition.start[:, None].expand_as(clean)
        first = self.model.refiner(start, target.mask, condition, torch.zeros_like(progress))
        own = torch.rand_like(progress) < 0.5
        goal = torch.where(own[:, None, None, None], first.features.detach().to(clean.dtype), clean)
        current = on_the_way(condition.start.detach(), goal, confidence, progress)
        later = self.model.refiner(current, target.mask, condition, progress)
        both = [pose_losses(prediction, clean, confidence, target.mask) for prediction in (first, later)]
        mean, log_std = self.model.length_predictor(condition)
        return {
            **{name: (both[0][name] + both[1][name]) / 2 for name in both[0]},
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


def on_the_way(start: Tensor, goal: Tensor, confidence: Tensor, progress: Tensor) -> Tensor:
    """Sequences as the sampler meets them: `progress` of the way from the start frame repeated to a goal.

    Noise, least at the start, teaches the model to mend what its earlier steps got wrong.

    Args:
        start: (B, K, D) features; goal: (B, T, K, D); confidence: (B, T, K); progress: (B,).

    Returns:
        (B, T, K, D); a missing keypoint stays at the start frame.
    """
    progress = progress[:, None, None, None]
    way = (goal - start[:, None]) * (confidence > 0)[..., None]
    noise = torch.randn_like(goal) * 0.05 * torch.rand_like(progress) * progress.sqrt()
    return start[:, None] + progress * way + noise


def drop_keypoints(confidence: Tensor) -> Tensor:
    """Hides parts of start frames (B, K): nothing for most, a third of the keypoints for some, all for a few."""
    share = torch.rand(len(confidence), device=confidence.device)
    rate = torch.where(share < 0.05, 1.0, torch.where(share < 0.2, 0.33, 0.0))
    return confidence * (torch.rand_like(confidence) >= rate[:, None])
