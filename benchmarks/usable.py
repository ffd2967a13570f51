"""What a script that reads poses by hand still has to do before it can use them, for the scripts of `sample_files.py`.

`pose_core.read` gives keypoints and confidence; numbers as a library returns them, with NaN or zeros where nothing was
found, in float64, or in one array with their scores, are not that yet. So each script ends with this.
"""

import numpy as np


def usable(points: np.ndarray, scores: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(T, K, D) finite float32 of any numbers, and the (T, K) mask of the keypoints that are there."""
    there = np.isfinite(points).all(axis=-1) & (points != 0).any(axis=-1)
    if scores is not None:
        there &= scores > 0
    return np.where(there[..., None], points, 0).astype(np.float32), there
