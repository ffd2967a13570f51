"""Predictive residual VQ: quantizes the residual of a linear prediction from the previous block.

With latents z_n, quantized latents y_n and codebook vectors b_q,

    p_1 = start,  p_n = A y_(n-1) + c,  y_n = p_n + b_1 + b_2 + ...

where the codes of a block are searched for so that y_n is near z_n. The prediction starts from what the decoder has,
so quantization errors do not add up (closed-loop DPCM).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pose_tokenizer.codes import NO_CODE
from pose_tokenizer.nn.beam_search import beam_search


class PredictiveQuantizer(nn.Module):
    """Latents of a sequence's blocks to codes, block by block, and back.

    A block takes as many codes as pay by the rate-distortion cost: a hand that does not move needs none.

    Attributes:
        codebooks: (Q, V, C).
        transition: the linear prediction, (..., C) to (..., C).
        start: (C,) the prediction of a sequence's first block.
    """

    codebooks: Tensor
    start: Tensor

    def __init__(self, dim: int, num_quantizers: int, codebook_size: int) -> None:
        super().__init__()
        self.transition = nn.Linear(dim, dim).requires_grad_(False)  # fitted, as the codebooks are
        self.register_buffer("start", torch.zeros(dim))
        self.register_buffer("codebooks", torch.zeros(num_quantizers, codebook_size, dim))

    def quantize(
        self,
        latents: Tensor,
        *,
        lmbda: float | Tensor,
        num_quantizers: int | None = None,
        prediction: Tensor | None = None,
        beam: int = 1,
        squared_norms: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Latents to codes.

        Args:
            latents: (B, N, C).
            lmbda: Lagrange multiplier of the rate-distortion cost: squared error that a code must save, for all
                sequences or (B,) for each; 0: all codes are taken.
            num_quantizers: most codes per block; all by default.
            prediction: (B, C) of the first block; by default the one of a sequence's first block.
            beam: hypotheses of the beam search; 1 takes the nearest vector of each codebook.
            squared_norms: of `squared_norms()`, to compute them once; computed if not given.

        Returns:
            Codes (B, N, Q), `NO_CODE` after the last of each block, and quantized latents (B, N, C).
        """
        books = self.codebooks[:num_quantizers]
        squared_norms = (self.squared_norms() if squared_norms is None else squared_norms)[:num_quantizers]
        codes, quantized = [], []
        for latent in latents.unbind(dim=1):
            if prediction is None:
                prediction = self.start
            elif quantized:
                prediction = self.predict(quantized[-1])
            block_codes, residual = beam_search(latent - prediction, books, squared_norms, lmbda=lmbda, beam=beam)
            codes.append(block_codes)
            quantized.append(latent - residual)
        unused = len(self.codebooks) - len(books)
        return F.pad(torch.stack(codes, dim=1), (0, unused), value=NO_CODE), torch.stack(quantized, dim=1)

    def squared_norms(self) -> Tensor:
        """(Q, V) squared norms of the codebooks' vectors."""
        return self.codebooks.square().sum(dim=-1)

    def predict(self, previous: Tensor) -> Tensor:
        """The prediction of a block, (..., C), from the quantized latents of the previous one, (..., C)."""
        return self.transition(previous)

    def residuals(self, latents: Tensor, quantized: Tensor) -> Tensor:
        """Latents (B, N, C) less their predictions from quantized latents (B, N, C): what the codebooks quantize."""
        first = latents[:, :1] - self.start
        return torch.cat([first, latents[:, 1:] - self.predict(quantized[:, :-1])], dim=1)

    def dequantize(self, codes: Tensor, prediction: Tensor | None = None) -> Tensor:
        """Codes (B, N, Q), `NO_CODE` for none, to quantized latents (B, N, C).

        Args:
            codes: of consecutive blocks.
            prediction: see `quantize`.
        """
        Q = codes.shape[-1]
        vectors = self.codebooks[torch.arange(Q, device=codes.device), codes.clamp(min=0)]  # (B, N, Q, C)
        residuals = (vectors * (codes >= 0)[..., None]).sum(dim=2)
        quantized = []
        for residual in residuals.unbind(dim=1):
            if prediction is None:
                prediction = self.start
            elif quantized:
                prediction = self.predict(quantized[-1])
            quantized.append(prediction + residual)
        return torch.stack(quantized, dim=1)


def num_codes(codes: Tensor) -> Tensor:
    """How many codes each block has: (..., Q) to (...)."""
    return (codes >= 0).sum(dim=-1)
