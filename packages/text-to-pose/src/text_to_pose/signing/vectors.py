"""Vectors in three dimensions, many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from text_to_pose.signing.hand_model import Array

_NEXT, _LAST = np.array([1, 2, 0]), np.array([2, 0, 1])


def unit(vectors: Array) -> Array:
    """At length 1, (..., 3)."""
    result: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return result


def cross(first: Array, second: Array) -> Array:
    """As `np.cross`, three times as fast for few vectors."""
    return first[..., _NEXT] * second[..., _LAST] - first[..., _LAST] * second[..., _NEXT]


def smoothed(values: Array, frames: float) -> Array:
    """Values (A, T, D) averaged over time by a Gaussian of a standard deviation in frames; ends are repeated."""
    reach = int(np.ceil(3 * frames))
    if reach < 1 or values.shape[1] < 2:
        return values
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / frames) ** 2)
    padded = np.pad(values, ((0, 0), (reach, reach), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis=1)
    result: Array = windows @ (weights / weights.sum())
    return result
