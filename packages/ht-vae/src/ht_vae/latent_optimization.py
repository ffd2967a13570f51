"""Latent optimization: steps down the gradient of the reconstruction error, from the encoder's latents on.

An encoder is least exact on people it was not trained on (the amortization gap, Cremer et al. 2018,
https://arxiv.org/abs/1801.03558). Gradients of the decoder close much of it (semi-amortized inference, Kim et al. 2018,
https://arxiv.org/abs/1802.02550).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from ht_vae.nn.basis import BODY_WEIGHT
from ht_vae.nn.latent import Latents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ht_vae.model import HierarchicalTransformerVAE, Poses
    from ht_vae.nn.latent import Posterior

STEPS = 25
LEARNING_RATE = 0.1  # of latents, whose standard deviation is about 1; falls linearly
BETAS, EPSILON = (0.6, 0.95), 1e-8  # little momentum, as steps are few
FACE_WEIGHT = 1 / BODY_WEIGHT  # of a keypoint of the face, relative to others, as in the linear basis
HIDDEN_WEIGHT = 0.1  # of the distance of a hidden keypoint from where the encoder's latents put it
PRESENCE_WEIGHT = 1e-2  # of the cross-entropy of predicted visibility, relative to distances in shoulder widths
SMOOTHING = 1e-5  # squared shoulder widths, added to a squared distance: its root has a gradient at 0


def optimize_latents(
    model: HierarchicalTransformerVAE,
    posterior: Posterior,
    keypoints: Tensor,
    visible: Tensor,
    mask: Tensor,
    condition: Tensor | None = None,
    *,
    steps: int = STEPS,
) -> Posterior:
    """A posterior whose means reconstruct their sequences with less error; log variances stay as they are.

    The error is the mean distance of visible keypoints, one of the face counting a quarter. Hidden keypoints are held,
    by a tenth of their distance, where the encoder's latents put them, and the cross-entropy of predicted visibility is
    added. A sequence's latents do not depend on the rest of the batch. Where all of this is not lower after the last
    step, they stay as they are.

    Args:
        model: that encoded the sequences; its weights stay as they are.
        posterior: of these.
        keypoints: (B, T, K, D) in shoulder widths; values of hidden ones change nothing.
        visible: (B, T, K).
        mask, condition: as `HierarchicalTransformerVAE.encode` takes them.
        steps: of Adam; 0: none.

    Raises:
        ValueError: fewer steps than 0.
    """
    if steps < 0:
        raise ValueError(f"{steps} steps of optimization: it takes at least 0")
    if not steps:
        return posterior
    means = [posterior.whole.mean] + ([] if posterior.chunks is None else [posterior.chunks.mean])
    with torch.inference_mode(mode=False), torch.enable_grad():
        # Copies: tensors of inference mode, as a model's that was loaded in it, cannot be saved for the backward pass.
        if any(parameter.is_inference() for parameter in model.parameters()):
            model = copy.deepcopy(model)
        condition = condition if condition is None else condition.clone()
        latents = [mean.clone().requires_grad_() for mean in means]
        error = _Error.of(model, latents, keypoints.clone(), visible.clone(), mask.clone(), condition)
        adam, first = _Adam(latents), torch.zeros(())
        for step in range(steps):
            errors = error(latents)
            first = first if step else errors.detach()
            # Not `backward`, which would leave gradients at the model's weights.
            gradients = torch.autograd.grad(errors.sum(), latents)
            adam.step(gradients, LEARNING_RATE * (1 - step / steps))
    with torch.no_grad():
        lower = error(latents) < first  # (B,)
        moves = [
            torch.where(lower.view(-1, *[1] * (mean.dim() - 1)), latent - mean, 0)
            for latent, mean in zip(latents, means, strict=True)
        ]
    chunks = None if posterior.chunks is None else posterior.chunks.shift_mean(moves[1])
    return replace(posterior, whole=posterior.whole.shift_mean(moves[0]), chunks=chunks)


class _Adam:
    """Adam (Kingma & Ba 2014, https://arxiv.org/abs/1412.6980); `torch.optim` would import `torch._dynamo`, for 5 s."""

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


@dataclass(frozen=True)
class _Error:
    """Errors (B,) of latents.

    Attributes:
        target: (B, T, K, D), of hidden keypoints as decoded from the encoder's latents; weight: (B, T, K).
        presence: (B, T, K), 1 where a keypoint is to be predicted visible, else 0; real: (B, T, K), 0 in padding.
    """

    model: HierarchicalTransformerVAE
    lengths: Tensor
    condition: Tensor | None
    target: Tensor
    weight: Tensor
    presence: Tensor
    real: Tensor

    @classmethod
    @torch.no_grad()
    def of(
        cls,
        model: HierarchicalTransformerVAE,
        latents: list[Tensor],
        keypoints: Tensor,
        visible: Tensor,
        mask: Tensor,
        condition: Tensor | None,
    ) -> _Error:
        """Of the encoder's latents; the rest as `optimize_latents` takes it."""
        lengths, real = mask.sum(dim=1), mask[..., None].expand_as(visible)
        visible = visible & real
        own = _decoded(model, latents, lengths, condition)
        importance = torch.ones(visible.shape[-1], device=mask.device)
        importance[model.skeleton.face()] = FACE_WEIGHT
        return cls(
            model=model,
            lengths=lengths,
            condition=condition,
            target=torch.where(visible[..., None], keypoints, own.keypoints),
            weight=torch.where(visible, 1.0, HIDDEN_WEIGHT) * importance * real,
            # The encoder gets a keypoint that is never visible as a mean one: whether it is to be predicted visible is
            # for its latents to say.
            presence=torch.where(visible.any(dim=1, keepdim=True), visible, own.logits > 0).float(),
            real=real.float(),
        )

    def __call__(self, latents: list[Tensor]) -> Tensor:
        poses = _decoded(self.model, latents, self.lengths, self.condition)
        distance = ((poses.keypoints - self.target).square().sum(dim=-1) + SMOOTHING).sqrt()
        presence = F.binary_cross_entropy_with_logits(poses.logits, self.presence, reduction="none")
        return _mean(distance, self.weight) + PRESENCE_WEIGHT * _mean(presence, self.real)


def _decoded(
    model: HierarchicalTransformerVAE, latents: list[Tensor], lengths: Tensor, condition: Tensor | None
) -> Poses:
    whole, *chunks = latents
    return model.decode(Latents(whole, chunks[0] if chunks else None), lengths, condition)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """(B,) weighted means over frames and keypoints of (B, T, K)."""
    return (values * weight).sum(dim=(1, 2)) / weight.sum(dim=(1, 2)).clamp(min=1e-6)
