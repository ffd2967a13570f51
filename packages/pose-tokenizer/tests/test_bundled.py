"""The model that the package brings."""

import numpy as np
import pytest

from pose_core import write
from pose_core.testing import fake_sequence
from pose_tokenizer import decode, encode, load_model
from pose_tokenizer.config import BUNDLED


def test_it_is_small_and_comes_with_its_card():
    files = {path.name: path.stat().st_size for path in BUNDLED["signing"].iterdir()}
    assert set(files) >= {"config.json", "model.safetensors", "README.md"}
    assert sum(files.values()) < 20e6


def test_its_hash_is_the_one_that_token_files_carry():
    assert load_model(device="cpu").hash == "cc9f7d94c8eea294"


@pytest.mark.parametrize(
    ("name", "answer"), [("x.json", "add --format json"), ("x.txt", "add --format text"), ("x.pose", "no poses")]
)
def test_tokens_are_not_written_under_another_formats_name(cli, tmp_path, name, answer):
    write(fake_sequence(), tmp_path / "a.pose")
    status, _, err = cli("encode", tmp_path / "a.pose", "--output", tmp_path / name)
    assert status == 2
    assert answer in err
    assert not (tmp_path / name).exists()


def test_it_keeps_a_person_it_never_saw():
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
