"""Transformer: pre-norm layers on `scaled_dot_product_attention`, with rotary position embeddings."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class RotaryPositions(nn.Module):
    """Rotary position embedding (Su et al. 2021, https://arxiv.org/abs/2104.09864): no limit on the sequence length."""

    frequencies: Tensor

    def __init__(self, head_dim: int, base: float = 10_000.0) -> None:
        super().__init__()
        frequencies = base ** -(torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosine and sine, each (B, 1, S, head_dim / 2), of positions (B, S)."""
        angles = positions.float()[:, None, :, None] * self.frequencies
        return angles.cos(), angles.sin()


def rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Rotates the halves of `x` (B, heads, S, head_dim) against each other."""
    cos, sin = (part.to(x.dtype) for part in rotation)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class TransformerLayer(nn.Module):
    """One transformer layer: pre-norm multi-head self-attention and feed-forward, each with a residual."""

    def __init__(self, dim: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.dropout = dropout
        self.attention_norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.attention_out = nn.Linear(dim, dim)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, 4 * dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * dim, dim)
        )

    def forward(self, x: Tensor, attendable: Tensor, rotation: tuple[Tensor, Tensor] | None) -> Tensor:
        """Maps x (B, S, C) to (B, S, C); `attendable` (B, 1, 1, S) is True where a position may be attended to."""
        B, S, C = x.shape
        qkv = self.qkv(self.attention_norm(x)).view(B, S, 3, self.num_heads, C // self.num_heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, S, head_dim)
        if rotation is not None:
            q, k = rotate(q, rotation), rotate(k, rotation)
        dropout = self.dropout if self.training else 0.0
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=attendable, dropout_p=dropout)
        attended = attended.transpose(1, 2).reshape(B, S, C)
        x = x + F.dropout(self.attention_out(attended), self.dropout, self.training)
        return x + F.dropout(self.feed_forward(x), self.dropout, self.training)


class TransformerStack(nn.Module):
    """Transformer layers over a sequence of vectors (B, S, C), with a final layer norm.

    Args:
        dim: C, divisible by `num_heads`; with rotary positions, the quotient is even.
        rotary: rotate queries and keys by their positions; else the caller adds position embeddings to the input.
    """

    def __init__(self, dim: int, num_layers: int, num_heads: int, dropout: float = 0.0, *, rotary: bool = True) -> None:
        super().__init__()
        if dim % num_heads or (rotary and (dim // num_heads) % 2):
            raise ValueError(f"dim {dim} does not divide into {num_heads} heads of an even width")
        self.layers = nn.ModuleList(TransformerLayer(dim, num_heads, dropout) for _ in range(num_layers))
        self.norm = nn.LayerNorm(dim)
        self.rotary = RotaryPositions(dim // num_heads) if rotary else None

    def forward(
        self, x: Tensor, mask: Tensor, positions: Tensor | None = None, modulation: Tensor | None = None
    ) -> Tensor:
        """Runs all layers.

        Args:
            x: (B, S, C).
            mask: (B, S) bool, True where `x` is real; other positions are attended to by none.
            positions: (B, S) of the rotary embedding; None: 0, 1, 2, ...
            modulation: (B, layers, 2, C), FiLM's scale less 1 and shift of each layer's input
                (Perez et al. 2018, https://arxiv.org/abs/1709.07871); None: no modulation.

        Returns:
            (B, S, C).
        """
        if positions is None:
            positions = torch.arange(x.shape[1], device=x.device).expand(x.shape[:2])
        rotation = self.rotary(positions) if self.rotary is not None else None
        # A softmax over no position is NaN: a row without any real one attends to its padding.
        attendable = (mask | ~mask.any(dim=1, keepdim=True))[:, None, None, :]
        for i, layer in enumerate(self.layers):
            if modulation is not None:
                x = x * (1 + modulation[:, i, :1]) + modulation[:, i, 1:]
            x = layer(x, attendable, rotation)
        return self.norm(x)
