"""Lengths of signs, from the predicted distribution of each. Needs no torch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError

if TYPE_CHECKING:
    from text_to_pose.network import Condition

MAX_SIGN_SECONDS = 60  # whatever an odd start frame makes the model predict
MIN_SIGN_FRAMES = 2


def predicted_lengths(condition: Condition, fps: float, *, seed: int | None = None) -> np.ndarray:
    """Frames (B,) of each sign: the median of its log-normal distribution, or drawn from it.

    Args:
        condition: of B signs.
        fps: of the model.
        seed: of the draws, one per sign, the same whatever it is batched with; None draws nothing.
    """
    # The same normal number for all: a signer who is slow in one sign is slow in the others.
    return deviating_lengths(condition, fps, 0.0 if seed is None else np.random.default_rng(seed).standard_normal())


def deviating_lengths(condition: Condition, fps: float, deviations: float) -> np.ndarray:
    """Frames (B,) of each sign, so many standard deviations of its distribution above the median."""
    mean = condition.length_mean + np.float32(deviations) * np.exp(condition.length_log_std)
    frames = np.exp(np.minimum(mean, np.float32(math.log(MAX_SIGN_SECONDS * fps)))).round()
    return np.maximum(frames.astype(int), MIN_SIGN_FRAMES)


def shared_lengths(condition: Condition, frames: int) -> list[int]:
    """Lengths of the signs of one text, `frames` together.

    Every length is exp(mean_i + z std_i) with one z for the text, so that signs whose length varies more stretch or
    shrink more. The sum grows with z, which bisection finds. What exceeds the minimum is then scaled to the exact sum,
    and the largest remainders are rounded up.

    Args:
        condition: of the signs.
        frames: at least `MIN_SIGN_FRAMES` per sign.
    """
    mean, std = condition.length_mean.astype(np.float64), np.exp(condition.length_log_std.astype(np.float64))
    minimum = MIN_SIGN_FRAMES * len(mean)

    def lengths(z: float) -> np.ndarray:
        return np.maximum(np.exp(np.minimum(mean + z * std, 50)), MIN_SIGN_FRAMES)

    low, high = -1e4, 1e4
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if lengths(middle).sum() < frames else (low, middle)
    excess = lengths(high) - MIN_SIGN_FRAMES
    exact = MIN_SIGN_FRAMES + excess * ((frames - minimum) / max(excess.sum(), 1e-9))
    whole = np.floor(exact).astype(int)
    missing = frames - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:missing]] += 1
    return whole.tolist()


def too_short(signs: int, needed: int, fps: float) -> UserError:
    """The error for a text that is given fewer than the `needed` frames."""
    return UserError(f"{signs} signs need at least {needed} frames ({needed / fps:.2f} s); ask for a longer time")
