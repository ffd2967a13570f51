import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from pose_core import UserError
from pose_core.data import Clip, ShardSample
from pose_core.metrics import dtw_mje
from pose_core.testing import fake_sequence
from pose_core.training import load_yaml
from text_to_pose.config import PRESETS, RunConfig
from text_to_pose.data.dataset import TextDataset
from text_to_pose.data.preprocessing import prepare
from text_to_pose.generation import generate_signs
from text_to_pose.lightning_module import TextToPoseModule
from text_to_pose.model import load_model
from text_to_pose.start_frames import StartFrames
from text_to_pose.text.tokenizer import TextBatch
from text_to_pose.training import build_model, save, train

QUICK = {"epochs": 2, "batch_size": 4, "validate_every": 1, "warmup_steps": 1, "device": "cpu", "tensorboard": False}


@pytest.mark.parametrize("name", PRESETS)
def test_presets_load(name):
    assert load_yaml(RunConfig, PRESETS[name])


def test_an_unknown_setting_names_the_nearest(tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"learning_rat": 1}))
    with pytest.raises(UserError, match=r"learning_rat; did you mean learning_rate\?"):
        load_yaml(RunConfig, tmp_path / "mine.yaml")


def test_a_config_in_sections_as_older_versions_had_is_the_same_one(tmp_path, capsys):
    older = {
        "network": {"decoder_layers": 3, "encoder": {"num_layers": 1}},
        "objective": {"untaught": 0.1, "noised": 0.2, "known": 0.3},
        "training": {"epochs": 7, "max_frames": 500},
        "fps": 30.0,
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(older))
    config = load_yaml(RunConfig, tmp_path / "mine.yaml", {"training.batch_size": 5, "objective.first": 0.9})
    assert (config.decoder_layers, config.encoder.num_layers, config.fps) == (3, 1, 30.0)
    assert (config.borrowed_letter_share, config.diffusion_share, config.inpainting_share) == (0.1, 0.2, 0.3)
    assert (config.epochs, config.batch_frames, config.batch_size, config.first_step_share) == (7, 500, 5, 0.9)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_train_writes_a_model_folder_and_resumes(manifest, tmp_path, tiny):
    config = RunConfig(**tiny.model_dump(), **QUICK)
    model, metrics = train(manifest, tmp_path / "run", config)
    left = {str(path.relative_to(tmp_path / "run")) for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert left >= {
        "config.json",
        "model.safetensors",
        "README.md",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "logs/metrics.csv",
    }
    assert np.isfinite(metrics["validation/dtw_mje"])
    loaded = load_model(tmp_path / "run")
    assert loaded.config.text.alphabets == {"ase": ["A", "B", "C", "D"], "gsg": ["A", "B", "C"]}
    for name, value in model.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value)

    with pytest.raises(UserError, match="is not empty; --resume"):
        train(manifest, tmp_path / "run", config)
    longer = config.model_copy(update={"epochs": 3})
    train(manifest, tmp_path / "run", longer, resume=True)
    last = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["epoch"] == 2


def test_resumed_run_equals_an_uninterrupted_one(manifest, tmp_path, tiny, monkeypatch):
    config = RunConfig(**tiny.model_dump(), **QUICK | {"epochs": 3, "ema_decay": 0.9})
    whole, _ = train(manifest, tmp_path / "whole", config)

    def interrupt(module):
        if module.current_epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(TextToPoseModule, "on_train_epoch_start", interrupt, raising=False)
        with pytest.raises(KeyboardInterrupt):
            train(manifest, tmp_path / "cut", config)
    resumed, _ = train(manifest, tmp_path / "cut", config, resume=True)
    # Transplanted hands, start frames and states are drawn as they would have been, too.
    torch.testing.assert_close(resumed.state_dict(), whole.state_dict(), atol=0, rtol=0)


def test_float16_weights_halve_the_file_and_load_as_float32(model, tmp_path):
    for weights in ("float32", "float16"):
        save(model, tmp_path / weights, weights=weights)
    sizes = [(tmp_path / weights / "model.safetensors").stat().st_size for weights in ("float32", "float16")]
    assert sizes[1] < 0.6 * sizes[0]
    half = load_model(tmp_path / "float16", "cpu")
    for name, value in model.state_dict().items():
        torch.testing.assert_close(half.state_dict()[name], value, atol=1e-3, rtol=1e-3)


def test_a_manifest_without_train_rows_is_refused(manifest, tmp_path, tiny):
    rows = manifest.read_text().replace(",train", ",test")
    other = manifest.with_name("untrained.csv")
    other.write_text(rows)
    with pytest.raises(UserError, match="no clips of split 'train'; it has"):
        train(other, tmp_path / "run", RunConfig(**tiny.model_dump(), **QUICK))


def test_total_loss_is_weighted_by_the_settings(model):
    names = ("position", "keypoint", "velocity", "presence", "start", "length")
    losses = {name: torch.tensor(1.0) for name in names}
    assert TextToPoseModule(model, RunConfig()).total_loss(losses).item() == pytest.approx(4.35)
    alone = RunConfig(**dict.fromkeys((f"{name}_weight" for name in names), 0.0) | {"length_weight": 0.5})
    assert TextToPoseModule(model, alone).total_loss(losses).item() == 0.5


def test_model_overfits_two_clips(tiny):
    torch.manual_seed(0)
    clips = [Clip(Path(f"{letter}.pose"), letter, "ase", "train") for letter in "AB"]
    sequences = [prepare(fake_sequence(frames=14, shape=5), 25.0), prepare(fake_sequence(frames=18, shape=6), 25.0)]
    wider = tiny.model_copy(update={"encoder": tiny.encoder.model_copy(update={"hidden_dim": 64})})
    model = build_model(list(map(ShardSample, clips, sequences)), RunConfig(**wider.model_dump()))
    letters = TextDataset(clips, sequences, model.tokenizer, start_clips=[], start_sequences=[], objective=None)
    batch = letters.collate([letters[0], letters[1]])
    module = TextToPoseModule(model, RunConfig(**QUICK))
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, total_iters=700)
    for _ in range(700):
        losses = module.losses(batch, batch.start_confidence, module.objective.levels(2))
        module.total_loss(losses).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()

    start = StartFrames(batch.start_keypoints.numpy(), batch.start_confidence.numpy())
    generated = generate_signs(model.eval(), [("A", "ase"), ("B", "ase")], start)
    np.testing.assert_allclose([len(sequence) for sequence in generated], [14, 18], atol=2)
    errors = np.array([[dtw_mje(sequence, reference) for reference in sequences] for sequence in generated])
    assert errors.diagonal().max() < 0.05
    assert (errors.argmin(axis=1) == [0, 1]).all()
    assert all(sequence.hand_share("left") == 0 for sequence in generated)  # neither clip shows it


def test_fine_tuning_keeps_languages_letters_and_start_frames(folder, model, manifest, tmp_path, tiny):
    """The model knows ase A B C and, left-handed, ise A SCH; the clips have ase A B C D and gsg A B C."""
    config = RunConfig(**tiny.model_dump(), **QUICK | {"epochs": 1, "learning_rate": 1e-9})
    tuned, _ = train(manifest, tmp_path / "run", config, init_from=folder)
    assert tuned.config.text.alphabets == {"ase": ["A", "B", "C", "D"], "gsg": ["A", "B", "C"], "ise": ["A", "SCH"]}
    assert tuned.config.dominant_hands["ise"] == "left"
    assert set(model.config.text.vocabulary) <= set(tuned.config.text.vocabulary)
    old, new = model.languages.index("ise"), tuned.languages.index("ise")
    torch.testing.assert_close(tuned.start_keypoints[new], model.start_keypoints[old])
    torch.testing.assert_close(tuned.start_confidence[new], model.start_confidence[old])
    # Every letter of every language means what it meant before training.
    for language, letters in model.config.text.alphabets.items():
        for letter in letters:
            ours, theirs = (
                each.text_encoder(TextBatch.of([each.tokenizer.tokenize(letter, language, signwriting=False)])).values
                for each in (tuned.eval(), model)
            )
            torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)


def test_fine_tuning_keeps_the_larger_max_step(folder, manifest, tmp_path, tiny):
    config = json.loads((folder / "config.json").read_text())
    config["fastest"] = {"ise": 0.7, "ase": 9.0}
    (folder / "config.json").write_text(json.dumps(config))
    tuned, _ = train(manifest, tmp_path / "run", RunConfig(**tiny.model_dump(), **QUICK), init_from=folder)
    assert tuned.config.max_step["ise"] == 0.7
    assert tuned.config.max_step["ase"] == 9.0
    assert 0 < tuned.config.max_step["gsg"] < 9


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_saved_weights_have_the_permissions_of_the_umask(model, tmp_path):
    before = os.umask(0o022)
    try:
        model.save_pretrained(tmp_path / "model")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "model").iterdir()} == {0o644}
