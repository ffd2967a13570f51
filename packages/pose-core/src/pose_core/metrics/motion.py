"""How a sequence moves: too little is a still picture, too much is jitter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pose_core.metrics.visibility import require_one_skeleton, seen_points

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence


def acceleration(sequence: PoseSequence) -> float:
    """Mean length of the second difference of keypoints, in the sequence's unit a frame squared.

    Only keypoints seen in three frames in a row count; NaN where there are none.
    """
    x, seen = seen_points(sequence.keypoints, sequence.confidence)
    length = np.linalg.norm(x[2:] - 2 * x[1:-1] + x[:-2], axis=-1)  # (T - 2, K)
    steady = seen[2:] & seen[1:-1] & seen[:-2]
    return float(length[steady].mean()) if steady.any() else math.nan


def acceleration_ratio(hypothesis: PoseSequence, reference: PoseSequence) -> float:
    """The hypothesis' acceleration in terms of the reference's: below 1 it moves too evenly, above 1 it jitters.

    Args:
        hypothesis, reference: (T, K, D) and (T', K, D) on one skeleton, in one unit, at one frame rate.

    Returns:
        NaN where either has no acceleration to measure, or the reference's is 0.

    Raises:
        UserError: the skeletons differ.
    """
    require_one_skeleton(hypothesis, reference)
    found, wanted = acceleration(hypothesis), acceleration(reference)
    return found / wanted if wanted > 0 else math.nan
