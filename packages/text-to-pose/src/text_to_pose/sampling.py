"""Sampling a model: which sampler, how many steps, and classifier-free guidance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

# torch is imported where it is used: a command line makes its `Sampling` before it knows whether a model signs.
if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from torch import Tensor

    from text_to_pose.config import Sampler, Schedule, TextToPoseConfig
    from text_to_pose.model import TextToPose
    from text_to_pose.nn.denoiser import Condition
    from text_to_pose.nn.guidance import Guided
    from text_to_pose.nn.prediction import Prediction


@dataclass(frozen=True)
class Sampling:
    """Settings of sampling.

    Attributes:
        sampler: see `text_to_pose.samplers`.
        num_steps: of the sampler; the model's default when None.
        schedule: size of each step, see `text_to_pose.schedules`.
        guidance: classifier-free guidance scale; 1 is no guidance; the model's default when None.
        sample_length: draw lengths from their predicted distribution rather than take its median.
        seed: of diffusion's noise and of drawn lengths.
        batch_size: sequences per batch.
    """

    sampler: Sampler = "refinement"
    num_steps: int | None = None
    schedule: Schedule = "linear"
    guidance: float | None = None
    sample_length: bool = False
    seed: int = 0
    batch_size: int = 64

    def scale(self, config: TextToPoseConfig) -> float:
        """Of guidance: what was asked for, else the model's own."""
        return config.guidance if self.guidance is None else self.guidance

    def levels(self, model: TextToPose) -> np.ndarray:
        """(num_steps + 1,), see `text_to_pose.schedules.levels`."""
        from text_to_pose import schedules

        return schedules.levels(self.schedule, self.num_steps or model.config.num_steps)

    def steps(self, model: TextToPose, condition: Condition, mask: Tensor) -> Iterator[Prediction[Tensor]]:
        """The sequence after every step, of diffusion the clean one as predicted, see `samplers`.

        Args:
            model: the network.
            condition: of B sequences.
            mask: (B, T), True for the frames to generate.
        """
        import torch

        from text_to_pose.samplers import diffuse, normal_noise, refine

        predict = self._guided(model, condition, mask)
        start = condition.start[:, None].expand(-1, mask.shape[1], -1, -1)
        if self.sampler == "diffusion":
            noises = normal_noise(mask.cpu().numpy(), start.shape[2:], self.seed)
            tensors = (torch.from_numpy(noise).to(start) for noise in noises)
            return diffuse(predict, start, self.levels(model), tensors)
        return refine(predict, start, self.levels(model))

    def inpaint(self, model: TextToPose, condition: Condition, known: Tensor, visible: Tensor) -> Tensor:
        """Features (B, T, K, D) of sequences of which those visible (B, T, K) are known; by refinement."""
        import torch

        from text_to_pose.samplers import inpaint

        mask = torch.ones_like(visible[..., 0])
        predict = self._guided(model, condition, mask)
        start = condition.start[:, None].expand_as(known)
        *_, last = inpaint(predict, start, self.levels(model), known, visible)
        return last.features

    def _guided(self, model: TextToPose, condition: Condition, mask: Tensor) -> Guided:
        from text_to_pose.nn.guidance import Guided

        scale = self.scale(model.config)
        unconditional = None if scale == 1 else model.without_text(condition)
        return Guided(model, condition, unconditional, mask, scale)
