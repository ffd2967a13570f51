"""The latent space: posteriors, points, and the prior they are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ht_vae.nn.attention import num_chunks
from ht_vae.nn.flow_prior import STOCHASTICITY, FlowPrior
from ht_vae.nn.prior import Prior

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

MAX_LOG_VARIANCE = 10.0
INITIAL_LOG_VARIANCE = -4.0  # before training: noise as large as the prior's would hide the means


@dataclass(frozen=True)
class Gaussian:
    """Diagonal normal distributions.

    Attributes:
        mean: (..., Z).
        log_variance: (..., Z).
    """

    mean: Tensor
    log_variance: Tensor

    @classmethod
    def from_parameters(cls, parameters: Tensor) -> Gaussian:
        """The distributions that a network's output (..., 2 * Z) parameterizes."""
        mean, log_variance = parameters.chunk(2, dim=-1)
        return cls(mean, (log_variance + INITIAL_LOG_VARIANCE).clamp(-MAX_LOG_VARIANCE, MAX_LOG_VARIANCE))

    def __getitem__(self, index: Any) -> Gaussian:
        """The distributions at an index of the leading axes."""
        return Gaussian(self.mean[index], self.log_variance[index])

    def shift_mean(self, by: Tensor) -> Gaussian:
        """The distributions with `by` (..., Z) added to their means."""
        return Gaussian(self.mean + by, self.log_variance)

    def sample(self) -> Tensor:
        """A reparameterized sample (..., Z) (Kingma & Welling 2013, https://arxiv.org/abs/1312.6114)."""
        noise = torch.randn_like(self.mean)
        return self.mean + noise * (0.5 * self.log_variance).exp()

    def kl_divergence(self) -> Tensor:
        """Nats (..., Z) from the standard normal distribution, per dimension."""
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance)


@dataclass(frozen=True)
class Posterior:
    """The approximate posterior of a batch.

    Attributes:
        whole: (B, Z), of the whole sequence.
        chunks: (B, N, Zc), of each chunk; None where the model has no chunk latents.
        chunk_mask: (B, N), True where a chunk has a real frame.
    """

    whole: Gaussian
    chunks: Gaussian | None
    chunk_mask: Tensor

    def row(self, i: int) -> Posterior:
        """One sequence of the batch, B = 1, without chunks of padding."""
        real = self.chunk_mask[i]
        chunks = None if self.chunks is None else self.chunks[i : i + 1, real]
        return Posterior(self.whole[i : i + 1], chunks, self.chunk_mask[i : i + 1, real])

    def arrays(self) -> dict[str, np.ndarray]:
        """`whole_mean`, `whole_log_variance` (B, Z), `chunk_mean`, `chunk_log_variance` (B, N, Zc), in float32.

        Zc is 0 where the model has no chunk latents.
        """
        none = self.whole.mean.new_zeros(*self.chunk_mask.shape, 0)
        levels = {"whole": self.whole, "chunk": Gaussian(none, none) if self.chunks is None else self.chunks}
        return {
            f"{level}_{name}": getattr(gaussian, name).float().cpu().numpy()
            for level, gaussian in levels.items()
            for name in ("mean", "log_variance")
        }


@dataclass(frozen=True)
class Latents:
    """Points of the latent space.

    Attributes:
        whole: (B, Z), of the whole sequence.
        chunks: (B, N, Zc), of each chunk; None where the model has no chunk latents.
    """

    whole: Tensor
    chunks: Tensor | None

    def __getitem__(self, rows: slice) -> Latents:
        """Some sequences of the batch."""
        return Latents(self.whole[rows], None if self.chunks is None else self.chunks[rows])


class LatentSpace(nn.Module):
    """Draws points from posteriors and from the prior, and interpolates between points.

    Args:
        latent_dim: Z.
        chunk_latent_dim: Zc; 0: no chunk latents.
        chunk_size: frames per chunk.
        prior_layers, prior_width: of the learned prior; 0 layers: a fitted one.
    """

    distribution: Prior | FlowPrior

    def __init__(
        self, latent_dim: int, chunk_latent_dim: int, chunk_size: int, prior_layers: int = 0, prior_width: int = 0
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.chunk_latent_dim = chunk_latent_dim
        self.chunk_size = chunk_size
        if prior_layers:
            self.distribution = FlowPrior(latent_dim, chunk_latent_dim, prior_width, prior_layers)
        else:
            self.distribution = Prior(latent_dim, chunk_latent_dim)

    def reparameterize(self, posterior: Posterior) -> Latents:
        """A sample of the posterior, through which gradients reach it."""
        return Latents(posterior.whole.sample(), None if posterior.chunks is None else posterior.chunks.sample())

    def mean(self, posterior: Posterior) -> Latents:
        """The posterior's mean."""
        return Latents(posterior.whole.mean, None if posterior.chunks is None else posterior.chunks.mean)

    def prior(
        self,
        num_samples: int,
        frames: int,
        generator: torch.Generator | None = None,
        device: torch.device | None = None,
        temperature: float = 1.0,
        stochasticity: float = STOCHASTICITY,
    ) -> Latents:
        """Samples of the prior for sequences of so many frames.

        Args:
            num_samples: B.
            frames: of each sequence.
            generator, device, temperature: see `Prior.sample`.
            stochasticity: see `FlowPrior.sample`; a fitted prior has none.
        """
        N = num_chunks(frames, self.chunk_size)
        if isinstance(self.distribution, FlowPrior):
            fill = 1 - (N * self.chunk_size - frames) / self.chunk_size
            whole, chunks = self.distribution.sample(
                num_samples, N, fill, generator, temperature, stochasticity=stochasticity
            )
        else:
            whole, chunks = self.distribution.sample(num_samples, N, generator, device, temperature)
        return Latents(whole, chunks if self.chunk_latent_dim else None)

    @torch.no_grad()
    def fit_prior(self, posteriors: Sequence[Posterior]) -> None:
        """Fits the prior to the means of posteriors of many sequences, in batches; a learned one is left as it is."""
        if isinstance(self.distribution, FlowPrior):
            return
        whole = torch.cat([posterior.whole.mean for posterior in posteriors])
        chunks = []
        for posterior in posteriors:
            real = posterior.chunk_mask
            means = whole.new_zeros(*real.shape, 0) if posterior.chunks is None else posterior.chunks.mean
            chunks += [rows[row_mask] for rows, row_mask in zip(means, real, strict=True)]
        self.distribution.fit(whole, chunks)

    def interpolate(self, start: Latents, end: Latents, num_samples: int, *, spherical: bool = False) -> Latents:
        """Evenly spaced points from `start` to `end`, both included.

        Where one has fewer chunks than the other, the missing ones are the prior's mean, as in the decoder.

        Args:
            start: B = 1.
            end: B = 1.
            num_samples: number of points, at least 2.
            spherical: spherical linear interpolation, which keeps the norm that samples of the prior have in many
                dimensions (White 2016, https://arxiv.org/abs/1609.04468); else linear.

        Returns:
            B = num_samples.
        """
        if num_samples < 2:
            raise ValueError(f"{num_samples} points from one latent to another: it takes at least 2")
        between = slerp if spherical else torch.lerp
        weight = torch.linspace(0, 1, num_samples, device=start.whole.device, dtype=start.whole.dtype)[:, None]
        whole = between(start.whole, end.whole, weight)
        if start.chunks is None or end.chunks is None:
            return Latents(whole, None)
        N = max(start.chunks.shape[1], end.chunks.shape[1])
        return Latents(whole, between(resize(start.chunks, N), resize(end.chunks, N), weight[:, None]))


def resize(chunks: Tensor, count: int) -> Tensor:
    """Chunk latents (B, N, Zc) cut, or padded with the prior's mean, to (B, count, Zc)."""
    return F.pad(chunks, (0, 0, 0, count - chunks.shape[1]))


def slerp(start: Tensor, end: Tensor, weight: Tensor) -> Tensor:
    """Spherical linear interpolation of vectors (..., Z); linear where they are parallel and the arc is not unique."""
    angle = F.cosine_similarity(start, end, dim=-1)[..., None].clamp(-1, 1).acos()
    arc = (torch.sin((1 - weight) * angle) * start + torch.sin(weight * angle) * end) / torch.sin(angle).clamp(min=1e-6)
    return torch.where(torch.sin(angle) < 1e-4, torch.lerp(start, end, weight), arc)
