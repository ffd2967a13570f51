"""The model that the package brings."""

import hashlib
import json
import os
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from pose_core import write
from pose_core.metrics import acceleration
from pose_core.testing import fake_sequence
from text_to_pose.config import BUNDLED, NetworkConfig, TextToPoseConfig
from text_to_pose.evaluation.evaluate import evaluate
from text_to_pose.generation import FLUENT, generate_signs, generate_texts, sign_texts
from text_to_pose.model import load_model
from text_to_pose.sampling import Sampling
from text_to_pose.start_frames import StartFrames

DAMAGED = {("gss", "Ο"), ("gss", "Φ")}  # the only clips of these letters hold points far outside the picture


@pytest.fixture(scope="module")
def bundled():
    return load_model("fingerspelling", "cpu")


def test_bundled_model_is_below_its_size_limit_and_has_a_card():
    files = {path.name: path.stat().st_size for path in BUNDLED["fingerspelling"].iterdir()}
    assert set(files) >= {"config.json", "model.safetensors", "README.md"}
    assert sum(files.values()) < 20e6


def test_saving_the_bundled_model_writes_the_same_config_and_tensors(bundled, tmp_path):
    bundled.save_pretrained(tmp_path)
    old, new = (json.loads((folder / "config.json").read_text()) for folder in (BUNDLED["fingerspelling"], tmp_path))
    defaults = NetworkConfig().model_dump()
    since = {key: new["network"].pop(key) for key in set(new["network"]) - set(old["network"])}
    assert new.pop("guidance") == 1.0
    assert since == {key: defaults[key] for key in since}  # settings that are newer than the model
    assert new == old  # under the keys it always had
    assert {"signing_hands", "fastest"} < set(new)
    assert hashlib.sha256(json.dumps(new, sort_keys=True).encode()).hexdigest()[:16] == "a13f00262f9f9c2e"
    tensors = hashlib.sha256()  # of float32, in which the network runs; the bundled folder has float16
    for name, tensor in sorted(load_file(tmp_path / "model.safetensors").items()):
        tensors.update(f"{name} {tensor.dtype} {tensor.shape}".encode() + tensor.tobytes())
    assert tensors.hexdigest()[:16] == "bc3da1fc217bd18a"
    assert TextToPoseConfig.model_validate(bundled.config.model_dump()) == bundled.config  # under their new names


def test_bundled_model_signs_every_letter_of_every_language(bundled):
    letters = [
        (letter, language) for language, alphabet in bundled.config.text.alphabets.items() for letter in alphabet
    ]
    assert len(bundled.languages) == 19
    start = StartFrames.bundled(bundled, [language for _, language in letters])
    for sequence, (letter, language) in zip(
        generate_signs(bundled, letters, start, sampling=Sampling(num_steps=1)), letters, strict=True
    ):
        assert np.isfinite(sequence.keypoints).all(), (letter, language)
        assert sequence.hand_share(bundled.config.dominant_hands[language]) == 1
        if (language, letter) not in DAMAGED:
            assert np.abs(sequence.keypoints).max() < 4, (letter, language)  # shoulder widths


def test_hello_keeps_within_speed_and_acceleration_limits(bundled):
    (hello,) = generate_texts(bundled, [bundled.tokenizer.spell("hello", "ase")], "ase")
    assert hello.fps == 25
    assert 2 < hello.duration < 10
    assert hello.hand_share("right") == 1
    assert hello.hand_share("left") == 0  # the alphabet never shows it
    hand = hello.keypoints[:, hello.skeleton.hand("right")]
    left, right = hello.skeleton.shoulders()
    width = np.linalg.norm(hello.keypoints[:, left] - hello.keypoints[:, right], axis=-1).mean()
    # No faster than a keypoint in the fastest of the language's clips.
    farthest = bundled.config.max_step["ase"] * 128  # pixels a shoulder width
    assert np.linalg.norm(np.diff(hand, axis=0), axis=-1).max() < 1.001 * farthest
    assert 0 < acceleration(hello) < 0.1 * width


def readme_commands():
    """Every `text-to-pose generate` line of the README, comments dropped."""
    readme = Path(__file__).parents[1] / "README.md"
    lines = [line for line in readme.read_text(encoding="utf-8").splitlines() if line.startswith("text-to-pose gen")]
    return [shlex.split(line, comments=True)[1:] for line in lines]


@pytest.mark.parametrize("arguments", readme_commands(), ids=" ".join)
def test_readme_generate_commands_run(cli, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    Path("words.txt").write_text("hello\nbaby\n", encoding="utf-8")
    write(fake_sequence(frames=20), Path("me.pose"))
    status, out, err = cli(*arguments)
    assert status == 0, err
    assert "s of signing" in out


@pytest.mark.slow
def test_bundled_model_reaches_its_reported_scores(bundled, data_file):
    index = data_file("fingerspelling/index.csv")  # the clips that it learned from
    threads = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    taught = evaluate(bundled, index, "train").scores["model"]
    unseen = evaluate(bundled, index, "validation").scores["model"]
    torch.set_num_threads(threads)
    assert taught.rank1 >= 0.94
    assert taught.rank5 >= 0.99
    assert unseen.rank1 >= 0.3
    assert unseen.dtw_mje <= 0.16


def test_repeated_letters_keep_hand_shape_and_elbow(bundled):
    (text,) = sign_texts(bundled, [["E"] * 10], "ase")
    hand, elbow = text.sequence.skeleton.hand("right"), text.sequence.skeleton.elbow("right")
    second, tenth = (
        text.sequence[(caption.start + caption.end) // 2 :][:1] for caption in (text.captions[1], text.captions[9])
    )
    shapes = [each.keypoints[0, hand] - each.keypoints[0, hand[0]] for each in (second, tenth)]
    np.testing.assert_allclose(shapes[1], shapes[0], atol=0.02 * 128)  # 128 pixels a shoulder width
    np.testing.assert_allclose(tenth.keypoints[0, elbow], second.keypoints[0, elbow], atol=0.02 * 128)


@pytest.mark.parametrize("fluency", [FLUENT, None], ids=["fluent", "citation"])
def test_a_second_hand_appears_at_its_arm(bundled, fluency):
    """Of Czech Č, between letters of one hand."""
    spelled = sign_texts(bundled, [["C", "A", "Č", "X", "C"]], "cse", fluency=fluency)[0].sequence
    hand, wrist = spelled.skeleton.hand("left"), spelled.skeleton.wrist("left")
    seen = spelled.visible[:, hand].all(axis=1)
    assert 0 < seen.sum() < len(spelled)
    gap = np.linalg.norm(spelled.keypoints[seen, hand[0]] - spelled.keypoints[seen, wrist], axis=-1)
    assert gap.max() < 0.05 * 128  # pixels of a shoulder width


@pytest.mark.parametrize("name", [*BUNDLED])
def test_depth_of_start_frames_may_be_in_pixels(name, tmp_path):
    """As newer converters write MediaPipe's, which is in picture widths."""
    model = load_model(name, "cpu")
    fake = fake_sequence(frames=3)
    x, y, _ = np.moveaxis(fake.keypoints, -1, 0)
    for unit, file in ((fake.size[0], "widths.pose"), (1, "pixels.pose")):
        write(replace(fake, keypoints=np.stack([x, y, (y - x) / unit], axis=-1)), tmp_path / file)
    starts = [StartFrames.read(model, tmp_path / file) for file in ("widths.pose", "pixels.pose")]
    np.testing.assert_allclose(starts[0].keypoints, starts[1].keypoints, atol=1e-5)
    assert starts[0].keypoints[..., 2].any()
