import pytest
import yaml

from pose_core import UserError
from pose_core.training import load_yaml
from pose_tokenizer.config import ModelSizes, RunConfig, TokenizerConfig
from pose_tokenizer.training import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_presets_load(name):
    assert load_yaml(RunConfig, PRESETS[name])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_quantiser": 8}, r"unknown key num_quantiser; did you mean num_quantizers\?"),
        ({"epoch": 8}, r"unknown key epoch; did you mean epochs\?"),
        ({"codebook_size": 1}, "codebook_size: .*greater than or equal to 2, found 1"),
        ({"num_quantizers": 256}, "num_quantizers: .*less than or equal to 255"),
        ({"keypoints": "feet"}, "keypoints: .*'reduced', 'hands_and_body' or 'all'"),
        ({"learning_rate": 0}, "learning_rate: .*greater than 0"),
        ({"quantizer": "fsq", "codebook_size": 1000}, "codebook_size: .*fsq needs a power of 4, found 1000"),
        ({"lmbda": -0.1}, "lmbda: .*greater than or equal to 0"),
        ({"keypoint_dim": 2}, "keypoint_dim is 2: keypoints are x, y, confidence"),
        ({"optimizer_type": "lion"}, "optimizer: .*'adamw', 'adam' or 'sgd'"),
        ({"scheduler_type": "step"}, "scheduler: .*'warmup_cosine'"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, values, message):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(UserError, match=rf"mine\.yaml: {message}"):
        load_yaml(RunConfig, tmp_path / "mine.yaml")


def test_keys_of_older_files_are_taken_and_do_what_they_say(tmp_path, capsys):
    older = {
        "num_epochs": 7, "use_amp": False, "keypoint_dim": 3, "num_keypoints": 9,
        "optimizer_type": "adam", "scheduler_type": "warmup_linear",
    }  # fmt: skip
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(older))
    config = load_yaml(RunConfig, tmp_path / "mine.yaml")
    assert (config.epochs, config.precision, config.num_keypoints) == (7, "32-true", 9)
    assert (config.optimizer, config.scheduler) == ("adam", "warmup_linear")
    assert not capsys.readouterr().err


def test_rate_is_an_older_name_of_lmbda(tmp_path, quick, skeleton, capsys):
    (tmp_path / "mine.yaml").write_text("rate: 0.7\n")
    assert load_yaml(RunConfig, tmp_path / "mine.yaml").lmbda == 0.7
    assert "rate is now lmbda" in capsys.readouterr().err
    saved = quick.model(skeleton.to_dict()).model_dump(by_alias=True)  # as in config.json
    assert saved["rate"] == quick.lmbda
    assert "lmbda" not in saved
    assert TokenizerConfig.model_validate(saved).lmbda == quick.lmbda


def test_model_sizes_are_those_of_the_run(quick, skeleton):
    config = quick.model(skeleton.to_dict())
    assert config.skeleton == skeleton.to_dict()
    for name in ModelSizes.model_fields:
        assert getattr(config, name) == getattr(quick, name)


def test_hashes_of_older_models_do_not_cover_newer_weights():
    config = TokenizerConfig(skeleton={})
    assert not {"depth_weight", "face_weight"} & {*config.model_dump(mode="json", by_alias=True)}
    assert TokenizerConfig(skeleton={}, face_weight=0.56).model_dump()["face_weight"] == 0.56
    assert TokenizerConfig(skeleton={}, depth_weight=0.3).model_dump()["depth_weight"] == 0.3
    assert TokenizerConfig(**config.model_dump()) == config
