"""Attention in two levels: frames inside overlapping chunks, and summaries of the chunks over the whole sequence."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WINDOWS = 8  # through which a chunk is summarized and written back


def num_chunks(frames: int, chunk_size: int) -> int:
    """Chunks that so many frames fill, the last maybe in part."""
    return -(-frames // chunk_size)


def split(x: Tensor, chunk_size: int) -> Tensor:
    """Frames (B, T, ...) as chunks (B, N, chunk_size, ...), the last filled up with zeros."""
    missing = -x.shape[1] % chunk_size
    if missing:
        x = torch.cat([x, x.new_zeros(x.shape[0], missing, *x.shape[2:])], dim=1)
    return x.unflatten(1, (-1, chunk_size))


def rotate(x: Tensor, positions: Tensor) -> Tensor:
    """Rotary positions (Su et al. 2021, https://arxiv.org/abs/2104.09864): products see distances alone.

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


def attendable(mask: Tensor) -> Tensor:
    """Keys (..., S) that may be attended to. Where none is real it is all: a softmax over nothing would be NaN."""
    return mask | ~mask.any(dim=-1, keepdim=True)


class SelfAttention(nn.Module):
    """Every position attends to every real one.

    Args:
        width: C, a multiple of twice `num_heads`.
    """

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Vectors (B, S, C), mask (B, S), True where real, to (B, S, C)."""
        positions = torch.arange(x.shape[1], device=x.device)
        q, k, v = self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).unbind(dim=2)  # (B, S, heads, head_dim)
        q, k, v = (each.transpose(1, 2) for each in (rotate(q, positions), rotate(k, positions), v))
        read = F.scaled_dot_product_attention(q, k, v, attn_mask=attendable(mask)[:, None, None])
        return self.out(read.transpose(1, 2).flatten(2))


class LocalAttention(SelfAttention):
    """A frame attends to its chunk and to `overlap` frames beyond either end of it.

    Chunks are of the queries alone, and neighbours share keys: whatever lies at a chunk's edge sees both its sides, and
    nothing has to be blended afterwards. The cost grows with T, not with its square.

    Args:
        width: C, a multiple of twice `num_heads`.
        chunk_size: frames of a chunk.
        overlap: frames.
    """

    def __init__(self, width: int, num_heads: int, chunk_size: int, overlap: int) -> None:
        super().__init__(width, num_heads)
        self.chunk_size = chunk_size
        self.overlap = overlap

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Frames (B, T, C), mask (B, T), True where real, to (B, T, C)."""
        T, size, overlap = x.shape[1], self.chunk_size, self.overlap
        window, missing = size + 2 * overlap, -T % size
        sides = (overlap, missing + overlap)
        positions = torch.arange(T, device=x.device)
        q, k, v = self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).unbind(dim=2)  # (B, T, heads, head_dim)
        q = split(rotate(q, positions), size).flatten(0, 1).transpose(1, 2)  # (B * N, heads, size, head_dim)
        k, v = (
            F.pad(each, (0, 0, 0, 0, *sides)).unfold(1, window, size).flatten(0, 1).transpose(-1, -2)
            for each in (rotate(k, positions), v)
        )  # (B * N, heads, window, head_dim)
        seen = attendable(F.pad(mask, sides).unfold(1, window, size).flatten(0, 1))[:, None, None]
        read = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        read = read.transpose(1, 2).reshape(len(x), T + missing, -1)[:, :T]
        return self.out(read)


class ChunkPooling(nn.Module):
    """Summarizes chunks by attention pooling: a few windows, each a weighted mean of all of a frame's channels.

    How much a frame counts in a window depends on what it holds and on its place in the chunk.

    Args:
        width: C.
        chunk_size: frames of a chunk.
    """

    def __init__(self, width: int, chunk_size: int) -> None:
        super().__init__()
        self.chunk_size = chunk_size
        self.score = nn.Linear(width, WINDOWS, bias=False)
        self.places = nn.Parameter(gaussian_windows(torch.linspace(0, 1, chunk_size)).log())
        self.out = nn.Linear(WINDOWS * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Frames (B, T, C), mask (B, T), True where real, to (B, N, C), of no meaning for a chunk of padding."""
        scores = split(self.score(x), self.chunk_size) + self.places  # (B, N, size, windows)
        real = attendable(split(mask, self.chunk_size))[..., None]
        weights = scores.masked_fill(~real, torch.finfo(scores.dtype).min).softmax(dim=2)
        return self.out((weights.transpose(2, 3) @ split(x, self.chunk_size)).flatten(2))


class ChunkUpsampling(nn.Module):
    """Gives every frame what its chunk and the nearer neighbour say, blended by how far their middles are.

    The opposite of `ChunkPooling`: a chunk speaks through a few windows on the time around its middle, which taper off
    to nothing where the next chunk's middle is. So what a frame is told has no jump at a chunk's edge.

    Args:
        width: C.
        chunk_size: frames of a chunk.
    """

    taper: Tensor

    def __init__(self, width: int, chunk_size: int) -> None:
        super().__init__()
        self.chunk_size = chunk_size
        self.values = nn.Linear(width, WINDOWS * width)
        # Frames between two middles are told by the chunk before them, then by the one behind them. `u` is 0 at the
        # middle of the first and 1 at that of the second.
        u = (torch.arange(chunk_size) + (chunk_size + 1) % 2 / 2) / chunk_size
        windows = torch.stack([gaussian_windows((1 + u) / 2), gaussian_windows(u / 2)], dim=1)
        self.windows = nn.Parameter(windows)  # (size, 2, windows)
        self.register_buffer("taper", torch.stack([1 - u, u], dim=1), persistent=False)  # (size, 2)

    def forward(self, chunks: Tensor, mask: Tensor, frames: int) -> Tensor:
        """Chunks to frames.

        Args:
            chunks: (B, N, C).
            mask: (B, N), True where a chunk is real; the others are not heard.
            frames: T, at most N * chunk_size.

        Returns:
            (B, T, C).
        """
        values = self.values(chunks).unflatten(-1, (WINDOWS, -1))  # (B, N, windows, C)
        padded = F.pad(values, (0, 0, 0, 0, 1, 1))
        pairs = torch.cat([padded[:, :-1], padded[:, 1:]], dim=2)  # (B, N + 1, 2 * windows, C)
        real = F.pad(mask, (1, 1))
        taper = self.taper * torch.stack([real[:, :-1], real[:, 1:]], dim=-1)[:, :, None]  # (B, N + 1, size, 2)
        taper = taper / taper.sum(dim=-1, keepdim=True).clamp(min=1e-6)
        weights = (taper[..., None].to(values.dtype) * self.windows).flatten(3)  # (B, N + 1, size, 2 * windows)
        before = (self.chunk_size + 1) // 2  # frames of the first half chunk that are not there
        return (weights @ pairs).flatten(1, 2)[:, before : before + frames]


def gaussian_windows(u: Tensor) -> Tensor:
    """`WINDOWS` bell curves over [0, 1], evenly apart, at `u` (S,): (S, WINDOWS)."""
    middles = (torch.arange(WINDOWS) + 0.5) / WINDOWS
    return torch.exp(-0.5 * ((u[:, None] - middles) * WINDOWS).square())


class HierarchicalAttention(nn.Module):
    """Local attention inside chunks, then attention over their summaries, whose outcome every frame is given back.

    Cost and memory grow linearly with T as long as T / chunk_size, the number of summaries, is small beside T.

    Args:
        width: C, a multiple of twice `num_heads`.
        chunk_size: frames of a chunk.
        overlap: frames beyond either end of its chunk that a frame attends to.
        with_global: without it there is the local level alone.
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
        read = self.local(x, mask)
        if self.with_global:
            chunks = split(mask, self.chunk_size).any(dim=2)
            summaries = self.pooling(read + x, mask)
            summaries = summaries + self.across(self.norm(summaries), chunks)
            read = read + self.spreading(summaries, chunks, x.shape[1])
        return read * mask[..., None]


class Layer(nn.Module):
    """Attention of a given kind and a feed-forward network, each beside what comes in, which is normalized first."""

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
