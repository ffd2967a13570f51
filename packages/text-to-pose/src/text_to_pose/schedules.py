"""Schedules of samplers, in numpy: levels from 0, the start frame, to 1, the clean sequence, per step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from text_to_pose.config import Schedule

STEEPNESS = 6.0  # of the sigmoid schedule
NOISE = 0.5  # standard deviation of diffusion's noise, in features: about how far clips are from their start frame


def levels(schedule: Schedule, num_steps: int, *, steepness: float = STEEPNESS) -> np.ndarray:
    """The level before each step and after the last: (num_steps + 1,) float32, rising from 0 to 1.

    0 is the start frame, with diffusion's noise around it, 1 the clean sequence; DDPM's t runs the other way, from T
    (noise) to 0 (clean). In refinement the level is progress, the share of the displacement from start frame to
    prediction; in diffusion alpha-bar, the share of the variance that is signal (Nichol and Dhariwal 2021,
    https://arxiv.org/abs/2102.09672).
    """
    u = np.linspace(0, 1, num_steps + 1)
    if schedule == "cosine":
        u = np.sin(np.pi / 2 * u) ** 2
    elif schedule == "quadratic":
        u = u**2
    elif schedule == "sigmoid":
        low, high = _sigmoid(np.array([-steepness, steepness]))
        u = (_sigmoid(steepness * (2 * u - 1)) - low) / (high - low)
    return u.astype(np.float32)


def step_sizes(progress: np.ndarray) -> np.ndarray:
    """(num_steps,) the share of the remaining displacement that each step covers; the last one covers all of it.

    A step of size s brings the remaining share 1 - p down to (1 - s)(1 - p) = 1 - q, p and q the progress before and
    after it, so s = (q - p) / (1 - p).
    """
    return (progress[1:] - progress[:-1]) / (1 - progress[:-1])


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))
