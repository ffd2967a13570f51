"""Sampling a model: which sampler, how many steps, and classifier-free guidance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

# torch is imported where it is used: a command line makes its `Sampling` before it knows whether a model signs.
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import torch
    from torch import Tensor

    from text_to_pose.config import Sampler, Schedule
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
        guidance: classifier-free guidance scale; 1 is no guidance.
        sample_length: draw lengths from their predicted distribution rather than take its median.
        seed: of diffusion's noise and of drawn lengths.
        batch_size: sequences per batch.
    """

    sampler: Sampler = "refinement"
    num_steps: int | None = None
    schedule: Schedule = "linear"
    guidance: float = 1.0
    sample_length: bool = False
    seed: int = 0
    batch_size: int = 64

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
        from text_to_pose.samplers import diffuse, refine

        predict = self._guided(model, condition, mask)
        start = condition.start[:, None].expand(-1, mask.shape[1], -1, -1)
        if self.sampler == "diffusion":
            return diffuse(predict, start, self.levels(model), normal_noise(mask, start, self.seed))
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

        unconditional = None if self.guidance == 1 else model.without_text(condition)
        return Guided(model, condition, unconditional, mask, self.guidance)


def normal_noise(mask: Tensor, like: Tensor, seed: int) -> Iterator[Tensor]:
    """Noise of unit variance again and again, each sequence's from its own generator: padding changes nothing.

    It is drawn on the CPU, so that it is the same for a seed on any device.

    Args:
        mask: (B, T).
        like: (B, T, K, D), whose type and device the noise has.
        seed: of every sequence's generator.

    Yields:
        (B, T, K, D), 0 at padded frames.
    """
    import torch

    lengths = mask.sum(dim=1).tolist()
    generators = [torch.Generator().manual_seed(seed) for _ in lengths]
    while True:
        yield _draw(lengths, generators, like.shape).to(like)


def _draw(lengths: Sequence[int], generators: Sequence[torch.Generator], shape: Sequence[int]) -> Tensor:
    import torch

    noise = torch.zeros(*shape)
    for row, (length, generator) in enumerate(zip(lengths, generators, strict=True)):
        noise[row, :length] = torch.randn(length, *shape[2:], generator=generator)
    return noise
