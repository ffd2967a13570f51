"""Training of a learned prior, once the networks are trained: latents of the clips, and steps of flow matching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.utils.rnn import pad_sequence

from ht_vae.data.loader import TrainingBatch
from ht_vae.nn.attention import num_chunks
from ht_vae.nn.flow_prior import MAX_CHUNKS, FlowPrior, Levels, Place
from pose_core.training.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from ht_vae.data.dataset import Window
    from ht_vae.model import HierarchicalTransformerVAE

SHORT = 2  # chunks of sequences that are in batches of their own
SHORT_BATCH, LONG_BATCH = 128, 12  # sequences
LEARNING_RATE = 1.5e-3
WARMUP = 0.02  # of the steps
EMA_DECAY = 0.999
IMPORTANCE = 0.75  # power of a dimension's variance in poses that is its weight


@dataclass(frozen=True)
class SequenceLatents:
    """A sequence's latents.

    Attributes:
        whole: (Z,); chunks: (N, Zc), of its first chunks, `MAX_CHUNKS` at most; both in half precision.
        ends: whether these are all; fill: share of the last one that has frames.
    """

    whole: Tensor
    chunks: Tensor
    ends: bool
    fill: float


@torch.no_grad()
def sequence_latents(model: HierarchicalTransformerVAE, windows: Iterable[Window]) -> list[SequenceLatents]:
    """The posterior means of windows, encoded one at a time."""
    found = []
    for window in windows:
        batch = TrainingBatch.of([window]).to(model.device)
        latents = model.latent_space.mean(model.encode(*batch.inputs, batch.condition))
        frames, size = len(window.sequence), model.config.chunk_size
        N = num_chunks(frames, size)
        ends = N <= MAX_CHUNKS
        fill = (frames - (N - 1) * size) / size if ends else 1.0
        chunks = latents.chunks[0, :MAX_CHUNKS] if latents.chunks is not None else latents.whole.new_zeros(N, 0)
        found.append(SequenceLatents(latents.whole[0].half(), chunks.half(), ends, fill))
    return found


def train_prior(model: HierarchicalTransformerVAE, sequences: Sequence[SequenceLatents], steps: int) -> float:
    """Trains a model's learned prior; the averaged weights are kept.

    Batches are of short sequences and of long ones in turn, drawn by torch's generator.

    Returns:
        The mean loss of the last tenth of the steps.
    """
    flow = model.latent_space.distribution
    if not isinstance(flow, FlowPrior):
        raise TypeError("the model's prior is fitted, not learned")
    short = [each for each in sequences if len(each.chunks) <= SHORT]
    long = [each for each in sequences if len(each.chunks) > SHORT]
    kinds = [(of, count) for of, count in ((short, SHORT_BATCH), (long, LONG_BATCH)) if of]
    whole, chunks = (level.square().sum(dim=0) ** IMPORTANCE for level in (model.basis.whole, model.basis.chunks))
    mean = torch.cat([whole, chunks]).mean().clamp(min=1e-6)
    importance = (whole / mean, chunks / mean)
    stage = Stage(flow, steps, learning_rate=LEARNING_RATE, warmup=WARMUP, ema_decay=EMA_DECAY)
    losses = []
    for step in range(steps):
        of, count = kinds[step % len(kinds)]
        drawn = [of[i] for i in torch.randint(len(of), (count,)).tolist()]
        loss = flow.loss(*_batch(drawn, model.device), importance)
        stage.step(loss)
        losses.append(loss.detach())
    stage.finish()
    return float(torch.stack(losses[-max(1, steps // 10) :]).mean())


def _batch(drawn: Sequence[SequenceLatents], device: torch.device) -> tuple[Levels, Place]:
    """Sequences as a padded batch, and where their chunks are."""
    chunks = pad_sequence([each.chunks for each in drawn], batch_first=True).to(device).float()
    counts = torch.tensor([len(each.chunks) for each in drawn], device=device)
    place = Place(
        first=torch.ones(len(drawn), dtype=torch.bool, device=device),
        last=torch.tensor([each.ends for each in drawn], device=device),
        fill=torch.tensor([each.fill for each in drawn], device=device),
        mask=torch.arange(chunks.shape[1], device=device) < counts[:, None],
    )
    return Levels(torch.stack([each.whole for each in drawn]).to(device).float(), chunks), place
