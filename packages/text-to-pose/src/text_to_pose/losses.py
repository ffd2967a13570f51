"""What training minimizes, term by term."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from text_to_pose.nn.prediction import Prediction


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Mean of `values` where `weights` say they count; 0, with a gradient of 0, where none does."""
    return (values * weights).sum() / weights.sum().clamp(min=1e-6)


def pose_losses(prediction: Prediction, target: Tensor, confidence: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Losses of a predicted clean sequence.

    Args:
        prediction: features (B, T, K, D) and presence logits (B, T, K).
        target: (B, T, K, D) features.
        confidence: (B, T, K) in [0, 1]; a keypoint weighs as much, one missing nothing.
        mask: (B, T), True where a frame is real.

    Returns:
        `position`: mean absolute error. `velocity`: the same of differences between neighbouring frames, which keeps
        motion from being smoothed away. `presence`: cross-entropy of which keypoints are seen.
    """
    weight = confidence * mask[..., None]  # (B, T, K)
    position = (prediction.features - target).abs().mean(dim=-1)
    steps = weight[:, 1:] * weight[:, :-1]
    velocity = (prediction.features.diff(dim=1) - target.diff(dim=1)).abs().mean(dim=-1)
    presence = F.binary_cross_entropy_with_logits(prediction.presence, (confidence > 0).float(), reduction="none")
    return {
        "position": weighted_mean(position, weight),
        "velocity": weighted_mean(velocity, steps),
        "presence": weighted_mean(presence, mask[..., None].expand_as(presence).float()),
    }


def place_loss(made: Tensor, target: Tensor, confidence: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error of keypoints (B, T, K, D) in shoulder widths, weighted as in `pose_losses`.

    In features a wrist is one point among the fingers; here it moves all of them, as in every metric.
    """
    return weighted_mean((made - target).abs().mean(dim=-1), confidence * mask[..., None])


def start_loss(filled: Tensor, target: Tensor, confidence: Tensor) -> Tensor:
    """Mean absolute error of a filled-in start frame (B, K, D), over the keypoints known to have been seen (B, K)."""
    return weighted_mean((filled - target).abs().mean(dim=-1), confidence)


def length_loss(mean: Tensor, log_std: Tensor, lengths: Tensor) -> Tensor:
    """Negative log-likelihood of lengths (B,) in frames under a normal distribution of their logarithm.

    Each length weighs as much as its standard deviation (beta-NLL, Seitzer et al. 2022,
    https://arxiv.org/abs/2203.09168): without it, a length that is all but known has gradients that drown all others.
    """
    error = (torch.log(lengths.float()) - mean) * torch.exp(-log_std)
    return ((0.5 * error.square() + log_std) * log_std.exp().detach()).mean()
