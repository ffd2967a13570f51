"""What encoders are trained by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from pose_core.data import PoseBatch

SPAN = 5  # frames hidden together; single ones could be read off their neighbours


def hide_frames(pose: PoseBatch, share: float) -> tuple[PoseBatch, Tensor]:
    """Hides spans of frames: their keypoints are missing.

    Args:
        pose: (B, T, K, D).
        share: of the frames, about.

    Returns:
        The poses, and (B, T) True where a real frame is hidden.
    """
    B, T = pose.mask.shape
    spans = torch.rand(B, -(-T // SPAN), device=pose.mask.device) < share
    hidden = spans.repeat_interleave(SPAN, dim=1)[:, :T] & pose.mask
    confidence = pose.confidence * ~hidden[:, :, None]
    keypoints = pose.keypoints.masked_fill((confidence == 0)[..., None], 0.0)
    return replace(pose, keypoints=keypoints, confidence=confidence), hidden


def hidden_frame_loss(prediction: Tensor, pose: PoseBatch, hidden: Tensor) -> Tensor:
    """Mean distance of predicted keypoints (B, T, K, D) from those seen in hidden frames, in shoulder widths."""
    counts = hidden[:, :, None] & (pose.confidence > 0)  # (B, T, K)
    difference = torch.where(counts[..., None], prediction - pose.keypoints, torch.zeros_like(prediction))
    distance = torch.where(counts, difference.square().sum(dim=-1).clamp(min=1e-12).sqrt(), 0.0)
    return distance.sum() / counts.sum().clamp(min=1)
