"""Training on shards, which hold more than memory does."""

import os
import signal
from functools import partial
from pathlib import Path

import pytest
import torch

from pose_core import UserError
from pose_core.data import Clip, pack, read_manifest
from pose_core.formats import read
from pose_core.testing import fake_sequence
from pose_core.training import TrainingConfig, read_data
from text_to_pose.config import RunConfig
from text_to_pose.data.loading import loaders
from text_to_pose.data.preprocessing import prepare
from text_to_pose.lightning_module import TextToPoseModule
from text_to_pose.training import build_model, train

QUICK = {"epochs": 2, "batch_size": 2, "validate_every": 1, "warmup_steps": 1, "device": "cpu", "tensorboard": False}


@pytest.fixture(scope="module")
def shards(manifest, tmp_path_factory):
    """The manifest's clips, packed."""
    folder = tmp_path_factory.mktemp("shards")
    pack(((clip, read(clip.path)) for clip in read_manifest(manifest)), folder, shard_bytes=40_000)
    return folder


def test_shards_and_files_initialize_the_same_model(shards, manifest, tiny):
    config = RunConfig(**tiny.model_dump(), **QUICK)
    models, held_out = [], []
    for data in (manifest, shards):
        torch.manual_seed(0)
        clips = read_data(data, partial(prepare, fps=25.0), TrainingConfig(**QUICK), frames=10_000)
        models.append(build_model(clips.train, config, clips.train_clips()))
        held_out.append([sample.clip.text for sample in clips.validation])
    assert held_out[0] == held_out[1]
    assert models[0].config.text == models[1].config.text
    assert models[0].config.dominant_hands == models[1].config.dominant_hands
    torch.testing.assert_close(models[0].start_keypoints, models[1].start_keypoints)


def test_every_streamed_clip_is_yielded_once_per_epoch_with_its_text(shards, tiny):
    config = RunConfig(**tiny.model_dump(), **QUICK)
    clips = read_data(shards, partial(prepare, fps=25.0), TrainingConfig(**QUICK), frames=1)
    model = build_model(clips.train, config, clips.train_clips())
    train_loader, _ = loaders(clips, model.tokenizer, config, clips.train_clips(), with_text=True)
    labels = [label for batch in train_loader for label in batch.labels]
    every = sorted(f"{clip.signed_language} {clip.text}" for clip in clips.train_clips())
    assert len(clips.train) < len(every)
    assert set(labels) <= set(every)
    assert len(set(labels)) == len(labels) == len(every) // 2 * 2


def test_stopped_streaming_run_resumes(shards, tmp_path, tiny, monkeypatch):
    config = RunConfig(**tiny.model_dump(), **QUICK)
    whole, metrics = train(shards, tmp_path / "whole", config)
    assert metrics["validation/dtw_mje"] > 0
    step = TextToPoseModule.training_step

    def stop(module, batch):
        if module.global_step == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(module, batch)

    monkeypatch.setattr(TextToPoseModule, "training_step", stop)
    with pytest.raises(KeyboardInterrupt):
        train(shards, tmp_path / "cut", config)
    monkeypatch.undo()
    again, _ = train(shards, tmp_path / "cut", config)
    torch.testing.assert_close(again.state_dict(), whole.state_dict(), atol=0, rtol=0)


def test_streamed_languages_beyond_the_first_clips_are_known(tmp_path, tiny):
    pack(((Clip(Path("a"), "A", lang, "train"), fake_sequence()) for lang in ("ase", "gsg", "ise")), tmp_path)
    clips = read_data(tmp_path, partial(prepare, fps=25.0), TrainingConfig(**QUICK), frames=1)
    assert len(clips.train) == 1
    model = build_model(clips.train, RunConfig(**tiny.model_dump()), clips.train_clips())
    assert set(model.languages) == set(model.config.dominant_hands) == {"ase", "gsg", "ise"}
    assert model.start_confidence.any(dim=1).all()


def test_shards_without_texts_can_be_pretrained_on(tmp_path, tiny):
    pack([(Clip(Path("silent.pose"), "", "", "train"), fake_sequence())] * 2, tmp_path / "shards")
    config = RunConfig(**tiny.model_dump(), **QUICK)
    with pytest.raises(UserError, match=r"nothing says what silent\.pose signs; name a manifest .*or --pretrain"):
        train(tmp_path / "shards", tmp_path / "run", config)
    train(tmp_path / "shards", tmp_path / "run", config, pretrain=True)
