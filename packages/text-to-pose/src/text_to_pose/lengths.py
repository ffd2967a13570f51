"""Lengths of signs, from the predicted distribution of each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from pose_core import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from text_to_pose.model import TextToPose
    from text_to_pose.nn.denoiser import Condition

MAX_SIGN_SECONDS = 60  # whatever an odd start frame makes the model predict
MIN_SIGN_FRAMES = 2


def predicted_lengths(model: TextToPose, condition: Condition, *, seed: int | None = None) -> Tensor:
    """Frames (B,) of each sign: the median of its log-normal distribution, or drawn from it.

    Args:
        model: the network.
        condition: of B signs.
        seed: of the draws, one per sign, the same whatever it is batched with; None draws nothing.
    """
    mean, log_std = model.length_predictor(condition)
    if seed is not None:
        # The same normal number for all: a signer who is slow in one sign is slow in the others.
        mean = mean + log_std.exp() * torch.randn((), generator=torch.Generator().manual_seed(seed)).item()
    longest = math.log(MAX_SIGN_SECONDS * model.config.fps)
    return mean.clamp(max=longest).exp().round().long().clamp(min=MIN_SIGN_FRAMES)


def shared_lengths(model: TextToPose, condition: Condition, frames: int) -> list[int]:
    """Lengths of the signs of one text, `frames` together.

    Every length is exp(mean_i + z std_i) with one z for the text, so that signs whose length varies more stretch or
    shrink more. The sum grows with z, which bisection finds. What exceeds the minimum is then scaled to the exact sum,
    and the largest remainders are rounded up.

    Raises:
        UserError: fewer frames than `MIN_SIGN_FRAMES` per sign.
    """
    mean, log_std = (part.double().cpu() for part in model.length_predictor(condition))
    minimum = MIN_SIGN_FRAMES * len(mean)
    if frames < minimum:
        needed = minimum - len(mean) + 1  # successive signs share a frame
        raise UserError(
            f"{len(mean)} signs need at least {needed} frames "
            f"({needed / model.config.fps:.2f} s); ask for a longer time"
        )
    std = log_std.exp()

    def lengths(z: float) -> Tensor:
        return (mean + z * std).clamp(max=50).exp().clamp(min=MIN_SIGN_FRAMES)

    low, high = -1e4, 1e4
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if lengths(middle).sum() < frames else (low, middle)
    excess = lengths(high) - MIN_SIGN_FRAMES
    exact = MIN_SIGN_FRAMES + excess * ((frames - minimum) / excess.sum().clamp(min=1e-9))
    whole = exact.floor()
    missing = frames - int(whole.sum())
    whole[(exact - whole).argsort(descending=True)[:missing]] += 1
    return [int(n) for n in whole]
