"""A trained tokenizer's codes of clips, for what is trained on them: layers of the decoder, entropy models."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_core.command_line import say
from pose_tokenizer.data.dataset import ClipDataset, collate
from pose_tokenizer.initialization import clip_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
class Example:
    """A clip of N blocks, or a part of it; numbers in half precision.

    Attributes:
        keypoints: (T, K, D) in shoulder widths; visible: (T, K); frame_mask: (T,), False where a frame is repeated.
        target: (N, C), its blocks in the linear basis: the latents that decoding aims at.
    """

    keypoints: Tensor
    visible: Tensor
    frame_mask: Tensor
    target: Tensor


@dataclass(frozen=True)
class CodedExample:
    """An example and its codes (N, Q), which were chosen with `lmbda`."""

    example: Example
    codes: np.ndarray
    lmbda: float


def random_coded_examples(
    model: PoseTokenizer,
    clips: Sequence[PoseSequence],
    blocks: int,
    *,
    lmbda_range: tuple[float, float],
    augmentation: Augmentation,
    seed: int,
    sequence_length: int | None = None,
) -> Iterator[CodedExample]:
    """Augmented clips, each coded at several random rates, of which each counts; at least so many blocks.

    Args:
        model: the tokenizer.
        clips: prepared as training prepares them.
        blocks: that are coded.
        lmbda_range: from which lambdas are drawn, log-uniformly.
        augmentation: of the clips.
        seed: of all that is drawn.
        sequence_length: most frames of an example, from anywhere in its clip; None for whole clips.
    """
    random = np.random.default_rng(seed)
    low, high = map(math.log, lmbda_range)
    reported = done = 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        dataset = ClipDataset(clips, sequence_length=sequence_length, augmentation=augmentation)
        while done < blocks:
            items = [dataset[int(i)] for i in random.integers(len(clips), size=CLIPS)]
            # One lambda in each part of the range: whatever the draw, some codes are coarse and some fine.
            parts = (np.arange(LMBDAS) + random.random()) / LMBDAS
            for coded in coded_examples(model, items, np.exp(low + (high - low) * parts).tolist(), beam=BEAM):
                done += len(coded.codes)
                yield coded
            if done // REPORTED > reported:
                reported = done // REPORTED
                say(f"{done:,} of {blocks:,} blocks")


@torch.inference_mode()
def coded_examples(
    model: PoseTokenizer, items: Sequence[tuple[np.ndarray, np.ndarray]], lmbdas: Sequence[float], *, beam: int
) -> Iterator[CodedExample]:
    """Items of a `ClipDataset`, coded with each lambda; `beam` as in `PredictiveQuantizer.quantize`."""
    norms = model.quantizer.squared_norms()
    items = sorted(items, key=lambda item: len(item[0]))  # those side by side are padded little
    for i in range(0, len(items), BATCH):
        batch = collate(items[i : i + BATCH], model.block_frames).to(model.device)
        examples = _examples(model, batch)
        latents, state = model.encode_latents(batch.keypoints, batch.visible, batch.block_mask)
        for lmbda in map(float, lmbdas):
            codes, _ = model.quantizer.quantize(
                latents, lmbda=lmbda, prediction=state.prediction, beam=beam, squared_norms=norms
            )
            for example, row, mask in zip(examples, codes, batch.block_mask, strict=True):
                yield CodedExample(example, row[mask].cpu().numpy().astype(np.int32), lmbda)


def _examples(model: PoseTokenizer, batch: TrainingBatch) -> list[Example]:
    """The clips of a batch, without its padding."""
    targets = (clip_blocks(model, batch) @ model.basis).half().cpu()
    found = []
    for row, blocks in enumerate(batch.block_mask.sum(dim=1).tolist()):
        frames = slice(blocks * model.block_frames)
        found.append(
            Example(
                keypoints=batch.keypoints[row, frames].half().cpu(),
                visible=batch.visible[row, frames].cpu(),
                frame_mask=batch.frame_mask[row, frames].cpu(),
                target=targets[row, :blocks],
            )
        )
    return found
