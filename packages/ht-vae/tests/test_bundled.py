"""The models that the package brings."""

import numpy as np
import pytest

from ht_vae import load_model
from ht_vae.codec import reconstruct
from ht_vae.config import BUNDLED
from ht_vae.evaluation.errors import clip_errors
from ht_vae.model_selection import matching_model
from ht_vae.sampling import generate
from pose_core import read, write
from pose_core.metrics.anatomy import anatomy
from pose_core.skeleton import landmark_skeleton
from pose_core.testing import fake_sequence
from pose_core.transforms import to_layout

CLOSE, FACE_CLOSE = 0.05, 0.3  # shoulder widths, of a hand drawn by code, and of a face whose points are drawn by lot


@pytest.mark.parametrize(("name", "model_hash"), [("signing", "4652402102dba728"), ("landmarks", "5e26719bba5be759")])
def test_hashes_of_bundled_models_are_those_that_latent_files_carry(name, model_hash):
    assert load_model(name, "cpu").hash == model_hash


@pytest.mark.parametrize(("name", "keypoints"), [("signing", 178), ("landmarks", 17)])
def test_bundled_models_are_small_and_have_cards(name, keypoints):
    files = {path.name: path.stat().st_size for path in BUNDLED[name].iterdir()}
    assert set(files) == {"config.json", "model.safetensors", "README.md"}
    assert sum(files.values()) < 20e6
    config = load_model(name, "cpu").config
    assert sum(len(component["points"]) for component in config.skeleton["components"]) == keypoints
    assert config.trained_on


def test_the_matching_bundled_model_is_chosen():
    assert matching_model(fake_sequence(face_points=128).skeleton) == "signing"
    points = ["LEFT_SHOULDER", "RIGHT_SHOULDER", "LEFT_HIP", "RIGHT_HIP"]
    assert matching_model(landmark_skeleton(points, 2)) == "landmarks"


def test_an_unseen_person_is_reconstructed_closely(tmp_path, cli):
    write(fake_sequence(frames=80, face_points=128), tmp_path / "a.pose")
    assert cli("reconstruct", tmp_path / "a.pose", "--output", tmp_path / "b.pose")[0] == 0
    output = read(tmp_path / "b.pose")
    assert len(output) == 80
    encoded, again = reconstruct(load_model("signing", "cpu"), read(tmp_path / "a.pose"))
    errors = clip_errors(encoded.original, again)
    assert errors.total("hands").mpjpe < CLOSE
    assert errors.total().mpjpe < FACE_CLOSE


def test_samples_move_and_have_plausible_shoulders():
    model = load_model("signing", "cpu")
    for output in generate(model, [100, 37], seed=1):
        keypoints = output.dense.keypoints
        assert np.isfinite(keypoints).all()
        assert np.abs(keypoints).max() < 8
        left, right = output.dense.skeleton.shoulders()
        width = np.linalg.norm(keypoints[:, left] - keypoints[:, right], axis=-1)
        assert width.min() > 0.5
        assert width.max() < 1.6
        assert np.linalg.norm(np.diff(keypoints, axis=0), axis=-1).mean() > 1e-3


def test_hands_of_samples_are_attached_and_of_real_size():
    model = load_model("signing", "cpu")
    measured = [anatomy(output.sequence) for output in generate(model, [200] * 4, seed=0)]
    for name, highest_mean, highest in (("wrist_gap", 0.08, 0.25), ("palm_size", 1.1, 1.5)):
        values = np.concatenate([each for found in measured for each in getattr(found, name).values()])
        values = values[np.isfinite(values)]
        assert len(values) > 200
        assert values.mean() < highest_mean
        assert values.max() < highest


def test_poses_of_openpose_are_reconstructed_closely_by_layout(tmp_path, cli):
    model, file, output = load_model("signing", "cpu"), tmp_path / "openpose.pose", tmp_path / "b.npz"
    poses = to_layout(fake_sequence(frames=80), "holistic_178")
    face = poses.skeleton.face()
    poses.keypoints[:, face, :2] = 120 * model.basis.center[face].numpy() + [250, 200]  # where its shoulders are
    poses.confidence[:, face] = 1
    write(to_layout(poses, "openpose_137"), file)
    status, _, err = cli("encode", file, "--output", output)
    assert (status, "--layout holistic_178, here or of pose-core convert, maps them by anatomy" in err) == (2, True)
    assert cli("encode", file, "--layout", "holistic_178", "--output", output)[0] == 0
    encoded, decoded = reconstruct(model, read(file, layout="holistic_178"))
    assert (encoded.original.visible[:, face].sum(axis=1) == 59).all()
    for part in ("hands", "body", "face"):
        assert clip_errors(encoded.original, decoded).total(part).mpjpe < CLOSE


def test_clips_without_a_face_keep_their_hands(tmp_path, cli):
    clip = fake_sequence(frames=80)
    assert matching_model(clip.skeleton) == "signing"
    write(clip, tmp_path / "a.pose")
    assert cli("reconstruct", tmp_path / "a.pose", "--output", tmp_path / "b.pose")[0] == 0
    assert read(tmp_path / "b.pose").skeleton.keypoints == clip.skeleton.keypoints
    encoded, decoded = reconstruct(load_model("signing", "cpu"), clip)
    assert not decoded.sequence.visible[:, decoded.sequence.skeleton.face()].any()
    assert clip_errors(encoded.original, decoded).total("hands").mpjpe < CLOSE


def test_clips_of_the_body_alone_are_left_to_the_model_of_landmarks():
    clip = fake_sequence(frames=5)
    assert matching_model(clip.select(clip.skeleton.part("body")).skeleton) == "landmarks"
