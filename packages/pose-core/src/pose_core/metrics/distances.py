"""Frame-by-frame errors of two sequences of equal length: MSE, MAE, RMSE, PCK."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.metrics.visibility import require_one_skeleton, visible_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core.sequence import PoseSequence

PCK_THRESHOLDS = (0.1, 0.2, 0.5)  # shoulder widths


def mse(hypothesis: PoseSequence, reference: PoseSequence) -> float:
    """Mean squared error per coordinate, over keypoints visible in both, in squared units.

    Per coordinate, not per keypoint: `mean((h - r)**2)`, 1/D of the mean squared distance.

    Args:
        hypothesis, reference: (T, K, D) each, on one skeleton, in one unit.

    Returns:
        NaN where no frame shares a visible keypoint.

    Raises:
        UserError: skeletons or lengths differ.
    """
    difference = _differences(hypothesis, reference)
    return float(np.mean(difference**2)) if difference.size else math.nan


def mae(hypothesis: PoseSequence, reference: PoseSequence) -> float:
    """Mean absolute error per coordinate, `mean(abs(h - r))`; arguments and errors as of `mse`, unit not squared."""
    difference = _differences(hypothesis, reference)
    return float(np.mean(np.abs(difference))) if difference.size else math.nan


def rmse(hypothesis: PoseSequence, reference: PoseSequence) -> float:
    """Root mean squared error per coordinate: the root of `mse`, in the sequences' unit."""
    return math.sqrt(mse(hypothesis, reference))


def pck(
    hypothesis: PoseSequence, reference: PoseSequence, thresholds: Sequence[float] = PCK_THRESHOLDS
) -> dict[float, float]:
    """Percentage of correct keypoints (PCK): the share of the reference's keypoints within a distance threshold.

    A keypoint missing in the hypothesis is a miss; one visible in the hypothesis alone does not count. After Yang and
    Ramanan 2013 (https://doi.org/10.1109/TPAMI.2012.261), with the shoulder width as the unit.

    Args:
        hypothesis, reference: (T, K, D) each, on one skeleton, normalized (`pose_core.transforms.normalize`).
        thresholds: largest Euclidean distances that count as correct, in shoulder widths.

    Returns:
        threshold -> share in [0, 1]; NaN where nothing is visible in the reference.

    Raises:
        UserError: skeletons or lengths differ.
    """
    x, x_visible, y, y_visible = _frame_by_frame(hypothesis, reference)
    distance = np.where(x_visible, np.linalg.norm(x - y, axis=-1), np.inf)[y_visible]
    return {t: float(np.mean(distance <= t)) if distance.size else math.nan for t in thresholds}


def _differences(hypothesis: PoseSequence, reference: PoseSequence) -> np.ndarray:
    """(N, D) hypothesis minus reference, of the N keypoints visible in both."""
    x, x_visible, y, y_visible = _frame_by_frame(hypothesis, reference)
    both = x_visible & y_visible
    return x[both] - y[both]


def _frame_by_frame(
    hypothesis: PoseSequence, reference: PoseSequence
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Keypoints (T, K, D) and visible (T, K) of the hypothesis, then of the reference."""
    require_one_skeleton(hypothesis, reference)
    if len(hypothesis) != len(reference):
        raise UserError(
            f"the sequences have {len(hypothesis)} and {len(reference)} frames and are compared frame by frame: "
            "`transforms.stretch` one to the other's, or use `dtw_mje`, which aligns them"
        )
    return (
        *visible_points(hypothesis.keypoints, hypothesis.confidence),
        *visible_points(reference.keypoints, reference.confidence),
    )
