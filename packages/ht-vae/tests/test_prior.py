import torch

from ht_vae.nn.prior import NUM_CLUSTERS, Prior, cluster_covariances, kmeans, square_root


def correlation(chunks, dim=0):
    """Of a latent with that of the chunk before."""
    return torch.corrcoef(torch.stack([chunks[:, 1:, dim].flatten(), chunks[:, :-1, dim].flatten()]))[0, 1]


def test_fitted_prior_has_the_sequences_moments_and_autocorrelation():
    random = torch.Generator().manual_seed(0)
    chunks = torch.randn(300, 20, 5, generator=random) * torch.tensor([2.0, 1.0, 0.5, 0.1, 0.0])
    for n in range(1, 20):
        chunks[:, n] = 0.6 * chunks[:, n - 1] + 0.8 * chunks[:, n]
    prior = Prior(6, 5)
    prior.fit(torch.randn(300, 6, generator=random), list(chunks + 1))
    whole, drawn = prior.sample(2000, 10, random)
    assert whole.shape == (2000, 6)
    torch.testing.assert_close(drawn.mean(dim=(0, 1)), torch.ones(5), atol=0.1, rtol=0)
    for n in (0, 5, 9):  # as spread at the end as at the beginning
        torch.testing.assert_close(drawn[:, n].std(dim=0), chunks[:, 10:].flatten(0, 1).std(dim=0), atol=0.05, rtol=0.1)
    assert abs(correlation(drawn) - correlation(chunks)) < 0.1


def test_clusters_are_not_mixed():
    random = torch.Generator().manual_seed(0)
    side = torch.where(torch.rand(400, generator=random) < 0.25, -5.0, 5.0)[:, None]
    whole = side + 0.3 * torch.randn(400, 6, generator=random)
    chunks = -side[:, None] + 0.3 * torch.randn(400, 3, 5, generator=random)
    prior = Prior(6, 5)
    prior.fit(whole, list(chunks))
    drawn, of_chunks = prior.sample(1000, 3, random)
    assert (drawn.abs() - 5).abs().max() < 2
    assert (drawn.mean(dim=1).sign() == -of_chunks.mean(dim=(1, 2)).sign()).all()
    assert abs((drawn[:, 0] < 0).float().mean() - 0.25) < 0.06


def test_samples_at_temperature_0_are_cluster_means():
    random = torch.Generator().manual_seed(0)
    prior = Prior(6, 5)
    prior.fit(torch.randn(50, 6, generator=random), list(torch.randn(50, 3, 5, generator=random)))
    whole, chunks = prior.sample(40, 2, random, temperature=0.0)
    assert len(whole.unique(dim=0)) <= NUM_CLUSTERS
    assert torch.equal(chunks[:, 0], chunks[:, 1])


def test_prior_of_fewer_sequences_than_clusters():
    prior = Prior(6, 5)
    prior.fit(torch.ones(2, 6), [torch.zeros(1, 5), torch.zeros(4, 5)])
    whole, chunks = prior.sample(9, 3)
    torch.testing.assert_close(whole, torch.ones(9, 6), atol=1e-3, rtol=0)
    torch.testing.assert_close(chunks, torch.zeros(9, 3, 5), atol=1e-3, rtol=0)


def test_kmeans_finds_separate_clusters():
    torch.manual_seed(0)
    true = torch.arange(NUM_CLUSTERS).repeat(20)
    rows = 10 * torch.eye(NUM_CLUSTERS)[true] + torch.randn(len(true), NUM_CLUSTERS)
    found = kmeans(rows, NUM_CLUSTERS)
    assert all(len(found[true == i].unique()) == 1 for i in range(NUM_CLUSTERS))
    assert len(found.unique()) == NUM_CLUSTERS


def test_square_roots_and_covariances():
    torch.manual_seed(0)
    rows = torch.randn(4000, 3) * torch.tensor([1.0, 2.0, 3.0])
    kind = torch.zeros(4000, dtype=torch.long)
    covariance = cluster_covariances(rows, kind)
    torch.testing.assert_close(covariance[0].diagonal(), torch.tensor([1.0, 4.0, 9.0]), atol=0.4, rtol=0)
    torch.testing.assert_close(covariance[1], rows.T @ rows / 4000)  # none of its own
    torch.testing.assert_close(square_root(covariance) @ square_root(covariance).mT, covariance)
