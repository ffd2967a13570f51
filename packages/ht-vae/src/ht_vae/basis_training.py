"""Training of the layers over the linear basis, in its own coordinates: no pose is decoded, which makes steps cheap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.utils.rnn import pad_sequence

from ht_vae.data.loader import TrainingBatch
from pose_core.command_line import say
from pose_core.training.hardware import choose_precision
from pose_core.training.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from ht_vae.config import RunConfig
    from ht_vae.data.dataset import Window
    from ht_vae.model import HierarchicalTransformerVAE
    from ht_vae.nn.basis import PoseBasis
    from ht_vae.nn.basis_transformer import BasisTransformer

BATCH_CHUNKS = 256  # of a batch, at least
LEARNING_RATE = 1e-3
WARMUP = 0.05  # of the steps
EMA_DECAY = 0.998
FLOOR = 1e-2  # squared, in units: below, an error counts as its square, above as itself
REPORTS = 10


@torch.no_grad()
def sequence_rows(model: HierarchicalTransformerVAE, windows: Iterable[Window]) -> list[Tensor]:
    """Windows' coordinates in all directions of the basis, (N, R) each, in half precision."""
    found = []
    for window in windows:
        batch = TrainingBatch.of([window]).to(model.device)
        keypoints, confidence, mask = batch.inputs
        found.append(model.rows(keypoints, (confidence > 0) & mask[..., None], mask)[0].half())
    return found


def train_basis_transformer(model: HierarchicalTransformerVAE, sequences: Sequence[Tensor], config: RunConfig) -> float:
    """Trains the layers over a model's basis for `basis_steps`; the averaged weights are kept.

    The loss is the length of a chunk's error in the basis' coordinates, in which errors weigh as in the basis itself.

    Args:
        model: whose basis is fitted.
        sequences: (N, R) each, see `sequence_rows`.
        config: of the run.

    Returns:
        The error over the linear basis' own, over the last tenth of the steps.
    """
    basis, transformer = model.basis, model.basis_transformer
    if transformer is None:
        raise TypeError("the model has no layers over its basis")
    steps, precision = config.basis_steps, choose_precision(config.precision, model.device.type)[0]
    transformer.unit.copy_(basis.chunks[:, -max(1, basis.chunks.shape[1] // 8) :].norm(dim=0).mean().clamp(min=1e-6))
    stage = Stage(transformer, steps, learning_rate=LEARNING_RATE, warmup=WARMUP, ema_decay=EMA_DECAY)
    ratios = []
    for step in range(1, steps + 1):
        rows, mask = _batch(sequences, model.device)
        errors, linear = _errors(basis, transformer, rows, mask, bf16=precision == "bf16-mixed")
        loss = errors.mean()
        stage.step(loss)
        ratios.append(loss.detach() / linear.mean())
        if step % max(1, steps // REPORTS) == 0:
            ratio = float(torch.stack(ratios[-max(1, steps // REPORTS) :]).mean())
            say(f"step {step:,} of {steps:,}: {ratio:.3f} times the linear basis' error")
    stage.finish()
    return ratio


@torch.no_grad()
def basis_error_ratio(model: HierarchicalTransformerVAE, sequences: Iterable[Tensor]) -> float:
    """The error of the layers over a model's basis, over the linear basis' own; 1: they gain nothing.

    Args:
        model: that has such layers.
        sequences: (N, R) each, see `sequence_rows`.
    """
    if model.basis_transformer is None:
        raise TypeError("the model has no layers over its basis")
    total, of_linear = torch.zeros(2, device=model.device)
    for sequence in sequences:
        rows = sequence.to(model.device).float()[None]
        mask = torch.ones(rows.shape[:2], dtype=torch.bool, device=model.device)
        errors, linear = _errors(model.basis, model.basis_transformer, rows, mask)
        total, of_linear = total + errors.sum(), of_linear + linear.sum()
    return float(total / of_linear)


def _errors(
    basis: PoseBasis, transformer: BasisTransformer, rows: Tensor, mask: Tensor, *, bf16: bool = False
) -> tuple[Tensor, Tensor]:
    """Lengths (M,) of the errors of M real chunks, in units: of the layers over the basis, and of the linear basis."""
    whole, chunks = basis.project(rows, mask)
    remainder = rows - basis.combine(whole, chunks, rows.shape[1])
    with torch.autocast(rows.device.type, torch.bfloat16, enabled=bf16):
        moved = chunks + transformer.encode(chunks, remainder, mask)
        added = transformer.decode(whole, moved, mask)
    error = basis.combine(whole, moved, rows.shape[1]) + added - rows
    squares = ((each / transformer.unit)[mask].square().sum(dim=-1) for each in (error, remainder))
    of_layers, of_linear = ((each + FLOOR).sqrt() for each in squares)
    return of_layers, of_linear


def _batch(sequences: Sequence[Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
    """Random sequences of `BATCH_CHUNKS` chunks or more in all, padded: rows (B, N, R) and a mask (B, N)."""
    drawn: list[Tensor] = []
    while sum(map(len, drawn)) < BATCH_CHUNKS:
        drawn.append(sequences[int(torch.randint(len(sequences), ()))])
    rows = pad_sequence([each.float() for each in drawn], batch_first=True).to(device)
    counts = torch.tensor([len(each) for each in drawn], device=device)
    return rows, torch.arange(rows.shape[1], device=device) < counts[:, None]
