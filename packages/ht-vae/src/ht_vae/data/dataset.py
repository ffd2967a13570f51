"""Dataset of windows: cut from long clips, or stitched together from short ones."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from ht_vae.data.augmentation import BLEND_FRAMES, blend_frames, stitch
from ht_vae.data.preprocessing import PoseDataProcessor, common_skeleton
from pose_core.data import PoseDataset
from pose_core.data.held_out import ClipPart
from pose_core.errors import UserError, naming
from pose_core.transforms import stretch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ht_vae.data.augmentation import Augmentation
    from pose_core import PoseSequence, Skeleton
    from pose_core.data import Clip
    from pose_core.data.shards import ShardSample

MAX_FRAMES = 4000


@dataclass(frozen=True)
class Window:
    """Frames of one or more clips, in shoulder widths.

    Attributes:
        sequence: (T, K, D).
        label: index into the dataset's `labels`; None where it has none.
    """

    sequence: PoseSequence
    label: int | None = None

    @property
    def tensors(self) -> tuple[Tensor, Tensor]:
        """Keypoints (T, K, D) and which are visible (T, K)."""
        return torch.from_numpy(self.sequence.keypoints), torch.from_numpy(self.sequence.visible)


class PoseSequenceDataset(PoseDataset):
    """Windows of clips: drawn at random for training, consecutive otherwise.

    For training, item `i` is a window of clip `i`, and item `(i, T)` one of at most T frames; where the clip is
    shorter, others may follow it until T frames are full. Otherwise items are all clips, each cut into few even
    windows. A subclass with its own `load_sample` reads other files.

    Args:
        clips: see `pose_core.data.read_clips`; of a `ClipPart` only that part.
        processor: applied once to what `load_sample` returns.
        max_frames: of the longest window.
        training: draw windows at random, by torch's generator, which the training seed sets.
        augmentation: of drawn windows; None: none.
        stitching: probability that a window longer than its clip is filled with other clips.
        condition: the clips' column that `labels` are values of, "text" or "signed_language"; None: no labels.
        labels: in their order; None: all that the clips have.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        *,
        processor: PoseDataProcessor | None = None,
        max_frames: int = MAX_FRAMES,
        training: bool = False,
        augmentation: Augmentation | None = None,
        stitching: float = 0.0,
        condition: Literal["text", "signed_language"] | None = None,
        labels: Sequence[str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(clips, transform=processor or PoseDataProcessor(), **options)
        self.max_frames = max_frames
        self.training = training
        self.augmentation = augmentation
        self.stitching = stitching
        self.condition = condition
        self.labels = tuple(sorted({self._label(clip) for clip in clips}) if labels is None else labels)
        if condition is None:
            self.labels = ()
            return
        for clip in clips:
            if self._label(clip) not in self.labels:
                raise UserError(f"{clip.path}: no clip to train on has its {condition}, {self._label(clip)!r}")

    @cached_property
    def skeleton(self) -> Skeleton:
        """The skeleton of all windows; assigned, or that of the clip with the most keypoints.

        Raises:
            UserError: clips of several kinds, or one that cannot be used.
        """
        return common_skeleton(self.skeletons())

    @property
    def fps(self) -> float:
        """Median frame rate of the clips, in frames per second."""
        return median(self._sequence(clip).fps for clip in self.clips)

    def mean_pose(self) -> tuple[Tensor, Tensor]:
        """Each keypoint's mean over the frames where it is visible (K, D), and the share of these frames (K,)."""
        K, D = self.skeleton.num_keypoints, self.skeleton.num_dims
        total, count = np.zeros((K, D)), np.zeros(K)
        for i in range(len(self.clips)):
            sequence = self._on_skeleton(i)
            visible = sequence.visible
            total += (sequence.keypoints * visible[..., None]).sum(axis=0, dtype=np.float64)
            count += visible.sum(axis=0)
        mean, share = total / count.clip(min=1)[:, None], count / sum(self.lengths)
        return torch.from_numpy(mean).float(), torch.from_numpy(share).float()

    def skeletons(self) -> list[tuple[Any, Skeleton]]:
        """Every clip's path and its own skeleton."""
        _ = self.lengths  # reads all clips, and drops those that cannot be used if they are to be skipped
        return [(clip.path, self._sequence(clip).skeleton) for clip in self.clips]

    @cached_property
    def windows(self) -> list[tuple[int, int, int]]:
        """Clip index, first frame and end of each consecutive window."""
        cuts = [(i, np.linspace(0, T, -(-T // self.max_frames) + 1).round()) for i, T in enumerate(self.lengths)]
        return [(i, int(a), int(b)) for i, borders in cuts for a, b in itertools.pairwise(borders)]

    def __len__(self) -> int:
        return len(self.clips) if self.training else len(self.windows)

    def __getitem__(self, index: int | tuple[int, int]) -> Window:  # ty: ignore[incompatible-method-override]
        if self.training:
            clip, frames = (index, self.max_frames) if isinstance(index, int) else index
            random = np.random.default_rng(int(torch.randint(2**62, ())))
            return Window(self._draw_window(clip, min(frames, self.max_frames), random), self._label_index(clip))
        clip, start, end = self.windows[index]  # ty: ignore[invalid-argument-type]
        return Window(self._on_skeleton(clip)[start:end], self._label_index(clip))

    def _sequence(self, clip: Clip) -> PoseSequence:
        sequence = super()._sequence(clip)
        with naming(clip.path):
            return clip.of(sequence) if isinstance(clip, ClipPart) else sequence

    def _on_skeleton(self, index: int) -> PoseSequence:
        return self._sequence(self.clips[index]).on_skeleton(self.skeleton)

    def _label(self, clip: Clip) -> str:
        return getattr(clip, self.condition) if self.condition else ""

    def _label_index(self, index: int) -> int | None:
        return self.labels.index(self._label(self.clips[index])) if self.labels else None

    @cached_property
    def _clips_of_label(self) -> dict[str, list[int]]:
        clips: dict[str, list[int]] = {}
        for i, clip in enumerate(self.clips):
            clips.setdefault(self._label(clip), []).append(i)
        return clips

    def _draw_window(self, index: int, frames: int, random: np.random.Generator) -> PoseSequence:
        """A window of at most so many frames that begins with a piece of a clip; others have its label."""
        pieces = [self._draw_piece(index, frames, random)]
        length = len(pieces[0])
        if random.random() < self.stitching:
            others = self._clips_of_label[self._label(self.clips[index])]
            while length < frames:
                pieces.append(self._draw_piece(int(random.choice(others)), frames - length + BLEND_FRAMES, random))
                length += len(pieces[-1]) - blend_frames(len(pieces[-2]), len(pieces[-1]))
        window = stitch(pieces)[:frames]
        return window if self.augmentation is None else self.augmentation(window, random)

    def _draw_piece(self, index: int, frames: int, random: np.random.Generator) -> PoseSequence:
        """At most so many frames from anywhere in a clip, resampled to a random speed."""
        sequence = self._on_skeleton(index)
        speed = 1.0 if self.augmentation is None else self.augmentation.speed(random)
        source_frames = max(1, round(frames * speed))
        start = int(random.integers(max(0, len(sequence) - source_frames) + 1))
        piece = sequence[start : start + source_frames]
        return piece if speed == 1 else stretch(piece, max(1, min(frames, round(len(piece) / speed))))


class PreparedDataset(PoseSequenceDataset):
    """A `PoseSequenceDataset` of preprocessed clips in memory, all on one skeleton."""

    def __init__(self, samples: Sequence[ShardSample], **options: Any) -> None:
        self.samples = {sample.clip: sample.sequence for sample in samples}
        super().__init__([sample.clip for sample in samples], **options)
        self.skeleton = samples[0].sequence.skeleton

    def _sequence(self, clip: Clip) -> PoseSequence:
        return self.samples[clip]
