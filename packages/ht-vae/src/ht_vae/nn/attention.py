"""Two-level attention: between frames in overlapping chunks, and between summaries of the chunks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WINDOWS = 8  # Gaussian windows through which a chunk is pooled and upsampled


def num_chunks(frames: int, chunk_size: int) -> int:
    """Number of chunks that cover so many frames; the last may be partly filled."""
    return -(-frames // chunk_size)


def to_chunks(x: Tensor, chunk_size: int) -> Tensor:
    """Frames (B, T, ...) as chunks (B, N, chunk_size, ...), the last padded with zeros."""
    missing = -x.shape[1] % chunk_size
    if missing:
        x = torch.cat([x, x.new_zeros(x.shape[0], missing, *x.shape[2:])], dim=1)
    return x.unflatten(1, (-1, chunk_size))


def apply_rotary(x: Tensor, positions: Tensor) -> Tensor:
    """Rotary position embedding (Su et al. 2021, https://arxiv.org/abs/2104.09864).

    Args:
        x: (..., S, heads, head_dim), queries or keys.
        positions: (S,).
    """
    a, b = x.chunk(2, dim=-1)
    half = a.shape[-1]
    speeds = 10_000.0 ** -(torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angles = (positions.float()[:, None] * speeds)[:, None]  # (S, 1, half)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    return torch.cat([torch.addcmul(a * cos, b, -sin), torch.addcmul(b * cos, a, sin)], dim=-1)


def sinusoids(positions: Tensor, width: int) -> Tensor:
    """Sinusoidal position embedding (S, width) of positions (S,) (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762)."""
    half = width // 2
    speeds = 10_000.0 ** -(torch.arange(half, device=positions.device, dtype=torch.float32) / half)
    angles = positions.float()[:, None] * speeds
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def attendable(mask: Tensor) -> Tensor:
    """Keys (..., S) that may be attended to: the real ones, or all where none is, as a softmax over nothing is NaN."""
    return mask | ~mask.any(dim=-1, keepdim=True)


class SelfAttention(nn.Module):
    """Multi-head self-attention with rotary positions.

    Args:
        width: C, a multiple of twice `num_heads`.
    """

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values (B, S, heads, head_dim) of vectors (B, S, C)."""
        positions = torch.arange(x.shape[1], device=x.device)
        q, k, v = self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).unbind(dim=2)
        return apply_rotary(q, positions), apply_rotary(k, positions), v

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Vectors (B, S, C), mask (B, S), True where real, to (B, S, C)."""
        q, k, v = (each.transpose(1, 2) for each in self.project(x))  # (B, heads, S, head_dim)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=attendable(mask)[:, None, None])
        return self.out(attended.transpose(1, 2).flatten(2))


class LocalAttention(SelfAttention):
    """Sliding-chunk attention: a frame attends to its chunk and to `overlap` frames on either side of it.

    Only queries are chunked, and neighbouring chunks share keys: frames at a chunk's edge see both sides, and no
    blending is needed. The cost grows linearly with T.

    Args:
        width: C, a multiple of twice `num_heads`.
        chunk_size: frames per chunk.
        overlap: frames.
    """

    def __init__(self, width: int, num_heads: int, chunk_size: int, overlap: int) -> None:
        super().__init__(width, num_heads)
        self.chunk_size = chunk_size
        self.overlap = overlap

    def windows(self, x: Tensor) -> Tensor:
        """Frames (B, T, ...) that each chunk attends to, (B, N, ..., chunk_size + 2 * overlap), padded with 0."""
        sides = (self.overlap, -x.shape[1] % self.chunk_size + self.overlap)
        padded = F.pad(x, (*(0,) * 2 * (x.ndim - 2), *sides))
        return padded.unfold(1, self.chunk_size + 2 * self.overlap, self.chunk_size)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Frames (B, T, C), mask (B, T), True where real, to (B, T, C)."""
        T = x.shape[1]
        q, k, v = self.project(x)
        q = to_chunks(q, self.chunk_size).flatten(0, 1).transpose(1, 2)  # (B * N, heads, chunk_size, head_dim)
        k, v = (
            self.windows(each).flatten(0, 1).transpose(-1, -2) for each in (k, v)
        )  # (B * N, heads, window, head_dim)
        keys = attendable(self.windows(mask).flatten(0, 1))[:, None, None]  # (B * N, 1, 1, window)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=keys)
        return self.out(attended.transpose(1, 2).reshape(len(x), -1, x.shape[2])[:, :T])


class ChunkPooling(nn.Module):
    """Attention pooling of each chunk: `WINDOWS` weighted means of its frames.

    A frame's weight in a window depends on its content and on its position in the chunk.

    Args:
        width: C.
        chunk_size: frames per chunk.
    """

    def __init__(self, width: int, chunk_size: int) -> None:
        super().__init__()
        self.chunk_size = chunk_size
        self.score = nn.Linear(width, WINDOWS, bias=False)
        # Position bias (chunk_size, windows), under its name in saved models.
        self.places = nn.Parameter(gaussian_windows(torch.linspace(0, 1, chunk_size)).log())
        self.out = nn.Linear(WINDOWS * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Frames (B, T, C), mask (B, T), True where real, to (B, N, C), meaningless for a chunk of padding."""
        scores = to_chunks(self.score(x), self.chunk_size) + self.places  # (B, N, chunk_size, windows)
        real = attendable(to_chunks(mask, self.chunk_size))[..., None]
        weights = scores.masked_fill(~real, torch.finfo(scores.dtype).min).softmax(dim=2)
        return self.out((weights.transpose(2, 3) @ to_chunks(x, self.chunk_size)).flatten(2))


class ChunkUpsampling(nn.Module):
    """Upsamples chunks to frames: each frame blends the two chunks whose centers enclose it.

    The counterpart of `ChunkPooling`: a chunk acts through `WINDOWS` windows on the time around its center, tapered to
    0 at its neighbours' centers, so the result has no jump at a chunk's edge.

    Args:
        width: C.
        chunk_size: frames per chunk.
    """

    taper: Tensor

    def __init__(self, width: int, chunk_size: int) -> None:
        super().__init__()
        self.chunk_size = chunk_size
        self.values = nn.Linear(width, WINDOWS * width)
        # `u` is 0 at the center of the earlier chunk and 1 at that of the later one.
        u = (torch.arange(chunk_size) + (chunk_size + 1) % 2 / 2) / chunk_size
        windows = torch.stack([gaussian_windows((1 + u) / 2), gaussian_windows(u / 2)], dim=1)
        self.windows = nn.Parameter(windows)  # (chunk_size, 2, windows)
        self.register_buffer("taper", torch.stack([1 - u, u], dim=1), persistent=False)  # (chunk_size, 2)

    def forward(self, chunks: Tensor, mask: Tensor, frames: int) -> Tensor:
        """Chunks to frames.

        Args:
            chunks: (B, N, C).
            mask: (B, N), True where a chunk is real; others are ignored.
            frames: T, at most N * chunk_size.

        Returns:
            (B, T, C).
        """
        values = self.values(chunks).unflatten(-1, (WINDOWS, -1))  # (B, N, windows, C)
        padded = F.pad(values, (0, 0, 0, 0, 1, 1))
        pairs = torch.cat([padded[:, :-1], padded[:, 1:]], dim=2)  # (B, N + 1, 2 * windows, C)
        real = F.pad(mask, (1, 1))
        taper = self.taper * torch.stack([real[:, :-1], real[:, 1:]], dim=-1)[:, :, None]  # (B, N + 1, chunk_size, 2)
        taper = taper / taper.sum(dim=-1, keepdim=True).clamp(min=1e-6)
        weights = (taper[..., None].to(values.dtype) * self.windows).flatten(3)  # (B, N + 1, chunk_size, 2 * windows)
        before = (self.chunk_size + 1) // 2  # frames between the padding's center and the first frame
        return (weights @ pairs).flatten(1, 2)[:, before : before + frames]


def gaussian_windows(u: Tensor) -> Tensor:
    """`WINDOWS` Gaussian windows evenly spaced over [0, 1], at `u` (S,): (S, WINDOWS)."""
    centers = (torch.arange(WINDOWS) + 0.5) / WINDOWS
    return torch.exp(-0.5 * ((u[:, None] - centers) * WINDOWS).square())


class HierarchicalAttention(nn.Module):
    """Local attention between frames, then global attention between chunk summaries, upsampled to the frames again.

    Cost and memory grow linearly with T as long as the number of chunks is small compared with T.

    Args:
        width: C, a multiple of twice `num_heads`.
        chunk_size: frames per chunk.
        overlap: frames on either side of its chunk that a frame attends to.
        with_global: False leaves the local level alone.
    """

    def __init__(self, width: int, num_heads: int, chunk_size: int, overlap: int, *, with_global: bool = True) -> None:
        super().__init__()
        self.local = LocalAttention(width, num_heads, chunk_size, overlap)
        self.chunk_size = chunk_size
        self.with_global = with_global
        if with_global:
            self.pooling = ChunkPooling(width, chunk_size)
            self.norm = nn.LayerNorm(width)
            self.across = SelfAttention(width, num_heads)
            self.spreading = ChunkUpsampling(width, chunk_size)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Frames (B, T, C), mask (B, T), True where real, to (B, T, C), 0 where it is not."""
        attended = self.local(x, mask)
        if self.with_global:
            chunk_mask = to_chunks(mask, self.chunk_size).any(dim=2)
            summaries = self.pooling(attended + x, mask)
            summaries = summaries + self.across(self.norm(summaries), chunk_mask)
            attended = attended + self.spreading(summaries, chunk_mask, x.shape[1])
        return attended * mask[..., None]


class Layer(nn.Module):
    """Pre-norm transformer layer: attention of a given kind, then a feed-forward network, both residual."""

    def __init__(self, attention: nn.Module, width: int, feed_forward: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = attention
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, feed_forward), nn.GELU(), nn.Linear(feed_forward, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Vectors (B, S, C), mask (B, S), True where real, to (B, S, C)."""
        x = x + self.dropout(self.attention(self.attention_norm(x), mask))
        return x + self.dropout(self.feed_forward(x))
