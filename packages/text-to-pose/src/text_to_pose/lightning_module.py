"""Training and validation steps of text-to-pose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torchmetrics import MeanMetric

from pose_core import PoseSequence
from pose_core.metrics import dtw_mje
from pose_core.training import configure_optimizer
from text_to_pose.losses import length_loss, place_loss, pose_losses, start_loss
from text_to_pose.sampling import Sampling
from text_to_pose.training_states import Objective, drop_keypoints

if TYPE_CHECKING:
    from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
    from torch import Tensor

    from text_to_pose.config import RunConfig
    from text_to_pose.data.dataset import TrainingBatch
    from text_to_pose.model import TextToPose

WEIGHTS = {"position": 1.0, "place": 2.0, "velocity": 1.0, "presence": 0.1, "start": 0.2, "length": 0.05}
MONITOR = "validation/dtw_mje"


class TextToPoseModule(LightningModule):
    """Trains a `TextToPose` to predict the clean sequence from any point of the way there."""

    def __init__(self, model: TextToPose, config: RunConfig) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.objective = Objective(**config.model_dump(include={*Objective.model_fields}))
        self.validation_dtw_mje = MeanMetric()
        self.shown: dict[str, PoseSequence] = {}

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return configure_optimizer(self.model.parameters(), self.config, int(self.trainer.estimated_stepping_batches))

    def training_step(self, batch: TrainingBatch) -> Tensor:
        losses = self.losses(batch, drop_keypoints(batch.start_confidence), self.objective.levels(len(batch.text)))
        total = torch.stack([WEIGHTS[name] * loss for name, loss in losses.items()]).sum()
        named = {f"train/{name}": loss for name, loss in losses.items()}
        self.log_dict(named, batch_size=len(batch.text), sync_dist=True)
        self.log("train/loss", total, prog_bar=True, batch_size=len(batch.text), sync_dist=True)
        return total

    def validation_step(self, batch: TrainingBatch, batch_index: int) -> None:
        losses = self.losses(batch, batch.start_confidence, torch.full((len(batch.text),), 0.5))
        named = {f"validation/{name}": loss for name, loss in losses.items()}
        self.log_dict(named, batch_size=len(batch.text), sync_dist=True)

        condition, _ = self.model.encode(batch.text, batch.start_keypoints, batch.start_confidence)
        *_, refined = Sampling().steps(self.model, condition, batch.target.mask)
        keypoints = self.model.features.inverse(refined.features.float()).cpu().numpy()
        if batch_index == 0:
            self.shown = {}
        for row, length in enumerate(batch.target.lengths.tolist()):
            # The reference says which keypoints count: presence is judged by its own loss.
            seen = np.ones((length, self.model.skeleton.num_keypoints), np.float32)
            made = self._sequence(keypoints[row, :length], seen)
            reference = self._sequence(
                batch.target.keypoints[row, :length].cpu().numpy(), batch.target.confidence[row, :length].cpu().numpy()
            )
            self.validation_dtw_mje.update(dtw_mje(made, reference))
            if batch_index == 0:
                self.shown[f"{row}-{batch.labels[row]}"] = made
        self.log(MONITOR, self.validation_dtw_mje, prog_bar=True)

    def samples(self, number: int) -> dict[str, PoseSequence]:
        """The first `number` sequences of the last validation, by their text, to be rendered."""
        return dict(list(self.shown.items())[:number])

    def losses(self, batch: TrainingBatch, start_confidence: Tensor, level: Tensor) -> dict[str, Tensor]:
        """Every loss by name, of one prediction for each sequence, from a state that `Objective` draws.

        Args:
            start_confidence: (B, K), what the model is shown of the start frame.
            level: (B,) in [0, 1], how far the states have come; 0 is the start frame repeated.
        """
        target, level = batch.target, level.to(batch.target.keypoints.device)
        condition, filled = self.model.encode(batch.text, batch.start_keypoints, start_confidence)
        clean = self.model.features(target.keypoints)
        confidence = self.model.features.confidence(target.confidence)
        start = condition.start.detach()
        with torch.no_grad():
            nowhere = torch.zeros_like(level)
            first = self.model.denoiser(start[:, None].expand_as(clean), target.mask, condition, nowhere, nowhere)
        current, noisy = self.objective.states(start, first.features.to(clean.dtype), clean, confidence, level)
        prediction = self.model.denoiser(current, target.mask, condition, level, noisy)
        mean, log_std = self.model.length_predictor(condition)
        return {
            **pose_losses(prediction, clean, confidence, target.mask),
            "place": place_loss(
                self.model.features.inverse(prediction.features), target.keypoints, confidence, target.mask
            ),
            "start": start_loss(
                filled,
                self.model.features(batch.start_keypoints),
                self.model.features.confidence(batch.start_confidence),
            ),
            "length": length_loss(mean, log_std, target.lengths),
        }

    def _sequence(self, keypoints: np.ndarray, confidence: np.ndarray) -> PoseSequence:
        return PoseSequence(keypoints, confidence, self.model.config.fps, self.model.skeleton)
