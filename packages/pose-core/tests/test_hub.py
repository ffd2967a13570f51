"""Models to the hub and back, with a stand-in for it; each package tests its own models so, too."""

import json
import subprocess
import sys

import pytest

from pose_core.testing_hub import hub_stand_in

COMMAND = """
import sys
from pose_core.command_line import new_app, run
from pose_core.models_command import add_models_command
app = new_app("Tests.")
add_models_command(app, sys.argv.pop(1))
app.command()(lambda: None)
run(app, "tiny-poses")
"""
CARD = "---\ntags: [mine]\n---\n\n# small\n\nWaves. And more.\n"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A package that brings one model."""
    folder = tmp_path_factory.mktemp("package") / "tiny_poses"
    model = folder / "models" / "small"
    model.mkdir(parents=True)
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"0" * 1000)
    (model / "README.md").write_text(CARD)
    (model / "text.onnx").write_bytes(b"1")
    (model / "notes.txt").write_text("mine alone")
    return folder


def call(package, environment, *arguments):
    """Exit status, standard output and standard error of `models`."""
    command = [sys.executable, "-c", COMMAND, str(package / "cli.py"), "models", *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
    return ended.returncode, ended.stdout, ended.stderr


def test_a_model_goes_to_the_hub_and_comes_back(package, tmp_path):
    with hub_stand_in() as hub:
        environment = hub.environment(tmp_path)
        status, out, err = call(package, environment, "small", "--push-to-hub", "user/waves", "--license", "cc-by-4.0")
        assert status == 0, err
        assert f"uploaded as user/waves, see http://127.0.0.1:{hub.server_port}/user/waves" in out
        uploaded = hub.models["user/waves"]
        assert sorted(uploaded) == ["README.md", "config.json", "model.safetensors", "text.onnx"]
        card = uploaded["README.md"].decode()
        for part in ("library_name: tiny-poses", "license: cc-by-4.0", "- mine", "Waves. And more.", "user/waves"):
            assert part in card
        assert (package / "models/small/README.md").read_text() == CARD
        assert call(package, environment)[1].splitlines() == ["small     0.0 MB  Waves"]
        status, out, err = call(package, environment, "user/waves")  # downloads it
        assert (status, out.strip()) == (0, card.strip()), err
    # From now on there is no hub.
    listed = json.loads(call(package, environment, "--json")[1])
    assert [(each["name"], each["bundled"], each["about"]) for each in listed] == [
        ("small", True, "Waves"),
        ("user/waves", False, "Waves"),
    ]


@pytest.mark.parametrize(
    ("name", "token", "message"),
    [
        ("waves", "hf_of_the_stand_in", "--push-to-hub waves: write user/model"),
        ("user/..", "hf_of_the_stand_in", "--push-to-hub user/..: write user/model"),
        ("user/waves", "wrong", "--push-to-hub user/waves: not logged in to the hub"),
        ("user/waves", None, "--push-to-hub user/waves: not logged in to the hub"),
    ],
)
def test_what_the_hub_would_refuse_is_one_line(package, tmp_path, name, token, message):
    with hub_stand_in() as hub:
        status, out, err = call(package, hub.environment(tmp_path, token=token), "small", "--push-to-hub", name)
        assert (status, out, err.count("\n")) == (2, "", 1), err
        assert err.startswith(f"Error: {message}")
        assert not hub.models
