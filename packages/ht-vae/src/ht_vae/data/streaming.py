"""Windows of clips that are streamed from shards, as `pose-core pack` writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ht_vae.data.dataset import PoseSequenceDataset
from ht_vae.data.loader import TrainingBatch, WindowBatches
from ht_vae.data.preprocessing import PoseDataProcessor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ht_vae.config import RunConfig
    from pose_core import PoseSequence, Skeleton
    from pose_core.data import Clip, ShardSample
    from pose_core.transforms import KeypointChoice


class PreparedDataset(PoseSequenceDataset):
    """A `PoseSequenceDataset` of preprocessed clips in memory."""

    def __init__(self, samples: Sequence[ShardSample], **options: Any) -> None:
        self.samples = {sample.clip: sample.sequence for sample in samples}
        super().__init__(list(self.samples), **options)
        self.skeleton = samples[0].sequence.skeleton

    def _sequence(self, clip: Clip) -> PoseSequence:
        return self.samples[clip]


class StreamedWindows:
    """Collates streamed clips: draws a batch of windows from a few clips as `PoseDataLoader` does from all.

    Args:
        like: a dataset whose windows are cut, stitched and augmented in the same way.
        config: of the run.
    """

    def __init__(self, like: PoseSequenceDataset, config: RunConfig) -> None:
        self.options = {
            "max_frames": like.max_frames,
            "training": True,
            "augmentation": like.augmentation,
            "stitching": like.stitching,
            "condition": like.condition,
            "labels": like.labels,
        }
        self.config = config

    def __call__(self, samples: Sequence[ShardSample]) -> TrainingBatch:
        """Preprocessed clips to a batch."""
        dataset, config = PreparedDataset(samples, **self.options), self.config
        batches = WindowBatches.of(dataset, config.min_frames, config.batch_size, config.batch_frames, steps=1)
        return TrainingBatch.of([dataset[window] for window in next(iter(batches))])


def prepare(sequence: PoseSequence, skeleton: Skeleton | None, *, keypoints: KeypointChoice) -> PoseSequence:
    """Preprocesses a clip for training."""
    return PoseDataProcessor(keypoints, skeleton)(sequence)


def unchanged(sample: ShardSample) -> ShardSample:
    """The whole clip, for `StreamedWindows`."""
    return sample
