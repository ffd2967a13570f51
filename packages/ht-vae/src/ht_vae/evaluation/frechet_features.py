"""Model-free features for the Fréchet distance: positions and motion of keypoints over windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pose_core import PoseSequence

WINDOW = 32  # frames per row of features
FEATURES = f"mean position of every keypoint and mean length of its displacement, over windows of {WINDOW} frames"


def window_features(sequence: PoseSequence) -> np.ndarray:
    """Mean position of every keypoint and mean length of its displacement between frames, over windows of 32 frames.

    They depend on no model, so models can be compared. Fingers are relative to their hand's wrist, so that handshape
    counts; a keypoint not visible in a window is at 0 and rests.

    Args:
        sequence: (T, K, D) in shoulder widths.

    Returns:
        (max(1, T // 32), K * (D + 1)), in shoulder widths.
    """
    visible = sequence.visible
    keypoints = np.where(visible[..., None], sequence.keypoints, 0).astype(np.float64)
    for side in ("left", "right"):
        hand = sequence.skeleton.hand(side)
        if hand:
            fingers = hand[1:]
            both = visible[:, fingers] & visible[:, hand[:1]]
            keypoints[:, fingers] = np.where(both[..., None], keypoints[:, fingers] - keypoints[:, hand[:1]], 0)
            visible = visible.copy()
            visible[:, fingers] = both
    steps = np.linalg.norm(np.diff(keypoints, axis=0), axis=-1)  # (T - 1, K)
    step_visible = visible[1:] & visible[:-1]
    rows = []
    for start in range(0, max(1, len(sequence) // WINDOW) * WINDOW, WINDOW):
        frames, pairs = slice(start, start + WINDOW), slice(start, start + WINDOW - 1)
        position = _mean(keypoints[frames], visible[frames][..., None])  # (K, D)
        rows.append(np.concatenate([position.ravel(), _mean(steps[pairs], step_visible[pairs])]))
    return np.stack(rows)


def _mean(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Mean over the frames of values (T, ...), 0 where there are none."""
    return (values * where).sum(axis=0) / where.sum(axis=0).clip(min=1)
