"""The latent space: what the encoder says of a sequence, and what the decoder is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ht_vae.attention import num_chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

RIDGE = 1.0  # against a transition that knows the few sequences by heart: as if so many rows were 0
STEADIEST = 0.98  # largest share of itself that a latent passes on


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

    The prior is a standard normal distribution at first, as the KL term has it. `fit_prior` makes it what the latents
    of real sequences are distributed as (ex-post density estimation, Ghosh et al. 2020,
    https://arxiv.org/abs/1903.12436): normal, each chunk's latents going on from those of the chunk before.

    Args:
        latent_dim: Z.
        chunk_latent_dim: Zc; 0: no latents a chunk.
        chunk_size: frames of a chunk.
    """

    whole_mean: Tensor
    whole_factor: Tensor
    first_mean: Tensor
    first_factor: Tensor
    transition: Tensor
    drift: Tensor
    noise_factor: Tensor

    def __init__(self, latent_dim: int, chunk_latent_dim: int, chunk_size: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.chunk_latent_dim = chunk_latent_dim
        self.chunk_size = chunk_size
        Z, Zc = latent_dim, chunk_latent_dim
        self.register_buffer("whole_mean", torch.zeros(Z))
        self.register_buffer("whole_factor", torch.eye(Z))
        self.register_buffer("first_mean", torch.zeros(Zc))
        self.register_buffer("first_factor", torch.eye(Zc))
        self.register_buffer("transition", torch.zeros(Zc, Zc))
        self.register_buffer("drift", torch.zeros(Zc))
        self.register_buffer("noise_factor", torch.eye(Zc))

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
    ) -> Latents:
        """Points of the prior for sequences of so many frames; `generator` is of the same device."""
        whole = torch.randn(num_samples, self.latent_dim, generator=generator, device=device)
        whole = self.whole_mean + whole @ self.whole_factor.T
        if not self.chunk_latent_dim:
            return Latents(whole, None)
        size = (num_samples, num_chunks(frames, self.chunk_size), self.chunk_latent_dim)
        noise = torch.randn(size, generator=generator, device=device)
        chunks = [self.first_mean + noise[:, 0] @ self.first_factor.T]
        for n in range(1, size[1]):
            chunks.append(self.drift + chunks[-1] @ self.transition.T + noise[:, n] @ self.noise_factor.T)
        return Latents(whole, torch.stack(chunks, dim=1))

    @torch.no_grad()
    def fit_prior(self, posteriors: Sequence[Posterior]) -> None:
        """Makes the prior what the posteriors' means are distributed as.

        Args:
            posteriors: of many sequences, each of whatever batch.
        """
        whole = torch.cat([posterior.whole.mean for posterior in posteriors])
        self.whole_mean.copy_(whole.mean(dim=0))
        self.whole_factor.copy_(factor(whole - self.whole_mean))
        if not self.chunk_latent_dim:
            return
        first, before, after = [], [], []
        for posterior in posteriors:
            assert posterior.chunks is not None
            chunks, real = posterior.chunks.mean, posterior.chunk_mask
            first.append(chunks[real])
            both = real[:, 1:] & real[:, :-1]
            before.append(chunks[:, :-1][both])
            after.append(chunks[:, 1:][both])
        start = torch.cat(first)
        self.first_mean.copy_(start.mean(dim=0))
        self.first_factor.copy_(factor(start - self.first_mean))
        x, y = (torch.cat(rows) - self.first_mean for rows in (before, after))
        covariance = x.T @ x + RIDGE * torch.eye(x.shape[1], device=x.device)
        transition = torch.linalg.solve(covariance, x.T @ y).T  # (Zc, Zc)
        transition *= min(1.0, STEADIEST / max(1e-6, float(torch.linalg.eigvals(transition).abs().max())))
        self.transition.copy_(transition)
        self.drift.copy_(self.first_mean - transition @ self.first_mean)
        self.noise_factor.copy_(factor(y - x @ transition.T) if len(y) else self.first_factor)

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


def factor(rows: Tensor) -> Tensor:
    """A root (Z, Z) of the covariance of rows (M, Z) about 0: what is standard normal becomes spread as they are."""
    values, vectors = torch.linalg.eigh(rows.T @ rows / max(1, len(rows)))
    return vectors * values.clamp(min=0).sqrt()
