"""Texts to vectors a frame can attend to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pose_encoders import AdditionalSequence, TransformerStack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from text_to_pose.tokenizer import TextBatch


def sinusoids(x: Tensor, num_frequencies: int, highest: float) -> Tensor:
    """Numbers (...) as vectors (..., 2 * num_frequencies): sines and cosines, from pi to `highest` times pi."""
    frequencies = math.pi * torch.logspace(0, math.log2(highest), num_frequencies, base=2.0, device=x.device)
    angles = x[..., None].float() * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class Lexicon(nn.Module):
    """A vector for each letter of each language, and for a letter that a language was not taught, one made of others'.

    That is the mean of the same letter in the languages that have it, weighed by how much those languages' letters are
    alike: few numbers, which the network cannot learn a letter by heart with. In training, letters it knows are made
    that way, too, from a part of the other languages, so that it learns weights and vectors that can stand in.

    Args:
        pairs: (language, letter) that are taught.
        num_languages: of all.
        dim: C of what comes out.
    """

    HIDDEN = 0.4  # share of letters that are made from other languages' in training
    LEFT_OUT = 0.3  # share of the other languages that are left out then
    CODE_DIM = 64

    pair_languages: Tensor
    pair_letters: Tensor

    def __init__(self, pairs: Sequence[tuple[int, int]], num_languages: int, dim: int) -> None:
        super().__init__()
        self.codes = nn.Parameter(torch.randn(len(pairs), self.CODE_DIM))
        self.asking = nn.Parameter(0.3 * torch.randn(num_languages, 16))
        self.answering = nn.Parameter(0.3 * torch.randn(num_languages, 16))
        self.projection = nn.Linear(self.CODE_DIM, dim)
        # As large as the language's token, which a letter's vector is added to.
        nn.init.normal_(self.projection.weight, std=self.CODE_DIM**-0.5)
        languages, letters = torch.tensor(list(pairs), dtype=torch.long).reshape(-1, 2).T
        self.register_buffer("pair_languages", languages.clone(), persistent=False)
        self.register_buffer("pair_letters", letters.clone(), persistent=False)

    def forward(self, languages: Tensor, letters: Tensor) -> Tensor:
        """Languages (B,) and letters (B,) to vectors (B, C); 0 for a letter that no language was taught."""
        same = self.pair_letters == letters[:, None]  # (B, P)
        own = same & (self.pair_languages == languages[:, None])
        others = same & ~own
        if self.training:
            part = others & (torch.rand(others.shape, device=others.device) >= self.LEFT_OUT)
            others = torch.where(part.any(dim=1, keepdim=True), part, others)
            known = own.any(dim=1) & (torch.rand(len(letters), device=letters.device) >= self.HIDDEN)
        else:
            known = own.any(dim=1)
        use = torch.where(known[:, None] | ~others.any(dim=1, keepdim=True), own, others)
        alike = self.asking[languages.clamp(min=0)] @ self.answering[self.pair_languages].T  # (B, P)
        weights = alike.masked_fill(~use, torch.finfo(alike.dtype).min).softmax(dim=1)
        there = use.any(dim=1, keepdim=True)
        return self.projection(weights @ self.codes) * there


class TextEncoder(nn.Module):
    """Tokens to vectors a frame can attend to, the first of them the whole text's.

    Each token is added its place: attention alone takes a symbol twice for the symbol once.
    """

    def __init__(
        self,
        vocabulary_size: int,
        lexicon: Lexicon | None,
        dim: int,
        num_layers: int,
        num_heads: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, dim)
        self.place_projection = nn.Linear(16, dim)
        self.lexicon = lexicon
        self.stack = TransformerStack(dim, num_layers, num_heads, dropout)

    def forward(self, text: TextBatch) -> AdditionalSequence:
        """Texts (B, L) to vectors (B, L, C)."""
        places = sinusoids(torch.arange(text.ids.shape[1], device=text.ids.device) / 32, 8, highest=32.0)
        x = self.embedding(text.ids) + self.place_projection(places)
        if self.lexicon is not None:
            code = self.lexicon(text.languages, text.letters)
            x = torch.cat([x[:, :1] + code[:, None], x[:, 1:]], dim=1)
        return AdditionalSequence(self.stack(x, text.mask), text.mask)
