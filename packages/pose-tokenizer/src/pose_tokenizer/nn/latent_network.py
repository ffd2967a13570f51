"""The decoder's layers over quantized latents: what neighbouring blocks tell of what quantization left out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BEFORE, AFTER = 3, 1  # blocks of the past and of the future that one layer sees: few ahead, as streams wait for them
EXPANSION = 2  # of a layer's width, between its two linear maps


class LatentNetwork(nn.Module):
    """Adds to quantized latents what ConvNeXt blocks over time make of them; nothing before it is trained.

    ConvNeXt blocks (Liu et al. 2022, https://arxiv.org/abs/2201.03545) in one dimension, as in the vocoder Vocos
    (Siuzdak 2023, https://arxiv.org/abs/2306.00814): a depthwise convolution, a norm, two linear maps.

    Args:
        latent_dim: C.
        num_quantizers: Q.
        width: of the layers.
        num_layers: of them.

    Attributes:
        before, after: blocks of the past and of the future that an output depends on.
        deviations: (C,) standard deviations of latents, by which inputs are divided.
        errors: (C,) standard deviations of what quantization leaves out, by which outputs are multiplied.
    """

    deviations: Tensor
    errors: Tensor

    def __init__(self, latent_dim: int, num_quantizers: int, width: int, num_layers: int) -> None:
        super().__init__()
        self.register_buffer("deviations", torch.ones(latent_dim))
        self.register_buffer("errors", torch.ones(latent_dim))
        self.embedding = nn.Linear(latent_dim, width)
        self.depth = nn.Embedding(num_quantizers + 1, width)
        self.layers = nn.ModuleList(ConvNeXtBlock(width) for _ in range(num_layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, latent_dim)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.before, self.after = num_layers * BEFORE, num_layers * AFTER

    def forward(self, latents: Tensor, depth: Tensor, mask: Tensor) -> Tensor:
        """Latents, corrected.

        Args:
            latents: (B, N, C), quantized.
            depth: (B, N) number of codes of each block.
            mask: (B, N), True where a block is real.
        """
        x = self.embedding(latents / self.deviations) + self.depth(depth)
        for layer in self.layers:
            x = layer(x, mask)
        return latents + self.errors * self.head(self.norm(x))


class ConvNeXtBlock(nn.Module):
    """(B, N, width) and mask (B, N) to (B, N, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(width, width, BEFORE + 1 + AFTER, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, EXPANSION * width), nn.Linear(EXPANSION * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        padded = F.pad((x * mask[..., None]).transpose(1, 2), (BEFORE, AFTER))  # (B, width, BEFORE + N + AFTER)
        return x + self.down(F.gelu(self.up(self.norm(self.convolution(padded).transpose(1, 2)))))
