"""Residual vector quantization of what the block before does not foretell."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pose_tokenizer.files.token_file import NO_CODE
from pose_tokenizer.nn.beam_search import search


class PredictiveQuantizer(nn.Module):
    """Blocks of a sequence to codes, one block after the other, and back.

    From the quantized block before comes a prediction; what is left over is quantized by codebooks in a row, each
    taking what those before it leave. A block takes as many codes as pay: a held hand needs none.

    Attributes:
        codebooks: (Q, V, C).
        transition: the prediction, of (..., C) from (..., C).
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
        rate: float | Tensor,
        num_quantizers: int | None = None,
        before: Tensor | None = None,
        beam: int = 1,
        norms: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Latents to codes.

        Args:
            latents: (B, N, C).
            rate: squared error that a code has to save to be used, of all sequences or of each (B,); 0: all codes are.
            num_quantizers: how many a block may use; all by default.
            before: (B, C), the quantized block before the first; None at the beginning of a sequence.
            beam: partial choices that are followed at once; 1 takes the nearest vector each time.
            norms: what `norms` gives, if it is at hand.

        Returns:
            Codes (B, N, Q), `NO_CODE` behind the last of each block, and quantized latents (B, N, C).
        """
        books = self.codebooks[:num_quantizers]
        norms = (self.norms() if norms is None else norms)[:num_quantizers]
        codes, quantized = [], []
        for t in range(latents.shape[1]):
            chosen, left = search(latents[:, t] - self.predict(before), books, norms, rate=rate, beam=beam)
            before = latents[:, t] - left
            codes.append(chosen)
            quantized.append(before)
        missing = len(self.codebooks) - len(books)
        return F.pad(torch.stack(codes, dim=1), (0, missing), value=NO_CODE), torch.stack(quantized, dim=1)

    def norms(self) -> Tensor:
        """(Q, V) squared length of each codebook's vectors."""
        return self.codebooks.square().sum(dim=-1)

    def predict(self, before: Tensor | None) -> Tensor:
        """The prediction of a block from the quantized one before it, (..., C), or of a sequence's first."""
        return self.start if before is None else self.transition(before)

    def residuals(self, latents: Tensor, quantized: Tensor) -> Tensor:
        """What the predictions leave of latents (B, N, C), from what was made of the blocks before (B, N, C)."""
        first = latents[:, :1] - self.predict(None)
        return torch.cat([first, latents[:, 1:] - self.predict(quantized[:, :-1])], dim=1)

    def dequantize(self, codes: Tensor, before: Tensor | None = None) -> Tensor:
        """Codes (B, N, Q), `NO_CODE` for none, to quantized latents (B, N, C)."""
        Q = codes.shape[-1]
        books = self.codebooks[torch.arange(Q, device=codes.device), codes.clamp(min=0)]  # (B, N, Q, C)
        changes = (books * (codes >= 0)[..., None]).sum(dim=2)
        quantized = []
        for t in range(codes.shape[1]):
            before = self.predict(before) + changes[:, t]
            quantized.append(before)
        return torch.stack(quantized, dim=1)


def used(codes: Tensor) -> Tensor:
    """How many codes each block has: (..., Q) to (...)."""
    return (codes >= 0).sum(dim=-1)
