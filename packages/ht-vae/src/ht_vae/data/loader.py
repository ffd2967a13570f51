"""Batches of windows: of one length for training, with as little padding as possible otherwise."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from ht_vae.data.dataset import PreparedDataset
from pose_core.data import collate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ht_vae.data.dataset import PoseSequenceDataset, Window
    from pose_core.data import PoseBatch
    from pose_core.data.shards import ShardSample


@dataclass(frozen=True)
class TrainingBatch:
    """A batch of windows.

    Attributes:
        poses: keypoints (B, T, K, D), confidence (B, T, K), mask (B, T).
        condition: (B,) indices into the dataset's `labels`; None where it has none.
    """

    poses: PoseBatch
    condition: Tensor | None

    @classmethod
    def of(cls, windows: Sequence[Window]) -> TrainingBatch:
        """Windows padded to the longest."""
        return cls(collate([window.sequence for window in windows]), labels_of(windows))

    @property
    def inputs(self) -> tuple[Tensor, Tensor, Tensor]:
        """Keypoints, confidence and mask, as the model and its loss take them."""
        return self.poses.keypoints, self.poses.confidence, self.poses.mask

    @property
    def num_frames(self) -> Tensor:
        """() real frames."""
        return self.poses.num_frames

    def to(self, device: torch.device | str) -> TrainingBatch:
        """The batch on another device; Lightning calls it."""
        condition = None if self.condition is None else self.condition.to(device)
        return TrainingBatch(self.poses.to(device), condition)

    def pin_memory(self) -> TrainingBatch:
        """The batch in pinned memory, from which copies to a GPU are faster."""
        tensors = {name: getattr(self.poses, name).pin_memory() for name in ("keypoints", "confidence", "mask", "fps")}
        condition = None if self.condition is None else self.condition.pin_memory()
        return TrainingBatch(replace(self.poses, **tensors), condition)


def labels_of(windows: Sequence[Window], device: torch.device | str = "cpu") -> Tensor | None:
    """(B,) the condition of windows, see `TrainingBatch`."""
    labels = [window.label for window in windows if window.label is not None]
    return torch.tensor(labels, device=device) if labels else None


class WindowBatches(Sampler[list[tuple[int, int]]]):
    """Batches of training windows, all of one length: (clip index, frames) of every window.

    Lengths are drawn log-uniformly, so that many short windows and a few long ones are seen; clips are drawn in
    proportion to their frames. Randomness is torch's global generator's, which the training seed sets.

    Args:
        lengths: frames of each clip.
        frames: minimum and maximum of a window.
        batch_size: windows per batch, at most.
        batch_frames: frames per batch, at most; one window always fits.
        steps: batches per epoch; None: as many as hold the clips' frames once.
    """

    def __init__(
        self, lengths: Sequence[int], frames: tuple[int, int], batch_size: int, batch_frames: int, steps: int | None
    ) -> None:
        self.lengths = lengths
        self.frames = frames
        self.batch_size = batch_size
        self.batch_frames = batch_frames
        self.steps = steps or -(-sum(lengths) // batch_frames)

    @classmethod
    def of(
        cls, dataset: PoseSequenceDataset, min_frames: int, batch_size: int, batch_frames: int, steps: int | None
    ) -> WindowBatches:
        """For a dataset that draws windows; without stitching, the longest clip bounds them."""
        lengths = dataset.lengths
        longest = dataset.max_frames if dataset.stitching else min(dataset.max_frames, max(lengths))
        return cls(lengths, (min(min_frames, longest), longest), batch_size, batch_frames, steps)

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        weights = torch.tensor(self.lengths, dtype=torch.float64)
        shortest, longest = map(math.log, self.frames)
        for _ in range(self.steps):
            frames = round(math.exp(shortest + (longest - shortest) * torch.rand(()).item()))
            size = max(1, min(self.batch_size, self.batch_frames // frames))
            yield [(i, frames) for i in torch.multinomial(weights, size, replacement=True).tolist()]


def draw_batch(
    samples: Sequence[ShardSample], *, min_frames: int, batch_size: int, batch_frames: int, **options: Any
) -> TrainingBatch:
    """One of `WindowBatches` of a few clips, which were streamed.

    Args:
        samples: preprocessed clips.
        min_frames, batch_size, batch_frames: see `PoseDataLoader`.
        options: `PoseSequenceDataset`'s.
    """
    dataset = PreparedDataset(samples, training=True, **options)
    batches = WindowBatches.of(dataset, min_frames, batch_size, batch_frames, steps=1)
    return TrainingBatch.of([dataset[window] for window in next(iter(batches))])


class PaddedBatches(Sampler[list[int]]):
    """All windows, shortest first, in batches of at most so many windows and frames, padding counted."""

    def __init__(self, lengths: Sequence[int], batch_size: int, batch_frames: int) -> None:
        self.batches: list[list[int]] = [[]]
        for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
            last = self.batches[-1]
            if last and (len(last) == batch_size or (len(last) + 1) * lengths[i] > batch_frames):
                self.batches.append([])
            self.batches[-1].append(i)

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.batches)


class PoseDataLoader(DataLoader):
    """Batches of a `PoseSequenceDataset`: `WindowBatches` where windows are drawn, `PaddedBatches` otherwise.

    In a distributed run each process takes its share of them.

    Args:
        dataset: see `PoseSequenceDataset`.
        batch_size: windows per batch, at most.
        batch_frames: frames per batch, padding counted, at most; one window always fits.
        min_frames: of the shortest window that is drawn.
        steps: batches per epoch where windows are drawn; None: as many as hold the clips' frames once.
        options: `DataLoader`'s.
    """

    def __init__(
        self,
        dataset: PoseSequenceDataset,
        *,
        batch_size: int = 16,
        batch_frames: int = 4000,
        min_frames: int = 64,
        steps: int | None = None,
        **options: Any,
    ) -> None:
        from pose_core.training import DistributedBatchSampler  # imports Lightning, which inference does without

        if dataset.training:
            batches: Any = WindowBatches.of(dataset, min_frames, batch_size, batch_frames, steps)
        else:
            lengths = [end - start for _, start, end in dataset.windows]
            batches = PaddedBatches(lengths, batch_size, batch_frames)
        workers = {"persistent_workers": options.get("num_workers", 0) > 0}
        super().__init__(
            dataset, batch_sampler=DistributedBatchSampler(batches), collate_fn=TrainingBatch.of, **(workers | options)
        )
