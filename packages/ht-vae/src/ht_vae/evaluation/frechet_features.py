"""What sequences are compared by as a whole, real ones with samples: places and motion, whatever model made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_core.transforms.arrays import seen

if TYPE_CHECKING:
    from pose_core import PoseSequence

WINDOW = 32  # frames of which each row of features is
FEATURES = f"mean place of every keypoint and mean length of its step, over windows of {WINDOW} frames"


def window_features(sequence: PoseSequence) -> np.ndarray:
    """Mean place of every keypoint and mean length of its step, over windows of 32 frames, in shoulder widths.

    No model is asked, so that models can be compared. Places are relative to a hand's wrist in a hand, so that its
    shape counts; a keypoint that a window does not show is at 0 and rests.

    Args:
        sequence: (T, K, D) in shoulder widths.

    Returns:
        (max(1, T // 32), K * (D + 1)).
    """
    there = seen(sequence)
    keypoints = np.where(there[..., None], sequence.keypoints, 0).astype(np.float64)
    for side in ("left", "right"):
        hand = sequence.skeleton.hand(side)
        if hand:
            fingers = hand[1:]
            shown = (there[:, fingers] & there[:, hand[:1]])[..., None]
            keypoints[:, fingers] = np.where(shown, keypoints[:, fingers] - keypoints[:, hand[:1]], 0)
            there = there.copy()
            there[:, fingers] = shown[..., 0]
    steps = np.linalg.norm(np.diff(keypoints, axis=0), axis=-1)  # (T - 1, K)
    both = there[1:] & there[:-1]
    rows = []
    for start in range(0, max(1, len(sequence) // WINDOW) * WINDOW, WINDOW):
        frames, pairs = slice(start, start + WINDOW), slice(start, start + WINDOW - 1)
        place = _mean(keypoints[frames], there[frames][..., None])  # (K, D)
        rows.append(np.concatenate([place.ravel(), _mean(steps[pairs], both[pairs])]))
    return np.stack(rows)


def _mean(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Mean over the frames of values (T, ...), 0 where there are none."""
    return (values * where).sum(axis=0) / where.sum(axis=0).clip(min=1)
