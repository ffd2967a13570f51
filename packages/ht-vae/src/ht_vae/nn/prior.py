"""The prior: a mixture of first-order autoregressive processes over chunk latents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

NUM_CLUSTERS = 8  # mixture components, kinds of sequences
KMEANS_ITERATIONS = 20
RIDGE = 1.0  # ridge penalty (pseudo-rows) of the transition: regularises it with few sequences
MAX_SPECTRAL_RADIUS = 0.98  # of the transition: below 1, or sequences would diverge


class Prior(nn.Module):
    """Mixture of clusters of sequences; in each, latents are normal and chunks follow a vector autoregression.

    A standard normal distribution until it is fitted, as the KL term assumes. Fitted, it is the distribution of real
    sequences' latents (ex-post density estimation, Ghosh et al. 2020, https://arxiv.org/abs/1903.12436).

    Args:
        latent_dim: Z.
        chunk_latent_dim: Zc; 0: no chunk latents.
    """

    shares: Tensor
    whole_mean: Tensor
    whole_factor: Tensor
    chunk_mean: Tensor
    chunk_factor: Tensor
    noise_factor: Tensor
    transition: Tensor

    def __init__(self, latent_dim: int, chunk_latent_dim: int) -> None:
        super().__init__()
        Z, Zc = latent_dim, chunk_latent_dim
        self.register_buffer("shares", torch.full((NUM_CLUSTERS,), 1 / NUM_CLUSTERS))  # mixture weights
        self.register_buffer("whole_mean", torch.zeros(NUM_CLUSTERS, Z))
        self.register_buffer("whole_factor", torch.eye(Z).repeat(NUM_CLUSTERS, 1, 1))
        self.register_buffer("chunk_mean", torch.zeros(NUM_CLUSTERS, Zc))
        self.register_buffer("chunk_factor", torch.eye(Zc).repeat(NUM_CLUSTERS, 1, 1))
        self.register_buffer("noise_factor", torch.eye(Zc).repeat(NUM_CLUSTERS, 1, 1))
        self.register_buffer("transition", torch.zeros(Zc, Zc))

    def sample(
        self,
        num_samples: int,
        num_chunks: int,
        generator: torch.Generator | None = None,
        device: torch.device | None = None,
        temperature: float = 1.0,
    ) -> tuple[Tensor, Tensor]:
        """Latents of sequences of so many chunks.

        Args:
            num_samples: B.
            num_chunks: N.
            generator: of the same device; None: torch's own.
            device: where the latents are drawn.
            temperature: factor on deviations from the cluster's mean: 1 samples the prior, 0 gives the mean.

        Returns:
            Latents of the sequences (B, Z), and of their chunks (B, N, Zc).
        """
        cluster = torch.multinomial(self.shares, num_samples, replacement=True, generator=generator)

        def noise(factors: Tensor) -> Tensor:
            normal = torch.randn(num_samples, factors.shape[-1], generator=generator, device=device)
            return temperature * torch.einsum("bij,bj->bi", factors[cluster], normal)

        whole = self.whole_mean[cluster] + noise(self.whole_factor)
        deviations = [noise(self.chunk_factor)]
        for _ in range(num_chunks - 1):
            deviations.append(deviations[-1] @ self.transition.T + noise(self.noise_factor))
        return whole, self.chunk_mean[cluster, None] + torch.stack(deviations, dim=1)

    @torch.no_grad()
    def fit(self, whole: Tensor, chunks: Sequence[Tensor]) -> None:
        """Fits the prior to the latents of real sequences.

        Sequences are clustered by k-means. Within a cluster, chunk n deviates from the mean by a_n = T a_(n-1) + e_n,
        with T by ridge regression over all clusters. For every a_n to have the cluster's covariance S, the noise needs
        covariance Q with S = T S T' + Q: Q = S - T S T'. Where that is indefinite, negative eigenvalues become 0.

        Args:
            whole: (M, Z), of M sequences.
            chunks: (N, Zc) of each; a sequence has at least one.
        """
        rows = torch.cat(list(chunks))
        lengths = torch.tensor([len(each) for each in chunks], device=rows.device)
        means = torch.stack([each.mean(dim=0) for each in chunks])
        cluster = kmeans(torch.cat([whole, means], dim=1), NUM_CLUSTERS)  # (M,)
        row_cluster = cluster.repeat_interleave(lengths)
        self.shares.copy_(torch.bincount(cluster, minlength=NUM_CLUSTERS) / len(cluster))
        self.whole_mean.copy_(cluster_means(whole, cluster))
        self.chunk_mean.copy_(cluster_means(rows, row_cluster))
        rows = rows - self.chunk_mean[row_cluster]
        transition = fit_transition(rows.split(lengths.tolist()))
        self.transition.copy_(transition)
        self.whole_factor.copy_(square_root(cluster_covariances(whole - self.whole_mean[cluster], cluster)))
        covariance = cluster_covariances(rows, row_cluster)
        self.chunk_factor.copy_(square_root(covariance))
        self.noise_factor.copy_(square_root(covariance - transition @ covariance @ transition.T))


def fit_transition(sequences: Sequence[Tensor]) -> Tensor:
    """Ridge regression from each row of sequences (N, Zc) to the next: (Zc, Zc), spectral radius limited."""
    x, y = (torch.cat([each[part] for each in sequences]) for part in (slice(None, -1), slice(1, None)))
    transition = torch.linalg.solve(x.T @ x + RIDGE * torch.eye(x.shape[1], device=x.device), x.T @ y).T
    if not len(transition):
        return transition
    radius = float(torch.linalg.eigvals(transition).abs().max())
    return transition * min(1.0, MAX_SPECTRAL_RADIUS / max(1e-6, radius))


def kmeans(rows: Tensor, count: int) -> Tensor:
    """The cluster of each row (M, n), below `count`; initial centers are rows far from each other."""
    centers = rows.mean(dim=0, keepdim=True)
    initial = []
    for _ in range(min(count, len(rows))):
        farthest = torch.cdist(rows, torch.stack(initial) if initial else centers).amin(dim=1).argmax()
        initial.append(rows[farthest])
    centers = torch.stack(initial)
    cluster = torch.cdist(rows, centers).argmin(dim=1)
    for _ in range(KMEANS_ITERATIONS):
        populated = torch.bincount(cluster, minlength=len(centers)) > 0
        centers = torch.where(populated[:, None], cluster_means(rows, cluster, len(centers)), centers)
        cluster = torch.cdist(rows, centers).argmin(dim=1)
    return cluster


def cluster_means(rows: Tensor, cluster: Tensor, count: int = NUM_CLUSTERS) -> Tensor:
    """Means (count, n) of the rows (M, n) of each cluster (M,); 0 for empty ones."""
    sums = rows.new_zeros(count, rows.shape[1]).index_add_(0, cluster, rows)
    return sums / torch.bincount(cluster, minlength=count).clamp(min=1)[:, None]


def cluster_covariances(rows: Tensor, cluster: Tensor) -> Tensor:
    """Covariances (NUM_CLUSTERS, n, n) of the rows (M, n), about 0, of each cluster (M,).

    Shrunk towards the covariance of all rows by n pseudo-rows of it, as a cluster may have fewer rows than columns.
    """
    n = rows.shape[1]
    pooled = rows.T @ rows / max(1, len(rows))
    members = [rows[cluster == i] for i in range(NUM_CLUSTERS)]
    return torch.stack([(each.T @ each + n * pooled) / max(1, len(each) + n) for each in members])


def square_root(covariance: Tensor) -> Tensor:
    """A square root (..., n, n) of covariances, by which standard normal vectors get them; negative variances are 0."""
    variances, vectors = torch.linalg.eigh(covariance)
    return vectors * variances.clamp(min=0).sqrt()[..., None, :]
