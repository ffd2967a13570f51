"""Posterior collapse, watched: what each dimension of the latents is used for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torchmetrics import Metric

from ht_vae.losses import kl_divergence

if TYPE_CHECKING:
    from ht_vae.nn.latent import Gaussian

ACTIVE = 0.01  # variance of the posterior's mean over the data, above which a dimension is used


class LatentStatistics(Metric):
    """What the dimensions of a latent vector hold, over data.

    Active units are those whose posterior's mean varies over the data (Burda et al. 2016,
    https://arxiv.org/abs/1509.00519); a dimension that has collapsed says the same of everything.

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

    def update(self, gaussian: Gaussian, real: Tensor | None = None) -> None:
        """Adds distributions (..., Z); `real` (...) is True where one counts, None: everywhere."""
        kept = torch.ones_like(gaussian.mean[..., 0], dtype=torch.bool) if real is None else real
        mean = gaussian.mean.detach()[kept].float()  # (N, Z)
        self.count += len(mean)
        self.means += mean.sum(dim=0)
        self.squares += mean.square().sum(dim=0)
        self.nats += kl_divergence(gaussian).detach()[kept].float().sum(dim=0)

    def compute(self) -> dict[str, Tensor]:
        """`kl` (Z,), mean nats a dimension; `variance` (Z,) of the posterior's mean; `active` (), units that are.

        NaN of nothing, and variance and active units of a single vector as well.
        """
        count = self.count.to(self.means.dtype)
        variance = (self.squares - self.means.square() / count) / (count - 1)
        active = (variance > ACTIVE).sum().to(self.means.dtype)
        several = self.count > 1
        variance = torch.where(several, variance, torch.nan)
        return {"kl": self.nats / count, "variance": variance, "active": torch.where(several, active, torch.nan)}
