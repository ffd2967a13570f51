"""The model that the package brings."""

import numpy as np

from pose_core.testing import fake_sequence
from pose_tokenizer import decode, encode, load_model
from pose_tokenizer.config import BUNDLED
from pose_tokenizer.files.token_file import file_content


def test_bundled_model_is_small_and_has_a_card():
    files = {path.name: path.stat().st_size for path in BUNDLED["signing"].iterdir()}
    assert set(files) >= {"config.json", "model.safetensors", "README.md"}
    assert sum(files.values()) < 20e6


def test_bundled_model_has_the_hash_that_token_files_carry():
    assert load_model(device="cpu").hash == "cc9f7d94c8eea294"


def test_a_file_of_a_second_has_at_most_24_bytes_beside_the_codes():
    tokens = encode(load_model(device="cpu"), fake_sequence(frames=25))
    content = file_content(tokens)
    assert len(content) - -(-tokens.bits // 8) <= 24
    assert content.startswith(b"STOK\x03\x01")  # the known model 1: no name


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
