"""Vectors in three dimensions, many at once or few.

For few, most of what numpy's own `norm`, `cross`, `stack`, `clip` and `moveaxis` take is taken before they begin; these
take a fifth of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_ONES = np.ones(3)


def components(vectors: Array) -> tuple[Array, Array, Array]:
    """x, y and z (...,) of vectors, or the three columns (..., 3) of rotations."""
    return vectors[..., 0], vectors[..., 1], vectors[..., 2]


def joined(x: Array, y: Array, z: Array) -> Array:
    """Vectors (..., 3) of three components; the first has the shape of all."""
    result = np.empty((*x.shape, 3))
    result[..., 0], result[..., 1], result[..., 2] = x, y, z
    return result


def dot(first: Array, second: Array) -> Array:
    """The products (...,) of vectors (..., 3)."""
    result: Array = (first * second) @ _ONES
    return result


def lengths(vectors: Array) -> Array:
    """(...,), of vectors (..., 3)."""
    result: Array = np.sqrt((vectors * vectors) @ _ONES)
    return result


def within(values: Array, low: Array | float, high: Array | float) -> Array:
    """Values no less than one and no more than the other."""
    return np.minimum(np.maximum(values, low), high)


def unit(vectors: Array) -> Array:
    """At length 1, (..., 3)."""
    result: Array = vectors / np.maximum(lengths(vectors), 1e-12)[..., None]
    return result


def cross(first: Array, second: Array) -> Array:
    """As `np.cross`."""
    (a, b, c), (x, y, z) = components(first), components(second)
    return joined(b * z - c * y, c * x - a * z, a * y - b * x)


def interpolated(at: Array, places: Array, values: Array) -> Array:
    """As `np.interp` of each column of `values` (m, D), of which there are at least two, at (n,): (n, D)."""
    piece = places[1:-1].searchsorted(at, side="right")
    width = places[1:] - places[:-1]
    share = within((at - places[piece]) / np.maximum(width, 1e-300)[piece], 0.0, 1.0)
    before = values[piece]
    return before + share[:, None] * (values[piece + 1] - before)


def smoothed(values: Array, frames: float) -> Array:
    """Values (A, T, D) averaged over time by a Gaussian of a standard deviation in frames; ends are repeated."""
    reach = int(np.ceil(3 * frames))
    if reach < 1 or values.shape[1] < 2:
        return values
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / frames) ** 2)
    times = np.arange(-reach, values.shape[1] + reach)
    padded = values[:, np.minimum(np.maximum(times, 0), values.shape[1] - 1)]
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis=1)
    result: Array = windows @ (weights / weights.sum())
    return result
