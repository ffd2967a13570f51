"""Where the symbols of HamNoSys stand in a sign, and which way they point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from text_to_pose.hamnosys.handshapes import Form
from text_to_pose.hamnosys.symbols import ARCS, CIRCLES, CLOCK, FINGER_DIRECTIONS, MOVES, PALMS, REPETITIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_DIRECTED = FINGER_DIRECTIONS | PALMS | MOVES | CIRCLES | ARCS | CLOCK
_OPENING = ("parbegin", "seqbegin", "fusionbegin", "altbegin")
_CLOSING = ("parend", "seqend", "fusionend", "altend")
_WRIST = ("fingerplay", "nodding", "swinging", "twisting", "stircw", "stirccw", "movecross", "moveX", "nomotion")
_MOVEMENTS = (*MOVES, *CIRCLES, *_WRIST, "replace")
# Symbols that are counted: each tells how many of a kind were before.
_COUNTED: tuple[Collection[str], ...] = (
    tuple(form.value for form in Form),
    FINGER_DIRECTIONS,
    PALMS,
    _MOVEMENTS,
    ("plus",),
    REPETITIONS,
)
_HEADS = (*_COUNTED[0], *FINGER_DIRECTIONS, *PALMS, *_MOVEMENTS, *_OPENING)
_MOST = 6  # that are told apart
_FARTHEST = 12  # symbols behind a head
_STD = 0.3  # of embeddings, beside the symbols' own of 1


class SymbolPlaces(nn.Module):
    """Vectors of the places of symbols, to be added to their embeddings.

    The third handshape is what a movement changes the second hand's into only by what was before it. That a transformer
    learns to count takes it more signs than there are; so each symbol is told how many handshapes, directions, palms,
    movements, `hamplus` and repetitions were before it, how many brackets it is in, and how far behind the symbol it
    modifies it stands. Directions are vectors, alike in all kinds of symbols that have them.

    Args:
        vocabulary: the tokenizer's, of which HamNoSys symbols count.
        dim: of the vectors.
    """

    kinds: Tensor
    heads: Tensor
    depths: Tensor
    directions: Tensor

    def __init__(self, vocabulary: Sequence[str], dim: int) -> None:
        super().__init__()
        names = [name.removeprefix("ham") if name.startswith("ham") else "" for name in vocabulary]
        counted = [[float(name in kind) for kind in _COUNTED] for name in names]
        depths = [float(name in _OPENING) - float(name in _CLOSING) for name in names]
        directions = [_DIRECTED[name].vector if name in _DIRECTED else (0.0, 0.0, 0.0) for name in names]
        self.register_buffer("kinds", torch.tensor(counted), persistent=False)
        self.register_buffer("heads", torch.tensor([name in _HEADS for name in names]), persistent=False)
        self.register_buffer("depths", torch.tensor(depths), persistent=False)
        self.register_buffer("directions", torch.tensor(directions), persistent=False)
        counts = [nn.Embedding(_MOST, dim) for _ in range(len(_COUNTED) + 1)]
        self.behind = nn.Embedding(_FARTHEST, dim)
        for embedding in (*counts, self.behind):
            nn.init.normal_(embedding.weight, std=_STD)
        self.counts = nn.ModuleList(counts)
        self.direction = nn.Linear(3, dim, bias=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Token ids (B, L) to vectors (B, L, C)."""
        L = ids.shape[1]
        before = torch.cat([self.kinds[ids], self.depths[ids][..., None]], dim=-1).cumsum(dim=1)  # (B, L, kinds + 1)
        places = torch.arange(L, device=ids.device)
        # The place of the last head up to each symbol: ONNX has no cumulative maximum.
        reached = self.heads[ids][:, None, :] & (places <= places[:, None])  # (B, L, L)
        last = torch.where(reached, places, 0).amax(dim=-1)
        vectors = self.direction(self.directions[ids]) + self.behind((places - last).clamp(max=_FARTHEST - 1))
        for i, embedding in enumerate(self.counts):
            vectors = vectors + embedding(before[..., i].long().clamp(0, _MOST - 1))
        return vectors
