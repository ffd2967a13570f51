"""Clips as encoders are trained on them: prepared, labelled, and a little different every time."""

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

TURN = 0.15  # radians in the picture's plane, standard deviation
SCALE = 0.08  # of the size, standard deviation
SHIFT = 0.05  # shoulder widths, standard deviation
SPEED = 0.2  # largest share by which a clip is stretched or shortened


@dataclass(frozen=True)
class LabelledBatch:
    """Poses and the number of each one's label, (B,); -1 where it has none."""

    pose: PoseBatch
    labels: Tensor

    @property
    def num_frames(self) -> Tensor:
        """() real frames."""
        return self.pose.num_frames

    def to(self, device: torch.device | str) -> LabelledBatch:
        """The batch on another device; Lightning calls it."""
        return LabelledBatch(self.pose.to(device), self.labels.to(device))


class LabelledDataset(Dataset):
    """Prepared sequences with the numbers of their labels.

    Args:
        sequences: prepared.
        labels: a number each.
        augment: turn, scale, shift and stretch each one a little, another way every time.
    """

    def __init__(self, sequences: Sequence[PoseSequence], labels: Sequence[int], *, augment: bool) -> None:
        self.sequences, self.labels, self.augment = sequences, labels, augment

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, index: int) -> tuple[PoseSequence, int]:
        sequence = self.sequences[index]
        return (augmented(sequence) if self.augment else sequence), self.labels[index]

    @staticmethod
    def collate(items: Sequence[tuple[PoseSequence, int]]) -> LabelledBatch:
        """Items to a padded batch."""
        sequences, labels = zip(*items, strict=True)
        return LabelledBatch(collate(sequences), torch.tensor(labels))


def augmented_sample(sample: ShardSample, position: dict[str, int] | None, task: Task) -> tuple[PoseSequence, int]:
    """A prepared clip as an item of `LabelledDataset` that augments; `position` are the numbers of labels."""
    return augmented(sample.sequence), -1 if position is None else position[label_of(sample.clip, task)]


def augmented(sequence: PoseSequence) -> PoseSequence:
    """The sequence as another camera and a quicker or slower signer would have it; randomness is torch's."""
    turn, scale, x, y = torch.randn(4).tolist()
    cos, sin = torch.tensor(TURN * turn).cos().item(), torch.tensor(TURN * turn).sin().item()
    factor = 1 + max(-0.5, SCALE * scale)
    keypoints = sequence.keypoints.copy()
    keypoints[..., 0] = factor * (cos * sequence.keypoints[..., 0] - sin * sequence.keypoints[..., 1]) + SHIFT * x
    keypoints[..., 1] = factor * (sin * sequence.keypoints[..., 0] + cos * sequence.keypoints[..., 1]) + SHIFT * y
    keypoints[sequence.confidence == 0] = 0.0
    frames = round(len(sequence) * (1 + SPEED * (2 * torch.rand(()).item() - 1)))
    return stretch(replace(sequence, keypoints=keypoints), max(1, frames))
