"""What training minimizes, component by component."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pose_tokenizer.nn.adjacency import partitioned_adjacency
from pose_tokenizer.nn.stgcn import STGCN

if TYPE_CHECKING:
    from pose_core import Skeleton
    from pose_tokenizer.config import RunConfig
    from pose_tokenizer.data.dataset import TrainingBatch


@dataclass(frozen=True)
class Reconstruction:
    """What a step made of a batch.

    Attributes:
        keypoints: (B, T, K, 2) in shoulder widths.
        logits: (B, T, K), above 0 where a keypoint is held to be seen.
        commitment: () how far latents lie from their codes.
        importance: (B,) how much a clip counts: more where codes are fine and errors small.
    """

    keypoints: Tensor
    logits: Tensor
    commitment: Tensor
    importance: Tensor


class TokenizerLoss(nn.Module):
    """The components of the loss and their weights; a subclass adds components of its own.

    Args:
        config: its `..._weight` are the weights.
        skeleton: of the keypoints.
        weights: (K,) how much a keypoint's coordinates count.
    """

    weights: Tensor

    def __init__(self, config: RunConfig, skeleton: Skeleton, weights: Tensor) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("weights", weights.square() / weights.square().mean(), persistent=False)
        self.perceptual = FrozenFeatures(skeleton) if config.perceptual_weight else None

    def components(self, batch: TrainingBatch, made: Reconstruction) -> dict[str, tuple[float, Tensor]]:
        """Each component's weight and value. A missing keypoint counts in none but `presence`."""
        seen = batch.seen & batch.frames[..., None]
        error = made.keypoints - batch.keypoints
        config = self.config
        components = {
            "reconstruction": (
                config.reconstruction_weight,
                self.mean(error.square().sum(dim=-1), seen, made.importance),
            ),
            "quantization": (config.quantization_weight, made.commitment),
            "temporal": (config.temporal_weight, self.motion(error, seen, made.importance)),
            "presence": (
                config.presence_weight,
                F.binary_cross_entropy_with_logits(
                    made.logits[batch.frames], batch.seen[batch.frames].to(made.logits.dtype)
                ),
            ),
        }
        if self.perceptual is not None:
            features = self.perceptual(made.keypoints, seen) - self.perceptual(batch.keypoints, seen)
            components["perceptual"] = (
                config.perceptual_weight,
                self.mean(features.square().mean(dim=-1), seen, made.importance),
            )
        return components

    def mean(self, values: Tensor, seen: Tensor, importance: Tensor) -> Tensor:
        """Mean of (B, T, K), weighted, over what was seen; 0 where nothing was."""
        weights = seen * self.weights * importance[:, None, None]
        return (values * weights).sum() / weights.sum().clamp(min=1e-6)

    def motion(self, error: Tensor, seen: Tensor, importance: Tensor) -> Tensor:
        """Squared errors of velocity and acceleration, per frame."""
        total = error.new_zeros(())
        for _ in range(2):
            error, seen = error.diff(dim=1), seen[:, 1:] & seen[:, :-1]
            total = total + self.mean(error.square().sum(dim=-1), seen, importance)
        return total


class FrozenFeatures(nn.Module):
    """Features of a keypoint among its neighbours on the skeleton and in time, by a graph network that never learns.

    Its weights are drawn once, always the same. Random features keep what lies near together near together, and see
    limbs and motion rather than points; a trained network for signing that could take its place is not at hand.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.network = STGCN(3, 16, 16, partitioned_adjacency(skeleton), 2, before=1, after=1)
            nn.init.normal_(self.network.head.weight, std=0.25)
        self.requires_grad_(False)

    def forward(self, keypoints: Tensor, seen: Tensor) -> Tensor:
        """Keypoints (B, T, K, 2), seen (B, T, K) to features (B, T, K, 16)."""
        there = seen.to(keypoints.dtype)
        shown = torch.cat([keypoints * there[..., None], there[..., None]], dim=-1)
        return self.network(shown, seen.any(dim=-1))
