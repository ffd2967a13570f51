"""nDTW-MJE: each keypoint aligned alone, missing ones penalized (Shalev-Arkushin et al. 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_core.compiling import compiled
from pose_core.metrics.parallel import in_threads
from pose_core.metrics.visibility import comparable_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core.sequence import PoseSequence


def ndtw_mje(hypothesis: PoseSequence, reference: PoseSequence) -> float:
    """Mean over keypoints of the total cost of the best time alignment of each.

    The metric of Ham2Pose (https://arxiv.org/abs/2211.13613), whose point distance is 0 where the reference's is
    missing, half the reference point's distance from the origin where only the hypothesis' is, Euclidean else. So it
    is not symmetric: an empty hypothesis is penalized; an empty reference always scores 0. It is a total, not divided
    by the path's length: longer clips cost more. Ham2Pose looks for the paths with the approximate fastdtw; here they
    are exact, so that values may lie a little below theirs.

    Args:
        hypothesis, reference: (T, K, D) and (T', K, D) on one skeleton, normalized
            (`pose_core.transforms.normalize`): the distance from the origin only means something there.

    Returns:
        Shoulder widths.

    Raises:
        UserError: the skeletons differ, or a sequence has no frames.
    """
    return _mean_total(*comparable_points(hypothesis, reference))


def ndtw_mje_pairs(pairs: Sequence[tuple[PoseSequence, PoseSequence]]) -> np.ndarray:
    """(N,) `ndtw_mje` of N pairs of hypothesis and reference, on all cores."""
    return in_threads(ndtw_mje, pairs)


@compiled
def _mean_total(x, x_visible, y, y_visible):  # pragma: no cover - compiled
    """DTW of all keypoints side by side, each along its own path: the inner loops run over the K of them."""
    rows, K, D = x.shape
    columns = len(y)
    x, y = np.ascontiguousarray(x.transpose(0, 2, 1)), np.ascontiguousarray(y.transpose(0, 2, 1))  # (T, D, K)
    # What a distance counts for. A missing point lies at the origin: that far from the reference it is, halved.
    x_factor, y_factor = np.where(x_visible, 1.0, 0.5), np.where(y_visible, 1.0, 0.0)
    total = np.full((columns + 1, K), np.inf)  # of the row so far, and beyond it of the row before
    total[0] = 0.0
    diagonal, square = np.empty(K), np.empty(K)
    for i in range(rows):
        diagonal[:] = total[0]
        total[0] = np.inf
        for j in range(columns):
            square[:] = 0.0
            for d in range(D):
                for k in range(K):
                    square[k] += (x[i, d, k] - y[j, d, k]) ** 2
            for k in range(K):
                above, left = total[j + 1, k], total[j, k]
                best = above if above < left else left
                best = diagonal[k] if diagonal[k] < best else best
                diagonal[k] = above
                total[j + 1, k] = best + x_factor[i, k] * y_factor[j, k] * np.sqrt(square[k])
    return total[columns].mean()
