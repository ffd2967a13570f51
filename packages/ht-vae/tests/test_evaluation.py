import json

import numpy as np
import pytest

from ht_vae.codec import reconstruct
from ht_vae.evaluation.errors import clip_errors
from ht_vae.evaluation.evaluate import evaluate, split_of
from ht_vae.model import load_model
from pose_core import UserError, read, write
from pose_core.testing import fake_manifest


@pytest.fixture(scope="module")
def mixed(body, tmp_path_factory):
    """A data set of clips of many lengths, one of them empty at first."""
    folder = tmp_path_factory.mktemp("mixed") / "test"
    folder.mkdir()
    for seed, frames in enumerate((1, 16, 17, 50, 140)):
        sequence = body(frames, seed)
        if frames == 50:
            sequence.confidence[:20] = 0
        write(sequence, folder / f"{frames:03}.csv")
    return folder.parent


@pytest.fixture(scope="module")
def model(trained):
    return load_model(trained[2], "cpu")


def test_evaluation_is_deterministic_and_independent_of_batches(model, mixed):
    first, again, single = (
        evaluate(model, [mixed], "test", batch_size=batch_size).metrics() for batch_size in (16, 16, 1)
    )
    assert json.dumps(first, default=str) == json.dumps(again, default=str)

    def numbers(value):
        if isinstance(value, dict):
            return [number for each in value.values() for number in numbers(each)]
        if isinstance(value, list):
            return [number for each in value for number in numbers(each)]
        return [value] if isinstance(value, int | float) else []

    np.testing.assert_allclose(numbers(first), numbers(single), rtol=2e-3, atol=1e-5)


def test_evaluation_reports_errors_latents_realism_and_worst_clips(model, mixed):
    found = evaluate(model, [mixed], "test", seed=2)
    assert (found.clips, found.frames, found.model_hash) == (5, 224, model.hash)
    assert found.seconds == pytest.approx(224 / 25)
    assert set(found.parts) == {"all", "body"}
    assert 0 < found.parts["all"].mpjpe < 5
    assert (found.latents["whole"].dims, found.latents["whole"].vectors) == (6, 5)
    assert (found.latents["chunk"].dims, found.latents["chunk"].vectors) == (5, 1 + 1 + 2 + 4 + 9)
    assert len(found.latents["chunk"].kl_dims) == 5
    assert sum(found.latents["whole"].kl_dims) == pytest.approx(found.latents["whole"].kl, rel=1e-4)
    assert found.realism is not None
    assert found.realism.windows == 1 + 1 + 1 + 1 + 4
    assert found.realism.samples > 0
    errors = [score.mpjpe for score in found.clip_scores]
    assert errors == sorted(errors, reverse=True)
    assert [clip.path for clip in found.worst] == [score.path for score in found.clip_scores[:4]]
    arrays = found.latent_arrays
    assert arrays["whole_mean"].shape == (5, 6)
    assert arrays["chunk_mean"].shape == (17, 5)
    assert np.bincount(arrays["chunk_clip"]).tolist() == [1, 1, 2, 4, 9]
    assert [name.rpartition("/")[2] for name in arrays["names"]] == [f"{n:03}.csv" for n in (1, 16, 17, 50, 140)]
    assert arrays["frames"].tolist() == [1, 16, 17, 50, 140]


def test_a_clip_without_a_face_is_judged_as_it_is_encoded(clip, tmp_path):
    bundled = load_model("signing", "cpu")
    path = tmp_path / "test" / "clip.pose"
    path.parent.mkdir()
    write(clip(30), path)
    found = evaluate(bundled, [tmp_path], "test", optimization_steps=0)
    encoded, decoded = reconstruct(bundled, read(path), optimization_steps=0)
    own = clip_errors(encoded.original, decoded, bundled.config.chunk_size)
    assert found.parts["all"].mpjpe == pytest.approx(own.total().mpjpe, rel=1e-4)
    np.testing.assert_array_equal(found.worst[0].decoded.sequence.visible, decoded.sequence.visible)


def test_splits_are_selected_or_held_out(csvs, mixed):
    said = []
    validation, train = split_of([csvs], "validation", said.append), split_of([csvs], "train")
    assert (len(validation), len(train), len(split_of([csvs], "all"))) == (1, 2, 3)
    assert "held out" in said[0]
    assert len(split_of([mixed], "test")) == 5
    with pytest.raises(UserError, match="no clips of split 'validation'; it has test"):
        split_of([mixed], "validation")


def test_clips_labels_are_the_models_condition(build, tmp_path):
    manifest = fake_manifest(tmp_path, letters="AB")
    found = evaluate(build(labels=("A", "B")), [manifest], "all")
    assert found.clips == 4
    with pytest.raises(UserError, match="is conditioned on labels, and clips have others: X, Y"):
        evaluate(build(labels=("X", "Y")), [manifest], "all")
    with pytest.raises(UserError, match="conditioned on vectors"):
        evaluate(build(condition_dim=3), [manifest], "all")


def test_evaluation_without_chunk_latents(build, tmp_path):
    manifest = fake_manifest(tmp_path, letters="AB")
    found = evaluate(build(chunk_latent_dim=0, global_layers=0), [manifest], "all")
    assert set(found.latents) == {"whole"}
    assert found.latent_arrays["chunk_mean"].shape[1] == 0
