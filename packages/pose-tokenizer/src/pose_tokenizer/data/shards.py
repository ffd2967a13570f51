"""Training data that outgrows memory: shards, as `pose-core pack` writes them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pose_core import UserError
from pose_core.training import open_shards
from pose_core.transforms import choose_keypoints
from pose_tokenizer.data.dataset import prepare

if TYPE_CHECKING:
    import numpy as np

    from pose_core import PoseSequence, Skeleton
    from pose_core.data import ShardSample
    from pose_core.training import RunData
    from pose_core.transforms import KeypointChoice
    from pose_tokenizer.config import RunConfig
    from pose_tokenizer.data.dataset import ClipDataset


def read_shards(folder: str, config: RunConfig, skeleton: Skeleton | None = None) -> RunData:
    """Shards opened for a run; the first clips are as many as basis and codebooks are fitted to.

    Args:
        folder: of shards, or its URL.
        config: of the run.
        skeleton: of a model to fine-tune; None: that of the first clip.

    Raises:
        UserError: as `open_shards`, or other keypoints than the config says.
    """
    data = open_shards(
        folder,
        partial(prepared, keypoints=config.keypoints if skeleton is None else None),
        config,
        frames=config.fitting_blocks * config.downsampling,
        skeleton=skeleton,
    )
    if config.num_keypoints not in (None, data.skeleton.num_keypoints):
        raise UserError(
            f"{folder}: num_keypoints is {config.num_keypoints}, the clips have {data.skeleton.num_keypoints}; correct "
            "the config or choose other `keypoints`"
        )
    return data


def prepared(sequence: PoseSequence, skeleton: Skeleton | None, *, keypoints: KeypointChoice | None) -> PoseSequence:
    """A clip as it is trained on; keypoints: None leaves the choice to the skeleton."""
    if keypoints is not None:
        sequence = choose_keypoints(sequence, keypoints)
    return prepare(sequence, skeleton or sequence.skeleton.with_dims(2))


def varied(sample: ShardSample, clips: ClipDataset) -> tuple[np.ndarray, np.ndarray]:
    """A prepared clip as an item of a batch."""
    return clips.varied(sample.sequence)
