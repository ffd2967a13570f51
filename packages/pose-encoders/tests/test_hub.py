"""A model of the package to the hub and back, and straight from its training."""

import subprocess
import sys

import torch

from pose_core.testing import fake_manifest, fake_skeleton
from pose_core.testing_hub import check_hub, hub_stand_in
from pose_encoders.config import ModelConfig, TransformerEncoderConfig
from pose_encoders.model import PoseEncoderModel


def test_a_model_goes_to_the_hub_and_comes_back(tmp_path):
    torch.manual_seed(0)
    encoder = TransformerEncoderConfig(hidden_dim=16, num_layers=1, num_heads=2, dropout=0.0)
    model = PoseEncoderModel(ModelConfig(encoder=encoder, skeleton=fake_skeleton().to_dict(), labels=["A", "B"]))
    model.save_pretrained(tmp_path / "model")
    check_hub("pose_encoders", "PoseEncoderModel", tmp_path / "model", tmp_path / "hub")


def test_train_pushes_its_model_with_a_card(tmp_path):
    data = fake_manifest(tmp_path)
    settings = ["encoder.hidden_dim=16", "encoder.num_layers=1", "tensorboard=false"]
    command = [sys.executable, "-m", "pose_encoders", "train", "--data", str(data), "--output", str(tmp_path / "run")]
    command += ["--epochs", "1", "--device", "cpu", "--push-to-hub", "user/signs", "--license", "cc-by-4.0"]
    command += [argument for setting in settings for argument in ("--set", setting)]
    with hub_stand_in() as hub:
        options = {"capture_output": True, "encoding": "utf-8", "check": False}
        ended = subprocess.run(command, env=hub.environment(tmp_path, token=None), **options)
        assert (ended.returncode, (tmp_path / "run").exists()) == (2, False)
        assert ended.stderr.startswith("Error: --push-to-hub user/signs: not logged in to the hub")
        ended = subprocess.run(command, env=hub.environment(tmp_path), **options)
        assert ended.returncode == 0, ended.stderr
        assert "uploaded as user/signs" in ended.stdout
        card = hub.models["user/signs"]["README.md"].decode()
        assert hub.models["user/signs"].keys() == {"README.md", "config.json", "model.safetensors"}
    for part in (
        "license: cc-by-4.0",
        "library_name: pose-encoders",
        "model-index:",
        "clips of index.csv",
        "last value",
    ):
        assert part in card
    assert "license: cc-by-4.0" in (tmp_path / "run/README.md").read_text(encoding="utf-8")
