"""Latent optimization: steps down the gradient of the reconstruction error, from the encoder's latents on.

An encoder is least exact on people it was not trained on (the amortization gap, Cremer et al. 2018,
https://arxiv.org/abs/1801.03558). Gradients of the decoder close much of it (semi-amortized inference, Kim et al. 2018,
https://arxiv.org/abs/1802.02550).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from ht_vae.nn.basis import BODY_WEIGHT
from ht_vae.nn.latent import Latents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ht_vae.model import HierarchicalTransformerVAE
    from ht_vae.nn.latent import Posterior

STEPS = 25
LEARNING_RATE = 0.1  # of latents, whose standard deviation is about 1; falls linearly
BETAS, EPSILON = (0.6, 0.95), 1e-8  # little momentum, as steps are few
PRESENCE_WEIGHT = 3e-3  # of the cross-entropy of predicted visibility, relative to distances in shoulder widths
SMOOTHING = 1e-5  # squared shoulder widths, added to a squared distance: its root has a gradient at 0


def optimize_latents(
    model: HierarchicalTransformerVAE,
    posterior: Posterior,
    keypoints: Tensor,
    weight: Tensor,
    mask: Tensor,
    condition: Tensor | None = None,
    *,
    steps: int = STEPS,
) -> Posterior:
    """A posterior whose means reconstruct their sequences with less error; log variances stay as they are.

    The error is the mean distance of a keypoint, in which one of the face counts as in the linear basis. A sequence's
    latents do not depend on the rest of the batch, and stay as they are where no lower error was found.

    Args:
        model: that encoded the sequences; its weights stay as they are.
        posterior: of these.
        keypoints: (B, T, K, D) in shoulder widths; values of missing ones change nothing.
        weight: (B, T, K) of the keypoints' distances, 0 where one is missing.
        mask, condition: as `HierarchicalTransformerVAE.encode` takes them.
        steps: of Adam; 0: none.
    """
    if not steps:
        return posterior
    means = [posterior.whole.mean] + ([] if posterior.chunks is None else [posterior.chunks.mean])
    with torch.inference_mode(mode=False), torch.enable_grad():
        # Copies, as tensors of inference mode have no gradients.
        latents = [mean.clone().requires_grad_() for mean in means]
        condition = condition if condition is None else condition.clone()
        error = _Error(model, keypoints.clone(), weight.clone(), mask.clone(), condition)
        adam = _Adam(latents)
        for step in range(steps):
            # Not `backward`, which would leave gradients at the model's weights.
            gradients = torch.autograd.grad(error(latents).sum(), latents)
            adam.step(gradients, LEARNING_RATE * (1 - step / steps))
    with torch.no_grad():
        lower = error(latents) < error(means)  # (B,)
        moves = [
            torch.where(lower.view(-1, *[1] * (mean.dim() - 1)), latent - mean, 0)
            for latent, mean in zip(latents, means, strict=True)
        ]
    chunks = None if posterior.chunks is None else posterior.chunks.shift_mean(moves[1])
    return replace(posterior, whole=posterior.whole.shift_mean(moves[0]), chunks=chunks)


class _Adam:
    """Adam (Kingma & Ba 2014, https://arxiv.org/abs/1412.6980) of tensors; torch's takes 5 s to import a compiler."""

    def __init__(self, tensors: list[Tensor]) -> None:
        self.tensors = tensors
        self.means, self.squares = ([torch.zeros_like(tensor) for tensor in tensors] for _ in range(2))
        self.steps = 0

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], learning_rate: float) -> None:
        self.steps += 1
        for tensor, gradient, mean, square in zip(self.tensors, gradients, self.means, self.squares, strict=True):
            mean.lerp_(gradient, 1 - BETAS[0])
            square.lerp_(gradient.square(), 1 - BETAS[1])
            unbiased = (square / (1 - BETAS[1] ** self.steps)).sqrt() + EPSILON
            tensor -= learning_rate / (1 - BETAS[0] ** self.steps) * mean / unbiased


class _Error:
    """Reconstruction errors (B,) of latents; arguments as those of `optimize_latents`."""

    def __init__(
        self,
        model: HierarchicalTransformerVAE,
        keypoints: Tensor,
        weight: Tensor,
        mask: Tensor,
        condition: Tensor | None,
    ) -> None:
        self.model, self.condition = model, condition
        self.lengths = mask.sum(dim=1)
        self.real = mask[..., None].expand_as(weight).float()
        self.visible = (weight > 0) & mask[..., None]
        self.target = torch.where(self.visible[..., None], keypoints, 0)
        importance = torch.ones(weight.shape[-1], device=weight.device)
        importance[model.skeleton.face()] = 1 / BODY_WEIGHT
        self.weight = weight * importance * self.visible

    def __call__(self, latents: list[Tensor]) -> Tensor:
        whole, *chunks = latents
        poses = self.model.decode(Latents(whole, chunks[0] if chunks else None), self.lengths, self.condition)
        distance = ((poses.keypoints - self.target).square().sum(dim=-1) + SMOOTHING).sqrt()
        presence = F.binary_cross_entropy_with_logits(poses.logits, self.visible.float(), reduction="none")
        return _mean(distance, self.weight) + PRESENCE_WEIGHT * _mean(presence, self.real)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """(B,) weighted means over frames and keypoints of (B, T, K); 0 where no weight is."""
    return (values * weight).sum(dim=(1, 2)) / weight.sum(dim=(1, 2)).clamp(min=1e-6)
