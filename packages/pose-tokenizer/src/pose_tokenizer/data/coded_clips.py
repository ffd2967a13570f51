"""A trained tokenizer's codes of clips, for what is trained on them: layers of the decoder, entropy models."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_core.command_line import say
from pose_core.transforms.temporal import hold
from pose_tokenizer.data.dataset import ClipDataset, collate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch import Tensor

    from pose_core import PoseSequence
    from pose_tokenizer.data.augmentation import Augmentation
    from pose_tokenizer.data.dataset import TrainingBatch
    from pose_tokenizer.model import PoseTokenizer

LMBDAS = 3  # that a clip is encoded with
BEAM = 3  # hypotheses: fewer than files are encoded with, and much faster
BATCH = 32  # clips that are encoded at once
CLIPS = 256  # that are drawn at once, so that those of a length are encoded together
REPORTED = 50_000  # blocks between two lines


@dataclass(frozen=True)
class Clip:
    """A clip of N blocks, numbers in half precision.

    Attributes:
        keypoints: (T, K, D) in shoulder widths; visible: (T, K); frame_mask: (T,), False where a frame is repeated.
        coordinates: (N, C), its blocks in the linear basis: latents that decoding aims at.
    """

    keypoints: Tensor
    visible: Tensor
    frame_mask: Tensor
    coordinates: Tensor


@dataclass(frozen=True)
class CodedClip:
    """A clip and its codes (N, Q), which were chosen with `lmbda`."""

    clip: Clip
    codes: np.ndarray
    lmbda: float


def random_coded_clips(
    model: PoseTokenizer,
    clips: Sequence[PoseSequence],
    blocks: int,
    *,
    lmbda_range: tuple[float, float],
    augmentation: Augmentation,
    seed: int,
) -> Iterator[CodedClip]:
    """Augmented clips, each coded at several random rates; at least so many blocks.

    Args:
        model: the tokenizer.
        clips: prepared as training prepares them.
        blocks: that are coded.
        lmbda_range: from which lambdas are drawn, log-uniformly.
        augmentation: of the clips.
        seed: of all that is drawn.
    """
    random = np.random.default_rng(seed)
    low, high = map(math.log, lmbda_range)
    reported = done = 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        dataset = ClipDataset(clips, augmentation=augmentation)
        while done < blocks:
            items = [dataset[int(i)] for i in random.integers(len(clips), size=CLIPS)]
            # One lambda in each part of the range: whatever the draw, some codes are coarse and some fine.
            parts = (np.arange(LMBDAS) + random.random()) / LMBDAS
            for coded in coded_clips(model, items, np.exp(low + (high - low) * parts), beam=BEAM):
                done += len(coded.codes)
                yield coded
            if done // REPORTED > reported:
                reported = done // REPORTED
                say(f"{done:,} of {blocks:,} blocks")


@torch.inference_mode()
def coded_clips(
    model: PoseTokenizer, items: Sequence[tuple[np.ndarray, np.ndarray]], lmbdas: Iterable[float], *, beam: int
) -> Iterator[CodedClip]:
    """Items of a `ClipDataset`, coded with each lambda; `beam` as in `PredictiveQuantizer.quantize`."""
    norms = model.quantizer.squared_norms()
    items = sorted(items, key=lambda item: len(item[0]))  # those side by side are padded little
    for batch in (collate(items[i : i + BATCH], model.block_frames) for i in range(0, len(items), BATCH)):
        clips = _clips(model, batch)
        latents, state = model.encode_latents(batch.keypoints, batch.visible, batch.block_mask)
        for lmbda in map(float, lmbdas):
            codes, _ = model.quantizer.quantize(
                latents, lmbda=lmbda, prediction=state.prediction, beam=beam, squared_norms=norms
            )
            for clip, row, mask in zip(clips, codes, batch.block_mask, strict=True):
                yield CodedClip(clip, row[mask].numpy().astype(np.int32), lmbda)


def _clips(model: PoseTokenizer, batch: TrainingBatch) -> list[Clip]:
    """The clips of a batch, without its padding."""
    filled = hold(batch.keypoints, batch.visible, model.features.mean)
    coordinates = model.blocks(filled, batch.visible) @ model.basis
    found = []
    for row, blocks in enumerate(batch.block_mask.sum(dim=1).tolist()):
        frames = slice(blocks * model.block_frames)
        of_frames = (batch.keypoints[row, frames].half(), batch.visible[row, frames], batch.frame_mask[row, frames])
        found.append(Clip(*(each.clone() for each in of_frames), coordinates[row, :blocks].half()))
    return found
