import pytest
import yaml
from pydantic import ValidationError

from ht_vae.config import LossConfig, RunConfig, Sizes
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
def test_refuses_what_makes_no_model(configure, changes, reason):
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
        ({"epochs": 8}, r"unknown key epochs; did you mean num_epochs\?"),
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


def test_a_run_tells_training_loss_and_model_what_each_knows(quick):
    run = quick.model_copy(update={"num_epochs": 7, "patience": 3, "kl_weight": 0.5, "width": 32})
    training = run.training()
    assert (training.epochs, training.patience, training.batch_size, training.device) == (7, 3, 4, "cpu")
    assert training.max_frames is None  # which there is a batch's
    assert run.loss() == LossConfig(kl_weight=0.5)
    assert run.sizes()["width"] == 32
    assert {*run.sizes()} == {*Sizes.model_fields}
