import json
import subprocess
import sys

import numpy as np
import pytest

from ht_vae.cli import app
from ht_vae.config import BUNDLED
from ht_vae.model import HierarchicalTransformerVAE
from pose_core import write
from pose_core.testing import (
    check_training_options,
    error_line,
    fake_manifest,
    fake_sequence,
    files_below,
    run_without_training,
)


@pytest.fixture(scope="session")
def small(quick):
    """Options that make a run small."""
    names = ("width", "num_heads", "local_layers", "global_layers", "feed_forward", "overlap", "chunk_latent_dim")
    names += (
        "min_frames",
        "batch_frames",
        "steps_per_epoch",
        "fitting_frames",
        "warmup_steps",
        "validate_every",
        "tensorboard",
    )
    settings = [option for name in names for option in ("--set", f"{name}={getattr(quick, name)}")]
    named = ("--batch-size", 4, "--latent-dim", 6, "--chunk-size", 16, "--max-frames", 64, "--device", "cpu")
    return [*named, *settings]


def test_train_on_csvs_and_resume(cli, csvs, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ("train", "--data", csvs, "--experiment-name", "first", *small)
    status, out, err = cli(*arguments, "--epochs", 1, "--learning-rate", 0.001, "--seed", 3)
    assert status == 0, err
    assert out.startswith("runs/first: model of ")
    assert "validation/mpjpe" in out
    assert f"{csvs}: no validation split; held out for it: 1 of 3 files (" in err
    config = json.loads((tmp_path / "runs" / "first" / "config.json").read_text())
    assert (config["latent_dim"], config["chunk_size"], config["width"]) == (6, 16, 16)

    status, out, err = cli(*arguments, "--epochs", 2, "--resume", "--json")
    assert status == 0, err
    result = json.loads(out)
    assert result["output"] == "runs/first"
    assert np.isfinite(result["metrics"]["validation/loss"])


def test_train_on_pose_files_in_a_named_folder(cli, small, tmp_path):
    manifest = fake_manifest(tmp_path, letters="AB")
    arguments = ("train", "--data", manifest, "--epochs", 1, *small)
    status, _, err = cli(*arguments, "--output", tmp_path / "runs", "--experiment-name", "mine")
    assert status == 0, err
    assert (tmp_path / "runs" / "mine" / "model.safetensors").is_file()
    assert "no validation split" not in err
    assert "reading 4 clips" in err


def test_a_dry_run_writes_nothing(cli, csvs, small, tmp_path):
    status, out, err = cli("train", "--data", csvs, "--output", tmp_path / "run", "--dry-run", "--overfit", 2, *small)
    assert status == 0, err
    assert "dry_run/hours" in out
    assert "dry run, nothing was written" in err
    assert not (tmp_path / "run").exists()


def test_info(cli, trained):
    model, _, folder, _ = trained
    status, out, err = cli("info", folder, "--json")
    assert status == 0, err
    described = json.loads(out)
    assert (described["model"], described["model_hash"]) == ("tiny", model.hash)
    assert described["parameters"] == sum(p.numel() for p in model.parameters())
    assert (described["keypoints"], described["coordinates"]) == (8, 2)
    assert described["components"] == {"POSE_LANDMARKS": 8}
    assert (described["latent_dim"], described["chunk_size"], described["condition"]) == (6, 16, "none")
    assert described["trained_on"].startswith("2 clips, ")
    lines = cli("info", folder)[1].splitlines()
    assert f"model_hash       {model.hash}" in lines
    assert "latents          6 per sequence, 5 per chunk of 16 frames" in lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--output", "run"], "Missing option '--data'"),
        (["train", "--data", "CSVS"], "say where the run goes with --output, or name it with --experiment-name"),
        (["train", "--data", "CSVS", "--experiment-name", "a/b"], "is a name, not a path"),
        (["train", "--data", "nowhere.csv", "--output", "run"], "no such manifest"),
        (["train", "--data", "EMPTY", "--output", "run"], "no pose files"),
        (["train", "--data", "BAD", "--output", "run"], "bad.csv, line 3: x: could not convert string to float"),
        (["train", "--data", "MIXED", "--output", "run"], "has 8 keypoints (POSE_LANDMARKS 8), while"),
        (["train", "--data", "CSVS", "--output", "run", "--config", "hug"], "hug: no such preset or file; presets:"),
        (["train", "--data", "CSVS", "--output", "run", "--set", "latent_din=1"], "did you mean latent_dim?"),
        (["train", "--data", "CSVS", "--output", "run", "--set", "latent_dim"], "write name=value"),
        (["train", "--data", "CSVS", "--output", "run", "--learning-rate", "-1"], "learning_rate"),
        (["train", "--data", "CSVS", "--output", "run", "--set", "condition=text"], "nothing says its text"),
        (["train", "--data", "CSVS", "--output", "run", "--chunk-size", "0"], "--chunk-size"),
        (["train", "--data", "CSVS", "--output", "run", "--resume"], "has no run to resume"),
        (["train", "--data", "CSVS", "--output", "MODEL"], "is not empty; --resume"),
        (["train", "--data", "CSVS", "--output", "run", "--from", "no/such/model"], "no such model folder"),
        (
            ["train", "--data", "CSVS", "--output", "run", "--from", "MODEL", "--set", "width=96"],
            "width is 96, and 16 in the model to fine-tune; leave width out",
        ),
        (["train", "--data", "CSVS", "--output", "run", "--device", "warp"], "device"),
        (["info"], "Missing argument 'model'"),
        (["info", "no/such/model"], "no such model folder"),
        (["info", "EMPTY"], "lacks config.json and model.safetensors"),
        (["dance"], "No such command 'dance'"),
    ],
)
def test_wrong_commands_give_one_line_and_write_nothing(
    cli, csvs, body, trained, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    for name in ("empty", "bad", "mixed"):
        (tmp_path / name).mkdir()
    (tmp_path / "bad" / "bad.csv").write_text("frame#,landmark_name,x,y\n0,NOSE,1,2\n1,NOSE,left,2\n")
    write(body(5), tmp_path / "mixed" / "a.csv")
    write(fake_sequence(frames=5), tmp_path / "mixed" / "b.pose")
    stand_ins = {name.upper(): tmp_path / name for name in ("empty", "bad", "mixed")}
    stand_ins |= {"CSVS": csvs, "MODEL": trained[2]}
    before, model_before = files_below(tmp_path), files_below(trained[2])
    status, out, err = cli(*(stand_ins.get(argument, argument) for argument in arguments))
    assert status == 2, err
    assert message in error_line(err)
    assert not out
    assert files_below(tmp_path) == before
    assert files_below(trained[2]) == model_before


def test_info_finds_a_bundled_model_by_name(cli, trained, monkeypatch):
    monkeypatch.setitem(HierarchicalTransformerVAE.bundled, "mine", trained[2])
    assert cli("info", "mine")[1].startswith("model            mine")


def test_info_imports_no_trainer(trained):
    code = (
        "import sys; from ht_vae.cli import main\n"
        f"sys.argv = ['ht-vae', 'info', {str(trained[2])!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "assert not {'lightning', 'torchmetrics', 'tensorboard', 'wandb'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_python_m_runs_the_command(cli):
    arguments = [sys.executable, "-m", "ht_vae", "--help"]
    inputs = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    for verb in ("train", "info"):
        assert verb in inputs
        assert cli(verb, "--help")[0] == 0


def test_models_lists_bundled_models(cli):
    status, out, _ = cli("models")
    assert (status, out.startswith("landmarks"), " MB  " in out) == (0, True, True)
    assert {each["name"] for each in json.loads(cli("models", "--json")[1])} == {*BUNDLED}


def test_train_and_config_have_the_options_of_all_packages():
    check_training_options(app)


def test_inference_needs_nothing_that_training_installs(csvs, trained, tmp_path):
    done = run_without_training(
        "ht_vae",
        "reconstruct",
        sorted(csvs.glob("*.csv"))[0],
        "--checkpoint",
        trained[2],
        "--output",
        tmp_path / "a.csv",
    )
    assert done.returncode == 0, done.stderr
    refused = run_without_training("ht_vae", "train", "--data", csvs, "--output", tmp_path / "run")
    assert refused.returncode == 2
    assert refused.stderr == "Error: training needs lightning: pip install 'ht-vae[train]'\n"
