"""Samplers: from a start frame to a sequence, in as many steps as one likes. For torch and numpy alike.

All three call `predict`, the network under its condition, on an intermediate sequence.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from array_api_compat import array_namespace, device

from text_to_pose.schedules import NOISE, step_sizes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np

    from text_to_pose.nn.prediction import Prediction

    Array = Any  # numpy's or torch's


class Predict(Protocol):
    """The clean sequence, predicted from a current one (B, T, K, D) at a level in [0, 1].

    `noisy` says whether diffusion's noise is on the current one.
    """

    def __call__(self, current: Array, level: float, *, noisy: bool) -> Prediction: ...


def refine(predict: Predict, start: Array, level: np.ndarray) -> Iterator[Prediction]:
    """Iterative refinement: the start frame repeated, then `sequence += step_size * predicted change`.

    The change is that to the clean sequence as predicted from the current one; the last step covers all of it.

    Args:
        predict: the network.
        start: (B, T, K, D) features, the start frame in every frame.
        level: (num_steps + 1,), see `levels`.

    Yields:
        The sequence after every step.
    """
    current = start
    for step, size in zip(level[:-1].tolist(), step_sizes(level).tolist(), strict=True):
        clean = predict(current, step, noisy=False)
        current = current + size * (clean.features - current)
        yield replace(clean, features=current)


def diffuse(
    predict: Predict, start: Array, level: np.ndarray, noises: Iterable[Array], *, std: float = NOISE
) -> Iterator[Prediction]:
    """Diffusion: noise around the start frame, then the clean sequence predicted and noised again, less each time.

    Args:
        predict, start, level: as in `refine`; the level is the share of the variance that is signal.
        noises: (B, T, K, D) of unit variance for each step.
        std: standard deviation that the noise is scaled to, in features.

    Yields:
        The clean sequence as predicted in every step.
    """
    clean = start
    current_level = array_namespace(start).asarray(level, device=device(start))
    for k, noise in zip(range(len(level) - 1), noises, strict=False):
        prediction = predict(noised(start, clean, current_level[k], noise, std), float(level[k]), noisy=True)
        clean = prediction.features
        yield prediction


def noised(start: Array, clean: Array, level: Array, noise: Array, std: float = NOISE) -> Array:
    """Diffusion's state, from noise around the start frame (level 0) to the clean sequence (level 1).

    The level is alpha-bar: sqrt(alpha-bar) scales the displacement from the start frame, sqrt(1 - alpha-bar) std the
    noise, which keeps the variance.

    Args:
        start, clean, noise: (B, T, K, D) or broadcast to it, the noise of unit variance.
        level: broadcast to (B, T, K, D), the share of the variance that is signal.
        std: standard deviation that the noise is scaled to, in features.
    """
    xp = array_namespace(level)
    return start + xp.sqrt(level) * (clean - start) + xp.sqrt(1 - level) * std * noise


def inpaint(predict: Predict, start: Array, level: np.ndarray, known: Array, visible: Array) -> Iterator[Prediction]:
    """Refinement of a sequence of which a part is known.

    Before each step the known keypoints are set to where they would be on a straight path to their known values:
    start + level * (known - start).

    Args:
        predict, start, level: as in `refine`.
        known: (B, T, K, D) features.
        visible: (B, T, K) bool, which of them are known.

    Yields:
        The clean sequence as predicted in every step; known keypoints are predicted, too.
    """
    xp = array_namespace(known)
    clean = start
    for step in level[:-1].tolist():
        clean = xp.where(visible[..., None], known, clean)
        prediction = predict(start + step * (clean - start), step, noisy=False)
        clean = prediction.features
        yield prediction
