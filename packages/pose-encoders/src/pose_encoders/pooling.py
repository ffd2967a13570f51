"""One vector a clip from the vectors of its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pose_encoders.attention import TransformerStack

if TYPE_CHECKING:
    from pose_encoders.config import Pool


class MeanPooling(nn.Module):
    """The mean of the real frames."""

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Vectors (B, T, C) with mask (B, T) to (B, C); 0 for a clip without real frames."""
        weight = mask[:, :, None].to(vectors.dtype)
        return (vectors * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


class AttentionPooling(nn.Module):
    """A mean weighted by how well each frame answers a learned query."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.score = nn.Linear(dim, 1)

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Vectors (B, T, C) with mask (B, T) to (B, C); 0 for a clip without real frames."""
        scores = self.score(vectors)[:, :, 0]
        weight = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=1) * mask
        return (vectors * weight[:, :, None]).sum(dim=1)


class ClassTokenPooling(nn.Module):
    """A learned vector that attends to the frames for one transformer layer, and is read afterwards."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.token = nn.Parameter(0.02 * torch.randn(dim))
        self.stack = TransformerStack(dim, num_layers=1, num_heads=num_heads)

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Vectors (B, T, C) with mask (B, T) to (B, C)."""
        token = self.token.to(vectors.dtype).expand(len(vectors), 1, -1)
        there = torch.ones_like(mask[:, :1])
        return self.stack(torch.cat([token, vectors], dim=1), torch.cat([there, mask], dim=1))[:, 0]


def build_pooling(pool: Pool, dim: int, num_heads: int) -> nn.Module:
    """The pooling of that name for vectors of `dim` channels."""
    if pool == "mean":
        return MeanPooling()
    return AttentionPooling(dim) if pool == "attention" else ClassTokenPooling(dim, num_heads)
