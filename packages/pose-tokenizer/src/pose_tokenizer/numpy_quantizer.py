"""The quantizer in numpy: what `nn.quantizer` and `nn.beam_search` do, for one sequence and without torch."""

from __future__ import annotations

import math

import numpy as np

from pose_tokenizer.codes import NO_CODE
from pose_tokenizer.depth import EARLY_STOP_MARGIN, Depth, codes_back

GROUP = 64  # values per group whose minimum is looked at first


class NumpyQuantizer:
    """Latents of a sequence's blocks to codes, block by block, and back; see `PredictiveQuantizer`.

    Args:
        codebooks: (Q, V, C).
        weight, bias: (C, C) and (C,), the linear prediction of a block's latents from those before.
        start: (C,), the prediction of a sequence's first block.
    """

    def __init__(self, codebooks: np.ndarray, weight: np.ndarray, bias: np.ndarray, start: np.ndarray) -> None:
        self.codebooks, self.weight, self.bias, self.start = codebooks, weight, bias, start
        self.squared_norms = np.square(codebooks).sum(axis=-1)  # (Q, V)

    def predict(self, previous: np.ndarray | None) -> np.ndarray:
        """The prediction (C,) of a block, from the quantized latents of the one before; None: there is none."""
        return self.start if previous is None else self.weight @ previous + self.bias

    def quantize(
        self,
        latents: np.ndarray,
        previous: np.ndarray | None,
        *,
        lmbda: float,
        num_quantizers: int | None = None,
        beam: int = 1,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Latents (N, C) after a block whose quantized latents are `previous`, to codes (N, Q) and quantized (N, C)."""
        codes, quantized = [], []
        for latent in latents:
            block, residual = self._search(latent - self.predict(previous), lmbda, num_quantizers, beam)
            previous = latent - residual
            codes.append(block)
            quantized.append(previous)
        return np.array(codes, np.int32), np.stack(quantized)

    def dequantize(self, codes: np.ndarray, previous: np.ndarray | None) -> np.ndarray:
        """Codes (N, Q), `NO_CODE` for none, to quantized latents (N, C)."""
        vectors = self.codebooks[np.arange(codes.shape[1]), codes.clip(min=0)]  # (N, Q, C)
        quantized = []
        for residual in (vectors * (codes >= 0)[..., None]).sum(axis=1):
            previous = self.predict(previous) + residual
            quantized.append(previous)
        return np.stack(quantized)

    def _search(
        self, x: np.ndarray, lmbda: float, num_quantizers: int | None, beam: int
    ) -> tuple[list[int], np.ndarray]:
        """`beam_search` of one vector (C,): its codes, and the residual (C,) that they leave."""
        residual, error = x[None], np.square(x).sum(keepdims=True)  # (M, C) and (M,), M = 1 so far
        best, depth = [x], Depth(float(error[0]), free=lmbda == 0)
        codes: list[list[int]] = []
        parents: list[list[int]] = []
        for q, (book, norms) in enumerate(
            zip(self.codebooks[:num_quantizers], self.squared_norms[:num_quantizers], strict=True), start=1
        ):
            errors = (-2 * residual) @ book.T + norms + error[:, None]  # (M, V)
            chosen = smallest_k(errors.ravel(), beam)
            parent, code = np.divmod(chosen, len(book))
            residual, error = residual[parent] - book[code], errors.ravel()[chosen]
            codes.append(code.tolist())
            parents.append(parent.tolist())
            best.append(residual[0])
            cost = float(error[0]) + lmbda * q
            depth.update(q, cost, cost - EARLY_STOP_MARGIN * lmbda)
            if not depth.active:
                break
        return codes_back(codes, parents, depth.depth, len(self.codebooks)), best[depth.depth]


def smallest_k(values: np.ndarray, k: int) -> np.ndarray:
    """Indices of the k smallest of (n,), smallest first; groups first, as `nn.beam_search.smallest_k`."""
    size = math.gcd(len(values), GROUP)
    if len(values) <= 4 * k * size:
        return np.argsort(values, kind="stable")[:k]
    minima = values.reshape(-1, size).min(axis=1)
    groups = np.sort(np.argpartition(minima, k - 1)[:k])
    candidates = (groups[:, None] * size + np.arange(size)).ravel()
    return candidates[np.argsort(values[candidates], kind="stable")[:k]]


def num_codes(codes: np.ndarray) -> np.ndarray:
    """How many codes each block has: (..., Q) to (...)."""
    return (codes != NO_CODE).sum(axis=-1)
