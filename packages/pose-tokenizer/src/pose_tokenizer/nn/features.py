"""Normalized keypoints as the feature vector that is quantized, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from pose_core import Skeleton

PRESENCE_WEIGHT = 0.15  # of a part that comes or goes, in shoulder widths


class PoseFeatures(nn.Module):
    """Keypoints (..., K, D) in shoulder widths and their visibility (..., K) to features (..., F), and back.

    Features are the weighted coordinates about the mean pose, then one presence value per part of the skeleton, so that
    the squared distance of two feature vectors is the weighted squared error of the poses.

    Args:
        skeleton: of the keypoints, D coordinates each.
        hand_weight, body_weight, depth_weight, face_weight: see `ModelSizes`.

    Attributes:
        mean: (K, D) mean pose of the training clips in shoulder widths.
        weights: (K,) factor of each keypoint's coordinates; scales: (K, D) that of each coordinate, depth's included.
        parts: (parts, K) 1 where a keypoint belongs to the part.
    """

    mean: Tensor
    weights: Tensor
    scales: Tensor
    parts: Tensor

    def __init__(
        self,
        skeleton: Skeleton,
        hand_weight: float,
        body_weight: float,
        depth_weight: float = 1.0,
        face_weight: float = 1.0,
    ) -> None:
        super().__init__()
        K = skeleton.num_keypoints
        groups = [skeleton.part(name) for name in skeleton.parts()]
        rest = sorted(set(range(K)) - {k for group in groups for k in group})
        groups += [rest] if rest else []
        parts = torch.zeros(len(groups), K)
        for row, group in enumerate(groups):
            parts[row, group] = 1.0
        weights = torch.full((K,), body_weight)
        weights[skeleton.part("face") if "face" in skeleton.parts() else []] = face_weight
        weights[[i for side in ("left", "right") for i in skeleton.hand(side)]] = hand_weight
        axes = torch.tensor([1.0, 1.0, depth_weight][: skeleton.num_dims])
        self.register_buffer("mean", torch.zeros(K, skeleton.num_dims))
        self.register_buffer("weights", weights, persistent=False)
        self.register_buffer("scales", weights[:, None] * axes, persistent=False)
        self.register_buffer("parts", parts, persistent=False)

    @property
    def size(self) -> int:
        """F, the number of features: K * D coordinates and a presence value per part."""
        return self.mean.numel() + len(self.parts)

    def forward(self, keypoints: Tensor, visible: Tensor) -> Tensor:
        """Keypoints (..., K, D), missing ones filled, and visible (..., K) to features (..., F)."""
        coordinates = ((keypoints - self.mean) * self.scales).flatten(-2)
        share = visible.to(coordinates.dtype) @ self.parts.T / self.parts.sum(dim=1)
        return torch.cat([coordinates, (2 * share - 1) * PRESENCE_WEIGHT * self.presence_weights], dim=-1)

    @property
    def presence_weights(self) -> Tensor:
        """(parts,) norm of the weights of a part's keypoints."""
        return (self.parts @ self.weights.square()).sqrt()

    def inverse(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (..., F) to keypoints (..., K, D) and logits (..., K), above 0 where a keypoint is visible."""
        coordinates, presence = features.split([self.mean.numel(), len(self.parts)], dim=-1)
        keypoints = coordinates.unflatten(-1, self.mean.shape) / self.scales + self.mean
        logits = 4 * presence / (PRESENCE_WEIGHT * self.presence_weights) @ self.parts
        return keypoints, logits
