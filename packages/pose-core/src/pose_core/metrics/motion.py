"""Acceleration: too low is a still picture, too high is jitter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pose_core.metrics.visibility import require_one_skeleton, visible_points

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence


def acceleration(sequence: PoseSequence) -> float:
    """Mean length of the second difference of keypoints, in units per frame squared.

    Only keypoints visible in three frames in a row count; NaN where there are none.
    """
    x, visible = visible_points(sequence.keypoints, sequence.confidence)
    length = np.linalg.norm(x[2:] - 2 * x[1:-1] + x[:-2], axis=-1)  # (T - 2, K)
    steady = visible[2:] & visible[1:-1] & visible[:-2]
    return float(length[steady].mean()) if steady.any() else math.nan


def acceleration_ratio(hypothesis: PoseSequence, reference: PoseSequence) -> float:
    """Acceleration of the hypothesis over that of the reference: below 1 is too smooth, above 1 is jitter.

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
