"""Normalized keypoints as the feature vector that is quantized, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from pose_core import Skeleton

DIMS = 2  # x and y; estimated depth is mostly noise
PRESENCE_WEIGHT = 0.15  # of a part that comes or goes, in shoulder widths


class PoseFeatures(nn.Module):
    """Keypoints (..., K, 2) in shoulder widths and their visibility (..., K) to features (..., F), and back.

    Features are the weighted coordinates about the mean pose, then one presence value per part of the skeleton, so that
    the squared distance of two feature vectors is the weighted squared error of the poses.

    Attributes:
        mean: (K, 2) mean pose of the training clips in shoulder widths.
        weights: (K,) factor of each keypoint's coordinates.
        parts: (parts, K) 1 where a keypoint belongs to the part.
    """

    mean: Tensor
    weights: Tensor
    parts: Tensor

    def __init__(self, skeleton: Skeleton, hand_weight: float, body_weight: float) -> None:
        super().__init__()
        K = skeleton.num_keypoints
        groups = [skeleton.part(name) for name in skeleton.parts()]
        rest = sorted(set(range(K)) - {k for group in groups for k in group})
        groups += [rest] if rest else []
        parts = torch.zeros(len(groups), K)
        for row, group in enumerate(groups):
            parts[row, group] = 1.0
        weights = torch.full((K,), body_weight)
        weights[skeleton.part("face") if "face" in skeleton.parts() else []] = 1.0
        weights[[i for side in ("left", "right") for i in skeleton.hand(side)]] = hand_weight
        self.register_buffer("mean", torch.zeros(K, DIMS))
        self.register_buffer("weights", weights, persistent=False)
        self.register_buffer("parts", parts, persistent=False)

    @property
    def size(self) -> int:
        """F, the number of features: K * 2 coordinates and a presence value per part."""
        return self.mean.numel() + len(self.parts)

    def forward(self, keypoints: Tensor, visible: Tensor) -> Tensor:
        """Keypoints (..., K, 2), missing ones filled, and visible (..., K) to features (..., F)."""
        coordinates = ((keypoints - self.mean) * self.weights[:, None]).flatten(-2)
        share = visible.to(coordinates.dtype) @ self.parts.T / self.parts.sum(dim=1)
        return torch.cat([coordinates, (2 * share - 1) * PRESENCE_WEIGHT * self.presence_weights], dim=-1)

    @property
    def presence_weights(self) -> Tensor:
        """(parts,) norm of the weights of a part's keypoints."""
        return (self.parts @ self.weights.square()).sqrt()

    def inverse(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (..., F) to keypoints (..., K, 2) and logits (..., K), above 0 where a keypoint is visible."""
        coordinates, presence = features.split([self.mean.numel(), len(self.parts)], dim=-1)
        keypoints = coordinates.unflatten(-1, self.mean.shape) / self.weights[:, None] + self.mean
        logits = 4 * presence / (PRESENCE_WEIGHT * self.presence_weights) @ self.parts
        return keypoints, logits
