"""Text encoder: tokens to vectors that frames attend to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pose_encoders import AdditionalSequence
from pose_encoders.attention import TransformerStack
from text_to_pose.signing.key_postures import SIZE

if TYPE_CHECKING:
    from text_to_pose.nn.symbol_places import SymbolPlaces
    from text_to_pose.text.tokenizer import TextBatch


def sinusoids(x: Tensor, num_frequencies: int, highest: float) -> Tensor:
    """Numbers (...) as vectors (..., 2 * num_frequencies): sines and cosines, from pi to `highest` times pi."""
    frequencies = math.pi * torch.logspace(0, math.log2(highest), num_frequencies, base=2.0, device=x.device)
    angles = x[..., None].float() * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class Lexicon(nn.Module):
    """An embedding of each letter of each language: one shared by all languages plus one of this language."""

    CODE_DIM = 64

    def __init__(self, num_languages: int, num_letters: int, dim: int) -> None:
        super().__init__()
        self.num_letters = num_letters
        self.shared = nn.Embedding(num_letters, self.CODE_DIM)
        self.own = nn.Embedding(num_languages * num_letters, self.CODE_DIM)
        self.projection = nn.Linear(self.CODE_DIM, dim)
        # As large as the language's token, which it is added to.
        nn.init.normal_(self.projection.weight, std=(2 * self.CODE_DIM) ** -0.5)

    def forward(self, languages: Tensor, letters: Tensor) -> Tensor:
        """Languages (B,) and letters (B,) to vectors (B, C); 0 for no letter (-1)."""
        known = letters >= 0
        letters = letters.clamp(min=0)
        code = self.shared(letters) + self.own(languages.clamp(min=0) * self.num_letters + letters)
        return self.projection(code) * known[:, None]


class TextEncoder(nn.Module):
    """A transformer over tokens; its first output stands for the whole text.

    Positions are added to the tokens: attention alone takes a symbol twice for the symbol once.

    Args:
        vocabulary_size: number of tokens.
        lexicon: of letters; None: texts are no letters.
        dim: C.
        num_layers, num_heads, dropout: of the transformer.
        places: of symbols in a notation, added as well.
        key_postures: so are those of the texts.
    """

    def __init__(
        self,
        vocabulary_size: int,
        lexicon: Lexicon | None,
        dim: int,
        num_layers: int,
        num_heads: int,
        dropout: float,
        places: SymbolPlaces | None = None,
        *,
        key_postures: bool = False,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, dim)
        self.places = places
        self.place_projection = nn.Linear(16, dim)
        self.lexicon = lexicon
        self.postures = None
        if key_postures:
            self.postures = nn.Sequential(nn.Linear(SIZE, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        self.stack = TransformerStack(dim, num_layers, num_heads, dropout)

    def forward(self, text: TextBatch) -> AdditionalSequence:
        """Texts (B, L) to vectors (B, L, C)."""
        positions = sinusoids(torch.arange(text.ids.shape[1], device=text.ids.device) / 32, 8, highest=32.0)
        x = self.embedding(text.ids) + self.place_projection(positions)
        if self.places is not None:
            x = x + self.places(text.ids)
        if self.postures is not None:
            given = x.new_zeros(*text.ids.shape, SIZE) if text.postures is None else text.postures
            x = x + self.postures(given)
        if self.lexicon is not None:
            code = self.lexicon(text.languages, text.letters)
            x = torch.cat([x[:, :1] + code[:, None], x[:, 1:]], dim=1)
        return AdditionalSequence(self.stack(x, text.mask), text.mask)
