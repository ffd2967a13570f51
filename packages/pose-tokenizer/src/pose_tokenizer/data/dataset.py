"""Clips as a tokenizer trains on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from pose_core import PoseSequence, UserError
from pose_tokenizer.streaming import FARTHEST, PATIENCE, placement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import Skeleton
    from pose_tokenizer.data.augmentation import Augmentation


def prepare(sequence: PoseSequence, skeleton: Skeleton) -> PoseSequence:
    """A clip as the encoder sees it: on the model's skeleton, in shoulder widths, without frames before the shoulders.

    Raises:
        UserError: no keypoint in common, or both shoulders are seen in no frame.
    """
    body = sequence.on_skeleton(skeleton)
    both = (body.confidence[:, list(skeleton.shoulders())] > 0).all(axis=1)
    if not both.any():
        raise UserError("both shoulders are seen in no frame: the pose cannot be placed")
    body = body[int(both.argmax()) :]
    first = body[:PATIENCE]
    place = placement(first.keypoints.astype(np.float64), first.confidence > 0, skeleton.shoulders())
    places = (body.keypoints - np.asarray(place.center)) / place.scale
    seen = (body.confidence > 0) & (np.abs(places) < FARTHEST).all(axis=-1)
    places = np.where(seen[..., None], places, 0.0).astype(np.float32)
    return replace(body, keypoints=places, confidence=seen.astype(np.float32), size=(0, 0, 0))


@dataclass(frozen=True)
class TrainingBatch:
    """Clips side by side, each filled up to whole blocks by its last frame, and padded.

    Attributes:
        keypoints: (B, T, K, 2) in shoulder widths; seen: (B, T, K) bool.
        mask: (B, N) bool, True where a block is real.
        frames: (B, T) bool, True where a frame is the clip's own.
    """

    keypoints: Tensor
    seen: Tensor
    mask: Tensor
    frames: Tensor

    @property
    def num_frames(self) -> Tensor:
        """() real frames."""
        return self.frames.sum()

    def to(self, device: torch.device | str) -> TrainingBatch:
        """The batch on another device; Lightning calls it."""
        return TrainingBatch(*(getattr(self, name).to(device) for name in ("keypoints", "seen", "mask", "frames")))

    def pin_memory(self) -> TrainingBatch:
        """The batch in memory that goes to a GPU faster."""
        tensors = (getattr(self, name).pin_memory() for name in ("keypoints", "seen", "mask", "frames"))
        return TrainingBatch(*tensors)


class ClipDataset(Dataset):
    """Prepared clips: (keypoints (T, K, 2), seen (T, K)).

    Args:
        sequences: see `prepare`.
        sequence_length: most frames of an item, from anywhere in the clip; None for whole clips.
        augmentation: None leaves clips as they are.
    """

    def __init__(
        self,
        sequences: Sequence[PoseSequence],
        *,
        sequence_length: int | None = None,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.sequences = sequences
        self.sequence_length = sequence_length
        self.augmentation = augmentation

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self.varied(self.sequences[index])

    def varied(self, sequence: PoseSequence) -> tuple[np.ndarray, np.ndarray]:
        """An item of a prepared clip."""
        keypoints, seen = sequence.keypoints, sequence.confidence > 0
        # Drawn from torch's generator, which the training seed sets and its checkpoints keep.
        random = np.random.default_rng(int(torch.randint(2**62, ())))
        if self.augmentation is not None:
            keypoints, seen = self.augmentation.apply(keypoints, seen, sequence.skeleton, random)
        if self.sequence_length is not None and len(keypoints) > self.sequence_length:
            start = int(random.integers(len(keypoints) - self.sequence_length + 1))
            keypoints, seen = (x[start : start + self.sequence_length] for x in (keypoints, seen))
        return keypoints, seen


def collate(items: Sequence[tuple[np.ndarray, np.ndarray]], block_frames: int) -> TrainingBatch:
    """Items to a batch."""
    lengths = [len(keypoints) for keypoints, _ in items]
    blocks = [-(-length // block_frames) for length in lengths]
    B, T, K = len(items), max(blocks) * block_frames, items[0][0].shape[1]
    keypoints, seen = np.zeros((B, T, K, 2), np.float32), np.zeros((B, T, K), bool)
    for row, (places, there) in enumerate(items):
        whole = blocks[row] * block_frames
        keypoints[row, : len(places)], seen[row, : len(places)] = places, there
        keypoints[row, len(places) : whole], seen[row, len(places) : whole] = places[-1], there[-1]
    mask = torch.arange(max(blocks)) < torch.tensor(blocks)[:, None]
    frames = torch.arange(T) < torch.tensor(lengths)[:, None]
    return TrainingBatch(torch.from_numpy(keypoints), torch.from_numpy(seen), mask, frames)
