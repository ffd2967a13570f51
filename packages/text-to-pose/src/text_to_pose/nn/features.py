"""Features of a pose as a module: its tensors move to the network's device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from text_to_pose.motion.hand_layout import HandLayout

if TYPE_CHECKING:
    from pose_core import Skeleton


class HandFeatures(nn.Module):
    """Shoulder-normalized keypoints to features of the same shape, and back, as `HandLayout` does in numpy.

    Args:
        skeleton, scale, hand_depth, body_depth: see `HandLayout`.
    """

    root: Tensor
    is_root: Tensor
    scales: Tensor

    def __init__(self, skeleton: Skeleton, scale: float, hand_depth: float = 1.0, body_depth: float = 1.0) -> None:
        super().__init__()
        layout = HandLayout(skeleton, scale, hand_depth, body_depth)
        self.hands = layout.hands  # the points of each hand but its wrist
        self.register_buffer("root", torch.from_numpy(layout.root), persistent=False)
        self.register_buffer("is_root", torch.from_numpy(layout.is_root), persistent=False)
        self.register_buffer("scales", torch.from_numpy(layout.scales), persistent=False)

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
