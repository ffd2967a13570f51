"""Training and validation steps of a tokenizer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from lightning.pytorch import LightningModule

from pose_core.training import configure_optimizer
from pose_tokenizer.initialization import copy_codebooks, residual_vq
from pose_tokenizer.losses import Reconstruction, TokenizerLoss
from pose_tokenizer.nn.quantizer import num_codes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
    from torch import Tensor

    from pose_tokenizer.config import RunConfig
    from pose_tokenizer.data.dataset import TrainingBatch
    from pose_tokenizer.model import PoseTokenizer

MONITOR = "validation/cost"
LMBDA_RANGE = (0.05, 6.0)  # each clip's lambda is drawn between these, so that coarse and fine streams decode


class TokenizerModule(LightningModule):
    """Trains a `PoseTokenizer` to reconstruct clips from its own codes.

    Args:
        model: the tokenizer to train.
        config: of the run.
        loss: see `TokenizerLoss`.

    Attributes:
        before_training: called before the first step, when all settings are known to be good; None: nothing is.
        vq: the codebooks while they learn, by moving averages; None for grids, which do not.
    """

    def __init__(self, model: PoseTokenizer, config: RunConfig, loss: TokenizerLoss) -> None:
        super().__init__()
        self.model = model
        model.gradient_checkpointing = config.gradient_checkpointing
        self.run = config
        self.loss = loss
        self.before_training: Callable[[], None] | None = None
        self.vq = residual_vq(model.config) if config.quantizer == "rvq" else None

    def setup(self, stage: str) -> None:
        if self.before_training is not None:
            self.before_training()

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        parameters = [*self.model.parameters()]
        return configure_optimizer(parameters, self.run, int(self.trainer.estimated_stepping_batches))

    def training_step(self, batch: TrainingBatch) -> Tensor | None:
        low, high = (math.log(lmbda) for lmbda in LMBDA_RANGE)
        lmbdas = torch.exp(low + (high - low) * torch.rand(len(batch.block_mask))).to(batch.block_mask.device)
        components = self.loss.components(batch, self.reconstruct(batch, lmbdas))
        total = torch.stack([weight * value for weight, value in components.values()]).sum()
        values = {f"train/{name}": value for name, (_, value) in components.items()}
        self.log_dict(values, batch_size=len(batch.block_mask), sync_dist=True)
        self.log("train/loss", total, prog_bar=True, batch_size=len(batch.block_mask), sync_dist=True)
        return total if total.requires_grad else None  # without layers only the codebooks learn, and not by gradients

    def reconstruct(self, batch: TrainingBatch, lmbdas: Tensor) -> Reconstruction:
        """Encodes and decodes clips at `lmbdas` (B,); in training, the codebooks move towards what they quantize."""
        model = self.model
        if self.vq is not None:
            with torch.no_grad():
                copy_codebooks(model, self.vq)
        output = model(batch.keypoints, batch.visible, batch.block_mask, lmbda=lmbdas)
        latents, quantized = output.encoded.latents, output.encoded.quantized
        if self.training and self.vq is not None:
            with torch.no_grad():
                residuals = model.quantizer.residuals(latents.to(quantized.dtype), quantized)
                self.vq(residuals[batch.block_mask][None])
        commitment = (latents - quantized)[batch.block_mask].square().sum(dim=-1).mean() / len(model.features.weights)
        return Reconstruction(output.keypoints, output.logits, commitment, importance=(lmbdas + LMBDA_RANGE[0]).rsqrt())

    def validation_step(self, batch: TrainingBatch, batch_index: int) -> None:
        values, frames = validation_values(self.model, batch)
        cost = values.pop(MONITOR)
        self.log_dict(values, batch_size=frames, sync_dist=True)
        self.log(MONITOR, cost, prog_bar=True, batch_size=frames, sync_dist=True)


def validation_values(model: PoseTokenizer, batch: TrainingBatch) -> tuple[dict[str, Tensor], int]:
    """Error, codes and cost per frame of a batch, and its number of frames."""
    output = model(batch.keypoints, batch.visible, batch.block_mask)
    counts = batch.visible & batch.frame_mask[..., None]
    frames = int(batch.frame_mask.sum())
    errors = ((output.keypoints - batch.keypoints) * model.features.scales).square().sum(dim=-1)
    error = (errors * counts).sum() / frames
    codes = num_codes(output.encoded.codes)[batch.block_mask].sum() / frames
    return {"validation/error": error, "validation/codes": codes, MONITOR: error + model.config.lmbda * codes}, frames


@torch.inference_mode()
def validation_metrics(model: PoseTokenizer, batches: Iterable[TrainingBatch]) -> dict[str, float]:
    """What validation logs of a model, over all batches."""
    found = [validation_values(model, batch.to(model.device)) for batch in batches]
    total = sum(frames for _, frames in found)
    return {name: float(sum(values[name] * frames for values, frames in found)) / total for name in found[0][0]}
