"""The lines of `lines`, on any device and differentiable: every pixel's distance from every line, in torch."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from pose_core.rendering.lines import BLUR, HALF_WIDTH

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

_AT_ONCE = 24  # lines a compiled step; a hand's are 21


def draw_soft_lines(points: Tensor, seen: Tensor, limbs: np.ndarray, size: int) -> Tensor:
    """Pictures of lines between points.

    Args:
        points: (..., P, 2) x and y in pixels.
        seen: (..., P) bool; a line with an unseen end is not drawn.
        limbs: (E, 2) positions of the lines' ends.
        size: height and width in pixels.

    Returns:
        (..., size, size) in [0, 1]. Lines lie over one another as paint does, so a crossing is no brighter than 1.
    """
    ends = torch.from_numpy(limbs).to(points.device)
    start, end = (points[..., ends[:, i], :] for i in (0, 1))  # (..., E, 2)
    there = seen[..., ends[:, 0]] & seen[..., ends[:, 1]]  # (..., E)
    step = _compiled_step() if points.device.type != "cpu" else _step
    dark = points.new_ones(*points.shape[:-2], size, size)
    for first in range(0, len(limbs), _AT_ONCE):
        lines = slice(first, first + _AT_ONCE)
        dark = step(dark, start[..., lines, :], end[..., lines, :], there[..., lines])
    return 1 - dark


def _step(dark: Tensor, start: Tensor, end: Tensor, there: Tensor) -> Tensor:
    """What of (..., size, size) stays dark under the lines from `start` to `end` (..., E, 2)."""
    size = dark.shape[-1]
    at = torch.arange(size, device=dark.device, dtype=dark.dtype)
    for e in range(start.shape[-2]):
        x0, y0 = (start[..., e, i, None, None] for i in (0, 1))  # (..., 1, 1)
        way_x, way_y = (end[..., e, i, None, None] - start[..., e, i, None, None] for i in (0, 1))
        square = way_x**2 + way_y**2
        from_x, from_y = at - x0, at[:, None] - y0  # (..., 1, size), (..., size, 1)
        # How far along the line its nearest place is; a line's ends are cut off straight, half a pixel soft.
        length = square.clamp(min=1e-6).sqrt()
        along = (from_x * way_x + from_y * way_y) / length
        covered = (torch.minimum(along + 0.5, length) - (along - 0.5).clamp(min=0)).clamp(min=0, max=1)
        across = (from_x * way_y - from_y * way_x) / length
        # Along the axis the line is steeper to, its stroke is as much wider as it is longer there.
        longer = length / torch.maximum(way_x.abs(), way_y.abs()).clamp(min=1e-3)
        distance = across.abs() * longer
        bright = (torch.erf((distance + HALF_WIDTH) / BLUR) - torch.erf((distance - HALF_WIDTH) / BLUR)) / 2
        share = (bright * covered * longer).clamp(max=1) * (there[..., e, None, None] & (square > 0))
        dark = dark * (1 - share)
    return dark


@cache
def _compiled_step() -> Callable[..., Tensor]:
    """One kernel for all lines of a step: without it each line would write its pictures to memory a dozen times."""
    return torch.compile(_step, dynamic=True)
