"""Features of a pose: fingers relative to their own wrist, and enlarged. Needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.motion.limits import wrist_pairs

if TYPE_CHECKING:
    from pose_core import Skeleton
    from text_to_pose.config import NetworkConfig


class HandLayout:
    """Which points of a skeleton are fingers, on which wrist, and how much larger they are in features.

    In shoulder widths a hand is as large as the sway of the body, and letters differ by a few hundredths. So each point
    x of a hand whose wrist is w becomes scale (x - w); wrists and body points stay. Where z is in other units than x
    and y, it is brought to theirs.

    Args:
        skeleton: of the keypoints.
        scale: of fingers.
        hand_depth, body_depth: of z, of fingers beside `scale`, and of all other points.

    Attributes:
        wrists: for each hand with an arm the indices of the hand's wrist and of the arm's wrist.
        hands: the points of each hand but its wrist.
        root: (K,) the wrist of each finger's points; of others themselves.
        is_root: (K,) bool, False for fingers.
        scales: (K, D).
    """

    def __init__(self, skeleton: Skeleton, scale: float, hand_depth: float = 1.0, body_depth: float = 1.0) -> None:
        self.wrists = wrist_pairs(skeleton)
        self.hands: dict[str, list[int]] = {}
        self.root = np.arange(skeleton.num_keypoints)
        self.scales = np.ones((skeleton.num_keypoints, skeleton.num_dims), np.float32)
        self.scales[:, 2:] = body_depth
        for side in ("left", "right"):
            hand = skeleton.hand(side)
            if hand:
                self.hands[side] = list(hand[1:])
                self.root[hand[1:]] = hand[0]
                self.scales[hand[1:]] = scale
                self.scales[hand[1:], 2:] = scale * hand_depth
        self.is_root = self.root == np.arange(len(self.root))

    @classmethod
    def of(cls, skeleton: Skeleton, network: NetworkConfig) -> HandLayout:
        """That of a network's features."""
        return cls(skeleton, network.hand_scale, network.hand_depth, network.body_depth)

    def features(self, keypoints: np.ndarray) -> np.ndarray:
        """Keypoints (..., K, D) in shoulder widths to features (..., K, D)."""
        origin = np.where(self.is_root[:, None], np.float32(0), keypoints[..., self.root, :])
        return (keypoints - origin) * self.scales

    def keypoints(self, features: np.ndarray) -> np.ndarray:
        """Features (..., K, D) back to keypoints (..., K, D)."""
        keypoints = features / self.scales
        return keypoints + np.where(self.is_root[:, None], np.float32(0), keypoints[..., self.root, :])
