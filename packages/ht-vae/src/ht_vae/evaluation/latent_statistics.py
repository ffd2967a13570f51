"""Posterior collapse: how much information each latent dimension carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torchmetrics import Metric

if TYPE_CHECKING:
    from ht_vae.nn.latent import Gaussian

ACTIVE_VARIANCE = 0.01  # of the posterior's mean over the data; a dimension above it is active


class LatentStatistics(Metric):
    """KL divergence and active units of latents over data.

    Active units are dimensions whose posterior mean varies over the data (Burda et al. 2016,
    https://arxiv.org/abs/1509.00519); that of a collapsed dimension is constant.

    Args:
        dims: Z.
    """

    is_differentiable = False
    full_state_update = False
    count: Tensor
    means: Tensor
    squares: Tensor
    nats: Tensor

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")
        for name in ("means", "squares", "nats"):
            self.add_state(name, torch.zeros(dims), dist_reduce_fx="sum")

    def update(self, gaussian: Gaussian, mask: Tensor | None = None) -> None:
        """Adds distributions (..., Z); `mask` (...) is True where one counts, None: everywhere."""
        real = torch.ones_like(gaussian.mean[..., 0], dtype=torch.bool) if mask is None else mask
        mean = gaussian.mean.detach()[real].float()  # (N, Z)
        self.count += len(mean)
        self.means += mean.sum(dim=0)
        self.squares += mean.square().sum(dim=0)
        self.nats += gaussian.kl_divergence().detach()[real].float().sum(dim=0)

    def compute(self) -> dict[str, Tensor]:
        """`kl` (Z,), mean nats per dimension; `variance` (Z,) of the posterior mean; `active` (), active units.

        NaN without data; variance and active units are NaN of a single vector, too.
        """
        count = self.count.to(self.means.dtype)
        variance = (self.squares - self.means.square() / count) / (count - 1)
        active = (variance > ACTIVE_VARIANCE).sum().to(self.means.dtype)
        several = self.count > 1
        variance = torch.where(several, variance, torch.nan)
        return {"kl": self.nats / count, "variance": variance, "active": torch.where(several, active, torch.nan)}
