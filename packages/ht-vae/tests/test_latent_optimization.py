"""Latents that are optimized for their sequences reconstruct these better, whatever batch they are in."""

import inspect

import pytest
import torch

from ht_vae import cli
from ht_vae.latent_optimization import STEPS, optimize_latents
from ht_vae.nn.latent import Latents


@pytest.fixture
def fitted(build, poses):
    """A model whose linear basis knows a few clips, and clips that it does not know."""
    model = build(chunk_latent_dim=24)
    keypoints, confidence, mask = poses(48, 48, 48)
    model.initialize(keypoints.mean(dim=(0, 1)), torch.ones(50), [(each, each[..., 0] < 1e3) for each in keypoints])
    torch.manual_seed(1)
    others = keypoints + 0.1 * torch.randn(3, 1, *keypoints.shape[2:])
    return model, (others, confidence, mask)


@torch.inference_mode()
def errors(model, posterior, keypoints, confidence, mask):
    """(B,) mean distances of visible keypoints."""
    decoded = model.decode(model.latent_space.mean(posterior), mask.sum(dim=1)).keypoints
    visible = (confidence > 0) & mask[..., None]
    distance = (decoded - torch.where(visible[..., None], keypoints, 0)).norm(dim=-1) * visible
    return distance.sum(dim=(1, 2)) / visible.sum(dim=(1, 2)).clamp(min=1)


def optimized(model, keypoints, confidence, mask, **how):
    with torch.inference_mode():
        posterior = model.encode(keypoints, confidence, mask)
        return posterior, optimize_latents(model, posterior, keypoints, confidence > 0, mask, **how)


def test_errors_fall(fitted):
    model, clips = fitted
    before, after = optimized(model, *clips)
    assert (errors(model, after, *clips) < errors(model, before, *clips)).all()


def test_more_steps_are_not_worse(fitted):
    model, clips = fitted
    few, many = (optimized(model, *clips, steps=steps)[1] for steps in (10, 100))
    assert errors(model, many, *clips).mean() < errors(model, few, *clips).mean()


def test_no_steps_change_nothing(fitted):
    before, after = optimized(*fitted[:1], *fitted[1], steps=0)
    assert after is before


def test_the_rest_of_the_batch_and_padding_change_nothing(fitted):
    model, (keypoints, confidence, _) = fitted
    mask = torch.arange(48) < torch.tensor([[48], [20], [33]])
    together = optimized(model, keypoints, confidence, mask, steps=5)[1]
    alone = optimized(model, keypoints[1:2, :20], confidence[1:2, :20], mask[1:2, :20], steps=5)[1]
    torch.testing.assert_close(together.whole.mean[1:2], alone.whole.mean, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(together.chunks.mean[1:2, :2], alone.chunks.mean, atol=1e-3, rtol=1e-3)


def test_values_of_missing_keypoints_change_nothing(fitted):
    model, (keypoints, confidence, mask) = fitted
    confidence = confidence.clone()
    confidence[:, 10:30, 8:29] = 0
    wild = torch.where(confidence[..., None] > 0, keypoints, 1e6)
    usual, other = (optimized(model, each, confidence, mask, steps=5)[1] for each in (keypoints, wild))
    torch.testing.assert_close(usual.chunks.mean, other.chunks.mean)


def test_a_sequence_in_which_nothing_is_visible_stays_finite(fitted):
    model, (keypoints, confidence, mask) = fitted
    after = optimized(model, keypoints, torch.zeros_like(confidence), mask)[1]
    assert torch.isfinite(after.whole.mean).all()
    assert torch.isfinite(after.chunks.mean).all()


def test_latents_that_no_step_improves_stay(fitted):
    model, (_, _, mask) = fitted
    with torch.inference_mode():
        latents = Latents(torch.zeros(3, 6), torch.zeros(3, 3, 24))
        exact = model.decode(latents, 48)
        posterior = model.encode(exact.keypoints, torch.ones(3, 48, 50), mask)
        posterior = posterior.row(0)
        own = model.decode(model.latent_space.mean(posterior), 48)
        after = optimize_latents(model, posterior, own.keypoints, own.logits > 0, mask[:1], steps=3)
    torch.testing.assert_close(after.chunks.mean, posterior.chunks.mean, atol=0.05, rtol=0)


def test_frames_in_which_nothing_is_visible_stay_where_the_encoder_puts_them(fitted):
    """Errors of what is visible say nothing of them, and latents of chunks without any would drift."""
    model, (keypoints, confidence, mask) = fitted
    confidence = confidence.clone()
    confidence[:, 16:] = 0  # two of three chunks
    before, after = optimized(model, keypoints, confidence, mask, steps=100)
    with torch.inference_mode():
        hidden = [model.decode(model.latent_space.mean(each), 48).keypoints[:, 24:] for each in (before, after)]
        shown = [errors(model, each, keypoints, confidence, mask) for each in (before, after)]
    assert (hidden[1] - hidden[0]).norm(dim=-1).mean() < 0.02
    assert (shown[1] < shown[0]).all()


def test_a_model_that_was_made_in_inference_mode_is_optimized_too(build, fitted):
    model, clips = fitted
    with torch.inference_mode():
        other = build(chunk_latent_dim=24)
        other.load_state_dict(model.state_dict())
    for mine, theirs in zip(optimized(other, *clips, steps=3), optimized(model, *clips, steps=3), strict=True):
        torch.testing.assert_close(mine.chunks.mean, theirs.chunks.mean)


def test_fewer_steps_than_none_are_refused(fitted):
    with pytest.raises(ValueError, match="-1 steps of optimization: it takes at least 0"):
        optimized(fitted[0], *fitted[1], steps=-1)


def test_the_models_weights_get_no_gradients(fitted):
    model, clips = fitted
    optimized(model, *clips, steps=2)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_command_lines_default_is_the_functions():
    for command in (cli.encode, cli.reconstruct, cli.interpolate, cli.evaluate):
        defaults = {p.name: p.default for p in inspect.signature(command).parameters.values()}
        assert defaults.get("optimization_steps", cli.EncodingOptions().optimization_steps) == STEPS
