"""States that training shows the network, and what is hidden from it."""

from __future__ import annotations

import torch
from torch import Tensor

from text_to_pose.config import ObjectiveConfig
from text_to_pose.samplers import noised


class Objective(ObjectiveConfig):
    """Draws the states that the network predicts from."""

    def levels(self, number: int) -> Tensor:
        """(B,) levels, see `text_to_pose.schedules`: 0 with probability `first_step_share`, else uniform in [0, 1)."""
        return torch.rand(number) * (torch.rand(number) >= self.first_step_share)

    def states(
        self, start: Tensor, predicted: Tensor, clean: Tensor, confidence: Tensor, level: Tensor
    ) -> tuple[Tensor, Tensor]:
        """States as a sampler meets them: most are refinement's, on the line from the start frame to a prediction.

        With start s, the network's own first prediction p, the clean sequence c and level a, a state is

        - refinement: s + a (p - s), so the network learns to correct its own errors;
        - inpainting: the same with c for p at the known keypoints;
        - diffusion: sqrt(a) of the way from s to c, and noise; p for c at missing keypoints.

        Args:
            start: (B, K, D) features.
            predicted: (B, T, K, D), the network's prediction in a first step.
            clean: (B, T, K, D).
            confidence: (B, T, K).
            level: (B,) in [0, 1]: progress, and alpha-bar of diffusion's states.

        Returns:
            States (B, T, K, D), and (B,), 1 where they are diffusion's, else 0.
        """
        kind = torch.rand_like(level)
        noisy = (kind < self.diffusion_share) & (level > 0)
        visible = confidence > 0
        known = (kind >= 1 - self.inpainting_share)[:, None, None] & visible & ~gaps(visible)
        goal = torch.where(known[..., None], clean, predicted)
        refined = start[:, None] + level[:, None, None, None] * (goal - start[:, None])
        target = torch.where(visible[..., None], clean, predicted)
        diffused = noised(start[:, None], target, level[:, None, None, None], torch.randn_like(target))
        return torch.where(noisy[:, None, None, None], diffused, refined), noisy.to(level.dtype)


def gaps(visible: Tensor) -> Tensor:
    """(B, T, K) bool: one span of frames, of any length; for half of the sequences a third of the keypoints besides."""
    B, T, K = visible.shape
    begin, length = torch.rand(2, B, 1, 1, device=visible.device)
    t = torch.arange(T, device=visible.device)[:, None] / T
    span = (t >= begin) & (t < begin + length)
    rate = torch.where(torch.rand(B, 1, 1, device=visible.device) < 0.5, 0.33, 0.0)
    return span | (torch.rand(B, 1, K, device=visible.device) < rate)


def drop_keypoints(confidence: Tensor) -> Tensor:
    """Hides parts of start frames (B, K): all keypoints of 5 % of them, a third of those of 15 %, none of the rest."""
    share = torch.rand(len(confidence), device=confidence.device)
    rate = torch.where(share < 0.05, 1.0, torch.where(share < 0.2, 0.33, 0.0))
    return confidence * (torch.rand_like(confidence) >= rate[:, None])
