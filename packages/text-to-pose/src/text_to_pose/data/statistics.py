"""Statistics of training clips that a model keeps: start frames and speeds."""

from __future__ import annotations

from collections import defaultdict
from statistics import median_high
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import PoseSequence
    from pose_core.data import Clip

FASTEST_CLIPS = 5  # per language, whose median displacement is the limit


def mean_start_frame(sequences: Sequence[PoseSequence]) -> tuple[np.ndarray, np.ndarray]:
    """Mean first frame (K, D) of clips and its confidence (K,): 1 for a keypoint visible in most of them, else 0."""
    keypoints = np.stack([s.keypoints[0] for s in sequences])
    visible = np.stack([s.confidence[0] > 0 for s in sequences])
    mean = (keypoints * visible[..., None]).sum(axis=0) / visible.sum(axis=0).clip(min=1)[:, None]
    return mean.astype(np.float32), (visible.mean(axis=0) > 0.5).astype(np.float32)


def max_steps(clips: Sequence[Clip], sequences: Sequence[PoseSequence]) -> dict[str, float]:
    """Largest plausible displacement of a keypoint per frame, by signed language.

    The median of the `FASTEST_CLIPS` clips with the largest maximum displacement. The overall maximum would be set by
    the worst outlier of the pose estimator.

    Args:
        clips: their languages.
        sequences: (T, K, D) each, in shoulder widths, at one frame rate.

    Returns:
        Shoulder widths per frame.
    """
    largest: dict[str, list[float]] = defaultdict(list)
    for clip, sequence in zip(clips, sequences, strict=True):
        visible = sequence.visible[1:] & sequence.visible[:-1]
        steps = np.linalg.norm(np.diff(sequence.keypoints, axis=0), axis=-1) * visible
        largest[clip.signed_language].append(float(steps.max(initial=0.0)))
    return {language: median_high(sorted(of)[-FASTEST_CLIPS:]) for language, of in largest.items()}
