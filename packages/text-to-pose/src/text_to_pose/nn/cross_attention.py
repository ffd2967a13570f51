"""Transformer over groups of frames that attend to a text, which stays as it was encoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pose_encoders.attention import RotaryPositions, TransformerLayer

if TYPE_CHECKING:
    from pose_encoders import AdditionalSequence


class CrossAttention(nn.Module):
    """Pre-norm multi-head attention of one sequence to another, with a residual."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm = nn.LayerNorm(dim)
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, text: Tensor, attendable: Tensor) -> Tensor:
        """Maps x (B, S, C) to (B, S, C); `attendable` (B, 1, 1, L) is True where a token of text (B, L, C) is real."""
        B, S, C = x.shape
        head_dim = C // self.num_heads
        q = self.query(self.norm(x)).view(B, S, self.num_heads, head_dim).transpose(1, 2)
        k, v = self.key_value(text).view(B, text.shape[1], 2, self.num_heads, head_dim).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=attendable)
        return x + self.out(attended.transpose(1, 2).reshape(B, S, C))


class CrossAttentionStack(nn.Module):
    """Transformer layers over a sequence (B, S, C), each after attention to a text; a final layer norm.

    Where `TransformerStack` would run over frames and text together, a text three times as long as the groups of frames
    makes that four times as long.
    """

    def __init__(self, dim: int, num_layers: int, num_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TransformerLayer(dim, num_heads, dropout) for _ in range(num_layers))
        self.attention = nn.ModuleList(CrossAttention(dim, num_heads) for _ in range(num_layers))
        self.norm = nn.LayerNorm(dim)
        self.rotary = RotaryPositions(dim // num_heads)

    def forward(self, x: Tensor, mask: Tensor, text: AdditionalSequence, modulation: Tensor) -> Tensor:
        """Runs all layers.

        Args:
            x: (B, S, C).
            mask: (B, S) bool, True where `x` is real.
            text: what it attends to.
            modulation: (B, layers, 2, C), as in `TransformerStack`.

        Returns:
            (B, S, C).
        """
        rotation = self.rotary(torch.arange(x.shape[1], device=x.device).expand(x.shape[:2]))
        attendable = (mask | ~mask.any(dim=1, keepdim=True))[:, None, None, :]
        text_attendable = text.mask[:, None, None, :]
        for i, (layer, attention) in enumerate(zip(self.layers, self.attention, strict=True)):
            x = x * (1 + modulation[:, i, :1]) + modulation[:, i, 1:]
            x = layer(attention(x, text.values, text_attendable), attendable, rotation)
        return self.norm(x)
