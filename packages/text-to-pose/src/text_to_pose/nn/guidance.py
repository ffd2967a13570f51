"""Classifier-free guidance of the network's predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from text_to_pose.nn.prediction import Prediction

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from text_to_pose.nn.denoiser import Condition


class Guided:
    """A model's predictions under a condition, with classifier-free guidance (https://arxiv.org/abs/2207.12598).

    The guided prediction is `unconditional + scale * (conditional - unconditional)`; both are computed in one batch of
    2B sequences, the unconditional ones last. With a scale of 1 only the conditional ones are.

    Args:
        network: a `TextToPose`, see its `forward`.
        condition: of B sequences.
        unconditional: the same without text; None where the scale is 1.
        mask: (B, T), True for the frames to generate.
        scale: the guidance scale.
    """

    def __init__(
        self,
        network: Callable[..., Prediction[Tensor]],
        condition: Condition,
        unconditional: Condition | None,
        mask: Tensor,
        scale: float,
    ) -> None:
        self.network = network
        self.scale = scale
        self.condition = condition if unconditional is None else condition.concatenate(unconditional)
        self.mask = mask if unconditional is None else mask.repeat(2, 1)

    def __call__(self, current: Tensor, level: float, *, noisy: bool) -> Prediction[Tensor]:
        """See `text_to_pose.samplers.Predict`."""
        rows = len(self.mask)
        if self.scale != 1:
            current = current.repeat(2, 1, 1, 1)
        level_of_rows = torch.full((rows,), level, device=self.mask.device)
        prediction = self.network(
            current, self.mask, self.condition, level_of_rows, torch.full_like(level_of_rows, noisy)
        )
        if self.scale == 1:
            return prediction
        return Prediction(self._guided(prediction.features), self._guided(prediction.presence))

    def _guided(self, both: Tensor) -> Tensor:
        conditional, unconditional = both.chunk(2)
        return unconditional + self.scale * (conditional - unconditional)
