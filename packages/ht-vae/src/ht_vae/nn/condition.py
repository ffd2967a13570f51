"""Conditioning on a label or a vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class Condition(nn.Module):
    """Adds the embedding of a condition to vectors.

    Args:
        width: C.
        num_labels: labels to embed; 0: none.
        condition_dim: E, size of the vectors to embed where there are no labels; 0: unconditional.
    """

    def __init__(self, width: int, num_labels: int, condition_dim: int) -> None:
        super().__init__()
        self.network: nn.Module | None = None
        if num_labels:
            self.network = nn.Embedding(num_labels, width)
        elif condition_dim:
            self.network = nn.Linear(condition_dim, width)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """Vectors (B, S, C) and condition, (B,) label indices or (B, E) vectors, to (B, S, C).

        Raises:
            ValueError: a condition for an unconditional model, or none for a conditional one.
        """
        if self.network is None:
            if condition is not None:
                raise ValueError("the model is unconditional: it takes no condition")
            return x
        if condition is None:
            raise ValueError("the model is conditional: it needs a label's number or a vector")
        return x + self.network(condition)[:, None]
