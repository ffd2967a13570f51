"""The model that the package brings."""

from dataclasses import replace

import numpy as np
import pytest

from pose_core.testing import fake_sequence
from pose_core.transforms import to_layout
from pose_tokenizer import decode, encode, load_model
from pose_tokenizer.config import BUNDLED
from pose_tokenizer.files.token_file import file_content
from pose_tokenizer.model_selection import Models


@pytest.mark.parametrize("name", sorted(BUNDLED))
def test_bundled_models_are_small_and_have_a_card(name):
    files = {path.name: path.stat().st_size for path in BUNDLED[name].iterdir()}
    assert set(files) >= {"config.json", "model.safetensors", "README.md", "latents.onnx", "frames.onnx"}
    assert max(files.values()) < 20e6


HASHES = {
    "signing": "f943a485c004f594",
    "signing_3d": "9f0599535a8d6fe3",
    "signing_studio": "cc9f7d94c8eea294",
    "signing_wholebody": "117212f852acd5e7",
}


def test_bundled_models_have_the_hashes_that_token_files_carry():
    assert {name: load_model(name, "cpu").hash for name in BUNDLED} == HASHES
    assert load_model(device="cpu").hash == HASHES["signing"]


def test_tokens_of_the_model_that_had_this_name_before_are_still_decoded():
    """Up to pose-tokenizer 0.6 what is `signing_studio` now was called signing."""
    sequence = fake_sequence(frames=12)
    tokens = encode(load_model("signing_studio", "cpu"), sequence)
    older = replace(tokens, header=replace(tokens.header, model="signing"))
    model = Models(None).of_tokens(older.header)
    assert model.name == "signing_studio"
    np.testing.assert_array_equal(decode(model, older).keypoints, decode(model, tokens).keypoints)


def test_the_model_of_a_file_is_that_of_its_layout():
    models = Models(None)
    clip = fake_sequence(frames=12, face_points=128)
    assert models.of(clip.skeleton).name == "signing"
    whole_body = to_layout(clip, "coco_wholebody_133")
    model = models.of(whole_body.skeleton)
    assert model.name == "signing_wholebody"
    again = decode(model, encode(model, whole_body))
    assert again.skeleton.keypoints == model.skeleton.keypoints
    assert again.hand_share("right") == 1


@pytest.mark.parametrize("name", sorted(BUNDLED))
def test_a_known_model_is_not_spelled_out(name):
    clip = fake_sequence(frames=12)
    clip = to_layout(clip, "coco_wholebody_133") if name == "signing_wholebody" else clip
    content = file_content(encode(load_model(name, "cpu"), clip))
    assert name.encode() not in content


def test_depth_comes_back_where_it_is_asked_for():
    clip = fake_sequence(frames=12, face_points=128)
    nearer = clip.keypoints.copy()
    nearer[:, clip.skeleton.wrist("right"), 2] = np.linspace(0, -150, 12)  # the hand comes towards the camera
    model = load_model("signing_3d", "cpu")
    again = decode(model, encode(model, replace(clip, keypoints=nearer), lmbda=0.05))
    wrist = again.skeleton.wrist("right")
    assert again.skeleton.num_dims == 3
    assert again.keypoints[-1, wrist, 2] < again.keypoints[0, wrist, 2] - 60


def test_a_file_of_a_second_has_at_most_24_bytes_beside_the_codes():
    tokens = encode(load_model(device="cpu"), fake_sequence(frames=25))
    content = file_content(tokens)
    assert len(content) - -(-tokens.bits // 8) <= 24
    assert content.startswith(b"STOK\x04\x01")  # entropy-coded, the known model 1: no name


def test_bundled_model_reconstructs_an_unseen_person():
    model = load_model(device="cpu")
    sequence = fake_sequence(frames=40)
    tokens = encode(model, sequence)
    assert tokens.bits < 40 * len(sequence)
    made = decode(model, tokens)
    assert (len(made), made.fps, made.size) == (40, sequence.fps, sequence.size)
    right = made.skeleton.hand("right")
    body = sequence.on_skeleton(made.skeleton)
    width = 120  # pixels between the shoulders
    error = np.sqrt(np.square(made.keypoints[:, right] - body.keypoints[:, right]).mean()) / width
    assert error < 0.2
    assert made.hand_share("right") == 1
    assert made.hand_share("left") == 0
