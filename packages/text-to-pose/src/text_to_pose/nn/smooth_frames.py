"""Frames on a smooth curve: a cubic B-spline through time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence


class SmoothFrames(nn.Module):
    """Control points, one every `spacing` frames, to all frames, by a uniform cubic B-spline.

    Frames that a network predicts one by one jitter by what it has not learned yet; people's hands do not. A spline
    cannot, and what it lacks above half a cycle per control point, signing lacks, too.

    Args:
        spacing: frames from one control point to the next.
    """

    weights: Tensor

    def __init__(self, spacing: int) -> None:
        super().__init__()
        self.spacing = spacing
        self.register_buffer("weights", torch.tensor(_basis(spacing)), persistent=False)

    def forward(self, control: Tensor) -> Tensor:
        """Control points (B, N, X) to frames (B, N * spacing, X); the ends continue straight."""
        before, after = 2 * control[:, :1] - control[:, 1:2], 2 * control[:, -1:] - control[:, -2:-1]
        padded = torch.cat([before, control, after, 2 * after - control[:, -1:]], dim=1)  # (B, N + 3, X)
        N = control.shape[1]
        neighbours = torch.stack([padded[:, i : i + N] for i in range(4)], dim=2)  # (B, N, 4, X)
        return torch.einsum("si,bnix->bnsx", self.weights.to(control.dtype), neighbours).flatten(1, 2)


def _basis(spacing: int) -> Sequence[Sequence[float]]:
    """(spacing, 4): how much the control points before, at, after and after that count in each frame."""
    rows = []
    for frame in range(spacing):
        u = frame / spacing
        rows.append([(1 - u) ** 3 / 6, (3 * u**3 - 6 * u**2 + 4) / 6, (-3 * u**3 + 3 * u**2 + 3 * u + 1) / 6, u**3 / 6])
    return rows
