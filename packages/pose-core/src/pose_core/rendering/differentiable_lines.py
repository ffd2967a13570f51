"""Differentiable line drawing in torch: intensity from each pixel's distance to each line."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from pose_core.rendering.lines import BLUR, HALF_WIDTH

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

_LINES_AT_ONCE = 4  # where nothing is compiled, so that their pictures fit into the cache
_BRIGHTEST = 1 - 1e-4  # of one line; at 1 log(1 - line) would be infinite, and the gradient of what lies below 0


def draw_soft_lines(points: Tensor, seen: Tensor, limbs: np.ndarray, size: int) -> Tensor:
    """Pictures of lines between points.

    Args:
        points: (..., P, 2) x and y in pixels.
        visible: (..., P) bool; a line with an end that is not visible is not drawn.
        limbs: (E, 2) positions of the lines' ends.
        size: height and width in pixels.

    Returns:
        (..., size, size) in [0, 1]: 1 - prod(1 - line), so that a crossing is no brighter than 1.
    """
    ends = torch.from_numpy(limbs).to(points.device)
    start, end = (points[..., ends[:, i], :] for i in (0, 1))  # (..., E, 2)
    visible = seen[..., ends[:, 0]] & seen[..., ends[:, 1]]  # (..., E)
    if points.device.type != "cpu":
        return 1 - _compiled()(start, end, visible, size).exp()
    dark = points.new_zeros(*points.shape[:-2], size, size)
    for first in range(0, len(limbs), _LINES_AT_ONCE):
        lines = slice(first, first + _LINES_AT_ONCE)
        dark = dark + _log_dark(start[..., lines, :], end[..., lines, :], visible[..., lines], size)
    return 1 - dark.exp()


def _log_dark(start: Tensor, end: Tensor, visible: Tensor, size: int) -> Tensor:
    """log(1 - intensity), (..., size, size), under lines from `start` to `end`, (..., E, 2)."""
    at = torch.arange(size, device=start.device, dtype=start.dtype)
    x0, y0 = (start[..., i, None, None] for i in (0, 1))  # (..., E, 1, 1)
    way_x, way_y = (end[..., i, None, None] - start[..., i, None, None] for i in (0, 1))
    square = way_x**2 + way_y**2
    length = square.clamp(min=1e-6).sqrt()
    from_x, from_y = at - x0, at[:, None] - y0  # (..., E, 1, size), (..., E, size, 1)
    # A line's ends are cut off straight, half a pixel soft.
    along = (from_x * way_x + from_y * way_y) / length  # (..., E, size, size)
    covered = (torch.minimum(along + 0.5, length) - (along - 0.5).clamp(min=0)).clamp(min=0, max=1)
    # Along the axis the line is steeper to, its stroke is as much wider as the line is longer.
    longer = length / torch.maximum(way_x.abs(), way_y.abs()).clamp(min=1e-3)
    distance = (from_x * way_y - from_y * way_x).abs() / length * longer
    bright = (torch.erf((distance + HALF_WIDTH) / BLUR) - torch.erf((distance - HALF_WIDTH) / BLUR)) / 2
    share = (bright * covered * longer).clamp(max=_BRIGHTEST) * (visible[..., None, None] & (square > 0))
    return torch.log1p(-share).sum(dim=-3)


@cache
def _compiled() -> Callable[..., Tensor]:
    """Fuses the lines into one kernel: storing one picture per line would take longer than drawing."""
    return torch.compile(_log_dark, dynamic=True)
