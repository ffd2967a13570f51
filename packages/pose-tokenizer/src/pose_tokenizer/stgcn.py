"""Spatio-temporal graph convolution over blocks of frames (ST-GCN, Yan et al. 2018, https://arxiv.org/abs/1801.07455)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class STGCNBlock(nn.Module):
    """Along the limbs, then through time, with a residual; each convolution after a norm of a keypoint's channels.

    Args:
        channels: C.
        adjacency: (P, K, K), see `partitioned_adjacency`; the network weighs its entries anew.
        before, after: blocks of the past and of the future that one block sees.
    """

    strength: Tensor
    edges: Tensor
    target: Tensor

    def __init__(self, channels: int, adjacency: Tensor, before: int, after: int) -> None:
        super().__init__()
        # An adjacency is almost empty: gathering along its edges is several times as fast as multiplying by it.
        keypoint, partition, neighbour = adjacency.transpose(0, 1).nonzero(as_tuple=True)
        self.register_buffer("strength", adjacency[partition, keypoint, neighbour], persistent=False)  # (E,)
        self.register_buffer("edges", torch.stack([partition, keypoint, neighbour]), persistent=False)  # (3, E)
        self.register_buffer("target", keypoint * len(adjacency) + partition, persistent=False)  # (E,)
        self.importance = nn.Parameter(torch.ones_like(adjacency))
        self.reach = (before, after)
        self.spatial_norm = nn.LayerNorm(channels)
        self.spatial = nn.Linear(len(adjacency) * channels, channels)
        self.temporal_norm = nn.LayerNorm(channels)
        self.temporal = nn.Linear((before + 1 + after) * channels, channels)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: (B, N, K, C), mask: (B, N), True where a block is real, to (B, N, K, C); 0 where it is not."""
        real = mask[:, :, None, None]
        x = x + F.gelu(self.spatial(self.neighbours(self.spatial_norm(x))))
        before, after = self.reach
        padded = F.pad(self.temporal_norm(x) * real, (0, 0, 0, 0, before, after))
        N = x.shape[1]
        around = torch.cat([padded[:, shift : shift + N] for shift in range(before + 1 + after)], dim=-1)
        return (x + F.gelu(self.temporal(around))) * real

    def neighbours(self, x: Tensor) -> Tensor:
        """(B, N, K, C) to the weighted sum of each partition's neighbours, (B, N, K, P * C)."""
        B, N, K, C = x.shape
        P = len(self.importance)
        weight = self.strength * self.importance[tuple(self.edges)]
        along = x.index_select(2, self.edges[2]) * weight[:, None]  # (B, N, E, C)
        return x.new_zeros(B, N, K * P, C).index_add(2, self.target, along).view(B, N, K, P * C)


class STGCN(nn.Module):
    """Blocks in a row: (B, N, K, inputs) to (B, N, K, outputs), nothing at first.

    Attributes:
        before, after: blocks of the past and of the future that an output depends on.
    """

    def __init__(
        self, inputs: int, channels: int, outputs: int, adjacency: Tensor, num_layers: int, *, before: int, after: int
    ) -> None:
        super().__init__()
        K = adjacency.shape[-1]
        self.project = nn.Linear(inputs, channels)
        self.keypoint = nn.Parameter(0.02 * torch.randn(K, channels))
        self.layers = nn.ModuleList(STGCNBlock(channels, adjacency, before, after) for _ in range(num_layers))
        self.head = nn.Linear(channels, outputs)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.before, self.after = num_layers * before, num_layers * after

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = (self.project(x) + self.keypoint) * mask[:, :, None, None]
        for layer in self.layers:
            x = layer(x, mask)
        return self.head(x)
