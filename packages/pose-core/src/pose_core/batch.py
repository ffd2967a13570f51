"""Batches of pose sequences, padded to the longest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core.sequence import PoseSequence
    from pose_core.skeleton import Skeleton


@dataclass(frozen=True)
class PoseBatch:
    """Padded pose sequences on one skeleton; transforms take it like a `PoseSequence`.

    Attributes:
        keypoints: (B, T, K, D) float, 0 where missing or padded.
        confidence: (B, T, K) in [0, 1], 0 where missing or padded.
        mask: (B, T) bool, True where a frame is real.
        skeleton: names and limbs of the K keypoints.
        fps: (B,) frames per second of each sequence.
    """

    keypoints: Tensor
    confidence: Tensor
    mask: Tensor
    skeleton: Skeleton
    fps: Tensor

    def __len__(self) -> int:
        """B, the number of sequences."""
        return len(self.keypoints)

    @property
    def visible(self) -> Tensor:
        """(B, T, K) bool, the keypoints that count: in real frames, confidence above 0 and finite coordinates."""
        return (self.confidence > 0) & self.keypoints.isfinite().all(dim=-1) & self.mask[..., None]

    @property
    def lengths(self) -> Tensor:
        """(B,) frames of each sequence."""
        return self.mask.sum(dim=1)

    @property
    def num_frames(self) -> Tensor:
        """() real frames of all sequences."""
        return self.mask.sum()

    def to(self, device: torch.device | str) -> PoseBatch:
        """The batch on another device."""
        tensors = {name: getattr(self, name).to(device) for name in ("keypoints", "confidence", "mask", "fps")}
        return replace(self, **tensors)

    def select(self, indices: list[int]) -> PoseBatch:
        """The keypoints at `indices`, array positions; they keep their order, whatever order they are named in."""
        indices = sorted(set(indices))
        return replace(
            self,
            keypoints=self.keypoints[:, :, indices],
            confidence=self.confidence[:, :, indices],
            skeleton=self.skeleton.select(indices),
        )


def collate(sequences: Sequence[PoseSequence]) -> PoseBatch:
    """Pads sequences at the end to the longest of them: B sequences (T_b, K, D) to (B, max T_b, K, D).

    Raises:
        UserError: there are none, or their skeletons differ.
    """
    if not sequences:
        raise UserError("a batch of no sequences")
    skeleton = sequences[0].skeleton
    if any(sequence.skeleton is not skeleton and sequence.skeleton != skeleton for sequence in sequences):
        raise UserError("sequences on different skeletons cannot be one batch; put them on one with `on_skeleton`")
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    T = int(lengths.max())
    keypoints = torch.zeros(len(sequences), T, skeleton.num_keypoints, skeleton.num_dims)
    confidence = torch.zeros(len(sequences), T, skeleton.num_keypoints)
    for row, sequence in enumerate(sequences):
        confidence[row, : len(sequence)] = torch.from_numpy(sequence.confidence)
        keypoints[row, : len(sequence)] = torch.from_numpy(sequence.keypoints)
    keypoints[confidence == 0] = 0.0
    fps = torch.tensor([sequence.fps for sequence in sequences], dtype=torch.float32)
    return PoseBatch(keypoints, confidence, torch.arange(T) < lengths[:, None], skeleton, fps)
