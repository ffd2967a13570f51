"""The loss of masked pose modelling: predicting the keypoints of frames that are hidden from the encoder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from pose_core.batch import PoseBatch

HIDDEN_SHARE = 0.4  # of the frames, in training and evaluation
SPAN = 5  # consecutive frames hidden together; single ones could be interpolated from their neighbours


def hide_frames(pose: PoseBatch, share: float) -> tuple[PoseBatch, Tensor]:
    """Hides random spans of `SPAN` frames: their keypoints become invisible.

    Args:
        pose: (B, T, K, D).
        share: expected share of the frames that are hidden.

    Returns:
        The poses (B, T, K, D), and (B, T) bool, True where a real frame is hidden.
    """
    B, T = pose.mask.shape
    spans = torch.rand(B, -(-T // SPAN), device=pose.mask.device) < share
    hidden = spans.repeat_interleave(SPAN, dim=1)[:, :T] & pose.mask
    confidence = pose.confidence * ~hidden[:, :, None]
    keypoints = pose.keypoints.masked_fill((confidence == 0)[..., None], 0.0)
    return replace(pose, keypoints=keypoints, confidence=confidence), hidden


def hidden_frame_loss(prediction: Tensor, pose: PoseBatch, hidden: Tensor) -> Tensor:
    """Mean Euclidean distance of predicted keypoints (B, T, K, D) to the visible ones of hidden frames, ().

    In shoulder widths; 0 where no keypoint of a hidden frame is visible.

    Args:
        prediction: (B, T, K, D).
        pose: the poses before frames were hidden.
        hidden: (B, T) bool, see `hide_frames`.
    """
    distance, counts = hidden_frame_distance(prediction, pose, hidden)
    return distance.sum() / counts.sum().clamp(min=1)


def hidden_frame_distance(prediction: Tensor, pose: PoseBatch, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Euclidean distance per keypoint, (B, T, K), and which ones count, (B, T, K) bool; 0 where one does not."""
    counts = hidden[:, :, None] & pose.visible
    difference = torch.where(counts[..., None], prediction - pose.keypoints, torch.zeros_like(prediction))
    # The square root's gradient at 0 is infinite.
    return torch.where(counts, difference.square().sum(dim=-1).clamp(min=1e-12).sqrt(), 0.0), counts
