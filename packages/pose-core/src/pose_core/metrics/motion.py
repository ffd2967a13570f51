"""How a sequence moves: too little is a still picture, too much is jitter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence


def acceleration(sequence: PoseSequence) -> float:
    """Mean length of the second difference of keypoints, in the sequence's unit a frame squared.

    Only keypoints seen in three frames in a row count; NaN where there are none.
    """
    x, seen = sequence.keypoints.astype(np.float64), sequence.confidence > 0
    if len(sequence) < 3:
        return float("nan")
    length = np.linalg.norm(x[2:] - 2 * x[1:-1] + x[:-2], axis=-1)  # (T - 2, K)
    steady = seen[2:] & seen[1:-1] & seen[:-2]
    return float(length[steady].mean()) if steady.any() else float("nan")
