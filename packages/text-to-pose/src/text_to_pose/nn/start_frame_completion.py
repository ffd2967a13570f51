"""Completion of a start frame that lacks keypoints."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class StartFrameCompletion(nn.Module):
    """Predicts the keypoints that a start frame lacks, from those it has and the text."""

    def __init__(self, num_keypoints: int, num_dims: int, dim: int) -> None:
        super().__init__()
        self.shape = (num_keypoints, num_dims)
        values = num_keypoints * num_dims
        self.network = nn.Sequential(
            nn.Linear(values + num_keypoints + dim, dim),
            nn.GELU(),
            nn.Linear(dim, dim),
            nn.GELU(),
            nn.Linear(dim, values),
        )

    def forward(self, features: Tensor, visible: Tensor, summary: Tensor) -> Tensor:
        """Features (B, K, D), visible (B, K), text (B, C) to predicted features of all keypoints (B, K, D)."""
        known = features * visible[..., None]
        predicted = self.network(torch.cat([known.flatten(1), visible.to(known.dtype), summary], dim=1))
        return predicted.unflatten(1, self.shape)
