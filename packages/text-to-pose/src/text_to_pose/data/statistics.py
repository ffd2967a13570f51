"""Statistics of training clips that a model keeps: start frames and speeds."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import PoseSequence
    from pose_core.data import Clip


def mean_start_frame(sequences: Sequence[PoseSequence]) -> tuple[np.ndarray, np.ndarray]:
    """Mean first frame (K, D) of clips and its confidence (K,): 1 for a keypoint visible in most of them, else 0."""
    keypoints = np.stack([s.keypoints[0] for s in sequences])
    visible = np.stack([s.confidence[0] > 0 for s in sequences])
    mean = (keypoints * visible[..., None]).sum(axis=0) / visible.sum(axis=0).clip(min=1)[:, None]
    return mean.astype(np.float32), (visible.mean(axis=0) > 0.5).astype(np.float32)


def max_steps(clips: Sequence[Clip], sequences: Sequence[PoseSequence]) -> dict[str, float]:
    """The largest displacement of a keypoint from one frame to the next in the clips of each language."""
    largest: dict[str, float] = defaultdict(float)
    for clip, sequence in zip(clips, sequences, strict=True):
        visible = sequence.visible[1:] & sequence.visible[:-1]
        steps = np.linalg.norm(np.diff(sequence.keypoints, axis=0), axis=-1) * visible
        largest[clip.signed_language] = max(largest[clip.signed_language], float(steps.max(initial=0.0)))
    return dict(largest)
