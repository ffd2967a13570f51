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
    """Mean first frame (K, D) of clips and its confidence (K,), 1 for a keypoint seen in most of them, else 0."""
    keypoints = np.stack([s.keypoints[0] for s in sequences])
    seen = np.stack([s.confidence[0] > 0 for s in sequences])
    mean = (keypoints * seen[..., None]).sum(axis=0) / seen.sum(axis=0).clip(min=1)[:, None]
    return mean.astype(np.float32), (seen.mean(axis=0) > 0.5).astype(np.float32)


def fastest(clips: Sequence[Clip], sequences: Sequence[PoseSequence]) -> dict[str, float]:
    """The farthest that a keypoint moves from one frame to the next in the clips of each language."""
    farthest: dict[str, float] = defaultdict(float)
    for clip, sequence in zip(clips, sequences, strict=True):
        seen = (sequence.confidence[1:] > 0) & (sequence.confidence[:-1] > 0)
        moved = np.linalg.norm(np.diff(sequence.keypoints, axis=0), axis=-1) * seen
        farthest[clip.signed_language] = max(farthest[clip.signed_language], float(moved.max(initial=0.0)))
    return dict(farthest)
