"""Clips as a tokenizer trains on them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from pose_core import PoseSequence, UserError
from pose_tokenizer.streaming import MAX_WAIT, apply_placement, causal_placement, filled_block

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pose_core import Skeleton
    from pose_core.data import ShardSample
    from pose_tokenizer.data.augmentation import Augmentation


def prepare(sequence: PoseSequence, skeleton: Skeleton) -> PoseSequence:
    """A clip as the encoder sees it: on the model's skeleton, in shoulder widths, without frames before the shoulders.

    Raises:
        UserError: no keypoint in common, or both shoulders are seen in no frame.
    """
    body = sequence.on_skeleton(skeleton)
    both = body.visible[:, list(skeleton.shoulders())].all(axis=1)
    if not both.any():
        raise UserError("both shoulders are seen in no frame: the pose cannot be placed")
    body = body[int(both.argmax()) :]
    first = body[:MAX_WAIT]
    place = causal_placement(first.keypoints.astype(np.float64), first.visible, skeleton.shoulders())
    keypoints, visible = apply_placement(body.keypoints, body.visible, place)
    return replace(body, keypoints=keypoints, confidence=visible.astype(np.float32), size=(0, 0, 0))


@dataclass(frozen=True)
class TrainingBatch:
    """Clips side by side, each filled up to whole blocks by its last frame, and padded.

    The repeated frames that fill up a clip's last block are as visible as the frame they repeat: the encoder gets them
    when it encodes files, too. `frame_mask` is False there, so that they count in no loss.

    Attributes:
        keypoints: (B, T, K, D) in shoulder widths; visible: (B, T, K) bool.
        block_mask: (B, N) bool, False where a block is padding.
        frame_mask: (B, T) bool, False where a frame is repeated or padding.
    """

    keypoints: Tensor
    visible: Tensor
    block_mask: Tensor
    frame_mask: Tensor

    @property
    def num_frames(self) -> Tensor:
        """() number of frames, repeated ones and padding not counted."""
        return self.frame_mask.sum()

    def to(self, device: torch.device | str) -> TrainingBatch:
        """The batch on another device; Lightning calls it."""
        return self._map(lambda tensor: tensor.to(device))

    def pin_memory(self) -> TrainingBatch:
        """The batch in memory that goes to a GPU faster."""
        return self._map(lambda tensor: tensor.pin_memory())

    def _map(self, function: Callable[[Tensor], Tensor]) -> TrainingBatch:
        return TrainingBatch(*(function(getattr(self, field.name)) for field in fields(self)))


class ClipDataset(Dataset):
    """Prepared clips: (keypoints (T, K, D), visible (T, K)).

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
        return self.item_of(self.sequences[index])

    def item_of_shard(self, sample: ShardSample) -> tuple[np.ndarray, np.ndarray]:
        """`item_of` a clip of shards."""
        return self.item_of(sample.sequence)

    def item_of(self, sequence: PoseSequence) -> tuple[np.ndarray, np.ndarray]:
        """A prepared clip as an item: augmented, and cut to `sequence_length`."""
        keypoints, visible = sequence.keypoints, sequence.visible
        # Drawn from torch's generator, which the training seed sets and its checkpoints keep.
        random = np.random.default_rng(int(torch.randint(2**62, ())))
        if self.augmentation is not None:
            keypoints, visible = self.augmentation.apply(keypoints, visible, sequence.skeleton, random)
        if self.sequence_length is not None and len(keypoints) > self.sequence_length:
            start = int(random.integers(len(keypoints) - self.sequence_length + 1))
            keypoints, visible = (x[start : start + self.sequence_length] for x in (keypoints, visible))
        return keypoints, visible


def collate(items: Sequence[tuple[np.ndarray, np.ndarray]], block_frames: int) -> TrainingBatch:
    """Items to a batch."""
    lengths = [len(keypoints) for keypoints, _ in items]
    blocks = [-(-length // block_frames) for length in lengths]
    B, T, (K, D) = len(items), max(blocks) * block_frames, items[0][0].shape[1:]
    keypoints, visible = np.zeros((B, T, K, D), np.float32), np.zeros((B, T, K), bool)
    for row, item in enumerate(items):
        for batched, clip in zip((keypoints, visible), item, strict=True):
            batched[row, : blocks[row] * block_frames] = filled_block(clip, block_frames)
    block_mask = torch.arange(max(blocks)) < torch.tensor(blocks)[:, None]
    frame_mask = torch.arange(T) < torch.tensor(lengths)[:, None]
    return TrainingBatch(torch.from_numpy(keypoints), torch.from_numpy(visible), block_mask, frame_mask)
