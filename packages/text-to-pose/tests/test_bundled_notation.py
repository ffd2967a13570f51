"""The bundled model of notation."""

import hashlib
import json

import numpy as np
import pytest

from pose_core import read, write
from pose_core.skeleton import known_skeleton
from pose_core.testing import fake_sequence
from text_to_pose.backends import load_network
from text_to_pose.config import BUNDLED
from text_to_pose.generation import generate_texts
from text_to_pose.hamnosys.parser import parse
from text_to_pose.signing.signer import sign
from text_to_pose.text.languages import ANY_LANGUAGE

THANKS = "hamflathand hamextfingerul hampalmdl hamchin hamtouch hammovedo"
HASH = "73ee12c09d7da048"


@pytest.fixture(scope="module")
def network():
    return load_network("notation", "cpu")


def test_it_is_the_model_of_its_card_and_below_its_size_limit():
    folder = BUNDLED["notation"]
    assert {path.name for path in folder.iterdir()} >= {"config.json", "model.safetensors", "README.md"}
    assert sum(path.stat().st_size for path in folder.iterdir()) < 20e6
    assert hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()[:16] == HASH


def test_its_poses_are_drawn_as_those_of_the_layout(network):
    assert network.skeleton == known_skeleton(50, 3)  # a colour for each finger, too


def test_it_raises_the_hand_as_the_rules_do(network):
    (made,) = generate_texts(network, [[THANKS]], ANY_LANGUAGE)
    signed = sign([parse(THANKS)], layout="holistic_50").sequence
    assert abs(len(made) / len(signed) - 1) < 0.3
    for sequence in (made, signed):
        assert np.isfinite(sequence.keypoints).all()
        wrist, shoulder = sequence.skeleton.wrist("right"), sequence.skeleton.shoulders()[1]
        other = sequence.skeleton.wrist("left")
        half = len(sequence) // 2
        assert sequence.keypoints[half, wrist, 1] < sequence.keypoints[half, other, 1] - 50  # up to the chin
        assert abs(sequence.keypoints[half, wrist, 1] - sequence.keypoints[half, shoulder, 1]) < 80
        assert sequence.hand_share("right") > 0.5


def test_the_command_signs_with_it_by_the_person_of_a_start_frame(cli, tmp_path):
    write(fake_sequence(frames=5), tmp_path / "me.pose")
    outputs = ("--output", tmp_path / "thanks.pose", "--output", tmp_path / "thanks.gif")
    arguments = ("--checkpoint", "notation", "--start-frame", tmp_path / "me.pose", "--json")
    status, out, err = cli("generate", THANKS, *arguments, *outputs)
    assert status == 0, err
    (word,) = json.loads(out)
    assert word["model"] == "notation"
    assert len(read(tmp_path / "thanks.pose")) == word["frames"]
