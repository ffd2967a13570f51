"""What training minimizes, component by component."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from ht_vae.config import LossConfig
    from ht_vae.model import Reconstruction
    from ht_vae.nn.latent import Gaussian, Posterior
    from pose_core import Skeleton

RISE = 0.5  # share of a cycle in which the KL term's weight rises
STEEPNESS = 12.0  # of the sigmoid: 0.25 % of the weight at the first step, 99.75 % at the last


class LossManager:
    """The weights of the loss's components at a step.

    The KL term's is brought in by degrees, so that latents are used before they cost: linearly or on a sigmoid (Bowman
    et al. 2015, https://arxiv.org/abs/1511.06349), or again and again (Fu et al. 2019,
    https://arxiv.org/abs/1903.10145).

    Args:
        config: see `LossConfig`.
    """

    def __init__(self, config: LossConfig) -> None:
        self.config = config

    def weights(self, step: int) -> dict[str, float]:
        """Each component's weight at a step, the first being 0."""
        config = self.config
        return {
            "reconstruction": config.reconstruction_weight,
            "kl": config.kl_weight * self.annealing(step),
            "velocity": config.velocity_weight,
            "bone": config.bone_weight,
            "presence": config.presence_weight,
        }

    def annealing(self, step: int) -> float:
        """The share of the KL term's weight at a step, in [0, 1]."""
        passed = step / self.config.kl_steps
        match self.config.kl_schedule:
            case "linear":
                return min(1.0, passed)
            case "sigmoid":
                return 1 / (1 + math.exp(-STEEPNESS * (min(1.0, passed) - 0.5)))
            case "cyclical":
                return min(1.0, passed % 1 / RISE)
            case _:
                return 1.0


class VAELoss(nn.Module):
    """The components of the loss. A missing keypoint, or one in padding, counts in none but `presence`.

    Distances are squared up to a shoulder width and grow linearly beyond, so that a wild point rules nothing.

    Args:
        skeleton: of the keypoints.
        manager: knows the weights.
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
        self, made: Reconstruction, keypoints: Tensor, confidence: Tensor, mask: Tensor, step: int
    ) -> dict[str, tuple[float, Tensor]]:
        """Each component's weight and value.

        Args:
            made: by the model, of the same batch.
            keypoints: (B, T, K, D) in shoulder widths.
            confidence: (B, T, K); a keypoint counts as much, at most 1.
            mask: (B, T), True where a frame is real.
            step: of training, for the KL term's weight.
        """
        weight = confidence.clamp(0, 1) * mask[..., None]
        target = torch.where(weight[..., None] > 0, keypoints, 0)
        error = torch.where(weight[..., None] > 0, made.poses.keypoints - target, 0)
        both = weight[:, 1:] * weight[:, :-1]
        a, b = self.limbs.unbind(dim=1)
        bones = bone_lengths(made.poses.keypoints, self.limbs) - bone_lengths(target, self.limbs)
        seen = (confidence > 0).to(made.poses.logits.dtype)
        presence = F.binary_cross_entropy_with_logits(made.poses.logits, seen, reduction="none")
        values = {
            "reconstruction": weighted_mean(distance(error).sum(dim=-1), weight * self.importance),
            "kl": self.kl(made.posterior, mask),
            "velocity": weighted_mean(distance(error.diff(dim=1)).sum(dim=-1), both * self.importance),
            "bone": weighted_mean(distance(bones), weight[..., a] * weight[..., b]),
            "presence": weighted_mean(presence, mask[..., None].expand_as(presence).to(presence.dtype)),
        }
        weights = self.manager.weights(step)
        return {name: (weights[name], value) for name, value in values.items()}

    def kl(self, posterior: Posterior, mask: Tensor) -> Tensor:
        """Nats a frame that the latents hold; a dimension that holds less than the free bits costs as much as these.

        Free bits (Kingma et al. 2016, https://arxiv.org/abs/1606.04934) are of a latent's dimension, over the batch.
        """
        free = self.manager.config.free_bits
        nats = len(mask) * kl_divergence(posterior.whole).mean(dim=0).clamp(min=free).sum()
        if posterior.chunks is not None:
            real = posterior.chunk_mask
            mean = weighted_mean(kl_divergence(posterior.chunks), real[..., None].to(nats.dtype), dims=(0, 1))
            nats = nats + real.sum() * mean.clamp(min=free).sum()
        return nats / mask.sum().clamp(min=1)


def total(components: dict[str, tuple[float, Tensor]]) -> Tensor:
    """The sum of the components by their weights, ()."""
    return torch.stack([weight * value for weight, value in components.values()]).sum()


def kl_divergence(gaussian: Gaussian) -> Tensor:
    """Nats (..., Z) from each of the distributions to the standard normal one."""
    return 0.5 * (gaussian.mean.square() + gaussian.log_variance.exp() - 1 - gaussian.log_variance)


def bone_lengths(keypoints: Tensor, limbs: Tensor) -> Tensor:
    """Lengths (B, T, E) of the limbs (E, 2) of keypoints (B, T, K, D)."""
    bones = keypoints[..., limbs[:, 0], :] - keypoints[..., limbs[:, 1], :]
    return (bones.square().sum(dim=-1) + 1e-8).sqrt()  # its gradient is finite where two points are one


def distance(error: Tensor) -> Tensor:
    """Half the square up to 1, linear beyond (Huber)."""
    return F.huber_loss(error, torch.zeros_like(error), reduction="none")


def weighted_mean(values: Tensor, weights: Tensor, dims: tuple[int, ...] = ()) -> Tensor:
    """Mean of the values by their weights over `dims`, all when none are named; 0 where nothing weighs."""
    summed = (values * weights).sum(dim=dims or None), weights.sum(dim=dims or None)
    return summed[0] / summed[1].clamp(min=1e-6)
