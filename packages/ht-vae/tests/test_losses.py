import pytest
import torch
from torch.distributions import Normal
from torch.distributions import kl_divergence as torch_kl

from ht_vae.config import LossConfig
from ht_vae.losses import LossManager, VAELoss, total
from ht_vae.model import Poses, Reconstruction
from ht_vae.nn.latent import Gaussian, Posterior


@pytest.fixture
def components(skeleton):
    """Components of a loss: a posterior and what was made of a batch, against the batch."""

    def make(output, keypoints, confidence, mask, step=0, posterior=None, **config):
        if posterior is None:
            nothing = torch.zeros(len(mask), 3)
            posterior = Posterior(Gaussian(nothing, nothing), None, mask)
        result = Reconstruction(Poses(output, torch.zeros_like(confidence)), posterior, None)
        return VAELoss(skeleton, LossManager(LossConfig(**config)))(result, keypoints, confidence, mask, step)

    return make


def random_gaussian(*shape):
    generator = torch.Generator().manual_seed(0)
    return Gaussian(torch.randn(shape, generator=generator), torch.randn(shape, generator=generator))


def test_kl_equals_torchs_and_is_not_negative():
    gaussian = random_gaussian(100, 6)
    nats = gaussian.kl_divergence()
    expected = torch_kl(Normal(gaussian.mean, (0.5 * gaussian.log_variance).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(nats, expected)
    assert (nats >= 0).all()
    assert (Gaussian(torch.zeros(3), torch.zeros(3)).kl_divergence() == 0).all()


def test_kl_counts_real_chunks_and_is_per_frame(components, poses):
    keypoints, confidence, mask = poses(32, 20, frames=40)
    chunks = random_gaussian(2, 3, 4)
    chunk_mask = torch.tensor([[True, True, False], [True, True, False]])
    posterior = Posterior(random_gaussian(2, 6), chunks, chunk_mask)
    _, value = components(keypoints, keypoints, confidence, mask, posterior=posterior)["kl"]
    expected = posterior.whole.kl_divergence().sum() + chunks.kl_divergence()[:, :2].sum()
    torch.testing.assert_close(value, expected / 52)


def test_dimensions_below_the_free_bits_cost_the_same(components, poses):
    batch = poses(20)
    mean = torch.tensor([[0.0, 0.5, 3.0]], requires_grad=True)
    posterior = Posterior(Gaussian(mean, torch.zeros(1, 3)), None, torch.ones(1, 2, dtype=torch.bool))
    _, value = components(batch[0], *batch, posterior=posterior, free_bits=1.0)["kl"]
    value.backward()
    assert value.item() == pytest.approx((1 + 1 + 4.5) / 20)
    assert mean.grad.tolist() == [[0, 0, pytest.approx(3 / 20)]]


def test_loss_of_a_perfect_reconstruction_is_zero(components, poses):
    batch = poses(20)
    values = components(batch[0], *batch)
    assert set(values) == {"reconstruction", "kl", "velocity", "bone", "presence"}
    for name in ("reconstruction", "kl", "velocity", "bone"):
        assert values[name][1].item() == 0


def test_missing_keypoints_and_padding_do_not_count(components, poses):
    keypoints, confidence, mask = poses(20, frames=30)
    output = torch.where((confidence * mask[..., None] > 0)[..., None], keypoints, torch.randn_like(keypoints))
    elsewhere = torch.where(confidence[..., None] > 0, keypoints, torch.nan)
    values = components(output, elsewhere, confidence, mask)
    for name in ("reconstruction", "velocity", "bone"):
        assert values[name][1].item() == 0


def test_keypoints_are_weighted_by_confidence(components, poses):
    keypoints, confidence, mask = poses(1)
    output = keypoints.clone()
    output[0, 0, 0, 0] += 0.5
    visible = int((confidence > 0).sum())
    assert components(output, keypoints, confidence, mask)["reconstruction"][1].item() == pytest.approx(0.125 / visible)
    confidence[0, 0, 0] = 0.5
    value = components(output, keypoints, confidence, mask)["reconstruction"][1].item()
    assert value == pytest.approx(0.0625 / (visible - 0.5))


def test_shifts_cost_no_velocity_or_bones_but_jumps_do(components, poses):
    keypoints, confidence, mask = poses(20)
    values = components(keypoints + 0.5, keypoints, confidence, mask)
    assert values["reconstruction"][1].item() == pytest.approx(2 * 0.125, rel=1e-4)
    assert values["velocity"][1].item() == pytest.approx(0, abs=1e-6)
    assert values["bone"][1].item() == pytest.approx(0, abs=1e-6)
    jump = keypoints + 0.5 * (torch.arange(20) >= 10)[:, None, None]
    assert components(jump, keypoints, confidence, mask)["velocity"][1].item() == pytest.approx(0.25 / 19, rel=1e-3)
    assert components(1.5 * keypoints, keypoints, confidence, mask)["bone"][1] > 1e-3


def test_total_is_the_weighted_sum(components, poses):
    batch = poses(20)
    values = components(batch[0] + 0.5, *batch, step=10, kl_schedule="constant", velocity_weight=0, presence_weight=2)
    expected = sum(weight * value for weight, value in values.values())
    assert values["velocity"][0] == 0
    assert values["presence"][0] == 2
    torch.testing.assert_close(total(values), expected)


@pytest.mark.parametrize(
    ("schedule", "known"),
    [
        ("constant", {0: 1, 50: 1, 500: 1}),
        ("linear", {0: 0, 25: 0.25, 100: 1, 500: 1}),
        ("cyclical", {0: 0, 25: 0.5, 50: 1, 99: 1, 100: 0, 125: 0.5, 175: 1}),
        ("sigmoid", {0: 0.0025, 50: 0.5, 100: 0.9975, 500: 0.9975}),
    ],
)
def test_kl_schedules(schedule, known):
    manager = LossManager(LossConfig(kl_weight=0.2, kl_schedule=schedule, kl_steps=100))
    for step, share in known.items():
        assert manager.annealing(step) == pytest.approx(share, abs=1e-4)
        assert manager.weights(step)["kl"] == pytest.approx(0.2 * share, abs=1e-4)
        assert manager.weights(step)["reconstruction"] == 1
