"""Training data: labelled, prepared sequences, and their augmentation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch.utils.data import Dataset

from pose_core.batch import PoseBatch, collate
from pose_core.transforms import stretch
from pose_encoders.labels import label_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pose_core.data import ShardSample
    from pose_core.sequence import PoseSequence
    from pose_encoders.labels import Task

# Standard deviations of the augmentation.
ROTATION = 0.15  # radians, in the picture's plane
SCALE = 0.08  # of the size
SHIFT = 0.05  # shoulder widths
MAX_STRETCH = 0.2  # largest relative change of a clip's length


@dataclass(frozen=True)
class LabelledBatch:
    """A batch of poses with the class index of each, (B,); -1 without labels."""

    pose: PoseBatch
    labels: Tensor

    @property
    def num_frames(self) -> Tensor:
        """() real frames of all sequences."""
        return self.pose.num_frames

    def to(self, device: torch.device | str) -> LabelledBatch:
        """The batch on another device; called by Lightning."""
        return LabelledBatch(self.pose.to(device), self.labels.to(device))


class LabelledDataset(Dataset):
    """Prepared sequences with their class indices.

    Args:
        sequences: prepared.
        labels: the class index of each; -1 without labels.
        augment: see `augment`.
    """

    def __init__(self, sequences: Sequence[PoseSequence], labels: Sequence[int], *, augment: bool) -> None:
        self.sequences, self.labels, self.augment = sequences, labels, augment

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, index: int) -> tuple[PoseSequence, int]:
        sequence = self.sequences[index]
        return (augment(sequence) if self.augment else sequence), self.labels[index]

    @staticmethod
    def collate(items: Sequence[tuple[PoseSequence, int]]) -> LabelledBatch:
        """Pads items to a batch."""
        sequences, labels = zip(*items, strict=True)
        return LabelledBatch(collate(sequences), torch.tensor(labels))


def augment_sample(sample: ShardSample, index_of: dict[str, int] | None, task: Task) -> tuple[PoseSequence, int]:
    """A prepared, streamed clip as an augmented item of `LabelledDataset`; `index_of` is of `labels.class_index`."""
    return augment(sample.sequence), -1 if index_of is None else index_of[label_of(sample.clip, task)]


def augment(sequence: PoseSequence) -> PoseSequence:
    """Random rotation, scale, shift and speed, of torch's generator: another camera, a quicker or slower signer."""
    rotation, scale, x, y = torch.randn(4).tolist()
    cos, sin = torch.tensor(ROTATION * rotation).cos().item(), torch.tensor(ROTATION * rotation).sin().item()
    factor = 1 + max(-0.5, SCALE * scale)
    keypoints = sequence.keypoints.copy()
    keypoints[..., 0] = factor * (cos * sequence.keypoints[..., 0] - sin * sequence.keypoints[..., 1]) + SHIFT * x
    keypoints[..., 1] = factor * (sin * sequence.keypoints[..., 0] + cos * sequence.keypoints[..., 1]) + SHIFT * y
    keypoints[~sequence.visible] = 0.0
    frames = round(len(sequence) * (1 + MAX_STRETCH * (2 * torch.rand(()).item() - 1)))
    return stretch(replace(sequence, keypoints=keypoints), max(1, frames))
