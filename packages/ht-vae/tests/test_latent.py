import pytest
import torch

from ht_vae.nn.latent import Gaussian, Latents, LatentSpace, Posterior

SPACE = LatentSpace(latent_dim=6, chunk_latent_dim=5, chunk_size=16)


def test_unfitted_prior_is_standard_normal():
    drawn = SPACE.prior(2000, 33, torch.Generator().manual_seed(0))
    assert drawn.whole.shape == (2000, 6)
    assert drawn.chunks.shape == (2000, 3, 5)
    for values in (drawn.whole, drawn.chunks):
        assert values.mean().item() == pytest.approx(0, abs=0.05)
        assert values.std().item() == pytest.approx(1, abs=0.05)
    assert LatentSpace(6, 0, 16).prior(2, 33).chunks is None


def test_reparameterized_samples_have_the_posteriors_moments():
    torch.manual_seed(0)
    gaussian = Gaussian(torch.full((5000, 6), 2.0), torch.full((5000, 6), 0.25).log())
    drawn = SPACE.reparameterize(Posterior(gaussian, None, torch.ones(5000, 1, dtype=torch.bool)))
    assert drawn.whole.mean().item() == pytest.approx(2, abs=0.02)
    assert drawn.whole.std().item() == pytest.approx(0.5, abs=0.02)


def test_interpolation_keeps_the_ends_and_is_evenly_spaced():
    a, b = (SPACE.prior(1, 32, torch.Generator().manual_seed(seed)) for seed in (0, 1))
    for spherical in (False, True):
        points = SPACE.interpolate(a, b, 7, spherical=spherical)
        assert points.whole.shape == (7, 6)
        assert points.chunks.shape == (7, 2, 5)
        for end, i in ((a, 0), (b, -1)):
            torch.testing.assert_close(points.whole[i], end.whole[0])
            torch.testing.assert_close(points.chunks[i], end.chunks[0])
    straight = SPACE.interpolate(a, b, 7)
    torch.testing.assert_close(straight.whole.diff(dim=0), ((b.whole - a.whole) / 6).expand(6, -1))


def test_spherical_interpolation_keeps_the_norm():
    a, b = Latents(torch.tensor([[2.0, 0.0]]), None), Latents(torch.tensor([[0.0, 2.0]]), None)
    points = SPACE.interpolate(a, b, 5, spherical=True)
    torch.testing.assert_close(points.whole.norm(dim=1), torch.full((5,), 2.0))
    torch.testing.assert_close(points.whole[2], torch.full((2,), 2**0.5))


@pytest.mark.parametrize("end", [[[2.0, 0.0]], [[-1.0, 0.0]], [[0.0, 0.0]]])
def test_spherical_interpolation_of_parallel_vectors_is_finite(end):
    points = SPACE.interpolate(
        Latents(torch.tensor([[1.0, 0.0]]), None), Latents(torch.tensor(end), None), 3, spherical=True
    )
    assert points.whole.isfinite().all()
    torch.testing.assert_close(points.whole[-1], torch.tensor(end[0]))


def test_missing_chunks_are_interpolated_from_the_priors_mean():
    a, b = (SPACE.prior(1, frames, torch.Generator().manual_seed(0)) for frames in (16, 48))
    points = SPACE.interpolate(a, b, 3)
    assert points.chunks.shape == (3, 3, 5)
    assert (points.chunks[0, 1:] == 0).all()


def test_interpolation_of_fewer_than_two_points_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        SPACE.interpolate(SPACE.prior(1, 16), SPACE.prior(1, 16), 1)


def test_fitting_the_prior_ignores_padding():
    random = torch.Generator().manual_seed(0)
    whole = 3 * torch.randn(200, 6, generator=random) - 2
    chunks = torch.randn(200, 8, 5, generator=random) + 1
    mask = torch.ones(200, 8, dtype=torch.bool)
    mask[:, 6:] = False
    chunks[:, 6:] = 99.0  # padding
    of = [Gaussian(each, torch.zeros_like(each)) for each in (whole, chunks)]
    space = LatentSpace(latent_dim=6, chunk_latent_dim=5, chunk_size=16)
    space.fit_prior([Posterior(*of, mask)])
    drawn = space.prior(4000, 6 * 16, random)
    assert drawn.whole.mean().item() == pytest.approx(-2, abs=0.3)
    assert drawn.chunks.mean().item() == pytest.approx(1, abs=0.1)


def test_prior_of_single_chunks_or_without_chunk_latents():
    whole = Gaussian(torch.randn(9, 6), torch.zeros(9, 6))
    space = LatentSpace(6, 0, 16)
    space.fit_prior([Posterior(whole, None, torch.ones(9, 1, dtype=torch.bool))])
    assert space.prior(3, 40).whole.isfinite().all()
    one = Gaussian(torch.randn(9, 1, 5), torch.zeros(9, 1, 5))
    space = LatentSpace(6, 5, 16)
    space.fit_prior([Posterior(whole, one, torch.ones(9, 1, dtype=torch.bool))])
    assert space.prior(3, 80).chunks.isfinite().all()
