import pytest
import yaml
from pydantic import ValidationError

from ht_vae.config import RunConfig
from ht_vae.training import PRESETS
from pose_core import UserError
from pose_core.training import load_yaml


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"width": 18, "num_heads": 2}, "width 18 does not divide into 2 heads of an even width"),
        ({"condition_dim": 4, "labels": ("A",)}, "exclude each other"),
        ({"chunk_size": 0}, "chunk_size"),
        ({"depth": 3}, "depth"),
    ],
)
def test_inconsistent_sizes_are_refused(configure, changes, reason):
    with pytest.raises(ValidationError, match=reason):
        configure(**changes)


def test_presets_load():
    assert {*PRESETS} == {"default", "small", "large"}
    for path in PRESETS.values():
        assert load_yaml(RunConfig, path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"latent_size": 8}, r"unknown key latent_size; did you mean latent_dim\?"),
        ({"epoch": 8}, r"unknown key epoch; did you mean epochs\?"),
        ({"kl_schedule": "never"}, "kl_schedule: .*'linear'"),
        ({"width": 18, "num_heads": 2}, "width 18 does not divide into 2 heads"),
        ({"min_frames": 9, "max_frames": 8}, "min_frames 9 is more than max_frames 8"),
        ({"learning_rate": 0}, "learning_rate: .*greater than 0"),
        ({"condition": "mood"}, "condition: .*'signed_language'"),
        ({"labels": ["A"]}, "unknown key labels"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, values, message):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(UserError, match=rf"mine\.yaml: .*{message}"):
        load_yaml(RunConfig, tmp_path / "mine.yaml")


def test_frames_per_window_and_per_batch_are_separate_settings(tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text("max_frames: 500\nbatch_frames: 2000\nnum_epochs: 7\n")
    config = load_yaml(RunConfig, tmp_path / "mine.yaml")
    assert (config.max_frames, config.batch_frames, config.epochs) == (500, 2000, 7)
    assert not capsys.readouterr().err
