"""The way from a start frame to a sequence: schedules, and the states that lie on it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from text_to_pose.config import Schedule

NOISE = 0.5  # standard deviation of diffusion's noise, in features: about how far clips lie from their start frame
STEEPNESS = 6.0  # of the sigmoid schedule


def levels(schedule: Schedule, num_steps: int, device: torch.device | None = None) -> Tensor:
    """How far a sequence has come before each step and after the last: (num_steps + 1,), rising from 0 to 1.

    For refinement that is the share of the way from the start frame to the prediction, for diffusion the share of the
    variance that is signal, alpha-bar (Nichol and Dhariwal 2021, https://arxiv.org/abs/2102.09672).
    """
    u = torch.linspace(0, 1, num_steps + 1, dtype=torch.float64, device=device)
    if schedule == "cosine":
        u = torch.sin(math.pi / 2 * u).square()
    elif schedule == "quadratic":
        u = u.square()
    elif schedule == "sigmoid":
        low, high = torch.sigmoid(torch.tensor([-STEEPNESS, STEEPNESS], dtype=torch.float64, device=device))
        u = (torch.sigmoid(STEEPNESS * (2 * u - 1)) - low) / (high - low)
    return u.float()


def step_sizes(level: Tensor) -> Tensor:
    """(num_steps,) share of the remaining way that each step goes; the last one goes all of it."""
    return (level[1:] - level[:-1]) / (1 - level[:-1])


class Noise:
    """Noise of unit variance for sequences of a batch, each drawn by itself: padding changes nothing.

    Args:
        mask: (B, T).
        shape: of a frame, (K, D).
        seed: of every sequence's own generator.
    """

    def __init__(self, mask: Tensor, shape: Sequence[int], seed: int) -> None:
        self.lengths = mask.sum(dim=1).tolist()
        self.frames = mask.shape[1]
        self.shape = tuple(shape)
        self.generator = [torch.Generator().manual_seed(seed) for _ in self.lengths]

    def draw(self) -> Tensor:
        """(B, T, K, D), 0 at padded frames, on the CPU."""
        noise = torch.zeros(len(self.lengths), self.frames, *self.shape)
        for row, (length, generator) in enumerate(zip(self.lengths, self.generator, strict=True)):
            noise[row, :length] = torch.randn(length, *self.shape, generator=generator)
        return noise


def noised(start: Tensor, clean: Tensor, level: Tensor, noise: Tensor) -> Tensor:
    """Diffusion's state: what lies between noise around the start frame (level 0) and the clean sequence (level 1).

    Args:
        start: (B, K, D) features; clean, noise: (B, T, K, D), the noise of unit variance; level: (B,).
    """
    level = level[:, None, None, None]
    start = start[:, None]
    return start + level.sqrt() * (clean - start) + (1 - level).sqrt() * NOISE * noise
