"""Training losses, term by term."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from text_to_pose.nn.prediction import Prediction


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean; 0, with a gradient of 0, where all weights are 0."""
    return (values * weights).sum() / weights.sum().clamp(min=1e-6)


def pose_losses(prediction: Prediction[Tensor], target: Tensor, confidence: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Losses of a predicted clean sequence.

    Args:
        prediction: features (B, T, K, D) and presence logits (B, T, K).
        target: (B, T, K, D) features.
        confidence: (B, T, K) in [0, 1], the weight of a keypoint; 0 = missing.
        mask: (B, T), True where a frame is real.

    Returns:
        `position`: mean absolute error. `velocity`: the same of differences between successive frames, which keeps
        motion from being smoothed away. `presence`: cross-entropy of which keypoints are visible.
    """
    weight = confidence * mask[..., None]  # (B, T, K)
    position = (prediction.features - target).abs().mean(dim=-1)
    both = weight[:, 1:] * weight[:, :-1]
    velocity = (prediction.features.diff(dim=1) - target.diff(dim=1)).abs().mean(dim=-1)
    presence = F.binary_cross_entropy_with_logits(prediction.presence, (confidence > 0).float(), reduction="none")
    return {
        "position": weighted_mean(position, weight),
        "velocity": weighted_mean(velocity, both),
        "presence": weighted_mean(presence, mask[..., None].expand_as(presence).float()),
    }


def keypoint_loss(predicted: Tensor, target: Tensor, confidence: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error of keypoints (B, T, K, D) in shoulder widths, weighted as in `pose_losses`.

    In features a wrist is one point among the fingers; here it moves all of them, as in every metric.
    """
    return weighted_mean((predicted - target).abs().mean(dim=-1), confidence * mask[..., None])


def start_loss(predicted: Tensor, target: Tensor, confidence: Tensor) -> Tensor:
    """Mean absolute error of a completed start frame (B, K, D), over the keypoints visible in the clip (B, K)."""
    return weighted_mean((predicted - target).abs().mean(dim=-1), confidence)


def length_loss(mean: Tensor, log_std: Tensor, lengths: Tensor) -> Tensor:
    """Negative log-likelihood of lengths (B,) in frames under a log-normal distribution.

    Up to a constant, -log p = (log(length) - mean)^2 / (2 std^2) + log(std). Each term is weighted by its standard
    deviation, through which no gradient flows (beta-NLL with beta = 0.5, Seitzer et al. 2022,
    https://arxiv.org/abs/2203.09168): without it, a length that is all but known has gradients that drown all others.
    """
    error = (torch.log(lengths.float()) - mean) * torch.exp(-log_std)
    return ((0.5 * error.square() + log_std) * log_std.exp().detach()).mean()
