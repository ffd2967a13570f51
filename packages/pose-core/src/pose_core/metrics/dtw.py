"""DTW-MJE: mean joint error along the best time alignment (Huang et al. 2021, https://arxiv.org/abs/2108.12600)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from pose_core.errors import UserError

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence


def dtw_mje(hypothesis: PoseSequence, reference: PoseSequence) -> float:
    """Mean distance of corresponding keypoints along the dynamic time warping path.

    Args:
        hypothesis, reference: (T, K, D) and (T', K, D) on one skeleton, in one unit (shoulder widths once normalized).

    Returns:
        The mean over the path's frame pairs of the mean over keypoints seen in both. NaN where no frame pair shares a
        seen keypoint.

    Raises:
        UserError: the skeletons differ.
    """
    if hypothesis.skeleton != reference.skeleton:
        raise UserError("DTW-MJE compares poses on one skeleton; put one of them on the other's with `on_skeleton`")
    return dtw(frame_distances(hypothesis.keypoints, hypothesis.confidence, reference.keypoints, reference.confidence))


def frame_distances(x: np.ndarray, x_confidence: np.ndarray, y: np.ndarray, y_confidence: np.ndarray) -> np.ndarray:
    """Distances between all frames of two sequences.

    Args:
        x, x_confidence: (T, K, D) and (T, K).
        y, y_confidence: (T', K, D) and (T', K).

    Returns:
        (T, T'): mean Euclidean distance over the keypoints seen in both frames; a pair that shares none costs as much
        as the worst pair that does, NaN where there is none.
    """
    mean = _mean_distances(*(np.ascontiguousarray(a, np.float64) for a in (x, x_confidence, y, y_confidence)))
    if np.isnan(mean).any() and not np.isnan(mean).all():
        mean[np.isnan(mean)] = np.nanmax(mean)
    return mean


@numba.njit(cache=True)
def _mean_distances(x, x_confidence, y, y_confidence):  # pragma: no cover - compiled
    """(T, T') means over the keypoints seen in both frames, NaN where there are none; no (T, T', K, D) in memory."""
    frames_x, K, D = x.shape
    frames_y = y.shape[0]
    mean = np.empty((frames_x, frames_y))
    for i in range(frames_x):
        for j in range(frames_y):
            total, shared = 0.0, 0
            for k in range(K):
                if x_confidence[i, k] > 0 and y_confidence[j, k] > 0:
                    square = 0.0
                    for d in range(D):
                        square += (x[i, k, d] - y[j, k, d]) ** 2
                    total += np.sqrt(square)
                    shared += 1
            mean[i, j] = total / shared if shared else np.nan
    return mean


def dtw(cost: np.ndarray) -> float:
    """Mean cost along the cheapest monotone path from the first to the last cell of `cost` (T, T')."""
    if not cost.size:
        raise UserError("a sequence without frames cannot be compared")
    total, steps = _accumulate(np.ascontiguousarray(cost, np.float64))
    return total / steps


@numba.njit(cache=True)
def _accumulate(cost: np.ndarray) -> tuple[float, int]:  # pragma: no cover - compiled
    """Total cost and number of cells of the cheapest path; on a tie the diagonal wins, then the row before."""
    rows, columns = cost.shape
    total = np.full(columns + 1, np.inf)
    steps = np.zeros(columns + 1, np.int64)
    total[0] = 0.0
    for i in range(rows):
        diagonal, diagonal_steps = total[0], steps[0]
        total[0] = np.inf
        for j in range(1, columns + 1):
            above, above_steps = total[j], steps[j]
            best, best_steps = diagonal, diagonal_steps
            if above < best:
                best, best_steps = above, above_steps
            if total[j - 1] < best:
                best, best_steps = total[j - 1], steps[j - 1]
            diagonal, diagonal_steps = above, above_steps
            total[j] = best + cost[i, j - 1]
            steps[j] = best_steps + 1
    return total[columns], steps[columns]
