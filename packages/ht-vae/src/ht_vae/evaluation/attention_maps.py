"""Attention weights of a model's layers, recomputed from their inputs."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ht_vae.nn.attention import LocalAttention, SelfAttention, attendable, to_chunks

if TYPE_CHECKING:
    from collections.abc import Generator

    from torch import Tensor, nn


@dataclass(frozen=True)
class AttentionInput:
    """The input of one attention layer.

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
def record_attention(model: nn.Module) -> Generator[list[AttentionInput]]:
    """Records the input of every attention layer while the block runs, in the order they run."""
    inputs: list[AttentionInput] = []

    def hook(name: str):
        def record(module: nn.Module, arguments: tuple[Tensor, Tensor]) -> None:
            assert isinstance(module, SelfAttention)
            inputs.append(AttentionInput(name, module, *(each.detach() for each in arguments)))

        return record

    handles = [
        module.register_forward_pre_hook(hook(name))
        for name, module in model.named_modules()
        if isinstance(module, SelfAttention)
    ]
    try:
        yield inputs
    finally:
        for handle in handles:
            handle.remove()


@torch.inference_mode()
def attention_weights(module: SelfAttention, x: Tensor, mask: Tensor) -> Tensor:
    """The softmax of scaled dot products.

    Args:
        module: between all positions, or between frames inside chunks.
        x: (B, S, C); mask: (B, S), True where real; as the module takes them.

    Returns:
        (B, heads, S, S), rows of sum 1. Of a `LocalAttention` (B, N, heads, chunk_size, chunk_size + 2 * overlap): from
        a chunk's frames to those from `overlap` before it to `overlap` after it.
    """
    queries, keys, _, attended = _projected(module, x, mask)
    scores = queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5
    return scores.masked_fill(~attended, -torch.inf).softmax(dim=-1)


@torch.inference_mode()
def apply_weights(module: SelfAttention, weights: Tensor, x: Tensor, mask: Tensor) -> Tensor:
    """The module's output (B, S, C) for such weights; its own output with `attention_weights`."""
    outputs = weights @ _projected(module, x, mask)[2]
    if isinstance(module, LocalAttention):
        outputs = outputs.transpose(2, 3).flatten(1, 2)[:, : x.shape[1]]  # (B, S, heads, head_dim)
    else:
        outputs = outputs.transpose(1, 2)
    return module.out(outputs.flatten(2))


def _projected(module: SelfAttention, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Queries, keys, values (..., heads, positions, head_dim), and which keys may be attended to (..., 1, 1, keys)."""
    q, k, v = module.project(x)  # (B, S, heads, head_dim)
    if not isinstance(module, LocalAttention):
        q, k, v = (each.transpose(1, 2) for each in (q, k, v))
        return q, k, v, attendable(mask)[:, None, None]
    queries = to_chunks(q, module.chunk_size).transpose(2, 3)  # (B, N, heads, chunk_size, head_dim)
    keys, values = (module.windows(each).transpose(-1, -2) for each in (k, v))  # (B, N, heads, window, head_dim)
    return queries, keys, values, attendable(module.windows(mask))[:, :, None, None]
