"""Training of an entropy model on codes: in floating point, and then in integers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_

from pose_core.command_line import say
from pose_tokenizer.codes import NO_CODE
from pose_tokenizer.entropy.context import contexts
from pose_tokenizer.entropy.entropy_model import (
    FEATURE_SHIFT,
    MAX_ACTIVATION,
    MAX_WEIGHT,
    SHIFT,
    TABLES,
    UNITS_PER_BIT,
    code_features,
    raw_features,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pose_tokenizer.entropy.context import Context, IntegerQuantizer

WIDTH = 256
BATCH_BLOCKS = 256
LEARNING_RATE = 4e-3
WARMUP = 0.1  # of the steps
WEIGHT_DECAY = 0.02
DROPOUT = 0.1
MAX_NORM = 5.0  # of gradients
FEATURE_DEVIATION = 256  # of a code's features, as integers
INPUT_RANGE = 16.0  # standard deviations of an input that are told apart
RANGE_BLOCKS = 2000  # that ranges of activations are measured on
RANGE_SHARE = 0.9999  # of activations that lie within them
REPORTS = 10
NATS_PER_BIT = math.log(2)


class EntropyNetwork(nn.Module):
    """What `EntropyModel` computes, in floating point.

    A code's score is the product of its features with a vector that the network predicts, plus a bias of its own: codes
    that are alike are learned together.

    Args:
        quantizer: of the tokenizer.
        deviations: (3 C,) standard deviations of the inputs: prediction, residual before, and codes so far.

    Attributes:
        code_scale, code_unit: see `feature_scale`.
    """

    features: Tensor
    deviations: Tensor

    def __init__(self, quantizer: IntegerQuantizer, deviations: np.ndarray) -> None:
        super().__init__()
        Q, V, C = quantizer.codebooks.shape
        self.code_scale, self.code_unit = feature_scale(quantizer.codebooks)
        books = zip(quantizer.codebooks, self.code_scale, self.code_unit, strict=True)
        features = np.stack([unit * code_features(book, scale) for book, scale, unit in books])
        self.register_buffer("features", torch.from_numpy(features).float())  # (Q, V, C + 1)
        self.register_buffer("deviations", torch.from_numpy(deviations).float().clamp(min=1))
        self.input = nn.Linear(3 * C, WIDTH)
        self.stage = nn.Embedding(Q + 1, WIDTH)  # Q where the number of codes is predicted
        self.count_in = nn.Embedding(Q + 1, WIDTH)
        self.before, self.before_that = nn.Embedding(Q + 2, WIDTH), nn.Embedding(Q + 2, WIDTH)
        for table in (self.stage, self.count_in, self.before, self.before_that):
            nn.init.normal_(table.weight, std=0.1)
        self.hidden = nn.Linear(WIDTH, WIDTH)
        self.output = nn.Linear(WIDTH, C + 1)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)
        self.code_bias = nn.Parameter(torch.zeros(Q, V))
        self.count = nn.Linear(WIDTH, Q + 1)
        self.dropout = nn.Dropout(DROPOUT)

    def activations(self, inputs: Tensor, q: int, counts: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Both hidden layers (B, H).

        Args:
            inputs: (B, 3 C).
            q: the codebook, or Q.
            counts: (B,) of codes, 0 where that is predicted.
            before: (B, 2), as `Context.counts`.
        """
        limited = (inputs / self.deviations).clamp(-INPUT_RANGE, INPUT_RANGE)
        embedded = self.stage.weight[q] + self.count_in(counts)
        embedded = embedded + self.before(before[:, 0]) + self.before_that(before[:, 1])
        first = F.relu(self.input(self.dropout(limited)) + embedded)
        return first, F.relu(self.hidden(self.dropout(first)))


class Step(NamedTuple):
    """One symbol of each of B blocks: both hidden layers (B, H), codebook (Q: the number of codes), symbols (B,)."""

    first: Tensor
    second: Tensor
    q: int
    symbols: Tensor


def train_entropy_network(
    quantizer: IntegerQuantizer, sequences: Sequence[np.ndarray], *, steps: int, seed: int = 0
) -> EntropyNetwork:
    """Trains a network on codes.

    Args:
        quantizer: of the tokenizer that made them.
        sequences: (N, Q) each, at all the rates that are to be coded well.
        steps: of `BATCH_BLOCKS` blocks each.
        seed: of the weights and of the blocks that are drawn.
    """
    known, codes = contexts(quantizer, sequences), np.concatenate(sequences)
    random = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = EntropyNetwork(quantizer, input_deviations(known)).train()
        optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        total, warmup = max(4, steps), max(2.0, WARMUP * steps)  # of one step, the schedule divides by 0
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, LEARNING_RATE, total_steps=total, pct_start=warmup / total
        )
        recent: list[float] = []
        for step in range(1, steps + 1):
            rows = random.integers(len(codes), size=BATCH_BLOCKS)
            loss = information(network, quantizer, known[rows], codes[rows]) / BATCH_BLOCKS
            optimizer.zero_grad()
            loss.backward()
            clip_grad_norm_(network.parameters(), MAX_NORM)
            optimizer.step()
            schedule.step()
            recent.append(loss.item())
            if step % max(1, steps // REPORTS) == 0:
                say(f"step {step:,} of {steps:,}: {np.mean(recent):.2f} bits per block")
                recent = []
    return network.eval()


def information(network: EntropyNetwork, quantizer: IntegerQuantizer, known: Context, codes: np.ndarray) -> Tensor:
    """Bits (), of the codes (B, Q) of blocks and of their numbers, by what is known before them."""
    nats = torch.zeros(())
    for step in _steps(network, quantizer, known, codes):
        if step.q == codes.shape[1]:
            scores = network.count(step.second)
        else:
            scores = network.output(step.second) @ network.features[step.q].T + network.code_bias[step.q]
        nats = nats + F.cross_entropy(scores, step.symbols, reduction="sum")
    return nats / NATS_PER_BIT


def _steps(network: EntropyNetwork, quantizer: IntegerQuantizer, known: Context, codes: np.ndarray) -> Iterator[Step]:
    """All symbols of blocks (B, Q): first the numbers of codes, then codebook by codebook of the blocks that use it."""
    Q, C = codes.shape[1], known.residual.shape[1]
    counts = (codes != NO_CODE).sum(axis=1)
    before = torch.from_numpy(known.counts)
    fixed = [known.prediction, known.residual, np.zeros_like(known.residual)]
    inputs = torch.from_numpy(np.concatenate(fixed, axis=1).astype(np.float32))
    none = torch.zeros(len(codes), dtype=torch.long)
    yield Step(*network.activations(inputs, Q, none, before), Q, torch.from_numpy(counts))
    for q in range(int(counts.max(initial=0))):
        rows = np.flatnonzero(counts > q)
        symbols = torch.from_numpy(codes[rows, q]).long()
        yield Step(*network.activations(inputs[rows], q, torch.from_numpy(counts[rows]), before[rows]), q, symbols)
        inputs[rows, 2 * C :] += torch.from_numpy(quantizer.codebooks[q, codes[rows, q]]).float()


def input_deviations(known: Context) -> np.ndarray:
    """(3 C,) standard deviations of the network's inputs; of the codes so far, those of all that a block has."""
    residual = known.residual.std(axis=0)
    return np.concatenate([known.prediction.std(axis=0), residual, residual])


def feature_scale(codebooks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How the features of codes (Q, V, C) become integers.

    Returns:
        (Q, C + 1) by which `code_features` scales them, to a deviation of `FEATURE_DEVIATION`; and (Q,) what these
        integers are to be multiplied by, since vectors of later codebooks are shorter.
    """
    variances = np.stack([np.square(raw_features(book).astype(np.float64)).mean(axis=0) + 1 for book in codebooks])
    deviations = np.sqrt(variances.mean(axis=0))  # (C + 1,)
    unit = np.sqrt((variances / deviations**2).mean(axis=1)) / FEATURE_DEVIATION
    return _integers((1 << FEATURE_SHIFT) / deviations / unit[:, None]), unit


@torch.no_grad()
def quantized(
    network: EntropyNetwork, quantizer: IntegerQuantizer, sequences: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """A network as the weights of an `EntropyModel`; codes (N, Q) of sequences tell how large activations become."""
    first_unit, second_unit, output_unit = (
        largest / MAX_ACTIVATION for largest in _activation_ranges(network, quantizer, sequences)
    )
    input_unit, score = INPUT_RANGE / MAX_ACTIVATION, UNITS_PER_BIT / NATS_PER_BIT
    one = 1 << SHIFT
    weights = {"input.scale": _integers(one / input_unit / network.deviations.double().numpy())}
    layers = (
        ("input", network.input, input_unit, first_unit),
        ("hidden", network.hidden, first_unit, second_unit),
        ("output", network.output, second_unit, output_unit),
        ("count", network.count, second_unit, 1 / score),
    )
    for name, layer, unit_in, unit_out in layers:
        matrix = layer.weight.double().numpy()
        row_unit = np.abs(matrix).max(axis=1).clip(min=1e-9) / MAX_WEIGHT
        weights[f"{name}.weight"] = np.rint(matrix / row_unit[:, None]).astype(np.int8)
        weights[f"{name}.multiplier"] = _integers(one * row_unit * unit_in / unit_out)
        weights[f"{name}.bias"] = _integers(one * layer.bias.double().numpy() / unit_out)
    for name in TABLES:
        weights[name] = _integers(one * getattr(network, name).weight.double().numpy() / first_unit)
    weights["code.scale"] = network.code_scale
    weights["code.multiplier"] = _integers((1 << FEATURE_SHIFT) * output_unit * network.code_unit * score)
    weights["code.bias"] = _integers(network.code_bias.double().numpy() * score)
    return weights


def _activation_ranges(
    network: EntropyNetwork, quantizer: IntegerQuantizer, sequences: Sequence[np.ndarray]
) -> list[float]:
    """How large nearly all values of both hidden layers, and of the output, are."""
    known, codes = contexts(quantizer, sequences), np.concatenate(sequences)
    rows = np.random.default_rng(0).permutation(len(codes))[:RANGE_BLOCKS]
    found = [
        (step.first, step.second, network.output(step.second).abs())
        for step in _steps(network, quantizer, known[rows], codes[rows])
    ]
    values = (torch.cat([each.flatten() for each in layer]).numpy() for layer in zip(*found, strict=True))
    return [max(float(np.quantile(each, RANGE_SHARE)), 1e-6) for each in values]


def _integers(values: np.ndarray) -> np.ndarray:
    limits = np.iinfo(np.int32)
    return np.rint(values).clip(limits.min, limits.max).astype(np.int32)
