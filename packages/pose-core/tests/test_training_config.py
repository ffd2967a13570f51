import json
from typing import ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, Field

from pose_core import UserError
from pose_core.training import TrainingConfig, load_preset, load_yaml
from pose_core.training.describe import print_config
from pose_core.training.keys import config_keys


class Encoder(BaseModel):
    model_config = ConfigDict(extra="forbid")
    hidden_dim: int = Field(8, gt=0)
    num_layers: int = 1


class Run(TrainingConfig):
    SECTIONS: ClassVar[tuple[str, ...]] = ("training", "network")
    RENAMED: ClassVar[dict[str, str]] = {**TrainingConfig.RENAMED, "known": "known_share"}

    encoder: Encoder = Encoder()
    known_share: float = 0.5
    fps: float = 25.0


def test_settings_from_a_file_and_the_command_line(tmp_path, capsys):
    path = tmp_path / "run.yaml"
    path.write_text("epochs: 7\nencoder: {hidden_dim: 3}\n")
    config = load_yaml(Run, path, {"batch_size": 3, "fps": 30.0, "encoder.num_layers": 2})
    assert (config.epochs, config.batch_size, config.fps) == (7, 3, 30.0)
    assert config.encoder == Encoder(hidden_dim=3, num_layers=2)
    assert not capsys.readouterr().err


def test_a_section_that_the_file_leaves_empty_takes_the_command_lines_values(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("encoder:\n")
    assert load_yaml(Run, path, {"encoder.num_layers": 3}).encoder.num_layers == 3
    path.write_text("encoder: 3\n")
    with pytest.raises(UserError, match=r"run\.yaml: encoder is a section of names and values, found 3"):
        load_yaml(Run, path, {"encoder.num_layers": 3})


def test_sections_and_names_of_older_versions_are_taken_with_a_notice_in_one_line(tmp_path, capsys):
    path = tmp_path / "run.yaml"
    path.write_text("training: {epochs: 7, max_frames: 9}\nnetwork:\n  encoder: {hidden_dim: 3}\n")
    config = load_yaml(Run, path, {"training.batch_size": 3})
    assert (config.epochs, config.batch_frames, config.encoder.hidden_dim, config.batch_size) == (7, 9, 3, 3)
    assert capsys.readouterr().err == (
        f"Warning: {path}: training.epochs is now epochs, and 2 more; the `config` command prints them all\n"
        "Warning: --set: training.batch_size is now batch_size\n"
    )
    assert load_yaml(Run, path, {"known": 0.1, "network.known": 0.2}).known_share == 0.2
    assert "known is now known_share" in capsys.readouterr().err
    path.write_text("training:\nnetwork:\n")
    assert load_yaml(Run, path) == Run()
    path.write_text("training: 3\n")
    with pytest.raises(UserError, match=r"run\.yaml: training is a section of names and values, found 3"):
        load_yaml(Run, path)


def test_other_names_of_settings_need_no_notice(tmp_path, capsys):
    path = tmp_path / "run.yaml"
    path.write_text("num_epochs: 7\nuse_amp: true\noptimizer_type: sgd\nscheduler_type: warmup_linear\n")
    config = load_yaml(Run, path)
    assert (config.epochs, config.precision) == (7, "bf16-mixed")
    assert (config.optimizer, config.scheduler) == ("sgd", "warmup_linear")
    assert load_yaml(Run, path, {"epochs": 3, "use_amp": False}).epochs == 3
    path.write_text("precision: 16-mixed\nuse_amp: null\n")
    assert load_yaml(Run, path).precision == "16-mixed"
    path.write_text("precision: auto\nuse_amp: false\n")
    assert load_yaml(Run, path).precision == "32-true"
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such config"),
        ("epoch: 7", r"unknown key epoch; did you mean epochs\?"),
        ("encoder: {num_layer: 7}", r"unknown key encoder\.num_layer; did you mean encoder\.num_layers\?"),
        ("fsp: 3", r"unknown key fsp; did you mean fps\?"),
        ("encoder: {hidden_dim: 0}", r"encoder\.hidden_dim: .*greater than 0, found 0"),
        ("epochs: 0", r"run\.yaml: epochs: .*greater than 0, found 0"),
        ("epochs: 3\nnum_epochs: 7", "run.yaml: num_epochs and epochs are one setting; leave num_epochs out"),
        ("precision: 32-true\nuse_amp: true", "use_amp and precision are one setting; leave use_amp out"),
        ("epochs: many", r"epochs: .*integer.*found 'many'"),
        ("devices: 0", r"devices.*greater than 0, found 0"),
        ("precision: 16", r"precision: .*16-mixed.*found 16"),
        ("[1, 2]", "a mapping of names to values"),
        ("a: [", "not a YAML file"),
    ],
)
def test_settings_that_are_wrong_are_answered_in_one_line(tmp_path, content, message):
    path = tmp_path / "run.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=message) as error:
        load_yaml(Run, path)
    assert "\n" not in str(error.value)
    assert "run.yaml" in str(error.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_layers": 3}, "unknown key num_layers; did you mean encoder.num_layers?"),
        ({"training.learning_rat": 3}, "unknown key learning_rat; did you mean learning_rate?"),
        ({"trainign.epochs": 3}, "unknown key trainign.epochs; did you mean epochs?"),
        ({"quux": 3}, "unknown key quux; the `config` command prints all keys"),
    ],
)
def test_a_suggested_key_exists(tmp_path, settings, message):
    path = tmp_path / "run.yaml"
    path.write_text("fps: 3\n")
    with pytest.raises(UserError) as error:
        load_yaml(Run, path, settings)
    assert str(error.value) == f"--set: {message}"
    names = [key.name for key in config_keys(Run)]
    assert all(name in names for name in str(error.value).rstrip("?").split("did you mean ")[1:])


def test_what_a_model_to_fine_tune_has_replaces_a_preset_and_contradicts_a_choice(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("fps: 30\n")
    presets = {"mine": path}
    assert load_preset(Run, "mine", presets, fixed={"fps": 25.0}).fps == 25
    assert load_preset(Run, "mine", presets, {"fps": "25"}, fixed={"fps": 25.0}).fps == 25
    for preset, overrides in (("mine", {"fps": "30"}), (str(path), {})):
        with pytest.raises(UserError, match=r"fps is 30, and 25\.0 in the model to fine-tune; leave fps out"):
            load_preset(Run, preset, presets, overrides, fixed={"fps": 25.0})


def test_the_config_command_prints_yaml_that_is_taken_again(tmp_path, capsys):
    path = tmp_path / "run.yaml"
    path.write_text("epochs: 7\nlearning_rate: 1e-5\nwandb_project: null\ndevice: 'no'\n")
    print_config(Run, {"mine": path}, "mine", as_json=False)
    printed = capsys.readouterr().out
    assert "# peak learning rate, reached after the warm-up (number > 0; default 0.0005)\nlearning_rate: " in printed
    again = tmp_path / "again.yaml"
    again.write_text(printed)
    assert load_yaml(Run, again) == load_yaml(Run, path)
    print_config(Run, {"mine": path}, "mine", as_json=True)
    keys = {key["name"]: key for key in json.loads(capsys.readouterr().out)["keys"]}
    assert keys["epochs"] == {
        "name": "epochs", "value": 7, "default": 100, "allowed": "integer > 0", "description": "",
    }  # fmt: skip


def test_older_configs_say_nothing_of_precision(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("precision: null\n")
    assert load_yaml(Run, path).precision == "auto"


def test_a_wrong_setting_is_not_blamed_on_the_preset(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("epochs: 3\n")
    with pytest.raises(UserError, match=r"^--set: batch_size: .* found 0"):
        load_yaml(Run, path, {"batch_size": 0})
    path.write_text("batch_size: 0\n")
    with pytest.raises(UserError, match=r"run\.yaml: batch_size: .* found 0"):
        load_yaml(Run, path, {"epochs": 3})
