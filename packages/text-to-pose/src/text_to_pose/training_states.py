"""The states that training shows the network, and what is hidden from it."""

from __future__ import annotations

import torch
from torch import Tensor

from text_to_pose.config import ObjectiveConfig
from text_to_pose.samplers import noised


class Objective(ObjectiveConfig):
    """Draws the states that the network predicts from."""

    def levels(self, number: int) -> Tensor:
        """(B,) how far the states have come."""
        return torch.rand(number) * (torch.rand(number) >= self.first_step_share)

    def states(
        self, start: Tensor, own: Tensor, clean: Tensor, confidence: Tensor, level: Tensor
    ) -> tuple[Tensor, Tensor]:
        """States as a sampler meets them: most on refinement's way to what the model itself makes of the text.

        Generation leads there, so the model learns to mend it.

        Args:
            start: (B, K, D) features; own: (B, T, K, D), what a first step makes; clean: (B, T, K, D);
            confidence: (B, T, K); level: (B,) in [0, 1].

        Returns:
            States (B, T, K, D), and (B,), 1 where they are diffusion's, else 0.
        """
        kind = torch.rand_like(level)
        noisy = (kind < self.diffusion_share) & (level > 0)
        seen = confidence > 0
        knows = (kind >= 1 - self.inpainting_share)[:, None, None] & seen & ~gaps(seen)
        goal = torch.where(knows[..., None], clean, own)
        way = start[:, None] + level[:, None, None, None] * (goal - start[:, None])
        truth = torch.where(seen[..., None], clean, own)
        noise = noised(start[:, None], truth, level[:, None, None, None], torch.randn_like(truth))
        return torch.where(noisy[:, None, None, None], noise, way), noisy.to(level.dtype)


def gaps(seen: Tensor) -> Tensor:
    """(B, T, K) bool: a span of frames, of any length; for half of the sequences a third of the keypoints besides."""
    B, T, K = seen.shape
    begin, length = torch.rand(2, B, 1, 1, device=seen.device)
    t = torch.arange(T, device=seen.device)[:, None] / T
    span = (t >= begin) & (t < begin + length)
    rate = torch.where(torch.rand(B, 1, 1, device=seen.device) < 0.5, 0.33, 0.0)
    return span | (torch.rand(B, 1, K, device=seen.device) < rate)


def drop_keypoints(confidence: Tensor) -> Tensor:
    """Hides parts of start frames (B, K): nothing for most, a third of the keypoints for some, all for a few."""
    share = torch.rand(len(confidence), device=confidence.device)
    rate = torch.where(share < 0.05, 1.0, torch.where(share < 0.2, 0.33, 0.0))
    return confidence * (torch.rand_like(confidence) >= rate[:, None])
