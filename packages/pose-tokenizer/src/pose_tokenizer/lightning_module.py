"""Training and validation steps of a tokenizer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from lightning.pytorch import LightningModule
from torch.utils.checkpoint import checkpoint

from pose_core.training import configure_optimizer
from pose_tokenizer.initialization import clip_blocks, residual_vq, take_codebooks
from pose_tokenizer.losses import Reconstruction, TokenizerLoss
from pose_tokenizer.nn.quantizer import used

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
    from torch import Tensor

    from pose_tokenizer.config import RunConfig
    from pose_tokenizer.data.dataset import TrainingBatch
    from pose_tokenizer.model import PoseTokenizer

MONITOR = "validation/cost"
RATES = (0.05, 6.0)  # what a clip's codes cost is drawn between, so that coarse and fine streams decode


class TokenizerModule(LightningModule):
    """Trains a `PoseTokenizer` on what it makes of its own codes.

    Args:
        vq: the codebooks as they learn, by moving averages; None for grids, which do not.
        loss: see `TokenizerLoss`.
        first: done with the module before its first step, when all settings are known to be good.
    """

    def __init__(
        self,
        model: PoseTokenizer,
        config: RunConfig,
        loss: TokenizerLoss,
        *,
        first: Callable[[TokenizerModule], None] | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.run = config
        self.loss = loss
        self.first = first
        self.vq = residual_vq(model.config) if config.quantizer == "rvq" else None

    def setup(self, stage: str) -> None:
        if self.first is not None:
            self.first(self)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        parameters = [*self.model.parameters()]
        return configure_optimizer(parameters, self.run, int(self.trainer.estimated_stepping_batches))

    def training_step(self, batch: TrainingBatch) -> Tensor | None:
        low, high = (math.log(rate) for rate in RATES)
        rates = torch.exp(low + (high - low) * torch.rand(len(batch.mask))).to(batch.mask.device)
        components = self.loss.components(batch, self.reconstruct(batch, rates))
        total = torch.stack([weight * value for weight, value in components.values()]).sum()
        values = {f"train/{name}": value for name, (_, value) in components.items()}
        self.log_dict(values, batch_size=len(batch.mask), sync_dist=True)
        self.log("train/loss", total, prog_bar=True, batch_size=len(batch.mask), sync_dist=True)
        return total if total.requires_grad else None  # without layers only the codebooks learn, and not by gradients

    def reconstruct(self, batch: TrainingBatch, rates: Tensor) -> Reconstruction:
        """Encodes, quantizes at rates (B,) and decodes; gradients go through the codes as if they were not there."""
        model = self.model
        blocks = clip_blocks(model, batch)
        shown = batch.seen.unflatten(1, (-1, model.block_frames))
        latents = self._run(model.latents, blocks, shown, batch.mask)
        with torch.no_grad():
            if self.vq is not None:
                take_codebooks(model, self.vq)
            codes, quantized = model.quantizer.quantize(latents.float(), rate=rates)
        if self.training and self.vq is not None:  # codebooks move towards what they meet
            with torch.no_grad():
                left = model.quantizer.residuals(latents.float(), quantized)
                self.vq(left[batch.mask][None])
        commitment = (latents - quantized)[batch.mask].square().sum(dim=-1).mean() / len(model.features.weights)
        passed = latents + (quantized - latents).detach()
        keypoints, logits = self._run(model.frames, passed, used(codes), batch.mask)
        return Reconstruction(keypoints, logits, commitment, importance=(rates + RATES[0]).rsqrt())

    def validation_step(self, batch: TrainingBatch, batch_index: int) -> None:
        model = self.model
        blocks = clip_blocks(model, batch)
        latents = model.latents(blocks, batch.seen.unflatten(1, (-1, model.block_frames)), batch.mask)
        codes, quantized = model.quantizer.quantize(latents, rate=model.config.rate)
        keypoints, _ = model.frames(quantized, used(codes), batch.mask)
        seen = (batch.seen & batch.frames[..., None]) * model.features.weights.square()
        number = int(batch.frames.sum())
        error = ((keypoints - batch.keypoints).square().sum(dim=-1) * seen).sum() / number
        depth = used(codes)[batch.mask].sum() / number
        values = {"validation/error": error, "validation/codes": depth}
        self.log_dict(values, batch_size=number, sync_dist=True)
        cost = error + model.config.rate * depth
        self.log(MONITOR, cost, prog_bar=True, batch_size=number, sync_dist=True)

    def _run(self, network, *arguments: Tensor):
        if self.run.gradient_checkpointing and torch.is_grad_enabled():
            return checkpoint(network, *arguments, use_reentrant=False)
        return network(*arguments)
