"""Samplers: from a start frame to a sequence, in any number of steps; works with torch and numpy.

All three call `predict`, the network under its condition, on an intermediate sequence.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from array_api_compat import device

from pose_core.transforms.arrays import array_namespace
from text_to_pose.schedules import NOISE, step_sizes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from text_to_pose.nn.prediction import Prediction

    Array = Any  # numpy's or torch's


class Predict(Protocol):
    """The clean sequence, predicted from a current one (B, T, K, D).

    Args:
        current: the sequence before the step.
        level: in [0, 1], see `levels`: alpha-bar of a noisy sequence, else progress.
        noisy: whether diffusion's noise is on the current sequence.
    """

    def __call__(self, current: Array, level: float, *, noisy: bool) -> Prediction: ...


def refine(predict: Predict, start: Array, progress: np.ndarray) -> Iterator[Prediction]:
    """Iterative refinement: the start frame repeated, then `sequence += step_size * predicted change`.

    The change is that to the clean sequence as predicted from the current one; the last step covers all of it.

    Args:
        predict: the network.
        start: (B, T, K, D) features, the start frame in every frame.
        progress: (num_steps + 1,) from 0 to 1, the share of the displacement covered before each step, see `levels`.

    Yields:
        The current sequence after every step; the last is the predicted clean one.
    """
    current = start
    for level, size in zip(progress[:-1].tolist(), step_sizes(progress).tolist(), strict=True):
        clean = predict(current, level, noisy=False)
        current = current + size * (clean.features - current)
        yield replace(clean, features=current)


def diffuse(
    predict: Predict, start: Array, alpha_bar: np.ndarray, noises: Iterable[Array], *, std: float = NOISE
) -> Iterator[Prediction]:
    """Diffusion: noise around the start frame, then the clean sequence predicted and noised again, less each time.

    Args:
        predict, start: as in `refine`.
        alpha_bar: (num_steps + 1,) from 0 to 1, the share of the variance that is signal before each step.
        noises: (B, T, K, D) of unit variance for each step.
        std: standard deviation that the noise is scaled to, in features.

    Yields:
        The clean sequence as predicted in every step, never the noisy one.
    """
    clean = start
    signal = array_namespace(start).asarray(alpha_bar, device=device(start))
    for k, noise in zip(range(len(alpha_bar) - 1), noises, strict=False):
        prediction = predict(noised(start, clean, signal[k], noise, std), float(alpha_bar[k]), noisy=True)
        clean = prediction.features
        yield prediction


def noised(start: Array, clean: Array, alpha_bar: Array, noise: Array, std: float = NOISE) -> Array:
    """Diffusion's state, from noise around the start frame (alpha-bar 0) to the clean sequence (alpha-bar 1).

    sqrt(alpha-bar) scales the displacement from the start frame, sqrt(1 - alpha-bar) std the
    noise, which keeps the variance.

    Args:
        start, clean, noise: (B, T, K, D) or broadcast to it, the noise of unit variance.
        alpha_bar: broadcast to (B, T, K, D), the share of the variance that is signal.
        std: standard deviation that the noise is scaled to, in features.
    """
    xp = array_namespace(alpha_bar)
    return start + xp.sqrt(alpha_bar) * (clean - start) + xp.sqrt(1 - alpha_bar) * std * noise


def inpaint(predict: Predict, start: Array, progress: np.ndarray, known: Array, visible: Array) -> Iterator[Prediction]:
    """Refinement of a sequence of which a part is known.

    Before each step the known keypoints are set to where they would be on a straight path to their known values:
    start + progress * (known - start).

    Args:
        predict, start, progress: as in `refine`.
        known: (B, T, K, D) features.
        visible: (B, T, K) bool, which of them are known.

    Yields:
        The clean sequence as predicted in every step; known keypoints are predicted, too.
    """
    xp = array_namespace(known)
    clean = start
    for level in progress[:-1].tolist():
        clean = xp.where(visible[..., None], known, clean)
        prediction = predict(start + level * (clean - start), level, noisy=False)
        clean = prediction.features
        yield prediction


def normal_noise(mask: np.ndarray, shape: Sequence[int], seed: int) -> Iterator[np.ndarray]:
    """Noise of unit variance again and again, each sequence's from its own generator: padding changes nothing.

    It is drawn by numpy for either backend, so that it is the same for a seed.

    Args:
        mask: (B, T), True where a frame is real.
        shape: (K, D).
        seed: of every sequence's generator.

    Yields:
        (B, T, K, D), 0 at padded frames.
    """
    lengths = mask.sum(axis=1)
    generators = [np.random.default_rng(seed) for _ in lengths]
    while True:
        noise = np.zeros((*mask.shape, *shape), np.float32)
        for row, (length, generator) in enumerate(zip(lengths, generators, strict=True)):
            noise[row, :length] = generator.standard_normal((length, *shape), dtype=np.float32)
        yield noise
