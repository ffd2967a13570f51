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

    edges: Tensor
    strength: Tensor
    target: Tensor

    def __init__(self, channels: int, adjacency: Tensor, before: int, after: int) -> None:
        super().__init__()
        # An adjacency is almost empty: gathering along its edges is several times as fast as multiplying by it.
        edges, target = edges_of(adjacency)
        self.register_buffer("edges", edges, persistent=False)  # (3, E)
        self.register_buffer("target", target, persistent=False)  # (E - K * P,)
        self.register_buffer("strength", adjacency[tuple(edges)], persistent=False)  # (E,)
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
        weight = (self.strength * self.importance[tuple(self.edges)])[:, None]
        first, more = self.edges[2].tensor_split([len(self.edges[2]) - len(self.target)])
        summed = x.index_select(2, first) * weight[: len(first)]  # (B, N, K * P, C)
        summed.index_add_(2, self.target, x.index_select(2, more) * weight[len(first) :])
        return summed.unflatten(2, (x.shape[2], -1)).flatten(3)


def edges_of(adjacency: Tensor) -> tuple[Tensor, Tensor]:
    """Where an adjacency (P, K, K) is not 0: partition, keypoint and neighbour of each edge, (3, E).

    The first K * P are one of each keypoint and partition, in this order, itself where it has no neighbour. Of the
    others, the second result says whose they are: keypoint * P + partition.
    """
    there = adjacency.transpose(0, 1) != 0  # (K, P, K)
    there |= ~there.any(dim=2, keepdim=True) & torch.eye(len(there), dtype=torch.bool)[:, None]
    keypoint, partition, neighbour = there.nonzero(as_tuple=True)
    row = keypoint * len(adjacency) + partition
    more = torch.zeros_like(row, dtype=torch.bool)
    more[1:] = row[1:] == row[:-1]
    order = torch.cat([torch.nonzero(~more), torch.nonzero(more)])[:, 0]
    return torch.stack([partition, keypoint, neighbour])[:, order], row[more]


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
