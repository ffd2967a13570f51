"""Acceleration: too low is a still picture, too high is jitter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core.metrics.visibility import require_one_skeleton, visible_points

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pose_core.sequence import PoseSequence


@dataclass(frozen=True)
class AccelerationSum:
    """Lengths of the second differences of keypoints, summed; sums of several clips add up.

    Attributes:
        total: in units per frame squared.
        count: of keypoints visible in three frames in a row.
    """

    total: float = 0.0
    count: int = 0

    @classmethod
    def of(cls, sequence: PoseSequence) -> AccelerationSum:
        """Over a sequence."""
        x, visible = visible_points(sequence.keypoints, sequence.confidence)
        length = np.linalg.norm(x[2:] - 2 * x[1:-1] + x[:-2], axis=-1)  # (T - 2, K)
        steady = visible[2:] & visible[1:-1] & visible[:-2]
        return cls(float(length[steady].sum(dtype=np.float64)), int(steady.sum()))

    def __add__(self, other: AccelerationSum) -> AccelerationSum:
        return AccelerationSum(self.total + other.total, self.count + other.count)

    @property
    def mean(self) -> float:
        """The mean length; NaN of nothing."""
        return self.total / self.count if self.count else math.nan


def acceleration(sequence: PoseSequence) -> float:
    """Mean length of the second difference of keypoints, in units per frame squared.

    Only keypoints visible in three frames in a row count; NaN where there are none.
    """
    return AccelerationSum.of(sequence).mean


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
    return pooled_acceleration_ratio([(AccelerationSum.of(hypothesis), AccelerationSum.of(reference))])


def pooled_acceleration_ratio(pairs: Iterable[tuple[AccelerationSum, AccelerationSum]]) -> float:
    """Mean acceleration of all hypotheses over that of all references.

    (sum of totals / sum of counts) of the hypotheses, divided by the same of the references. A ratio of means, not a
    mean of ratios: one reference that hardly moves would outweigh all others.

    Args:
        pairs: of a hypothesis and its reference. One that has nothing to measure in either is left out.

    Returns:
        NaN where no pair is left, or no reference accelerates.
    """
    found, wanted = AccelerationSum(), AccelerationSum()
    for hypothesis, reference in pairs:
        if hypothesis.count and reference.count:
            found, wanted = found + hypothesis, wanted + reference
    return found.mean / wanted.mean if wanted.total > 0 else math.nan
