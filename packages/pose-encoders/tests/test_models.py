"""Models as folders, pooling, training and evaluation on clips made by code."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

import pose_encoders.config
from pose_core import UserError
from pose_core.data import collate, read_clips
from pose_core.testing import fake_manifest, fake_sequence
from pose_core.training import load_preset
from pose_encoders.config import (
    ENCODER_CONFIGS,
    GraphEncoderConfig,
    ModelConfig,
    PoseEncoderConfig,
    TransformerEncoderConfig,
    encoder_settings,
    register_encoder,
)
from pose_encoders.dataset import augment
from pose_encoders.drawing import draw_graph
from pose_encoders.encoding import encode
from pose_encoders.evaluation import evaluate
from pose_encoders.losses import hidden_frame_loss, hide_frames
from pose_encoders.model import PoseEncoderModel, load_model
from pose_encoders.pooling import build_pooling
from pose_encoders.training import PRESETS, RunConfig, build_model, train

QUICK = {"epochs": 1, "batch_size": 4, "tensorboard": False, "validate_every": 1, "device": "cpu"}


@pytest.fixture
def model(config, sequences):
    torch.manual_seed(0)
    skeleton = sequences[0].skeleton.to_dict()
    return PoseEncoderModel(ModelConfig(encoder=config, skeleton=skeleton, labels=["A", "B", "C"])).eval()


def test_saved_folder_rebuilds_the_model(model, batch, tmp_path):
    model.save_pretrained(tmp_path / "model")
    again = load_model(tmp_path / "model", "cpu")
    assert again.config == model.config
    torch.testing.assert_close(again.logits(batch), model.logits(batch))
    (tmp_path / "model" / "config.json").write_text("{}")
    with pytest.raises(UserError, match="not a model of this kind"):
        load_model(tmp_path / "model", "cpu")


def test_an_encoder_of_a_users_own_is_built_saved_and_loaded(sequences, batch, tmp_path, monkeypatch):
    monkeypatch.setattr(pose_encoders.config, "ENCODER_CONFIGS", {**ENCODER_CONFIGS})

    @register_encoder
    class MeanEncoderConfig(PoseEncoderConfig):
        ENCODER = "pose_encoders.transformer.TransformerEncoder"
        kind: Literal["mean"] = "mean"
        sees_missing: bool = False

    encoder = {"kind": "mean", "hidden_dim": 16, "num_layers": 1, "num_heads": 2}
    config = ModelConfig(encoder=encoder, skeleton=sequences[0].skeleton.to_dict(), labels=["A", "B"])
    assert config.encoder == MeanEncoderConfig(hidden_dim=16, num_layers=1, num_heads=2)
    model = PoseEncoderModel(config).eval()
    model.save_pretrained(tmp_path / "model")
    again = load_model(tmp_path / "model", "cpu")
    assert again.config == config
    torch.testing.assert_close(again.logits(batch), model.logits(batch))
    with pytest.raises(ValidationError, match="depth: Extra inputs"):
        ModelConfig(encoder={**encoder, "depth": 3}, skeleton={})


def test_another_kind_of_encoder_keeps_the_settings_that_both_have():
    current = TransformerEncoderConfig(hidden_dim=512, num_heads=8, sees_missing=False)
    settings = encoder_settings(current, "graph")
    assert GraphEncoderConfig(**settings) == GraphEncoderConfig(hidden_dim=512, num_heads=8)
    assert TransformerEncoderConfig(**encoder_settings(current, "transformer")) == current
    assert encoder_settings(current, "magic") == {"kind": "magic"}


@pytest.mark.parametrize("pool", ["mean", "attention", "cls"])
def test_pooling_ignores_padded_frames(pool):
    torch.manual_seed(0)
    pooling = build_pooling(pool, 16, 2).eval()
    vectors, mask = torch.randn(2, 7, 16), torch.ones(2, 7, dtype=torch.bool)
    mask[1, 4:] = False
    pooled = pooling(vectors, mask)
    assert pooled.shape == (2, 16)
    torch.testing.assert_close(pooling(vectors[1:, :4], mask[1:, :4])[0], pooled[1])
    vectors[1, 5] = torch.randn(16)
    torch.testing.assert_close(pooling(vectors, mask), pooled)
    vectors[1, 2] = torch.randn(16)
    assert not torch.allclose(pooling(vectors, mask)[1], pooled[1])
    assert pooling(vectors, torch.zeros_like(mask)).isfinite().all()


def test_bf16_autocast_is_close_to_float32(model, batch):
    with torch.autocast("cpu", torch.bfloat16):
        half = model.logits(batch)
        half.float().square().sum().backward()
    torch.testing.assert_close(half.float(), model.logits(batch), atol=0.1, rtol=0.1)
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_encode_preprocesses_the_sequence(model):
    clip = fake_sequence(frames=20, fps=50.0, face_points=4)
    encoded = encode(model, clip)
    assert (encoded.frames.shape, encoded.clip.shape, encoded.fps) == ((10, 16), (16,), 25.0)
    assert sum(encoded.labels.values()) == pytest.approx(1)
    assert list(encoded.labels.values()) == sorted(encoded.labels.values(), reverse=True)
    with pytest.raises(UserError, match="nobody is seen"):
        encode(model, replace(clip, confidence=np.zeros_like(clip.confidence)))


def test_hidden_frames_are_invisible_and_alone_count_in_the_loss(batch):
    torch.manual_seed(0)
    shown, hidden = hide_frames(batch, 0.5)
    assert 0 < hidden.sum() < batch.mask.sum()
    assert not (hidden & ~batch.mask).any()
    assert not shown.confidence[hidden].any()
    assert not shown.keypoints[hidden].any()
    torch.testing.assert_close(shown.keypoints[~hidden], batch.keypoints[~hidden])
    assert hidden_frame_loss(batch.keypoints, batch, hidden) < 1e-5
    off = batch.keypoints + torch.tensor([0.3, 0.4, 0.0])
    off[~hidden] += 9  # what was shown does not count
    assert hidden_frame_loss(off, batch, hidden).item() == pytest.approx(0.5, abs=1e-5)
    assert hidden_frame_loss(off, batch, torch.zeros_like(hidden)) == 0


def test_augmentation_is_random_and_keeps_invisible_keypoints_at_0(sequences):
    torch.manual_seed(0)
    one, other = augment(sequences[2]), augment(sequences[2])
    assert not np.array_equal(one.keypoints[:3], other.keypoints[:3])
    assert not one.confidence[:, one.skeleton.hand("left")].any()
    assert not one.keypoints[one.confidence == 0].any()
    assert np.abs(one.keypoints[0] - sequences[2].keypoints[0]).max() < 1.5


@pytest.mark.parametrize("task", ["text", "signed_language", "hidden_frames"])
def test_train_and_evaluate_each_task(config, task, tmp_path):
    index = fake_manifest(tmp_path, letters="ABC")
    run = RunConfig(task=task, encoder=config, **QUICK)
    _, metrics = train(index, tmp_path / "run", run)
    assert metrics["train/loss"] > 0
    loaded = load_model(tmp_path / "run", "cpu")
    expected = {"text": ["A", "B", "C"], "signed_language": ["ase", "gsg"], "hidden_frames": None}
    assert loaded.config.labels == expected[task]
    scores = evaluate(loaded, index, split="train").scores
    assert scores.clips == 5
    assert (scores.top1 is None) == (task == "hidden_frames")
    assert (scores.hidden_frames is None) != (task == "hidden_frames")
    assert evaluate(loaded, index, split="train").scores == scores


def test_training_starts_from_a_pretrained_encoder(config, tmp_path):
    index, start = fake_manifest(tmp_path, letters="ABC"), str(tmp_path / "run")
    pretrained, _ = train(index, tmp_path / "run", RunConfig(task="hidden_frames", encoder=config, **QUICK))
    begun = build_model(RunConfig(encoder=config), pretrained.skeleton, ["A", "B"], pretrained)
    for ours, theirs in zip(begun.encoder.parameters(), pretrained.encoder.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
    tuned, _ = train(index, tmp_path / "tuned", RunConfig(encoder=config, **QUICK), init_from=start)
    assert tuned.config.labels == ["A", "B", "C"]
    wider = RunConfig(encoder=config.model_copy(update={"hidden_dim": 32}), **QUICK)
    with pytest.raises(UserError, match="another encoder: hidden_dim differ"):
        train(index, tmp_path / "wider", wider, init_from=start)


def test_data_without_different_or_known_labels_is_refused(tmp_path):
    index = fake_manifest(tmp_path, letters="A", languages=("ase", "gsg", "swl"))
    run = RunConfig(**QUICK)
    with pytest.raises(UserError, match="every clip's text is 'A'.*--task hidden_frames"):
        train(index, tmp_path / "run", run)
    tree = tmp_path / "tree" / "train"
    tree.mkdir(parents=True)
    for clip in read_clips(index)[:2]:
        (tree / clip.path.name).write_bytes(clip.path.read_bytes())
    with pytest.raises(UserError, match="every clip's text is nothing"):
        train(tmp_path / "tree", tmp_path / "run", run)
    skeleton = fake_sequence().skeleton.to_dict()
    model = PoseEncoderModel(ModelConfig(encoder=run.encoder, skeleton=skeleton, labels=["X", "Y"]))
    with pytest.raises(UserError, match="none of its labels is known to the model, which knows X, Y"):
        evaluate(model, index, split="train")


def test_presets_load_and_wrong_settings_are_refused():
    for name, path in PRESETS.items():
        assert load_preset(RunConfig, name, PRESETS).encoder.kind in (name, "transformer")
        assert path.exists()
    changed = load_preset(RunConfig, "graph", PRESETS, {"encoder.conv": "gcn", "training.epochs": "3"})
    assert (changed.encoder.conv, changed.epochs) == ("gcn", 3)
    for settings, complaint in (
        ({"encoder.convv": "gcn"}, "unknown key encoder.convv; did you mean encoder.conv?"),
        ({"encoder.kind": "magic"}, "magic"),
        ({"training.epochs": "[1"}, "no YAML value"),
    ):
        with pytest.raises(UserError, match=complaint):
            load_preset(RunConfig, "graph", PRESETS, settings)
    with pytest.raises(UserError, match="presets: default, graph, visual"):
        load_preset(RunConfig, "none", PRESETS)


def test_draw_graph_draws_limbs_and_temporal_edges(sequences, tmp_path):
    draw_graph(sequences[0], tmp_path / "graph.png")
    picture = np.asarray(Image.open(tmp_path / "graph.png").convert("RGB")).astype(int)
    for color in ((29, 78, 216), (245, 158, 11)):  # limbs, time
        assert (np.abs(picture - color).sum(axis=-1) < 40).sum() > 300
    nobody = replace(sequences[0], confidence=np.zeros_like(sequences[0].confidence))
    with pytest.raises(UserError, match="nobody is seen"):
        draw_graph(nobody, tmp_path / "none.png")


def test_clip_embedding_is_the_same_alone_and_in_a_batch(model, batch, sequences):
    vectors = model.clip_embedding(batch)
    assert vectors.shape == (4, 16)
    torch.testing.assert_close(model.clip_embedding(collate(sequences[:1]))[0], vectors[0], atol=1e-5, rtol=1e-4)
