import pytest
from pydantic import BaseModel, ConfigDict

from pose_core import UserError
from pose_core.training import TrainingConfig, load_yaml


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
        ("training: {epoch: 7}", r"unknown key training\.epoch; did you mean epochs\?"),
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
