"""Training on shards, which hold more than memory does."""

import os
import signal
from pathlib import Path

import pytest
import torch

from ht_vae.config import RunConfig
from ht_vae.data.loading import read_training_data
from ht_vae.lightning_module import HTVAEModule
from ht_vae.training import train
from pose_core import UserError
from pose_core.data import Clip, pack
from pose_core.testing import fake_sequence

CONFIG = RunConfig(
    width=8, num_heads=2, local_layers=1, global_layers=1, feed_forward=8, chunk_size=8, overlap=2, latent_dim=4,
    chunk_latent_dim=4, pose_dim=4, max_frames=48, min_frames=8, batch_size=2, batch_frames=96, fitting_frames=60,
    epochs=2, warmup_steps=1, validate_every=1, device="cpu", tensorboard=False,
)  # fmt: skip


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")

    def samples():
        for i in range(12):
            split = "validation" if i > 9 else "train"
            yield Clip(Path(f"{i}.pose"), "AB"[i % 2], "ase", split), fake_sequence(frames=20 + i)

    pack(samples(), folder, shard_bytes=100_000)
    return folder


def test_some_clips_are_in_memory_and_all_are_streamed(shards):
    data = read_training_data([shards], CONFIG)
    assert (data.stream.clips, data.num_clips, data.num_frames) == (10, 10, data.stream.frames)
    assert 60 <= sum(data.train.lengths) < data.num_frames
    assert len(data.validation) == 2
    assert next(iter(data.stream)).sequence.skeleton == data.train.skeleton == data.validation.skeleton


def test_windows_of_streamed_clips_are_of_one_length(shards):
    config = CONFIG.model_copy(update={"condition": "text"})
    data = read_training_data([shards], config)
    assert data.train.labels == ("A", "B")
    collate = data.loaders(config)[0].collate_fn
    clips = list(data.stream)
    torch.manual_seed(0)
    lengths = set()
    for _ in range(20):
        batch = collate(clips[:3])
        B, T = batch.poses.mask.shape
        assert CONFIG.batch_size >= B
        assert CONFIG.batch_frames >= B * T
        assert batch.condition.shape == (B,)
        lengths.add(T)
    assert min(lengths) < 20 < 40 < max(lengths) <= CONFIG.max_frames  # clips are 20 to 31 frames: some are stitched


def test_interrupted_training_on_shards_resumes_exactly(shards, tmp_path, monkeypatch):
    whole, metrics = train([shards], tmp_path / "whole", CONFIG)
    assert metrics["validation/loss"] > 0
    assert whole.config.trained_on.startswith("10 clips, 245 frames, of shards")
    step = HTVAEModule.training_step

    def stop(module, batch):
        if module.global_step == 7:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(module, batch)

    monkeypatch.setattr(HTVAEModule, "training_step", stop)
    with pytest.raises(KeyboardInterrupt):
        train([shards], tmp_path / "cut", CONFIG)
    monkeypatch.undo()
    again, _ = train([shards], tmp_path / "cut", CONFIG)
    torch.testing.assert_close(again.state_dict(), whole.state_dict(), atol=0, rtol=0)


def test_settings_incompatible_with_shards_are_refused(shards, tmp_path):
    with pytest.raises(UserError, match="shards are trained on alone"):
        train([shards, tmp_path], tmp_path / "run", CONFIG)
    pack([(Clip(Path("silent.pose"), "", "", "train"), fake_sequence())], tmp_path / "silent")
    with pytest.raises(UserError, match=r"silent\.pose: nothing says its text"):
        train([tmp_path / "silent"], tmp_path / "run", CONFIG.model_copy(update={"condition": "text"}))
