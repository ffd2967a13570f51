"""Poses as the numbers that are quantized: keypoints that are all there, weighted, and which parts are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from pose_core import Skeleton

DIMS = 2  # x and y; a picture shows no more, and estimated depth is mostly noise
PRESENCE = 0.15  # how much a part that comes or goes counts, in shoulder widths


class PoseFeatures(nn.Module):
    """Normalized keypoints (..., K, 2) and what is seen (..., K) to features (..., F), and back.

    A missing keypoint stands where it was seen last, or, before it is ever seen, where it is on average.

    Attributes:
        mean: (K, 2) in shoulder widths, of the training clips.
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
        """F."""
        return self.mean.numel() + len(self.parts)

    def forward(self, keypoints: Tensor, seen: Tensor) -> Tensor:
        """Filled keypoints (..., K, 2) and whether they were seen (..., K) to features (..., F)."""
        places = ((keypoints - self.mean) * self.weights[:, None]).flatten(-2)
        share = seen.to(places.dtype) @ self.parts.T / self.parts.sum(dim=1)
        return torch.cat([places, (2 * share - 1) * PRESENCE * self.presence_weights], dim=-1)

    @property
    def presence_weights(self) -> Tensor:
        """(parts,) square root of what a part's keypoints weigh."""
        return (self.parts @ self.weights.square()).sqrt()

    def inverse(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (..., F) to keypoints (..., K, 2) and logits of being seen (..., K)."""
        places, presence = features.split([self.mean.numel(), len(self.parts)], dim=-1)
        keypoints = places.unflatten(-1, self.mean.shape) / self.weights[:, None] + self.mean
        logits = 4 * presence / (PRESENCE * self.presence_weights) @ self.parts
        return keypoints, logits


def hold_missing(keypoints: Tensor, seen: Tensor, before: Tensor) -> Tensor:
    """Keypoints (B, T, K, D) with each missing one where it was seen last, at `before` (B, K, D) until it is seen."""
    T = keypoints.shape[1]
    frames = torch.arange(1, T + 1, device=keypoints.device)[:, None]
    last = (frames * seen).cummax(dim=1).values  # (B, T, K), 0 before the first time
    held = torch.cat([before[:, None], keypoints], dim=1)
    return held.gather(1, last[..., None].expand_as(keypoints))
