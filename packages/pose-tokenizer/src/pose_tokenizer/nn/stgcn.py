"""Spatio-temporal graph convolution over blocks of frames (ST-GCN, Yan et al. 2018, https://arxiv.org/abs/1801.07455)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class STGCNBlock(nn.Module):
    """Spatial convolution along the limbs, then temporal convolution over blocks; both residual and pre-norm.

    Args:
        channels: C.
        adjacency: (P, K, K), see `partitioned_adjacency`; each entry has a learned factor, as in ST-GCN.
        before, after: blocks of the past and of the future in the temporal receptive field.
    """

    edges: Tensor
    edge_weights: Tensor
    extra_rows: Tensor

    def __init__(self, channels: int, adjacency: Tensor, before: int, after: int) -> None:
        super().__init__()
        # An adjacency is almost empty: gathering along its edges is several times as fast as multiplying by it.
        edges, extra_rows = edge_list(adjacency)
        self.register_buffer("edges", edges, persistent=False)  # (3, E)
        self.register_buffer("extra_rows", extra_rows, persistent=False)  # (E - K * P,)
        self.register_buffer("edge_weights", adjacency[tuple(edges)], persistent=False)  # (E,)
        self.importance = nn.Parameter(torch.ones_like(adjacency))
        self.reach = (before, after)
        self.spatial_norm = nn.LayerNorm(channels)
        self.spatial = nn.Linear(len(adjacency) * channels, channels)
        self.temporal_norm = nn.LayerNorm(channels)
        self.temporal = nn.Linear((before + 1 + after) * channels, channels)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """X (B, N, K, C), mask (B, N), True where a block is real, to (B, N, K, C), 0 where it is not."""
        real = mask[:, :, None, None]
        x = x + F.gelu(self.spatial(self.aggregate(self.spatial_norm(x))))
        before, after = self.reach
        padded = F.pad(self.temporal_norm(x) * real, (0, 0, 0, 0, before, after))  # (B, before + N + after, K, C)
        N = x.shape[1]
        neighbourhood = torch.cat([padded[:, shift : shift + N] for shift in range(before + 1 + after)], dim=-1)
        return (x + F.gelu(self.temporal(neighbourhood))) * real

    def aggregate(self, x: Tensor) -> Tensor:
        """(B, N, K, C) to the weighted sums over each keypoint's neighbours, one per partition, (B, N, K, P * C)."""
        K = x.shape[2]
        num_rows = self.edges.shape[1] - len(self.extra_rows)  # K * P
        weights = (self.edge_weights * self.importance[tuple(self.edges)])[:, None]
        first, extra = self.edges[2].tensor_split([num_rows])
        sums = x.index_select(2, first) * weights[:num_rows]  # (B, N, K * P, C)
        sums.index_add_(2, self.extra_rows, x.index_select(2, extra) * weights[num_rows:])
        return sums.unflatten(2, (K, -1)).flatten(3)


def edge_list(adjacency: Tensor) -> tuple[Tensor, Tensor]:
    """The edges of an adjacency (P, K, K), ordered for `STGCNBlock.aggregate`.

    Sums have K * P rows, keypoint * P + partition. One edge of every row comes first, in the order of the rows, so that
    gathering these fills all rows; a row without neighbours has an edge of weight 0 to its own keypoint. All other
    edges follow, to be added to their rows.

    Returns:
        Edges (3, E) as partition, keypoint and neighbour, and the rows of the edges after the first K * P.
    """
    P, K, _ = adjacency.shape
    connected = adjacency.transpose(0, 1) != 0  # (K, P, K)
    connected |= ~connected.any(dim=2, keepdim=True) & torch.eye(K, dtype=torch.bool)[:, None]
    keypoint, partition, neighbour = connected.nonzero(as_tuple=True)  # sorted by row
    row = keypoint * P + partition
    is_extra = torch.zeros_like(row, dtype=torch.bool)
    is_extra[1:] = row[1:] == row[:-1]
    edges = torch.stack([partition, keypoint, neighbour])
    return torch.cat([edges[:, ~is_extra], edges[:, is_extra]], dim=1), row[is_extra]


class STGCN(nn.Module):
    """ST-GCN blocks in a row: (B, N, K, inputs) to (B, N, K, outputs); the head starts at 0.

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
