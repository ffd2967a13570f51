"""What a model attends to: the weights of its attention layers, recomputed from what they were given."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from ht_vae.nn.attention import LocalAttention, SelfAttention, attendable, rotate, split

if TYPE_CHECKING:
    from collections.abc import Generator

    from torch import Tensor, nn


@dataclass(frozen=True)
class AttentionInput:
    """What one attention layer was given.

    Attributes:
        name: of the layer in the model, `encoder.frame_layers.0.attention.local` for one.
        module: the layer.
        x: (B, S, C), normalized as the layer gets it.
        mask: (B, S), True where real.
    """

    name: str
    module: SelfAttention
    x: Tensor
    mask: Tensor

    @property
    def local(self) -> bool:
        """Whether it is between frames inside chunks, and not between chunks."""
        return isinstance(self.module, LocalAttention)

    def weights(self) -> Tensor:
        """See `attention_weights`."""
        return attention_weights(self.module, self.x, self.mask)


@contextmanager
def watched(model: nn.Module) -> Generator[list[AttentionInput]]:
    """Collects what every attention layer is given while the block runs, in the order they run."""
    seen: list[AttentionInput] = []

    def hook(name: str):
        def collect(module: nn.Module, inputs: tuple[Tensor, Tensor]) -> None:
            assert isinstance(module, SelfAttention)
            seen.append(AttentionInput(name, module, *(each.detach() for each in inputs)))

        return collect

    handles = [
        module.register_forward_pre_hook(hook(name))
        for name, module in model.named_modules()
        if isinstance(module, SelfAttention)
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@torch.inference_mode()
def attention_weights(module: SelfAttention, x: Tensor, mask: Tensor) -> Tensor:
    """How much each position attends to each other.

    Args:
        module: between all positions, or between frames inside chunks.
        x: (B, S, C); mask: (B, S), True where real; as the module takes them.

    Returns:
        (B, heads, S, S), rows of sum 1. Of a `LocalAttention` (B, N, heads, size, size + 2 * overlap): a chunk's
        frames to those from `overlap` before it to `overlap` behind it.
    """
    queries, keys, _, seen = _projected(module, x, mask)
    scores = queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5
    return scores.masked_fill(~seen, -torch.inf).softmax(dim=-1)


@torch.inference_mode()
def attended(module: SelfAttention, weights: Tensor, x: Tensor, mask: Tensor) -> Tensor:
    """What the module gives with such weights: (B, S, C); the module's own output with `attention_weights`."""
    read = weights @ _projected(module, x, mask)[2]
    if isinstance(module, LocalAttention):
        read = read.transpose(2, 3).flatten(1, 2)[:, : x.shape[1]]  # (B, S, heads, head_dim)
    else:
        read = read.transpose(1, 2)
    return module.out(read.flatten(2))


def _projected(module: SelfAttention, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Queries, keys, values (..., heads, positions, head_dim), and which keys may be attended to (..., 1, 1, keys)."""
    positions = torch.arange(x.shape[1], device=x.device)
    q, k, v = module.qkv(x).unflatten(-1, (3, module.num_heads, -1)).unbind(dim=2)  # (B, S, heads, head_dim)
    q, k = rotate(q, positions), rotate(k, positions)
    if not isinstance(module, LocalAttention):
        q, k, v = (each.transpose(1, 2) for each in (q, k, v))
        return q, k, v, attendable(mask)[:, None, None]
    size, overlap = module.chunk_size, module.overlap
    window, sides = size + 2 * overlap, (overlap, -x.shape[1] % size + overlap)
    queries = split(q, size).transpose(2, 3)  # (B, N, heads, size, head_dim)
    keys, values = (
        F.pad(each, (0, 0, 0, 0, *sides)).unfold(1, window, size).transpose(-1, -2) for each in (k, v)
    )  # (B, N, heads, window, head_dim)
    return queries, keys, values, attendable(F.pad(mask, sides).unfold(1, window, size))[:, :, None, None]
