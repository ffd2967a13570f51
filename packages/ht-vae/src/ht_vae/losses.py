"""Training losses of the VAE."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from ht_vae.config import LossConfig
    from ht_vae.model import Reconstruction
    from ht_vae.nn.latent import Posterior
    from pose_core import Skeleton

RISE = 0.5  # share of a cycle in which the KL weight rises
STEEPNESS = 12.0  # of the sigmoid: 0.25 % of the weight at the first step, 99.75 % at the last


class LossManager:
    """The weights of the loss components at a step.

    The KL term is annealed, so that latents are used before they cost: linearly or on a sigmoid (Bowman et al. 2015,
    https://arxiv.org/abs/1511.06349), or cyclically (Fu et al. 2019, https://arxiv.org/abs/1903.10145).

    Args:
        config: see `LossConfig`.
    """

    def __init__(self, config: LossConfig) -> None:
        self.config = config

    def weights(self, step: int) -> dict[str, float]:
        """Each component's weight at a step, counted from 0."""
        config = self.config
        return {
            "reconstruction": config.reconstruction_weight,
            "kl": config.kl_weight * self.annealing(step),
            "velocity": config.velocity_weight,
            "bone": config.bone_weight,
            "presence": config.presence_weight,
        }

    def annealing(self, step: int) -> float:
        """The factor on the KL weight at a step, in [0, 1]."""
        progress = step / self.config.kl_steps
        match self.config.kl_schedule:
            case "linear":
                return min(1.0, progress)
            case "sigmoid":
                return 1 / (1 + math.exp(-STEEPNESS * (min(1.0, progress) - 0.5)))
            case "cyclical":
                return min(1.0, progress % 1 / RISE)
            case _:
                return 1.0


class VAELoss(nn.Module):
    """The components of the loss. A keypoint that is missing or in padding counts in none but `presence`.

    Errors are Huber losses: squared up to a shoulder width and linear beyond, so that outliers do not dominate.

    Args:
        skeleton: of the keypoints.
        manager: gives the weights.
    """

    limbs: Tensor
    importance: Tensor

    def __init__(self, skeleton: Skeleton, manager: LossManager) -> None:
        super().__init__()
        self.manager = manager
        self.register_buffer("limbs", torch.from_numpy(skeleton.limbs), persistent=False)  # (E, 2)
        importance = torch.ones(skeleton.num_keypoints)
        importance[skeleton.face()] = manager.config.face_weight
        self.register_buffer("importance", importance, persistent=False)  # (K,)

    def forward(
        self, reconstruction: Reconstruction, keypoints: Tensor, confidence: Tensor, mask: Tensor, step: int
    ) -> dict[str, tuple[float, Tensor]]:
        """Each component's weight and value.

        Args:
            reconstruction: the model's, of the same batch.
            keypoints: (B, T, K, D) in shoulder widths.
            confidence: (B, T, K), a keypoint's weight, at most 1.
            mask: (B, T), True where a frame is real.
            step: of training, for the KL weight.
        """
        poses = reconstruction.poses
        weight = confidence.clamp(0, 1) * mask[..., None]
        target = torch.where(weight[..., None] > 0, keypoints, 0)
        error = torch.where(weight[..., None] > 0, poses.keypoints - target, 0)
        both = weight[:, 1:] * weight[:, :-1]
        a, b = self.limbs.unbind(dim=1)
        bones = bone_lengths(poses.keypoints, self.limbs) - bone_lengths(target, self.limbs)
        visible = (confidence > 0).to(poses.logits.dtype)
        presence = F.binary_cross_entropy_with_logits(poses.logits, visible, reduction="none")
        values = {
            "reconstruction": weighted_mean(huber(error).sum(dim=-1), weight * self.importance),
            "kl": self.kl(reconstruction.posterior, mask),
            "velocity": weighted_mean(huber(error.diff(dim=1)).sum(dim=-1), both * self.importance),
            "bone": weighted_mean(huber(bones), weight[..., a] * weight[..., b]),
            "presence": weighted_mean(presence, mask[..., None].expand_as(presence).to(presence.dtype)),
        }
        weights = self.manager.weights(step)
        return {name: (weights[name], value) for name, value in values.items()}

    def kl(self, posterior: Posterior, mask: Tensor) -> Tensor:
        """KL divergence of the posterior from the standard normal prior, in nats per frame, with free bits.

        Free bits (Kingma et al. 2016, https://arxiv.org/abs/1606.04934) are per latent dimension, over the batch.
        """
        free = self.manager.config.free_bits
        nats = len(mask) * posterior.whole.kl_divergence().mean(dim=0).clamp(min=free).sum()
        if posterior.chunks is not None:
            real = posterior.chunk_mask
            mean = weighted_mean(posterior.chunks.kl_divergence(), real[..., None].to(nats.dtype), dims=(0, 1))
            nats = nats + real.sum() * mean.clamp(min=free).sum()
        return nats / mask.sum().clamp(min=1)


def total(components: dict[str, tuple[float, Tensor]]) -> Tensor:
    """The weighted sum of the components, ()."""
    return torch.stack([weight * value for weight, value in components.values()]).sum()


def bone_lengths(keypoints: Tensor, limbs: Tensor) -> Tensor:
    """Lengths (B, T, E) of the limbs (E, 2) of keypoints (B, T, K, D)."""
    bones = keypoints[..., limbs[:, 0], :] - keypoints[..., limbs[:, 1], :]
    return (bones.square().sum(dim=-1) + 1e-8).sqrt()  # its gradient is finite where both ends coincide


def huber(error: Tensor) -> Tensor:
    """Half the square up to 1, linear beyond."""
    return F.huber_loss(error, torch.zeros_like(error), reduction="none")


def weighted_mean(values: Tensor, weights: Tensor, dims: tuple[int, ...] = ()) -> Tensor:
    """Weighted mean of the values over `dims`, or over all; 0 where the weights sum to 0."""
    weighted, weight = (values * weights).sum(dim=dims or None), weights.sum(dim=dims or None)
    return weighted / weight.clamp(min=1e-6)
