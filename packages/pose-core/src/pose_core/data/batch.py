"""Batches of pose sequences, padded to the longest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core.sequence import PoseSequence


@dataclass(frozen=True)
class PoseBatch:
    """Pose sequences of one skeleton, side by side.

    Attributes:
        keypoints: (B, T, K, D) float, 0 where missing or padded.
        confidence: (B, T, K) in [0, 1], 0 where missing or padded.
        mask: (B, T) bool, True where a frame is real.
    """

    keypoints: Tensor
    confidence: Tensor
    mask: Tensor

    @property
    def lengths(self) -> Tensor:
        """(B,) frames of each sequence."""
        return self.mask.sum(dim=1)

    def to(self, device: torch.device | str) -> PoseBatch:
        """The batch on another device."""
        return PoseBatch(self.keypoints.to(device), self.confidence.to(device), self.mask.to(device))


def collate(sequences: Sequence[PoseSequence]) -> PoseBatch:
    """Pads sequences at the end to the longest of them: B sequences (T_b, K, D) to (B, max T_b, K, D)."""
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    T = int(lengths.max())
    K, D = sequences[0].keypoints.shape[1:]
    keypoints = torch.zeros(len(sequences), T, K, D)
    confidence = torch.zeros(len(sequences), T, K)
    for row, sequence in enumerate(sequences):
        confidence[row, : len(sequence)] = torch.from_numpy(sequence.confidence)
        keypoints[row, : len(sequence)] = torch.from_numpy(sequence.keypoints)
    keypoints[confidence == 0] = 0.0
    return PoseBatch(keypoints, confidence, torch.arange(T) < lengths[:, None])
