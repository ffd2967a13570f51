"""DTW-MJE: mean joint error along the best time alignment (Huang et al. 2021, https://arxiv.org/abs/2108.12600)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_core.compiling import compiled
from pose_core.errors import UserError
from pose_core.metrics.parallel import in_threads
from pose_core.metrics.visibility import comparable_points, visible_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core.sequence import PoseSequence


def dtw_mje(hypothesis: PoseSequence, reference: PoseSequence) -> float:
    """DTW mean joint error: mean keypoint distance along one dynamic time warping path for the whole pose.

    A keypoint missing in either frame of a pair is left out of that pair's mean. A pair of frames that share none costs
    as much as the worst pair that does. (`ndtw_mje` penalizes missing keypoints.)
    Symmetric: exchanging the sequences changes nothing.

    Args:
        hypothesis, reference: (T, K, D) and (T', K, D) on one skeleton, in one unit (shoulder widths once normalized).

    Returns:
        The mean over the path's frame pairs of the mean over keypoints visible in both; NaN where no pair of frames
        shares one.

    Raises:
        UserError: the skeletons differ, or a sequence has no frames.
    """
    return _mean_joint_error(*comparable_points(hypothesis, reference))


def dtw_mje_pairs(pairs: Sequence[tuple[PoseSequence, PoseSequence]]) -> np.ndarray:
    """(N,) `dtw_mje` of N pairs, on all cores."""
    return in_threads(dtw_mje, pairs)


def pairwise_dtw_mje(hypotheses: Sequence[PoseSequence], references: Sequence[PoseSequence]) -> np.ndarray:
    """(N, M) `dtw_mje` of each of N hypotheses and each of M references, on all cores."""
    pairs = [(x, y) for x in hypotheses for y in references]
    return dtw_mje_pairs(pairs).reshape(len(hypotheses), len(references))


def frame_distances(x: np.ndarray, x_confidence: np.ndarray, y: np.ndarray, y_confidence: np.ndarray) -> np.ndarray:
    """Distances between all frames of two sequences.

    Args:
        x, x_confidence: (T, K, D) and (T, K).
        y, y_confidence: (T', K, D) and (T', K).

    Returns:
        (T, T'): mean Euclidean distance over the keypoints visible in both frames; a pair that shares none costs as
        much as the worst pair that does, NaN where there is none.
    """
    return _frame_distances(*visible_points(x, x_confidence), *visible_points(y, y_confidence))


def dtw(cost: np.ndarray) -> float:
    """Mean cost along the cheapest monotone path from the first to the last cell of `cost` (T, T').

    Of paths that cost the same the shortest one counts, so that `dtw(cost) == dtw(cost.T)` to the last bit.
    """
    if not cost.size:
        raise UserError("a sequence without frames cannot be compared")
    return _mean_along_path(np.ascontiguousarray(cost, np.float64))


@compiled
def _frame_distances(x, x_visible, y, y_visible):  # pragma: no cover - compiled
    """(T, T'): as `frame_distances`, of points with the missing ones at 0 and of which were visible."""
    T, K, D = x.shape
    frames = len(y)
    # the reference's frames side by side, for the inner loops to run over: (K, D, T') and (K, T')
    y, y_visible = np.ascontiguousarray(y.transpose(1, 2, 0)), np.ascontiguousarray(y_visible.T).astype(np.float64)
    mean = np.zeros((T, frames))
    square, shared = np.empty(frames), np.empty(frames)
    worst = np.nan
    for i in range(T):
        shared[:] = 0.0
        for k in range(K):
            if not x_visible[i, k]:
                continue
            square[:] = 0.0
            for d in range(D):
                for j in range(frames):
                    square[j] += (x[i, k, d] - y[k, d, j]) ** 2
            for j in range(frames):
                mean[i, j] += y_visible[k, j] * np.sqrt(square[j])
                shared[j] += y_visible[k, j]
        for j in range(frames):
            if shared[j] > 0:
                mean[i, j] /= shared[j]
                if not mean[i, j] <= worst:  # true of a first one, too
                    worst = mean[i, j]
            else:
                mean[i, j] = np.nan
    for i in range(T):
        for j in range(frames):
            if np.isnan(mean[i, j]):
                mean[i, j] = worst
    return mean


@compiled
def _mean_along_path(cost):  # pragma: no cover - compiled
    """Total cost of the cheapest path by its number of cells, the fewest on a tie."""
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
            if above < best or (above == best and above_steps < best_steps):
                best, best_steps = above, above_steps
            if total[j - 1] < best or (total[j - 1] == best and steps[j - 1] < best_steps):
                best, best_steps = total[j - 1], steps[j - 1]
            diagonal, diagonal_steps = above, above_steps
            total[j] = best + cost[i, j - 1]
            steps[j] = best_steps + 1
    return total[columns] / steps[columns]


def _mean_joint_error(x: np.ndarray, x_visible: np.ndarray, y: np.ndarray, y_visible: np.ndarray) -> float:
    """DTW-MJE of points (T, K, D) and (T', K, D) with the missing ones at 0, and of which were visible."""
    return _mean_along_path(_frame_distances(x, x_visible, y, y_visible))
