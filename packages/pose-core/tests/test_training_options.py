"""The options that all `train` commands share, with a command of their own."""

import json
import os
import sys
from pathlib import Path

import pytest
import typer
from torch import nn

from pose_core import UserError
from pose_core.command_line import new_app
from pose_core.testing import fake_sequence
from pose_core.training import TrainingConfig, options
from pose_core.training.options import RENAMED_OPTIONS, TrainingOptions, add_config_command, training_options


class RunConfig(TrainingConfig):
    width: int = 8


@pytest.fixture
def app(tmp_path, monkeypatch):
    """A package's commands; what its `train` was called with is in `app.calls`."""
    monkeypatch.setattr("pose_core.training.stopping.stop_while_starting", lambda: None)
    preset = tmp_path / "default.yaml"
    preset.write_text("epochs: 9\n")
    app = new_app("A package.")
    app.calls = []

    def train_model(data, output, config, **others):
        app.calls.append((data, output, config, others))
        return nn.Linear(2, 3), {"validation/loss": 0.25}

    @app.command(renamed=RENAMED_OPTIONS)
    @training_options("a-package")
    def train(options: TrainingOptions, width: int | None = None) -> None:
        config = options.load_config(RunConfig, {"default": preset}, width=width)
        options.check_run(config, width=width)
        options.run(train_model, config)

    add_config_command(app, "a-package")
    return app


@pytest.fixture
def data(tmp_path):
    from pose_core.formats import write

    folder = tmp_path / "poses"
    folder.mkdir()
    write(fake_sequence(), folder / "a.pose")
    return folder


def call(app, *arguments):
    return app([*map(str, arguments)], prog_name="a-package", standalone_mode=False)


def test_options_change_the_preset_and_reach_the_training(app, data, tmp_path, capsys):
    given = ("--batch-size", 3, "--width", 5, "--set", "seed=7", "--nodes", 2, "--num-epochs=4", "--dry-run")
    call(app, "train", "--data", data, "--data", data, "--output", tmp_path / "run", *given)
    ((paths, output, config, others),) = app.calls
    assert (paths, output) == ([str(data), str(data)], tmp_path / "run")
    assert config == RunConfig(epochs=4, batch_size=3, width=5, seed=7, num_nodes=2, dry_run=True)
    assert others == {"init_from": None, "resume": False, "overwrite": False}
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'run'}: model of 9 parameters\n  validation/loss            0.2500\n"
    assert "--nodes is now --num-nodes\n--num-epochs is now --epochs\n" in said.err


def test_results_as_json(app, data, tmp_path, capsys):
    call(app, "train", "--data", data, "--output", tmp_path / "run", "--json")
    found = json.loads(capsys.readouterr().out)
    metrics = {"validation/loss": 0.25}
    assert found == {"output": str(tmp_path / "run"), "parameters": 9, "metrics": metrics, "address": None}
    assert app.calls[0][2] == RunConfig(epochs=9)


def test_a_run_goes_where_output_and_name_say(tmp_path, monkeypatch):
    def path(**given):
        return TrainingOptions("a-package", ["poses"], **given).run_path

    assert path(output=tmp_path / "run") == tmp_path / "run"
    assert path(output=tmp_path / "run", experiment_name="a") == tmp_path / "run" / "a"
    assert path(experiment_name="a") == Path("runs") / "a"
    for given, message in (({}, "say where the run goes with --output"), ({"experiment_name": "a/b"}, "not a path")):
        with pytest.raises(typer.BadParameter, match=message):
            path(**given)
    monkeypatch.setitem(os.environ, "WANDB_SWEEP_ID", "s")
    monkeypatch.setitem(os.environ, "WANDB_RUN_ID", "r")
    assert path(output=tmp_path / "run") == tmp_path / "run" / "r"


@pytest.mark.parametrize("module", ["lightning", "tensorboard"])
def test_training_that_is_not_installed_is_named_with_its_cure(app, data, tmp_path, monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=rf"training needs {module}: pip install 'a-package\[train\]'"):
        call(app, "train", "--data", data, "--output", tmp_path / "run")
    assert not app.calls


def test_help_lists_a_packages_own_options_among_the_shared_ones(app, capsys):
    call(app, "train", "--help")
    text = capsys.readouterr().out
    for option in ("--data", "--width", "--num-nodes", "--quiet"):
        assert option in text
    assert "--nodes" not in text.replace("--num-nodes", "")
    assert set(options.SETTINGS) < RunConfig.model_fields.keys()
