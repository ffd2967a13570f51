"""Training and validation steps of text-to-pose."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from lightning.pytorch import LightningModule
from torch.nn.attention import SDPBackend, sdpa_kernel

from pose_core import PoseSequence
from pose_core.metrics.stateful import DTWMeanJointError
from pose_core.training import configure_optimizer
from text_to_pose.losses import keypoint_loss, length_loss, pose_losses, start_loss
from text_to_pose.sampling import Sampling
from text_to_pose.training_states import Objective, drop_keypoints

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
    from torch import Tensor

    from pose_core.batch import PoseBatch
    from text_to_pose.config import RunConfig
    from text_to_pose.data.dataset import TrainingBatch
    from text_to_pose.model import TextToPose
    from text_to_pose.nn.denoiser import Condition

MONITOR = "validation/dtw_mje"


def short_attention(device: torch.device) -> AbstractContextManager[object]:
    """Attention as it is best trained over the few tokens of a sign.

    Backwards, the fused attention of CPUs takes a third of a step there, plain products of matrices a tenth.
    """
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()


class TextToPoseModule(LightningModule):
    """Trains a `TextToPose` to predict the clean sequence from any state that a sampler may show it."""

    def __init__(self, model: TextToPose, config: RunConfig) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.objective = Objective(**config.model_dump(include={*Objective.model_fields}))
        self.validation_dtw_mje = DTWMeanJointError()
        self.shown: dict[str, PoseSequence] = {}

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return configure_optimizer(self.model.parameters(), self.config, int(self.trainer.estimated_stepping_batches))

    def training_step(self, batch: TrainingBatch) -> Tensor:
        with short_attention(batch.start_keypoints.device):
            losses = self.losses(batch, drop_keypoints(batch.start_confidence), self.objective.levels(len(batch.text)))
        total = self.total_loss(losses)
        named = {f"train/{name}": loss for name, loss in losses.items()}
        self.log_dict(named, batch_size=len(batch.text), sync_dist=True)
        self.log("train/loss", total, prog_bar=True, batch_size=len(batch.text), sync_dist=True)
        return total

    def validation_step(self, batch: TrainingBatch, batch_index: int) -> None:
        losses = self.losses(batch, batch.start_confidence, torch.full((len(batch.text),), 0.5))
        named = {f"validation/{name}": loss for name, loss in losses.items()}
        self.log_dict(named, batch_size=len(batch.text), sync_dist=True)

        condition, _ = self.model.encode(batch.text, batch.start_keypoints, batch.start_confidence)
        *_, last = Sampling().steps(self.model, condition, batch.target.mask)
        # The reference says which keypoints count: presence is judged by its own loss.
        visible = batch.target.mask[..., None].expand_as(batch.target.confidence).float()
        generated = replace(batch.target, keypoints=self.model.decode(last.features.float()), confidence=visible)
        self.validation_dtw_mje.update(generated, batch.target)
        self.log(MONITOR, self.validation_dtw_mje, prog_bar=True)
        if batch_index == 0:
            self.shown = self._sequences(generated, batch.labels)

    def samples(self, number: int) -> dict[str, PoseSequence]:
        """The first `number` sequences of the last validation, by their text, to be rendered."""
        return dict(list(self.shown.items())[:number])

    def losses(self, batch: TrainingBatch, start_confidence: Tensor, level: Tensor) -> dict[str, Tensor]:
        """Every loss by name, of one prediction per sequence, from a state that `Objective` draws.

        Args:
            batch: B clips.
            start_confidence: (B, K), which keypoints of the start frame the model is shown.
            level: (B,) in [0, 1], of the states; 0 is the start frame repeated.
        """
        model, target = self.model, batch.target
        level = level.to(target.keypoints.device)
        condition, completed = model.encode(batch.text, batch.start_keypoints, start_confidence)
        clean = model.features(target.keypoints)
        confidence = model.features.confidence(target.confidence)
        start = condition.start.detach()
        first = self._first_predictions(batch, condition, clean, level)
        current, noisy = self.objective.states(start, first, clean, confidence, level)
        prediction = model(current, target.mask, condition, level, noisy)
        mean, log_std = model.length_predictor(condition)
        start_target = model.features(batch.start_keypoints)
        return {
            **pose_losses(prediction, clean, confidence, target.mask),
            "keypoint": keypoint_loss(model.decode(prediction.features), target.keypoints, confidence, target.mask),
            "start": start_loss(completed, start_target, model.features.confidence(batch.start_confidence)),
            "length": length_loss(mean, log_std, target.lengths),
        }

    @torch.no_grad()
    def _first_predictions(self, batch: TrainingBatch, condition: Condition, clean: Tensor, level: Tensor) -> Tensor:
        """What a first step predicts, (B, T, K, D), where the level is above 0; elsewhere it does not count."""
        first = condition.start[:, None].expand_as(clean)
        rows = level > 0
        if not rows.any():
            return first
        zero = torch.zeros_like(level[rows])
        predicted = self.model(first[rows], batch.target.mask[rows], condition[rows], zero, zero)
        return first.index_copy(0, rows.nonzero().flatten(), predicted.features.to(first.dtype))

    def total_loss(self, losses: dict[str, Tensor]) -> Tensor:
        """The sum of losses by name, each with its weight in the configuration."""
        return torch.stack([getattr(self.config, f"{name}_weight") * loss for name, loss in losses.items()]).sum()

    def _sequences(self, batch: PoseBatch, labels: list[str]) -> dict[str, PoseSequence]:
        """The sequences of a batch, by row and label."""
        keypoints, confidence = batch.keypoints.cpu().numpy(), batch.confidence.cpu().numpy()
        return {
            f"{row}-{labels[row]}": PoseSequence(
                keypoints[row, :length], confidence[row, :length], self.model.config.fps, self.model.skeleton
            )
            for row, length in enumerate(batch.lengths.tolist())
        }
