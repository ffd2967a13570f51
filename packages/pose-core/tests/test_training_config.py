import json

import pytest
from pydantic import BaseModel, ConfigDict

from pose_core import UserError
from pose_core.training import TrainingConfig, load_preset, load_yaml
from pose_core.training.describe import print_config
from pose_core.training.keys import config_keys


class Run(BaseModel):
    model_config = ConfigDict(extra="forbid")
    training: TrainingConfig = TrainingConfig()
    fps: float = 25.0


def test_settings_from_a_file_and_the_command_line(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("training: {epochs: 7}\n")
    config = load_yaml(Run, path, {"training.batch_size": 3, "fps": 30.0})
    assert (config.training.epochs, config.training.batch_size, config.fps) == (7, 3, 30.0)


def test_a_section_that_the_file_leaves_empty_takes_the_command_lines_values(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("training:\n")
    assert load_yaml(Run, path, {"training.epochs": 3}).training.epochs == 3
    path.write_text("training: 3\n")
    with pytest.raises(UserError, match=r"run\.yaml: training is a section of names and values, found 3"):
        load_yaml(Run, path, {"training.epochs": 3})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such config"),
        ("training: {epoch: 7}", r"unknown key training\.epoch; did you mean training\.epochs\?"),
        ("fsp: 3", r"unknown key fsp; did you mean fps\?"),
        ("training: {epochs: 0}", r"training\.epochs: .*greater than 0, found 0"),
        ("training: {epochs: many}", r"training\.epochs: .*integer.*found 'many'"),
        ("training: {devices: 0}", r"training\.devices.*greater than 0, found 0"),
        ("training: {precision: 16}", r"training\.precision: .*16-mixed.*found 16"),
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
        ({"epochs": 3}, "unknown key epochs; did you mean training.epochs?"),
        ({"training.learning_rat": 3}, "unknown key training.learning_rat; did you mean training.learning_rate?"),
        ({"trainign.epochs": 3}, "unknown key trainign.epochs; did you mean training.epochs?"),
        ({"quux": 3}, "unknown key quux; the `config` command prints all keys"),
    ],
)
def test_a_suggested_key_exists(tmp_path, settings, message):
    path = tmp_path / "run.yaml"
    path.write_text("fps: 3\n")
    with pytest.raises(UserError) as error:
        load_yaml(Run, path, settings)
    assert str(error.value) == f"{path}: {message}"
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
    path.write_text("training: {epochs: 7, learning_rate: 1e-5, wandb_project: null, device: 'no'}\n")
    print_config(Run, {"mine": path}, "mine", as_json=False)
    printed = capsys.readouterr().out
    assert "  # highest rate, reached after the warm-up (number > 0; default 0.0005)\n  learning_rate: " in printed
    again = tmp_path / "again.yaml"
    again.write_text(printed)
    assert load_yaml(Run, again) == load_yaml(Run, path)
    print_config(Run, {"mine": path}, "mine", as_json=True)
    keys = {key["name"]: key for key in json.loads(capsys.readouterr().out)["keys"]}
    assert keys["training.epochs"] == {
        "name": "training.epochs", "value": 7, "default": 100, "allowed": "integer > 0", "description": "",
    }  # fmt: skip


def test_older_configs_say_nothing_of_precision(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("training: {precision: null}\n")
    assert load_yaml(Run, path).training.precision == "auto"
