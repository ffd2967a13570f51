"""Visible keypoints of sequences that are compared, and whether they can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_core.compiling import compiled
from pose_core.errors import UserError

if TYPE_CHECKING:
    from pose_core.batch import PoseBatch
    from pose_core.sequence import PoseSequence


def visible_points(keypoints: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints with missing ones set to 0, and the visibility mask.

    Args:
        keypoints: (T, K, D), any unit.
        confidence: (T, K).

    Returns:
        (T, K, D) float64, and (T, K) bool: True where confidence is above 0 and every coordinate is finite.
    """
    return _visible_points(np.ascontiguousarray(keypoints, np.float64), np.ascontiguousarray(confidence, np.float64))


@compiled
def _visible_points(keypoints, confidence):  # pragma: no cover - compiled
    """Compiled: in numpy this takes as long as the alignment of short clips, and holds the GIL."""
    T, K, D = keypoints.shape
    points, visible = np.zeros((T, K, D)), np.zeros((T, K), np.bool_)
    for t in range(T):
        for k in range(K):
            finite = confidence[t, k] > 0
            for d in range(D):
                finite &= np.isfinite(keypoints[t, k, d])
            visible[t, k] = finite
            if finite:
                points[t, k] = keypoints[t, k]
    return points, visible


def require_one_skeleton(*poses: PoseSequence | PoseBatch) -> None:
    """Raises UserError unless all poses are on one skeleton."""
    if any(p.skeleton is not poses[0].skeleton and p.skeleton != poses[0].skeleton for p in poses[1:]):
        raise UserError("metrics compare poses on one skeleton; put one of them on the other's with `on_skeleton`")


def comparable_points(
    hypothesis: PoseSequence, reference: PoseSequence
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """`visible_points` of the hypothesis, then of the reference.

    Raises:
        UserError: the skeletons differ, or a sequence has no frames.
    """
    require_one_skeleton(hypothesis, reference)
    if not len(hypothesis) or not len(reference):
        raise UserError("a sequence without frames cannot be compared")
    return (
        *visible_points(hypothesis.keypoints, hypothesis.confidence),
        *visible_points(reference.keypoints, reference.confidence),
    )
