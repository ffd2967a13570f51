"""Temporal pooling: one vector per clip from the vectors of its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pose_encoders.attention import TransformerStack

if TYPE_CHECKING:
    from pose_encoders.config import Pool


class MeanPooling(nn.Module):
    """Mean over real frames."""

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Vectors (B, T, C) with mask (B, T) to (B, C); 0 for a clip without real frames."""
        weight = mask[:, :, None].to(vectors.dtype)
        return (vectors * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


class AttentionPooling(nn.Module):
    """Attention pooling: a mean over real frames, weighted by the softmax of a learned score."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.score = nn.Linear(dim, 1)

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Vectors (B, T, C) with mask (B, T) to (B, C); 0 for a clip without real frames."""
        scores = self.score(vectors)[:, :, 0]
        weight = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=1) * mask
        return (vectors * weight[:, :, None]).sum(dim=1)


class ClassTokenPooling(nn.Module):
    """Class token: a learned vector, prepended to the frames for one transformer layer, whose output is the clip's."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.token = nn.Parameter(0.02 * torch.randn(dim))
        self.stack = TransformerStack(dim, num_layers=1, num_heads=num_heads)

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Vectors (B, T, C) with mask (B, T) to (B, C)."""
        token = self.token.to(vectors.dtype).expand(len(vectors), 1, -1)
        token_mask = torch.ones_like(mask[:, :1])
        return self.stack(torch.cat([token, vectors], dim=1), torch.cat([token_mask, mask], dim=1))[:, 0]


def build_pooling(pool: Pool, dim: int, num_heads: int) -> nn.Module:
    """The pooling of that name: vectors (B, T, dim) with mask (B, T) to (B, dim)."""
    if pool == "mean":
        return MeanPooling()
    return AttentionPooling(dim) if pool == "attention" else ClassTokenPooling(dim, num_heads)
