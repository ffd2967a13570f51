"""Predictor of the number of frames of a sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from text_to_pose.nn.denoiser import Condition


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
