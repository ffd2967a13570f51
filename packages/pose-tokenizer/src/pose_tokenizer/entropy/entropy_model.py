"""The entropy model of a tokenizer: a small network in integers, whose probabilities a range coder codes by.

A block is coded as its number of codes, then the codes. How likely each is depends on the prediction from the block
before, on that block's residual and number of codes, and on the codes of this block so far. All arithmetic is exact,
so encoder and decoder agree on any two machines: weights and activations are integers, whose products add up to less
than 2^53, as far as double precision counts in ones. Matrix products of integers would be many times slower.
"""

from __future__ import annotations

import binascii
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pose_tokenizer.codes import NO_CODE
from pose_tokenizer.entropy.context import LATENT_BITS, Context, IntegerQuantizer, contexts, rounded_shift
from pose_tokenizer.entropy.range_coder import RangeDecoder, RangeEncoder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pose_tokenizer.entropy.range_coder import Interval

TOKENIZER_WEIGHTS = tuple(
    f"quantizer.{name}" for name in ("codebooks", "transition.weight", "transition.bias", "start")
)
TABLES = ("stage", "count_in", "before", "before_that")  # what is added to the first layer, by index
MAX_ACTIVATION, MAX_WEIGHT, MAX_FEATURE = 4095, 127, 32767
FEATURE_SHIFT = 24  # bits behind the point of what codes are told apart by
SHIFT = 20  # bits behind the point of multipliers and biases
UNITS_PER_BIT = 64  # of log-probabilities
MAX_BITS = 16  # least likely symbols take so many more than the likeliest
MAX_COUNT_BITS = 9  # as MAX_BITS, of numbers of codes: no block takes next to nothing, however many a header claims
FREQUENCY_BITS = 27  # of all frequencies together, at most
BATCH = 256  # blocks whose probabilities are computed at once


class EntropyModel:
    """Codes to bytes and back, losslessly.

    Args:
        weights: of the entropy model, integers by name; see `training.quantized`.
        tokenizer: `TOKENIZER_WEIGHTS` of the tokenizer.
        model_hash: of the tokenizer.
    """

    def __init__(self, weights: Mapping[str, np.ndarray], tokenizer: Mapping[str, np.ndarray], model_hash: str) -> None:
        self.model_hash = model_hash
        self.quantizer = IntegerQuantizer(tokenizer)
        self._weights = {name: np.asarray(value) for name, value in weights.items()}
        self._input, self._hidden, self._output, self._count = (
            Linear(*(self._weights[f"{layer}.{part}"] for part in ("weight", "multiplier", "bias")))
            for layer in ("input", "hidden", "output", "count")
        )
        self._tables = [self._weights[name].astype(np.int64) for name in TABLES]
        self._features: dict[int, np.ndarray] = {}
        Q, V, _ = self.quantizer.codebooks.shape
        self._count_table = frequencies_by_distance(MAX_COUNT_BITS, FREQUENCY_BITS - (Q + 1).bit_length())
        self._code_table = frequencies_by_distance(MAX_BITS, FREQUENCY_BITS - V.bit_length())

    @cached_property
    def checksum(self) -> int:
        """16 bits of the weights, by which files say whose they are."""
        checksum = 0
        for name, values in sorted(self._weights.items()):
            little_endian = values.astype(values.dtype.newbyteorder("<"))
            checksum = binascii.crc_hqx(name.encode() + little_endian.tobytes(), checksum)
        return checksum

    def encode(self, codes: np.ndarray) -> bytes:
        """Codes (N, Q) of a sequence as bytes."""
        coder = RangeEncoder()
        for interval in self._intervals(codes):
            coder.encode(*interval)
        return coder.finish()

    def decode(self, data: bytes, blocks: int) -> np.ndarray:
        """The inverse of `encode`: (blocks, Q).

        Raises:
            ValueError: too few bytes, or too many.
        """
        coder = RangeDecoder(data)
        Q = len(self.quantizer.codebooks)
        codes: list[np.ndarray] = []
        context = Context.start(self.quantizer)
        for _ in range(blocks):
            block = np.full((1, Q), NO_CODE, np.int32)
            count = coder.decode(self._of_counts(context)[0])
            for q in range(count):
                partial = self.quantizer.residual(block)
                block[0, q] = coder.decode(self._of_codes(context, partial, q, np.array([count]))[0])
            codes.append(block)
            context = context.after(self.quantizer, block)
        coder.check_end()
        return np.concatenate([np.zeros((0, Q), np.int32), *codes])

    def bits(self, codes: np.ndarray) -> float:
        """Information content of codes (N, Q): `encode` takes up to a byte more."""
        return float(sum(np.log2(total) - np.log2(size) for _, size, total in self._intervals(codes)))

    def _intervals(self, codes: np.ndarray) -> Iterator[Interval]:
        """What a range coder codes a sequence by, symbol by symbol."""
        counts = (codes != NO_CODE).sum(axis=1)
        context = contexts(self.quantizer, [codes])
        for first in range(0, len(codes), BATCH):
            rows = slice(first, first + BATCH)
            of_counts = intervals(self._of_counts(context[rows]), counts[rows])
            of_codes = self._code_intervals(codes[rows], counts[rows], context[rows])
            for n, count in enumerate(counts[rows]):
                yield of_counts[n]
                yield from (of_codes[q][n] for q in range(count))

    def _code_intervals(self, codes: np.ndarray, counts: np.ndarray, context: Context) -> list[dict[int, Interval]]:
        """By quantizer and block (B, Q)."""
        found = []
        partial = np.zeros_like(context.residual)
        for q in range(counts.max(initial=0)):
            rows = np.flatnonzero(counts > q)
            chosen = codes[rows, q]
            frequencies = self._of_codes(context[rows], partial[rows], q, counts[rows])
            found.append(dict(zip(rows.tolist(), intervals(frequencies, chosen), strict=True)))
            partial[rows] += self.quantizer.codebooks[q, chosen]
        return found

    def _of_counts(self, context: Context) -> np.ndarray:
        """Frequencies (B, Q + 1) of numbers of codes."""
        Q = len(self.quantizer.codebooks)
        hidden = self._activations(context, np.zeros_like(context.residual), Q, np.zeros(len(context.counts), int))
        return frequencies(rounded_shift(self._count(hidden), SHIFT), self._count_table)

    def _of_codes(self, context: Context, partial: np.ndarray, q: int, counts: np.ndarray) -> np.ndarray:
        """Frequencies (B, V) of the codes of quantizer q, after those that add up to (B, C), of (B,) in all."""
        hidden = self._activations(context, partial, q, counts)
        directions = clipped(self._output(hidden), -MAX_ACTIVATION)
        if q not in self._features:
            self._features[q] = code_features(self.quantizer.codebooks[q], self._weights["code.scale"][q])
        likeness = exact_product(directions, self._features[q])
        scaled = rounded_shift(likeness * int(self._weights["code.multiplier"][q]), FEATURE_SHIFT)
        return frequencies(scaled + self._weights["code.bias"][q], self._code_table)

    def _activations(self, context: Context, partial: np.ndarray, q: int, counts: np.ndarray) -> np.ndarray:
        """The last hidden layer (B, H)."""
        known = np.concatenate([context.prediction, context.residual, partial], axis=-1)
        inputs = clipped(known * self._weights["input.scale"].astype(np.int64), -MAX_ACTIVATION)
        stage, count_in, before, before_that = self._tables
        embedded = stage[q] + count_in[counts] + before[context.counts[:, 0]] + before_that[context.counts[:, 1]]
        return clipped(self._hidden(clipped(self._input(inputs) + embedded)))


class Linear:
    """A linear layer of integers, (B, I) to (B, O), with `SHIFT` bits behind the point.

    Args:
        weight: (O, I) at most `MAX_WEIGHT`; multiplier: (O,) of each row; bias: (O,).
    """

    def __init__(self, weight: np.ndarray, multiplier: np.ndarray, bias: np.ndarray) -> None:
        self._weight = weight.astype(np.float64)
        self._multiplier, self._bias = multiplier.astype(np.int64), bias.astype(np.int64)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return exact_product(x, self._weight) * self._multiplier + self._bias


def exact_product(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Integers (B, I) times (O, I), which double precision holds exactly in any order of summation: int64 (B, O)."""
    return (x.astype(np.float64) @ weight.T).astype(np.int64)


def clipped(values: np.ndarray, low: int = 0) -> np.ndarray:
    """Numbers with `SHIFT` bits behind the point as integers up to `MAX_ACTIVATION`."""
    return np.clip(rounded_shift(values, SHIFT), low, MAX_ACTIVATION)


def code_features(codebook: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """What codes are told apart by: their vectors, and squared lengths beside the mean.

    Args:
        codebook: (V, C) integers.
        scale: (C + 1,), with `FEATURE_SHIFT` bits behind the point.

    Returns:
        (V, C + 1) integers, as doubles.
    """
    scaled = rounded_shift(raw_features(codebook) * scale.astype(np.int64), FEATURE_SHIFT)
    return np.clip(scaled, -MAX_FEATURE, MAX_FEATURE).astype(np.float64)


def raw_features(codebook: np.ndarray) -> np.ndarray:
    """`code_features` before they are scaled."""
    lengths = np.square(codebook.astype(np.int64)).sum(axis=-1, keepdims=True)
    centered = lengths - lengths.sum() // len(lengths)
    return np.concatenate([codebook, rounded_shift(centered, LATENT_BITS)], axis=-1)


def frequencies_by_distance(max_bits: int, precision: int) -> np.ndarray:
    """Frequencies of symbols that are so many units less likely than the likeliest, down to `max_bits`."""
    top = min(precision, MAX_BITS)
    distances = np.arange(max_bits * UNITS_PER_BIT + 1) / UNITS_PER_BIT
    return np.maximum(1, np.rint(np.exp2(top - distances))).astype(np.int64)


def frequencies(scores: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Log-probabilities (B, S), up to a constant, as frequencies."""
    distances = scores.max(axis=-1, keepdims=True) - scores
    return table[np.minimum(distances, len(table) - 1)]


def intervals(frequencies: np.ndarray, symbols: np.ndarray) -> list[Interval]:
    """Of symbols (B,) by their frequencies (B, S): the sum of those before, their own, and the sum of all."""
    ends = frequencies.cumsum(axis=1)
    rows = np.arange(len(symbols))
    sizes = frequencies[rows, symbols]
    return list(zip((ends[rows, symbols] - sizes).tolist(), sizes.tolist(), ends[:, -1].tolist(), strict=True))
