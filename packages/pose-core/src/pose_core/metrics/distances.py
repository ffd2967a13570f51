"""Frame by frame distances of two sequences of equal length: MSE, MAE, RMSE, PCK."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.metrics.visibility import require_one_skeleton, seen_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core.sequence import PoseSequence

THRESHOLDS = (0.1, 0.2, 0.5)  # shoulder widths


def mse(hypothesis: PoseSequence, reference: PoseSequence) -> float:
    """Mean squared error of a coordinate, over all coordinates of keypoints seen in both, in squared units.

    Per coordinate, not per keypoint: `mean((h - r)**2)` as numpy means it, a D-th of the mean squared distance.

    Args:
        hypothesis, reference: (T, K, D) each, on one skeleton, in one unit.

    Returns:
        NaN where no frame shares a seen keypoint.

    Raises:
        UserError: skeletons or lengths differ.
    """
    difference = _differences(hypothesis, reference)
    return float(np.mean(difference**2)) if difference.size else math.nan


def mae(hypothesis: PoseSequence, reference: PoseSequence) -> float:
    """Mean absolute error of a coordinate, `mean(abs(h - r))`; arguments, unit and errors as of `mse`, not squared."""
    difference = _differences(hypothesis, reference)
    return float(np.mean(np.abs(difference))) if difference.size else math.nan


def rmse(hypothesis: PoseSequence, reference: PoseSequence) -> float:
    """Root of `mse`, in the sequences' unit."""
    return math.sqrt(mse(hypothesis, reference))


def pck(
    hypothesis: PoseSequence, reference: PoseSequence, thresholds: Sequence[float] = THRESHOLDS
) -> dict[float, float]:
    """Percentage of correct keypoints: the share of the reference's that the hypothesis puts close enough.

    A keypoint seen in the reference and missing in the hypothesis is a miss; one seen in the hypothesis alone does not
    count. After Yang and Ramanan 2013 (https://doi.org/10.1109/TPAMI.2012.261), with the shoulder width for a ruler.

    Args:
        hypothesis, reference: (T, K, D) each, on one skeleton, normalized (`pose_core.transforms.normalize`).
        thresholds: greatest Euclidean distances that are correct, in shoulder widths.

    Returns:
        threshold -> share in [0, 1]; NaN where nothing is seen in the reference.

    Raises:
        UserError: skeletons or lengths differ.
    """
    x, x_seen, y, y_seen = _frame_by_frame(hypothesis, reference)
    distance = np.where(x_seen, np.linalg.norm(x - y, axis=-1), np.inf)[y_seen]
    return {t: float(np.mean(distance <= t)) if distance.size else math.nan for t in thresholds}


def _differences(hypothesis: PoseSequence, reference: PoseSequence) -> np.ndarray:
    """(N, D) hypothesis less reference, of the N keypoints seen in both."""
    x, x_seen, y, y_seen = _frame_by_frame(hypothesis, reference)
    both = x_seen & y_seen
    return x[both] - y[both]


def _frame_by_frame(
    hypothesis: PoseSequence, reference: PoseSequence
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points (T, K, D) and seen (T, K) of the hypothesis, then of the reference."""
    require_one_skeleton(hypothesis, reference)
    if len(hypothesis) != len(reference):
        raise UserError(
            f"the sequences have {len(hypothesis)} and {len(reference)} frames and are compared frame by frame: "
            "`transforms.stretch` one to the other's, or use `dtw_mje`, which aligns them"
        )
    return (
        *seen_points(hypothesis.keypoints, hypothesis.confidence),
        *seen_points(reference.keypoints, reference.confidence),
    )
