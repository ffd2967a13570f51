"""The latent space: what the encoder says of a sequence, and what the decoder is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ht_vae.nn.prior import Prior

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Gaussian:
    """Normal distributions, one a number.

    Attributes:
        mean: (..., Z).
        log_variance: (..., Z).
    """

    mean: Tensor
    log_variance: Tensor


@dataclass(frozen=True)
class Posterior:
    """What the encoder holds likely of a batch.

    Attributes:
        whole: (B, Z), of the whole sequence.
        chunks: (B, N, Zc), of each chunk; None where the model has no latents a chunk.
        chunk_mask: (B, N), True where a chunk has a real frame.
    """

    whole: Gaussian
    chunks: Gaussian | None
    chunk_mask: Tensor


@dataclass(frozen=True)
class Latents:
    """Points of the latent space.

    Attributes:
        whole: (B, Z), of the whole sequence.
        chunks: (B, N, Zc), of each chunk; None where the model has no latents a chunk.
    """

    whole: Tensor
    chunks: Tensor | None


class LatentSpace(nn.Module):
    """Points from distributions, from the prior, and from between other points.

    Args:
        latent_dim: Z.
        chunk_latent_dim: Zc; 0: no latents a chunk.
        chunk_size: frames of a chunk.
    """

    def __init__(self, latent_dim: int, chunk_latent_dim: int, chunk_size: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.chunk_latent_dim = chunk_latent_dim
        self.distribution = Prior(latent_dim, chunk_latent_dim, chunk_size)

    def reparameterize(self, posterior: Posterior) -> Latents:
        """A point of the posterior, through which gradients reach it (Kingma & Welling, https://arxiv.org/abs/1312.6114)."""

        def draw(gaussian: Gaussian) -> Tensor:
            noise = torch.randn_like(gaussian.mean)
            return gaussian.mean + noise * (0.5 * gaussian.log_variance).exp()

        return Latents(draw(posterior.whole), None if posterior.chunks is None else draw(posterior.chunks))

    def mean(self, posterior: Posterior) -> Latents:
        """The posterior's likeliest point."""
        return Latents(posterior.whole.mean, None if posterior.chunks is None else posterior.chunks.mean)

    def prior(
        self,
        num_samples: int,
        frames: int,
        generator: torch.Generator | None = None,
        device: torch.device | None = None,
        temperature: float = 1.0,
    ) -> Latents:
        """Points of the prior for sequences of so many frames; arguments as `Prior.draw`'s."""
        whole, chunks = self.distribution.draw(num_samples, frames, generator, device, temperature)
        return Latents(whole, chunks if self.chunk_latent_dim else None)

    @torch.no_grad()
    def fit_prior(self, posteriors: Sequence[Posterior]) -> None:
        """Makes the prior what the posteriors' means are distributed as; these are of many sequences, in batches."""
        whole = torch.cat([posterior.whole.mean for posterior in posteriors])
        chunks = []
        for posterior in posteriors:
            real = posterior.chunk_mask
            means = whole.new_zeros(*real.shape, 0) if posterior.chunks is None else posterior.chunks.mean
            chunks += [rows[there] for rows, there in zip(means, real, strict=True)]
        self.distribution.fit(whole, chunks)

    def interpolate(self, start: Latents, end: Latents, steps: int, *, spherical: bool = False) -> Latents:
        """Points evenly apart from `start` to `end`, both included.

        Where one has fewer chunks than the other, the missing ones are the prior's mean, as in the decoder.

        Args:
            start: B = 1.
            end: B = 1.
            steps: how many points, at least 2.
            spherical: along the arc, not the chord: points keep the length that the prior's have in many dimensions
                (White 2016, https://arxiv.org/abs/1609.04468).

        Returns:
            B = steps.
        """
        if steps < 2:
            raise ValueError(f"{steps} steps from one latent to another: it takes at least 2")
        between = _on_the_arc if spherical else torch.lerp
        weight = torch.linspace(0, 1, steps, device=start.whole.device, dtype=start.whole.dtype)[:, None]
        whole = between(start.whole, end.whole, weight)
        if start.chunks is None or end.chunks is None:
            return Latents(whole, None)
        N = max(start.chunks.shape[1], end.chunks.shape[1])
        return Latents(whole, between(fitted(start.chunks, N), fitted(end.chunks, N), weight[:, None]))


def fitted(chunks: Tensor, count: int) -> Tensor:
    """Latents (B, N, Zc) cut or filled with the prior's mean to (B, count, Zc)."""
    return F.pad(chunks, (0, 0, 0, count - chunks.shape[1]))


def _on_the_arc(start: Tensor, end: Tensor, weight: Tensor) -> Tensor:
    """Spherical interpolation of vectors (..., Z); linear where they are parallel and no arc is one's own."""
    angle = F.cosine_similarity(start, end, dim=-1)[..., None].clamp(-1, 1).acos()
    arc = (torch.sin((1 - weight) * angle) * start + torch.sin(weight * angle) * end) / torch.sin(angle).clamp(min=1e-6)
    return torch.where(torch.sin(angle) < 1e-4, torch.lerp(start, end, weight), arc)
