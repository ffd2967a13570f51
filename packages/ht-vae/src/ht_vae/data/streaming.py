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
    """A `PoseSequenceDataset` of clips that are in memory and prepared."""

    def __init__(self, samples: Sequence[ShardSample], **options: Any) -> None:
        self.samples = {sample.clip: sample.sequence for sample in samples}
        super().__init__(list(self.samples), **options)
        self.skeleton = samples[0].sequence.skeleton

    def _sequence(self, clip: Clip) -> PoseSequence:
        return self.samples[clip]


class StreamedWindows:
    """Makes a batch of windows out of a few clips, drawn as `PoseDataLoader` draws them from all clips.

    Args:
        like: how windows are cut, stitched and varied.
        config: of the run.
    """

    def __init__(self, like: PoseSequenceDataset, config: RunConfig) -> None:
        self.like = like
        self.config = config

    def __call__(self, samples: Sequence[ShardSample]) -> TrainingBatch:
        """Prepared clips to a batch."""
        like, config = self.like, self.config
        few = PreparedDataset(
            samples,
            max_frames=like.max_frames,
            training=True,
            augmentation=like.augmentation,
            stitching=like.stitching,
            condition=like.condition,
            labels=like.labels,
        )
        batch = next(iter(WindowBatches.of(few, config.min_frames, config.batch_size, config.batch_frames, steps=1)))
        return TrainingBatch.of([few[window] for window in batch])


def prepared(sequence: PoseSequence, skeleton: Skeleton | None, *, keypoints: KeypointChoice) -> PoseSequence:
    """A clip as it is trained on."""
    return PoseDataProcessor(keypoints, skeleton)(sequence)


def as_it_is(sample: ShardSample) -> ShardSample:
    """What `StreamedWindows` takes of a clip: all of it."""
    return sample
