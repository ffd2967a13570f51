"""How long signs are: from the predicted distribution of each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from pose_core import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from text_to_pose.model import Condition, TextToPose

MAX_SECONDS = 60  # a sign is never longer, whatever an odd start frame makes the model predict
SHORTEST = 2  # frames


def predicted_lengths(model: TextToPose, condition: Condition, *, seed: int | None = None) -> Tensor:
    """Frames (B,) of each sign: the middle of its distribution, or drawn from it.

    Args:
        seed: of the draws, one a sign, the same whatever it is batched with; None draws nothing.
    """
    mean, log_std = model.length_predictor(condition)
    if seed is not None:
        # The same normal number for all: a signer who is slow in one sign is slow in the others.
        mean = mean + log_std.exp() * torch.randn((), generator=torch.Generator().manual_seed(seed)).item()
    longest = math.log(MAX_SECONDS * model.config.fps)
    return mean.clamp(max=longest).exp().round().long().clamp(min=SHORTEST)


def shared_lengths(model: TextToPose, condition: Condition, frames: int) -> list[int]:
    """Lengths of the signs of one text, `frames` together.

    All are moved by the same number of standard deviations, so that signs whose length varies more give or take more.

    Raises:
        UserError: fewer frames than two a sign.
    """
    mean, log_std = (part.double().cpu() for part in model.length_predictor(condition))
    if frames < SHORTEST * len(mean):
        raise UserError(
            f"{len(mean)} signs need at least {(SHORTEST - 1) * len(mean) + 1} frames "
            f"({((SHORTEST - 1) * len(mean) + 1) / model.config.fps:.2f} s); ask for a longer time"
        )
    std = log_std.exp()

    def lengths(deviations: float) -> Tensor:
        return (mean + deviations * std).clamp(max=50).exp().clamp(min=SHORTEST)

    low, high = -1e4, 1e4
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if lengths(middle).sum() < frames else (low, middle)
    exact = lengths(high)
    exact = SHORTEST + (exact - SHORTEST) * ((frames - SHORTEST * len(mean)) / (exact - SHORTEST).sum().clamp(min=1e-9))
    whole = exact.floor()
    missing = frames - int(whole.sum())
    whole[(exact - whole).argsort(descending=True)[:missing]] += 1
    return [int(n) for n in whole]
