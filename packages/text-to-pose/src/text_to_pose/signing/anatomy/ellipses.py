"""Solids of flattened ellipses, one above the other: trunk and neck."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.vectors import within

if TYPE_CHECKING:
    from text_to_pose.signing.vectors import Array

FLATNESS = 2.4
"""Exponent of the ellipses: 2 would be an ellipse, more is flatter in front and behind."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Ellipses at heights, and what is between them.

    Attributes:
        rows: height, half breadth, half depth and middle (z) of each, (n, 4), from below, in metres.
    """

    rows: Array

    @property
    def bottom(self) -> float:
        """The least height."""
        return float(self.rows[0, 0])

    @property
    def top(self) -> float:
        """The greatest height."""
        return float(self.rows[-1, 0])

    @cached_property
    def _pieces(self) -> tuple[Array, Array]:
        """Heights (n,), and of each but the last what there is, and by how much it grows with height, (n - 1, 6)."""
        heights = np.ascontiguousarray(self.rows[:, 0])
        growth = np.diff(self.rows[:, 1:], axis=0) / np.diff(heights)[:, None]
        return heights, np.concatenate([self.rows[:-1, 1:], growth], axis=1)

    def sizes(self, y: Array) -> tuple[Array, Array, Array]:
        """Half breadth, half depth and middle at heights (...,)."""
        heights, pieces = self._pieces
        y = within(y, heights[0], heights[-1])
        piece = heights[1:-1].searchsorted(y, side="right")
        found, above = pieces[piece], y - heights[piece]
        breadth, deep, middle = (found[..., k] + above * found[..., k + 3] for k in range(3))
        return breadth, deep, middle

    def depth(self, x: Array, y: Array, z: Array) -> Array:
        """How far points of these coordinates are inside, (...,) metres; below 0: outside, to first order."""
        breadth, deep, middle = self.sizes(y)
        across, out = np.abs(x) / breadth, np.abs(z - middle) / deep
        steep, steeper = across ** (FLATNESS - 1), out ** (FLATNESS - 1)
        power = np.maximum(across * steep + out * steeper, 1e-12)
        level = power ** (1 / FLATNESS)
        slope = np.hypot(steep / breadth, steeper / deep) * level / power
        side = (1 - level) / np.maximum(slope, 1 / breadth)
        ends = np.minimum(self.top - y, y - self.bottom)
        return np.where((side < 0) & (ends < 0), -np.hypot(side, ends), np.minimum(side, ends))

    @cached_property
    def _box(self) -> tuple[Array, Array]:
        """Least and greatest coordinates of all of it, (3,) each."""
        half, low, high = self.rows[:, 1].max(), self.rows[:, 3] - self.rows[:, 2], self.rows[:, 3] + self.rows[:, 2]
        return np.array([-half, self.bottom, low.min()]), np.array([half, self.top, high.max()])

    def intrusion(self, x: Array, y: Array, z: Array, radius: Array | float) -> Array:
        """By how much balls about points of these coordinates are inside, (...,) metres; 0: not at all."""
        low, high = self._box
        near = (np.abs(x) < high[0] + radius) & (z < high[2] + radius) & (z > low[2] - radius)
        near &= (y < high[1] + radius) & (y > low[1] - radius)
        deep = np.zeros(near.shape)
        if near.any():
            size = radius[near] if isinstance(radius, np.ndarray) else radius
            deep[near] = np.maximum(self.depth(x[near], y[near], z[near]) + size, 0.0)
        return deep
