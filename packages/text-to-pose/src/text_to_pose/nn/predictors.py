"""Networks around the denoiser: the rest of an incomplete start frame, and the length of a sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from text_to_pose.nn.denoiser import Condition


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


class LengthPredictor(nn.Module):
    """Log-normal distribution of the number of frames."""

    def __init__(self, start_values: int, dim: int) -> None:
        super().__init__()
        self.last = nn.Linear(dim, 2)
        self.network = nn.Sequential(nn.Linear(start_values + dim, dim), nn.GELU(), self.last)

    def initialize(self, lengths: Tensor) -> None:
        """Sets the bias of an untrained predictor to the geometric mean of lengths (N,) in frames."""
        with torch.no_grad():
            self.last.bias[0] = lengths.float().log().mean()

    def forward(self, condition: Condition) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the standard deviation of log(frames), (B,) each."""
        mean, log_std = self.network(torch.cat([condition.start.flatten(1), condition.summary], dim=1)).unbind(dim=1)
        return mean.float(), log_std.float().clamp(-3, 2)
