"""A transformer over chunks that moves the linear basis' latents, and adds what they leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from ht_vae.nn.attention import Layer, LocalAttention

if TYPE_CHECKING:
    from torch import Tensor

NUM_HEADS = 4
# Chunks that are attended to: those of a group of 8, and 4 on either side. Sequences of any length cost the same per
# frame, and none has positions that short training windows lack.
GROUP, OVERLAP = 8, 4


class BasisTransformer(nn.Module):
    """A nonlinear autoencoder around the linear basis; until it is trained it changes nothing.

    Its encoder sees a chunk's coordinates in all directions of the basis, also in those that latents have no number
    for; its decoder predicts all of them from the latents.

    Args:
        latent_dim: Z; chunk_latent_dim: Zc; num_coordinates: R, of a chunk.
        width: C, of the layers.
        num_layers: of encoder and decoder each.

    Attributes:
        unit: (), what remains of a coordinate beyond the latents is about so large.
    """

    unit: Tensor

    def __init__(
        self, latent_dim: int, chunk_latent_dim: int, num_coordinates: int, width: int, num_layers: int
    ) -> None:
        super().__init__()
        self.register_buffer("unit", torch.ones(()))
        self.encoder = _Network(chunk_latent_dim + num_coordinates, chunk_latent_dim, width, num_layers)
        self.decoder = _Network(latent_dim + chunk_latent_dim, num_coordinates, width, num_layers)

    def encode(self, chunks: Tensor, remainder: Tensor, chunk_mask: Tensor) -> Tensor:
        """What is added to linear latents.

        Args:
            chunks: (B, N, Zc), linear latents.
            remainder: (B, N, R), what they leave of the rows.
            chunk_mask: (B, N), True where a chunk is real.

        Returns:
            (B, N, Zc).
        """
        return self.encoder(torch.cat([chunks, remainder / self.unit], dim=-1), chunk_mask)

    def decode(self, whole: Tensor, chunks: Tensor, chunk_mask: Tensor) -> Tensor:
        """What is added to the rows that are linear in latents.

        Args:
            whole: (B, Z), latents of the sequences.
            chunks: (B, N, Zc), latents of their chunks.
            chunk_mask: (B, N), True where a chunk is real.

        Returns:
            (B, N, R).
        """
        inputs = torch.cat([whole[:, None].expand(-1, chunks.shape[1], -1), chunks], dim=-1)
        return self.unit * self.decoder(inputs, chunk_mask)


class _Network(nn.Module):
    """A transformer over chunks (B, N, inputs) to (B, N, outputs), which are 0 before training."""

    def __init__(self, inputs: int, outputs: int, width: int, num_layers: int) -> None:
        super().__init__()
        self.embedding = nn.Linear(inputs, width)
        self.layers = nn.ModuleList(
            Layer(LocalAttention(width, NUM_HEADS, GROUP, OVERLAP), width, 2 * width) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, outputs)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.embedding(x)
        for layer in self.layers:
            x = layer(x, mask)
        return self.head(self.norm(x)).float()
