import pytest
import torch

from ht_vae.evaluation.latent_statistics import LatentStatistics
from ht_vae.nn.latent import Gaussian


def test_constant_dimensions_are_not_active():
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(200, 4, generator=generator) * torch.tensor([1.0, 0.2, 0.05, 0.0])
    gaussian = Gaussian(mean, torch.zeros_like(mean))
    statistics = LatentStatistics(4)
    for rows in (slice(0, 50), slice(50, 200)):
        statistics.update(Gaussian(mean[rows], gaussian.log_variance[rows]))
    values = statistics.compute()
    assert values["active"] == 2
    torch.testing.assert_close(values["variance"], mean.var(dim=0))
    torch.testing.assert_close(values["kl"], gaussian.kl_divergence().mean(dim=0))
    assert values["kl"][3] == 0


def test_padding_does_not_count():
    mean = torch.randn(3, 5, 2)
    real = torch.rand(3, 5) < 0.5
    statistics, expected = LatentStatistics(2), LatentStatistics(2)
    statistics.update(Gaussian(mean, mean), real)
    expected.update(Gaussian(mean[real], mean[real]))
    for name, value in expected.compute().items():
        torch.testing.assert_close(statistics.compute()[name], value)


@pytest.mark.parametrize("dims", [1, 3])
def test_variance_of_a_single_vector_is_nan(dims):
    statistics = LatentStatistics(dims)
    statistics.update(Gaussian(torch.ones(1, dims), torch.zeros(1, dims)))
    values = statistics.compute()
    assert values["active"].isnan()
    torch.testing.assert_close(values["kl"].reshape(-1), torch.full((dims,), 0.5))
