"""The prior: what sequences' latents are distributed as."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ht_vae.nn.attention import num_chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = 8  # of sequences
ROUNDS = 20  # in which sequences find their kind
RIDGE = 1.0  # against a transition that knows the few sequences by heart: as if so many rows were 0
MAX_SPECTRAL_RADIUS = 0.98  # largest share of itself that a latent passes on


class Prior(nn.Module):
    """Sequences of several kinds, the latents of each normal, every chunk's going on from those of the chunk before.

    A standard normal distribution until it is fitted, as the KL term has it. Fitted, it is what the latents of real
    sequences are distributed as (ex-post density estimation, Ghosh et al. 2020, https://arxiv.org/abs/1903.12436).

    Args:
        latent_dim: Z.
        chunk_latent_dim: Zc; 0: no latents a chunk.
        chunk_size: frames of a chunk.
    """

    shares: Tensor
    whole_mean: Tensor
    whole_factor: Tensor
    chunk_mean: Tensor
    chunk_factor: Tensor
    noise_factor: Tensor
    transition: Tensor

    def __init__(self, latent_dim: int, chunk_latent_dim: int, chunk_size: int) -> None:
        super().__init__()
        self.chunk_size = chunk_size
        Z, Zc = latent_dim, chunk_latent_dim
        self.register_buffer("shares", torch.full((KINDS,), 1 / KINDS))
        self.register_buffer("whole_mean", torch.zeros(KINDS, Z))
        self.register_buffer("whole_factor", torch.eye(Z).repeat(KINDS, 1, 1))
        self.register_buffer("chunk_mean", torch.zeros(KINDS, Zc))
        self.register_buffer("chunk_factor", torch.eye(Zc).repeat(KINDS, 1, 1))
        self.register_buffer("noise_factor", torch.eye(Zc).repeat(KINDS, 1, 1))
        self.register_buffer("transition", torch.zeros(Zc, Zc))

    def draw(
        self,
        num_samples: int,
        frames: int,
        generator: torch.Generator | None = None,
        device: torch.device | None = None,
        temperature: float = 1.0,
    ) -> tuple[Tensor, Tensor]:
        """Latents of sequences of so many frames.

        Args:
            generator: of the same device; None: torch's own.
            temperature: how far from their kind's mean they are, 1 being as the prior has it, 0 the mean itself.

        Returns:
            Of the sequences (B, Z), and of their chunks (B, N, Zc).
        """
        kind = torch.multinomial(self.shares, num_samples, replacement=True, generator=generator)

        def noise(factors: Tensor) -> Tensor:
            drawn = torch.randn(num_samples, factors.shape[-1], generator=generator, device=device)
            return temperature * torch.einsum("bij,bj->bi", factors[kind], drawn)

        whole = self.whole_mean[kind] + noise(self.whole_factor)
        away = [noise(self.chunk_factor)]
        for _ in range(num_chunks(frames, self.chunk_size) - 1):
            away.append(away[-1] @ self.transition.T + noise(self.noise_factor))
        return whole, self.chunk_mean[kind, None] + torch.stack(away, dim=1)

    @torch.no_grad()
    def fit(self, whole: Tensor, chunks: Sequence[Tensor]) -> None:
        """Makes the prior what the latents of real sequences are distributed as.

        Args:
            whole: (M, Z), of M sequences.
            chunks: (N, Zc) of each; a sequence has at least one.
        """
        rows = torch.cat(list(chunks))
        lengths = torch.tensor([len(each) for each in chunks], device=rows.device)
        means = torch.stack([each.mean(dim=0) for each in chunks])
        kind = clusters(torch.cat([whole, means], dim=1), KINDS)  # (M,)
        of_row = kind.repeat_interleave(lengths)
        self.shares.copy_(torch.bincount(kind, minlength=KINDS) / len(kind))
        self.whole_mean.copy_(mean_of_each(whole, kind))
        self.chunk_mean.copy_(mean_of_each(rows, of_row))
        rows = rows - self.chunk_mean[of_row]
        transition = self._transition(rows.split(lengths.tolist()))
        self.transition.copy_(transition)
        self.whole_factor.copy_(root(covariance_of_each(whole - self.whole_mean[kind], kind)))
        covariance = covariance_of_each(rows, of_row)
        self.chunk_factor.copy_(root(covariance))
        # What has to be added for chunks to go on as they begin.
        self.noise_factor.copy_(root(covariance - transition @ covariance @ transition.T))

    def _transition(self, sequences: Sequence[Tensor]) -> Tensor:
        """Least squares from each row to the next, (Zc, Zc)."""
        x, y = (torch.cat([each[part] for each in sequences]) for part in (slice(None, -1), slice(1, None)))
        transition = torch.linalg.solve(x.T @ x + RIDGE * torch.eye(x.shape[1], device=x.device), x.T @ y).T
        if not len(transition):
            return transition
        return transition * min(
            1.0, MAX_SPECTRAL_RADIUS / max(1e-6, float(torch.linalg.eigvals(transition).abs().max()))
        )


def clusters(rows: Tensor, count: int) -> Tensor:
    """The cluster of each row (M, n), below `count`, by k-means; starts are rows far from one another."""
    centers = rows.mean(dim=0, keepdim=True)
    starts = []
    for _ in range(min(count, len(rows))):
        farthest = torch.cdist(rows, torch.stack(starts) if starts else centers).amin(dim=1).argmax()
        starts.append(rows[farthest])
    centers = torch.stack(starts)
    found = torch.cdist(rows, centers).argmin(dim=1)
    for _ in range(ROUNDS):
        there = torch.bincount(found, minlength=len(centers)) > 0
        centers = torch.where(there[:, None], mean_of_each(rows, found, len(centers)), centers)
        found = torch.cdist(rows, centers).argmin(dim=1)
    return found


def mean_of_each(rows: Tensor, kind: Tensor, kinds: int = KINDS) -> Tensor:
    """Means (kinds, n) of the rows (M, n) of each kind (M,); 0 of those that have none."""
    summed = rows.new_zeros(kinds, rows.shape[1]).index_add_(0, kind, rows)
    return summed / torch.bincount(kind, minlength=kinds).clamp(min=1)[:, None]


def covariance_of_each(rows: Tensor, kind: Tensor) -> Tensor:
    """Covariances (KINDS, n, n) of the rows (M, n), about 0, of each kind (M,).

    Drawn towards that of all rows, as if n of all were among those of each: a kind may have fewer rows than columns.
    """
    n = rows.shape[1]
    every = rows.T @ rows / max(1, len(rows))
    own = [(rows[kind == i].T @ rows[kind == i], int((kind == i).sum())) for i in range(KINDS)]
    return torch.stack([(square + n * every) / max(1, count + n) for square, count in own])


def root(covariance: Tensor) -> Tensor:
    """A root (..., n, n) of covariances: what is standard normal becomes spread as they have it."""
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp(min=0).sqrt()[..., None, :]
