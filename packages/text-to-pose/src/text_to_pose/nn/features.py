"""Features of a pose: fingers relative to their own wrist, and enlarged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from text_to_pose.motion.limits import wrist_pairs

if TYPE_CHECKING:
    from pose_core import Skeleton


class HandFeatures(nn.Module):
    """Shoulder-normalized keypoints to features of the same shape, and back.

    In shoulder widths a hand is as large as the sway of the body, and letters differ by a few hundredths. So each point
    x of a hand whose wrist is w becomes scale (x - w); wrists and body points stay. Where z is in other units than x
    and y, it is brought to theirs.

    Args:
        skeleton: of the keypoints.
        scale: of fingers.
        hand_depth, body_depth: of z, of fingers beside `scale`, and of all other points.
    """

    root: Tensor
    is_root: Tensor
    scales: Tensor

    def __init__(self, skeleton: Skeleton, scale: float, hand_depth: float = 1.0, body_depth: float = 1.0) -> None:
        super().__init__()
        self.wrists = wrist_pairs(skeleton)
        self.hands: dict[str, list[int]] = {}  # the points of each hand but its wrist
        root = torch.arange(skeleton.num_keypoints)
        scales = torch.ones(skeleton.num_keypoints, skeleton.num_dims)
        scales[:, 2:] = body_depth
        for side in ("left", "right"):
            hand = skeleton.hand(side)
            if hand:
                self.hands[side] = list(hand[1:])
                root[hand[1:]] = hand[0]
                scales[hand[1:]] = scale
                scales[hand[1:], 2:] = scale * hand_depth
        self.register_buffer("root", root, persistent=False)
        self.register_buffer("is_root", root == torch.arange(len(root)), persistent=False)
        self.register_buffer("scales", scales, persistent=False)

    def forward(self, keypoints: Tensor) -> Tensor:
        """Keypoints (..., K, D) in shoulder widths to features (..., K, D)."""
        origin = keypoints[..., self.root, :].masked_fill(self.is_root[:, None], 0.0)
        return (keypoints - origin) * self.scales

    def confidence(self, confidence: Tensor) -> Tensor:
        """Confidence (..., K) of the features: a finger whose wrist is missing has none."""
        return confidence * (confidence[..., self.root] > 0)

    def inverse(self, features: Tensor) -> Tensor:
        """Features (..., K, D) back to keypoints (..., K, D)."""
        keypoints = features / self.scales
        origin = keypoints[..., self.root, :].masked_fill(self.is_root[:, None], 0.0)
        return keypoints + origin
