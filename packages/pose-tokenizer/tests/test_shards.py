import json
import os
import signal
from pathlib import Path

import pytest
import torch

from pose_core import UserError
from pose_core.data import Clip, pack
from pose_core.testing import fake_sequence
from pose_tokenizer import train
from pose_tokenizer.config import RunConfig
from pose_tokenizer.data.loading import read_data
from pose_tokenizer.lightning_module import TokenizerModule

CONFIG = RunConfig(
    num_quantizers=2, codebook_size=8, latent_dim=6, hidden_dim=4, num_layers=1, fitting_blocks=60, batch_size=2,
    epochs=2, warmup_steps=1, sequence_length=16, device="cpu", tensorboard=False, validate_every=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")

    def samples():
        for i in range(12):
            split = "validation" if i > 9 else "train"
            yield Clip(Path(f"{i}.pose"), str(i), "ase", split), fake_sequence(frames=20 + i)

    pack(samples(), folder, shard_bytes=100_000)
    return folder


def test_shards_give_clips_to_fit_to_stream_and_to_validate_with(shards):
    data = read_data(str(shards), CONFIG)
    assert len(data.train_clips()) == 10
    fitted = sum(len(sample.sequence) for sample in data.train)
    assert (fitted >= 60 * CONFIG.downsampling, len(data.validation)) == (True, 2)
    assert next(iter(data.stream)).sequence.skeleton == data.skeleton
    with pytest.raises(UserError, match="num_keypoints is 3, the clips have"):
        read_data(str(shards), CONFIG.model_copy(update={"num_keypoints": 3}))


def test_interrupted_training_on_shards_resumes_to_the_same_weights(shards, tmp_path, monkeypatch):
    whole, metrics = train([shards], tmp_path / "whole", CONFIG)
    assert metrics["validation/error"] > 0
    assert "12 clips" not in (tmp_path / "whole" / "README.md").read_text()
    step = TokenizerModule.training_step
    monkeypatch.setattr(
        TokenizerModule,
        "training_step",
        lambda module, batch: (
            (os.kill(os.getpid(), signal.SIGTERM) if module.global_step == 6 else None) or step(module, batch)
        ),
    )
    with pytest.raises(KeyboardInterrupt):
        train([shards], tmp_path / "cut", CONFIG)
    monkeypatch.undo()
    again, _ = train([shards], tmp_path / "cut", CONFIG)
    torch.testing.assert_close(again.state_dict(), whole.state_dict(), atol=0, rtol=0)
    assert json.loads((tmp_path / "cut" / "run.json").read_text())["finished"]


def test_shards_are_trained_on_alone(shards, tmp_path):
    with pytest.raises(UserError, match="shards are trained on alone"):
        train([shards, tmp_path], tmp_path / "run", CONFIG)


def test_overfit_on_a_few_clips_of_shards(shards, tmp_path):
    train([shards], tmp_path / "run", CONFIG.model_copy(update={"overfit": 2, "epochs": 1}))
    assert "on 2 clips" in (tmp_path / "run" / "README.md").read_text()
