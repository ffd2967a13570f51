"""Training on shards, which hold more than memory does."""

import os
import signal
from pathlib import Path

import pytest
import torch

from pose_core import UserError
from pose_core.data import Clip, pack
from pose_core.testing import fake_sequence
from pose_encoders.config import TransformerEncoderConfig
from pose_encoders.lightning_module import ClassificationModule
from pose_encoders.training import RunConfig, train

CONFIG = RunConfig(
    encoder=TransformerEncoderConfig(hidden_dim=8, num_layers=1, num_heads=2),
    epochs=2,
    batch_size=2,
    validate_every=1,
    warmup_steps=1,
    device="cpu",
    tensorboard=False,
)


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Ten clips of A, B and C to train on, and two to validate with, of which one's text is new."""
    folder = tmp_path_factory.mktemp("shards")

    def samples():
        for i in range(10):
            yield Clip(Path(f"{i}.pose"), "ABC"[i % 3], "ase", "train"), fake_sequence(shape=i % 3)
        for text in "AZ":
            yield Clip(Path(f"{text}.pose"), text, "ase", "validation"), fake_sequence()

    pack(samples(), folder, shard_bytes=40_000)
    return folder


def test_labels_are_those_of_all_clips(shards, tmp_path):
    model, metrics = train(shards, tmp_path / "run", CONFIG)
    assert model.config.labels == ["A", "B", "C"]
    assert metrics["validation/loss"] > 0
    assert "on 10 clips" in (tmp_path / "run" / "README.md").read_text()


def test_training_that_is_stopped_goes_on(shards, tmp_path, monkeypatch):
    whole, _ = train(shards, tmp_path / "whole", CONFIG)
    step = ClassificationModule.training_step

    def stop(module, batch):
        if module.global_step == 7:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(module, batch)

    monkeypatch.setattr(ClassificationModule, "training_step", stop)
    with pytest.raises(KeyboardInterrupt):
        train(shards, tmp_path / "cut", CONFIG)
    monkeypatch.undo()
    again, _ = train(shards, tmp_path / "cut", CONFIG)
    torch.testing.assert_close(again.state_dict(), whole.state_dict(), atol=0, rtol=0)


def test_without_labels(shards, tmp_path):
    _, metrics = train(shards, tmp_path / "run", CONFIG.model_copy(update={"task": "hidden_frames"}))
    assert metrics["validation/loss"] > 0
    with pytest.raises(UserError, match="every clip's signed_language is 'ase'"):
        train(shards, tmp_path / "other", CONFIG.model_copy(update={"task": "signed_language"}))
