"""A lapped transform: chunks whose linear coding leaves no seams."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

BORDER_GAIN = 1.4  # of the mean difference over a border: tried 1, 1.2, 1.4, 1.7 and 2 on held-out sequences


class LappedTransform(nn.Module):
    """Mixes frames across the border of neighbouring chunks, before these are coded each by itself, and back again.

    A time-domain lapped transform (Tran, Liang & Tu 2003, https://doi.org/10.1109/TSP.2003.811222): of frames as far
    before a border as behind it, sums stay, and differences are turned into other differences. What is lost in coding
    is then lost across borders alike, where chunks by themselves are worst at their ends and jump. A constant signal
    stays as it is.

    Args:
        chunk_size: S. Half a chunk on either side of a border is mixed.
    """

    forth: Tensor
    back: Tensor

    def __init__(self, chunk_size: int) -> None:
        super().__init__()
        self.reach = chunk_size // 2
        mixing = _differences(self.reach)
        self.register_buffer("forth", mixing.float(), persistent=False)  # (S // 2, S // 2), from a border on
        self.register_buffer("back", torch.linalg.inv(mixing).float(), persistent=False)

    def mix(self, chunks: Tensor, mask: Tensor) -> Tensor:
        """Frames of chunks (B, N, S, P) to what is coded of them, alike; `mask` (B, N) is True where one is real."""
        return self._across(chunks, mask, self.forth)

    def unmix(self, chunks: Tensor, mask: Tensor) -> Tensor:
        """The inverse of `mix`."""
        return self._across(chunks, mask, self.back)

    def _across(self, chunks: Tensor, mask: Tensor, mixing: Tensor) -> Tensor:
        if chunks.shape[1] < 2 or not self.reach:
            return chunks
        before, behind = chunks[:, :-1, -self.reach :].flip(2), chunks[:, 1:, : self.reach]
        both = (mask[:, :-1] & mask[:, 1:])[..., None, None]
        half = (behind - before) / 2
        change = torch.where(both, torch.einsum("ij,bnjp->bnip", mixing, half) - half, 0)
        changed = chunks.clone()
        changed[:, :-1, -self.reach :] -= change.flip(2)
        changed[:, 1:, : self.reach] += change
        return changed


def _differences(size: int) -> Tensor:
    """What is done to the differences over a border, (size, size), the first being of the frames that meet there."""
    places = torch.arange(size, dtype=torch.float64) + 0.5
    # Discrete cosine transforms of the second and of the fourth type.
    second = (math.pi / max(1, size) * places * (places[:, None] - 0.5)).cos()
    fourth = (math.pi / max(1, size) * places * places[:, None]).cos()
    gains = torch.full((size,), 2 / max(1, size), dtype=torch.float64)
    gains[:1] *= BORDER_GAIN / 2**0.5
    return (second.T @ (gains[:, None] * fourth)).flip(0, 1)
