"""Anatomical limits: sizes of hands, and speeds of keypoints in real clips. Needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pose_core import Skeleton

# Shoulder widths from the wrist to the farthest fingertip and knuckle: 99 % of hands in the fingerspelling clips are
# shorter (0.69, 0.39). Hands near a phone's camera look larger (0.95, 0.51) and are not what the model signs.
MAX_HAND_LENGTH, MAX_PALM_LENGTH = 0.7, 0.4
KNUCKLES = [5, 9, 13, 17]  # of a hand's 21 points, where index, middle, ring and little finger begin


def wrist_pairs(skeleton: Skeleton) -> list[tuple[int, int]]:
    """For each hand with an arm the indices of the hand's wrist and of the arm's wrist."""
    pairs = [(skeleton.hand(side), skeleton.wrist(side)) for side in ("left", "right")]
    return [(hand[0], wrist) for hand, wrist in pairs if hand and wrist is not None]


def limit_hands(keypoints: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Keypoints (T, K, D) in shoulder widths whose hands are within anatomical limits, each scaled about its wrist."""
    limited = keypoints.copy()
    for side in ("left", "right"):
        hand = skeleton.hand(side)
        if hand:
            points = keypoints[:, hand] - keypoints[:, hand[:1]]  # (T, 21, D), relative to the wrist
            reach = np.linalg.norm(points[..., :2], axis=-1).clip(1e-9)  # (T, 21)
            length, palm = reach.max(axis=1), reach[:, KNUCKLES].max(axis=1)
            scale = np.minimum(1.0, np.minimum(MAX_HAND_LENGTH / length, MAX_PALM_LENGTH / palm))
            limited[:, hand] = keypoints[:, hand[:1]] + points * scale[:, None, None]
    return limited


def limit_motion(keypoints: np.ndarray, max_step: float, skeleton: Skeleton) -> np.ndarray:
    """Keypoints (T, K, D) that follow the given ones, but move at most `max_step` from one frame to the next.

    Where x is farther than that from the frame before, y, it becomes y + max_step (x - y) / |x - y|. The points of a
    hand and the arm's wrist are slowed down together, by the fastest one: the hand keeps its shape.
    """
    hands = [
        [*hand, *([] if (wrist := skeleton.wrist(side)) is None else [wrist])]
        for side in ("left", "right")
        if (hand := skeleton.hand(side))
    ]
    followed = keypoints.copy()
    for t in range(1, len(keypoints)):
        displacement = keypoints[t] - followed[t - 1]
        distance = np.linalg.norm(displacement, axis=-1)  # (K,)
        for hand in hands:
            distance[hand] = distance[hand].max()
        followed[t] = followed[t - 1] + displacement * np.minimum(1.0, max_step / np.maximum(distance, 1e-9))[:, None]
    return followed
