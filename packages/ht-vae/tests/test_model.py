import json

import pytest
import torch

from ht_vae.config import LossConfig
from ht_vae.losses import LossManager, VAELoss, total
from ht_vae.model import HierarchicalTransformerVAE
from ht_vae.nn.latent import Latents

CHUNK = 16
VARIANTS = [{}, {"chunk_latent_dim": 0}, {"global_layers": 0}, {"overlap": 0}, {"relative_arms": True}]


@pytest.mark.parametrize("changes", VARIANTS)
@pytest.mark.parametrize("length", [1, CHUNK - 1, CHUNK, CHUNK + 1, 4000])
def test_shapes(build, poses, length, changes):
    model = build(**changes)
    keypoints, confidence, mask = poses(length)
    with torch.inference_mode():
        output = model(keypoints, confidence, mask)
    assert output.poses.keypoints.shape == keypoints.shape
    assert output.poses.logits.shape == confidence.shape
    assert output.latents.whole.shape == (1, 6)
    chunks = -(-length // CHUNK)
    assert output.posterior.chunk_mask.shape == (1, chunks)
    if model.config.chunk_latent_dim:
        assert output.latents.chunks.shape == (1, chunks, 5)
    else:
        assert output.latents.chunks is None
    assert output.poses.keypoints.isfinite().all()


@pytest.mark.parametrize("changes", VARIANTS)
@pytest.mark.parametrize("length", [1, CHUNK, 5 * CHUNK + 3])
def test_padding_and_other_clips_do_not_change_a_sequence(build, poses, length, changes):
    model = build(**changes)
    keypoints, confidence, mask = poses(length, 7 * CHUNK + 1)
    keypoints[~mask] = torch.nan  # nobody looks there
    with torch.inference_mode():
        among = model(keypoints, confidence, mask)
        alone = model(keypoints[:1, :length], confidence[:1, :length], mask[:1, :length])
    close = {"atol": 1e-4, "rtol": 0}
    torch.testing.assert_close(among.poses.keypoints[:1, :length], alone.poses.keypoints, **close)
    torch.testing.assert_close(among.poses.logits[:1, :length], alone.poses.logits, **close)
    torch.testing.assert_close(among.posterior.whole.mean[:1], alone.posterior.whole.mean, **close)
    torch.testing.assert_close(among.posterior.whole.log_variance[:1], alone.posterior.whole.log_variance, **close)
    if model.config.chunk_latent_dim:
        chunks = alone.latents.chunks.shape[1]
        torch.testing.assert_close(among.latents.chunks[:1, :chunks], alone.latents.chunks, **close)
    assert (among.poses.keypoints[0, length:] == 0).all()


@pytest.mark.parametrize("changes", [{}, {"relative_arms": True}])
def test_values_of_missing_keypoints_do_not_change_the_output(build, poses, changes):
    model = build(**changes)
    keypoints, confidence, mask = poses(40)
    elsewhere = torch.where(confidence[..., None] > 0, keypoints, torch.nan)
    assert elsewhere.isnan().any()
    torch.testing.assert_close(
        model(elsewhere, confidence, mask).poses.keypoints, model(keypoints, confidence, mask).poses.keypoints
    )


@pytest.mark.parametrize("changes", [{}, {"relative_arms": True}])
def test_no_nan_if_everything_is_missing_or_padded(build, poses, skeleton, changes):
    model = build(**changes).train()
    keypoints, confidence, mask = poses(40, 40)
    mask[1] = False
    nothing = torch.zeros_like(confidence)
    output = model(keypoints, nothing, mask)
    loss = total(VAELoss(skeleton, LossManager(LossConfig()))(output, keypoints, nothing, mask, 5))
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("changes", VARIANTS)
def test_gradients_reach_every_parameter(build, poses, changes):
    model = build(**changes).train()
    keypoints, confidence, mask = poses(40)
    output = model(keypoints, confidence, mask)
    for values in (output.latents.whole, output.latents.chunks):
        if values is not None:
            values.retain_grad()
    (output.poses.keypoints.square().sum() + output.poses.logits.square().sum()).backward()
    assert output.latents.whole.grad.abs().sum() > 0
    if output.latents.chunks is not None:
        assert (output.latents.chunks.grad.abs().sum(dim=-1) > 0).all()
    assert all(p.grad is not None for p in model.parameters())
    assert model.encoder.embedding.weight.grad.abs().sum() > 0


def test_latents_are_sampled_in_training_and_the_mean_in_evaluation(build, poses):
    model = build()
    batch = poses(40)
    torch.testing.assert_close(model(*batch).poses.keypoints, model.reconstruct(*batch).keypoints)
    model.train()
    assert not torch.allclose(model(*batch).latents.whole, model(*batch).latents.whole)


@pytest.mark.parametrize("frames", [1, CHUNK + 1, 100, 400])
def test_decodes_to_any_length(build, poses, frames):
    model = build()
    latents = model.latent_space.mean(model.encode(*poses(40)))
    output = model.decode(latents, frames)
    assert output.keypoints.shape == (1, frames, 50, 2)
    assert output.keypoints.isfinite().all()


def test_decodes_a_batch_of_different_lengths(build):
    model = build()
    latents = model.latent_space.prior(2, 50, torch.Generator().manual_seed(0))
    output = model.decode(latents, torch.tensor([20, 50]))
    alone = model.decode(Latents(latents.whole[:1], latents.chunks[:1]), 20)
    torch.testing.assert_close(output.keypoints[:1, :20], alone.keypoints, atol=1e-4, rtol=0)
    assert (output.keypoints[0, 20:] == 0).all()
    with pytest.raises(ValueError, match="0 frames"):
        model.decode(latents, 0)


def test_samples_are_different_and_the_same_for_the_same_seed(build):
    model = build()
    output, again = (model.sample(2, 40, generator=torch.Generator().manual_seed(0)).keypoints for _ in range(2))
    assert output.shape == (2, 40, 50, 2)
    assert torch.equal(output, again)
    assert not torch.allclose(output[0], output[1])


@pytest.mark.parametrize(
    ("changes", "condition", "other"),
    [
        ({"labels": ("A", "B")}, torch.tensor([0]), torch.tensor([1])),
        ({"condition_dim": 3}, torch.ones(1, 3), torch.zeros(1, 3)),
    ],
)
def test_condition_changes_encoder_and_decoder(build, poses, changes, condition, other):
    model = build(**changes)
    batch = poses(20)
    latents = model.latent_space.mean(model.encode(*batch, condition))
    output = model.decode(latents, 20, condition).keypoints
    assert not torch.allclose(output, model.decode(latents, 20, other).keypoints)
    assert not torch.allclose(latents.whole, model.encode(*batch, other).whole.mean)
    with pytest.raises(ValueError, match="conditional"):
        model.encode(*batch)
    with pytest.raises(ValueError, match="unconditional"):
        build().encode(*batch, condition)


def test_another_skeleton_is_refused(build, poses):
    keypoints, confidence, mask = poses(20)
    with pytest.raises(ValueError, match=r"\(49, 2\).*\(50, 2\)"):
        build().encode(keypoints[:, :, 1:], confidence[:, :, 1:], mask)


@pytest.mark.parametrize("changes", [{}, {"labels": ("A", "B"), "chunk_latent_dim": 0}, {"relative_arms": True}])
def test_saved_models_are_rebuilt_from_their_folder(build, tmp_path, changes):
    model = build(**changes)
    condition = torch.tensor([1]) if "labels" in changes else None
    model.save_pretrained(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} >= {"config.json", "model.safetensors"}
    assert json.loads((tmp_path / "config.json").read_text())["chunk_size"] == CHUNK
    loaded = HierarchicalTransformerVAE.from_pretrained(tmp_path)
    assert loaded.config == model.config
    output, again = (
        each.sample(1, 40, condition, torch.Generator().manual_seed(0)).keypoints for each in (model, loaded)
    )
    assert torch.equal(output, again)


@pytest.mark.parametrize("changes", [{}, {"relative_arms": True}])
def test_bfloat16_is_finite(build, poses, changes):
    model = build(**changes)
    with torch.autocast("cpu", torch.bfloat16):
        output = model(*poses(40))
    torch.testing.assert_close(output.poses.keypoints.float(), model(*poses(40)).poses.keypoints, atol=0.1, rtol=0.1)


# Without a basis to begin with, what hangs from a chain of bones takes longer to learn.
@pytest.mark.parametrize(("changes", "steps"), [({}, 250), ({"relative_arms": True}, 400)])
def test_overfits_two_clips(build, poses, skeleton, changes, steps):
    model = build(width=32, feed_forward=64, chunk_latent_dim=16, **changes).train()
    batch = poses(40, 27)
    criterion = VAELoss(skeleton, LossManager(LossConfig(kl_weight=1e-6)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(steps):
        loss = total(criterion(model(*batch), *batch, step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    keypoints, confidence, _ = batch
    output = model.eval().reconstruct(*batch)
    visible = confidence > 0
    error = (output.keypoints - keypoints)[visible]
    spread = (keypoints[visible] - keypoints[visible].mean(dim=0)).square().mean().sqrt()
    assert error.square().mean().sqrt() < 0.1 * spread
    assert ((output.logits > 0) == visible)[batch[2]].all()


def test_an_initialized_model_equals_its_linear_basis(build, poses):
    keypoints, confidence, mask = poses(40, 30, 64, 21)
    real = (confidence > 0) & mask[..., None]
    count = real.sum(dim=(0, 1))
    mean = torch.where(real[..., None], keypoints, 0).sum(dim=(0, 1)) / count.clamp(min=1)[:, None]
    model = build()
    clips = [(keypoints[i, mask[i]], real[i, mask[i]]) for i in range(len(mask))]
    model.initialize(mean, count / mask.sum(), clips)
    output = model.reconstruct(keypoints, confidence, mask)
    error = (output.keypoints - keypoints)[real].square().mean()
    assert error < 0.2 * (mean - keypoints)[real].square().mean()
    assert ((output.logits > 0) == real)[mask].all()
    inputs = torch.cat([keypoints * real[..., None], real[..., None]], dim=-1)[mask].flatten(1)
    torch.testing.assert_close(model.encoder.embedding(inputs).mean(dim=0), torch.zeros(16), atol=1e-5, rtol=0)
