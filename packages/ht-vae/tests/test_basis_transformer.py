"""The layers over the linear basis: nothing before training, less error after, whatever is beside a sequence."""

import pytest
import torch

from ht_vae.basis_training import basis_error_ratio, sequence_rows, train_basis_transformer
from ht_vae.config import ModelConfig, RunConfig
from ht_vae.data.dataset import Window
from ht_vae.data.loader import TrainingBatch
from ht_vae.model import load_model
from ht_vae.training import train
from pose_core.transforms import normalize


@pytest.fixture
def sizes():
    return {"basis_layers": 1, "basis_width": 32, "relative_arms": True}


@pytest.fixture
def windows(skeleton, clip):
    """Clips that differ from each other by more than the latents have numbers for."""
    lengths = (20, 48, 33, 64, 40, 17)
    return [Window(normalize(clip(T, seed).on_skeleton(skeleton))[0]) for seed, T in enumerate(lengths)]


@pytest.fixture
def fitted(build, sizes, windows):
    model = build(**sizes)
    clips = [window.tensors for window in windows]
    every = torch.cat([keypoints for keypoints, _ in clips])
    model.initialize(every.mean(dim=0), torch.ones(every.shape[1]), clips)
    return model


def inputs(windows):
    return TrainingBatch.of(windows).inputs


def error(model, windows):
    keypoints, confidence, mask = inputs(windows)
    visible = (confidence > 0) & mask[..., None]
    with torch.no_grad():
        return (model.reconstruct(keypoints, confidence, mask).keypoints - keypoints)[visible].square().mean()


def randomized(model):
    """Layers that change something, as trained ones do."""
    torch.manual_seed(1)
    for network in (model.basis_transformer.encoder, model.basis_transformer.decoder):
        torch.nn.init.normal_(network.head.weight, std=0.1)
    return model


def test_untrained_layers_change_nothing(build, sizes, fitted, windows):
    plain = build(**sizes | {"basis_layers": 0})
    plain.load_state_dict({name: each for name, each in fitted.state_dict().items() if "basis_transformer" not in name})
    torch.testing.assert_close(
        fitted.reconstruct(*inputs(windows)).keypoints, plain.reconstruct(*inputs(windows)).keypoints
    )


def test_training_lowers_the_error_of_clips_and_only_changes_these_layers(fitted, windows):
    before, rows = error(fitted, windows), sequence_rows(fitted, windows)
    assert basis_error_ratio(fitted, rows) == pytest.approx(1)
    others = {name: each.clone() for name, each in fitted.state_dict().items() if "basis_transformer" not in name}
    torch.manual_seed(0)
    ratio = train_basis_transformer(fitted, rows, RunConfig(basis_steps=150))
    assert ratio < 0.7
    assert basis_error_ratio(fitted, rows) == pytest.approx(ratio, rel=0.15)
    assert error(fitted, windows) < 0.6 * before
    for name, each in others.items():
        assert torch.equal(fitted.state_dict()[name], each), name


def test_the_metrics_of_a_run_say_what_the_layers_gain_on_held_out_clips(trained, csvs, quick, tmp_path):
    settings = {"basis_layers": 1, "basis_width": 16, "basis_steps": 20, "basis_frames": 500}
    _, metrics = train([csvs], tmp_path / "run", quick.model_copy(update=settings))
    assert 0 < metrics["validation/basis_error_ratio"] < 2
    assert "validation/basis_error_ratio" in (tmp_path / "run" / "README.md").read_text()
    assert "validation/basis_error_ratio" not in trained[1]  # of a basis without layers


def test_padding_and_other_clips_change_nothing(fitted, windows):
    model = randomized(fitted)
    together = model.reconstruct(*inputs(windows)).keypoints
    for i, window in enumerate(windows):
        alone = model.reconstruct(*inputs([window])).keypoints
        torch.testing.assert_close(together[i, : alone.shape[1]], alone[0], atol=1e-4, rtol=1e-4)


def test_a_saved_model_decodes_alike_and_older_configurations_stay_as_they_are(fitted, windows, configure, tmp_path):
    model = randomized(fitted)
    model.save_pretrained(tmp_path)
    expected = model.reconstruct(*inputs(windows)).keypoints
    torch.testing.assert_close(load_model(tmp_path, "cpu").reconstruct(*inputs(windows)).keypoints, expected)
    assert not {"basis_layers", "basis_width"} & {*configure().model_dump()}


def test_sizes_that_cannot_be_are_refused(configure):
    with pytest.raises(ValueError, match="basis_layers: they refine chunk latents"):
        ModelConfig(**configure().model_dump() | {"basis_layers": 1, "chunk_latent_dim": 0})
    with pytest.raises(ValueError, match="basis_width 12 does not divide"):
        configure(basis_layers=1, basis_width=12)
