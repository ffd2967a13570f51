"""What a code's probability depends on: the sequence so far, as integers, which are the same on every machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_tokenizer.codes import NO_CODE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LATENT_BITS = 10  # behind the point of latents
TRANSITION_BITS = 12  # behind the point of the linear prediction's weights
LIMIT = 1 << 20  # of latents; codes that no encoder writes could go on growing


class IntegerQuantizer:
    """Codebooks and prediction of a `PredictiveQuantizer` in fixed point.

    Args:
        weights: of the model, by name.

    Attributes:
        codebooks: (Q, V, C) int32, latents times 2^`LATENT_BITS`.
    """

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        codebooks = np.asarray(weights["quantizer.codebooks"], np.float32)  # exact here, too, and half as large
        self.codebooks = np.rint(codebooks * np.float32(1 << LATENT_BITS)).astype(np.int32)
        # As doubles, which hold all sums of their products exactly: integers have no fast matrix product.
        self._transition = fixed_point(weights["quantizer.transition.weight"], TRANSITION_BITS).T
        self._bias = fixed_point(weights["quantizer.transition.bias"], LATENT_BITS + TRANSITION_BITS)
        self._start = fixed_point(weights["quantizer.start"], LATENT_BITS).astype(np.int64)

    def predict(self, previous: np.ndarray | None, rows: int = 1) -> np.ndarray:
        """Predictions (B, C) of blocks from the quantized latents (B, C) before; None: at the beginning of `rows`."""
        if previous is None:
            return np.broadcast_to(self._start, (rows, len(self._start)))
        exact = (previous @ self._transition + self._bias).astype(np.int64)
        return np.clip(rounded_shift(exact, TRANSITION_BITS), -LIMIT, LIMIT)

    def residual(self, codes: np.ndarray) -> np.ndarray:
        """The sum (B, C) of the vectors of codes (B, Q)."""
        Q = codes.shape[-1]
        vectors = self.codebooks[np.arange(Q), codes.clip(min=0)]  # (B, Q, C)
        return (vectors * (codes != NO_CODE)[..., None]).sum(axis=-2, dtype=np.int64)


@dataclass(frozen=True)
class Context:
    """What is known of blocks before their codes; B blocks of any sequences.

    Attributes:
        prediction: (B, C) of their quantized latents; residual: (B, C) what the block before added to its own.
        counts: (B, 2) numbers of codes of the block before and of the one before that, plus 1; 0 where there is none.
    """

    prediction: np.ndarray
    residual: np.ndarray
    counts: np.ndarray

    @classmethod
    def start(cls, quantizer: IntegerQuantizer, rows: int = 1) -> Context:
        """That of the first blocks of sequences."""
        prediction = quantizer.predict(None, rows)
        return cls(prediction, np.zeros_like(prediction), np.zeros((rows, 2), np.int64))

    def after(self, quantizer: IntegerQuantizer, codes: np.ndarray) -> Context:
        """That of the next blocks, after codes (B, Q)."""
        residual = quantizer.residual(codes)
        prediction = quantizer.predict(self.prediction + residual)
        count = (codes != NO_CODE).sum(axis=-1)
        return Context(prediction, residual, np.stack([count + 1, self.counts[:, 0]], axis=-1))

    def __getitem__(self, rows: slice | np.ndarray) -> Context:
        return Context(self.prediction[rows], self.residual[rows], self.counts[rows])


def contexts(quantizer: IntegerQuantizer, sequences: Sequence[np.ndarray]) -> Context:
    """The contexts of all blocks of sequences (N, Q), one after the other; the longest takes the time."""
    lengths = np.array([len(codes) for codes in sequences], int)
    starts = np.cumsum(lengths) - lengths
    total, C = int(lengths.sum()), quantizer.codebooks.shape[2]
    whole = Context(np.zeros((total, C), np.int32), np.zeros((total, C), np.int32), np.zeros((total, 2), np.int64))
    order = np.argsort(-lengths, kind="stable")
    now = Context.start(quantizer, len(sequences))
    for n in range(int(lengths.max(initial=0))):
        running = order[: int((lengths > n).sum())]
        now = now[: len(running)]
        rows = starts[running] + n
        whole.prediction[rows], whole.residual[rows], whole.counts[rows] = now.prediction, now.residual, now.counts
        now = now.after(quantizer, np.stack([sequences[i][n] for i in running]))
    return whole


def fixed_point(values: np.ndarray, bits: int) -> np.ndarray:
    """Values times 2^bits, rounded; as doubles."""
    return np.rint(np.asarray(values, np.float64) * (1 << bits))


def rounded_shift(values: np.ndarray, bits: int) -> np.ndarray:
    """Integers over 2^bits, rounded."""
    return (values + (1 << bits - 1)) >> bits
