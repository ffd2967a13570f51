"""The training loss, component by component."""

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
    """A batch, encoded and decoded.

    Attributes:
        keypoints: (B, T, K, D) in shoulder widths.
        logits: (B, T, K), above 0 where a keypoint is predicted to be visible.
        commitment: () commitment loss: mean squared distance of latents and quantized latents.
        importance: (B,) weight of each clip: larger at small lambda, where errors are small.
    """

    keypoints: Tensor
    logits: Tensor
    commitment: Tensor
    importance: Tensor


class TokenizerLoss(nn.Module):
    """The components of the loss and their weights; a subclass adds components of its own.

    Args:
        config: its `..._weight` are the weights of the components.
        skeleton: of the keypoints.
        weights: (K,) of the keypoints' coordinates.
    """

    weights: Tensor
    axes: Tensor

    def __init__(self, config: RunConfig, skeleton: Skeleton, weights: Tensor) -> None:
        super().__init__()
        self.config = config
        axes = torch.tensor([1.0, 1.0, config.depth_weight][: skeleton.num_dims])
        self.register_buffer("axes", axes, persistent=False)
        squared = weights.square()
        elsewhere = {*skeleton.face(), *skeleton.hand("left"), *skeleton.hand("right")}
        squared[[k for k in range(skeleton.num_keypoints) if k not in elsewhere]] *= config.body_emphasis
        self.register_buffer("weights", squared / squared.mean(), persistent=False)
        self.perceptual = FrozenFeatures(skeleton) if config.perceptual_weight else None

    def components(self, batch: TrainingBatch, reconstruction: Reconstruction) -> dict[str, tuple[float, Tensor]]:
        """Each component's weight and value. A missing keypoint counts in none but `presence`."""
        visible = batch.visible & batch.frame_mask[..., None]
        error = (reconstruction.keypoints - batch.keypoints) * self.axes
        importance = reconstruction.importance
        logits = reconstruction.logits[batch.frame_mask]
        config = self.config
        components = {
            "reconstruction": (
                config.reconstruction_weight,
                self.mean(error.square().sum(dim=-1), visible, importance),
            ),
            "quantization": (config.quantization_weight, reconstruction.commitment),
            "temporal": (config.temporal_weight, self.motion(error, visible, importance)),
            "presence": (
                config.presence_weight,
                F.binary_cross_entropy_with_logits(logits, batch.visible[batch.frame_mask].to(logits.dtype)),
            ),
        }
        if self.perceptual is not None:
            features = self.perceptual(reconstruction.keypoints, visible) - self.perceptual(batch.keypoints, visible)
            components["perceptual"] = (
                config.perceptual_weight,
                self.mean(features.square().mean(dim=-1), visible, importance),
            )
        return components

    def mean(self, values: Tensor, visible: Tensor, importance: Tensor) -> Tensor:
        """Weighted mean of (B, T, K) over visible keypoints; 0 where there are none."""
        weights = visible * self.weights * importance[:, None, None]
        return (values * weights).sum() / weights.sum().clamp(min=1e-6)

    def motion(self, error: Tensor, visible: Tensor, importance: Tensor) -> Tensor:
        """Squared errors of velocity and acceleration, per frame."""
        total = error.new_zeros(())
        for _ in range(2):
            error, visible = error.diff(dim=1), visible[:, 1:] & visible[:, :-1]
            total = total + self.mean(error.square().sum(dim=-1), visible, importance)
        return total


class FrozenFeatures(nn.Module):
    """Features of a perceptual loss: an ST-GCN with fixed random weights, always the same.

    Random features preserve distances and see limbs and motion rather than points; no trained network for signing is at
    hand that could take its place.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.network = STGCN(skeleton.num_dims + 1, 16, 16, partitioned_adjacency(skeleton), 2, before=1, after=1)
            nn.init.normal_(self.network.head.weight, std=0.25)
        self.requires_grad_(False)

    def forward(self, keypoints: Tensor, visible: Tensor) -> Tensor:
        """Keypoints (B, T, K, D), visible (B, T, K) to features (B, T, K, 16)."""
        presence = visible.to(keypoints.dtype)[..., None]
        return self.network(torch.cat([keypoints * presence, presence], dim=-1), visible.any(dim=-1))
