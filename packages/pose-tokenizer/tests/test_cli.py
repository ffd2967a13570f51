import json
import subprocess
import sys

import numpy as np
import pytest

import pose_tokenizer
from pose_core import write
from pose_core.testing import check_training_options, error_line, files_below, run_without_training
from pose_core.transforms import to_layout
from pose_tokenizer.cli import app
from pose_tokenizer.config import BUNDLED
from pose_tokenizer.files.token_file import read_tokens


def test_info_of_tokens_and_of_a_model(cli, encoded, folder, model):
    status, out, _ = cli("info", encoded["tokens"], "--json")
    assert status == 0
    described = json.loads(out)
    tokens = read_tokens(encoded["tokens"])
    assert described["model"] == "tiny"
    assert described["model_hash"] == model.hash[:8]
    assert (described["frames"], described["blocks"], described["fps"]) == (18, 5, 25.0)
    assert described["codes"] == (tokens.codes >= 0).sum()
    assert described["bits_per_frame"] == pytest.approx(tokens.bits / 18)
    assert described["bytes"] == encoded["tokens"].stat().st_size

    status, out, _ = cli("info", folder, "--json")
    described = json.loads(out)
    assert described["model_hash"] == model.hash
    assert (described["keypoints"], described["num_quantizers"], described["codebook_size"]) == (50, 3, 16)
    assert sum(described["components"].values()) == 50
    assert described["parameters"] == sum(p.numel() for p in model.parameters())
    status, out, _ = cli("info", encoded["json"], "--json")
    assert json.loads(out)["codes"] == (tokens.codes >= 0).sum()
    for what, shown in ((encoded["tokens"], model.hash[:8]), (folder, model.hash)):
        status, out, _ = cli("info", what)
        assert status == 0
        assert f"model_hash       {shown}" in out.splitlines()


def test_what_is_not_there_is_said_to_be_so_without_slow_imports(cli):
    for what, message in (
        ("nowhere.tokens", "nowhere.tokens: no such file"),
        ("nowhere.txt", "nowhere.txt: no such file"),
        ("some/where.json", "some/where.json: no such file"),
        ("sining", "sining: no such model folder; did you mean signing?"),
    ):
        status, _, err = cli("info", what)
        assert (status, message in error_line(err)) == (2, True)
    code = (
        "import sys; from pose_tokenizer.cli import main\n"
        "for verb in ('info', 'decode'):\n"
        "    sys.argv = ['pose-tokenizer', verb, 'nowhere.tokens']\n"
        "    try:\n        main()\n    except SystemExit as end:\n        assert end.code == 2\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["encode"], "Missing argument 'files'"),
        (["encode", "nowhere.pose"], "nowhere.pose: no such file"),
        (["encode", "nowhere/*.pose"], "nowhere/*.pose: no file matches"),
        (["encode", "EMPTY"], "holds no file that ends in .pose"),
        (["encode", "A", "A"], "would both become"),
        (["encode", "A", "-"], "-: standard input stands alone"),
        (["encode", "-"], "say where its result goes with --output"),
        (["encode", "A", "--lambda", "-1"], "--lambda"),
        (["encode", "A", "--lambda", "1", "--bits-per-frame", "2"], "searches for the value of --lambda"),
        (["encode", "-", "--output", "x.tokens", "--bits-per-frame", "2"], "cannot read standard input; use --lambda"),
        (["encode", "A", "--bits-per-frame", "0"], "--bits-per-frame is a number above 0"),
        (["encode", "A", "--bits-per-frame", "nan"], "--bits-per-frame is a number above 0"),
        (["encode", "A", "--fps", "0"], "--fps"),
        (["encode", "A", "--fps", "inf"], "--fps"),
        (["encode", "A", "--num-quantizers", "0"], "--num-quantizers"),
        (
            ["encode", "A", "--num-quantizers", "4", "--checkpoint", "MODEL"],
            "--num-quantizers is 4; the model tiny has 3",
        ),
        (["encode", "A", "--format", "xml"], "'tokens', 'json', 'text'"),
        (["encode", "A", "--checkpoint", "nowhere/at/all"], "no such model folder; bundled: signing"),
        (["encode", "A", "--checkpoint", "EMPTY"], "lacks config.json and model.safetensors"),
        (["encode", "A", "--checkpoint", "MODEL", "--device", "warp"], "device 'warp' cannot be used"),
        (["encode", "A", "--output", "no/x.tokens"], "there is no folder"),
        (["encode", "DEEP", "A", "--output", "A"], "tokens are written, no poses"),
        (["encode", "A", "--lambda", "nan"], "'--lambda'"),
        (["encode", "A", "--lambda", "-1"], "'--lambda'"),
        (["decode"], "Missing argument 'files'"),
        (["decode", "nowhere.tokens"], "nowhere.tokens: no such file"),
        (["decode", "EMPTY"], "holds no file that ends in .tokens, .json, .txt"),
        (["decode", "A", "--output", "x.pose", "--checkpoint", "MODEL"], "a.pose: not a token file"),
        (["decode", "A", "--output", "x.pose", "--checkpoint", "MODEL", "--num-quantizers", "4"], "tiny has 3"),
        (["info", "nowhere/at/all"], "no such model folder"),
        (["info", "A"], "a.pose: not a token file"),
        (["train"], "Missing option '--data'"),
        (["train", "--data", "A"], "say where the run goes with --output"),
        (["train", "--data", "nowhere.csv", "--output", "run"], "no such manifest"),
        (["train", "--data", "EMPTY", "--output", "run"], "empty"),
        (["train", "--data", "INDEX", "--output", "run", "--config", "hug"], "hug: no such preset or file"),
        (["train", "--data", "INDEX", "--output", "run", "--set", "lmbd=1"], "unknown key lmbd; did you mean lmbda?"),
        (["train", "--data", "INDEX", "--output", "run", "--set", "lmbda"], "--set lmbda: write name=value"),
        (["train", "--data", "INDEX", "--output", "run", "--learning-rate", "-1"], "learning_rate"),
        (
            ["train", "--data", "INDEX", "--output", "run", "--set", "num_keypoints=3"],
            "num_keypoints is 3, the clip has",
        ),
        (["train", "--data", "INDEX", "--output", "run", "--resume"], "has no run to resume"),
        (["train", "--data", "INDEX", "--output", "MODEL"], "is not empty; --resume"),
        (["train", "--data", "INDEX", "--output", "run", "--device", "warp"], "device"),
        (["dance"], "No such command 'dance'"),
        (["encode", "A", "--tempo", "3"], "--tempo"),
    ],
)
def test_usage_errors_are_one_line_and_write_nothing(
    cli, folder, manifest, poses, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    places = {
        "A": poses / "a.pose",
        "DEEP": poses / "deep",
        "EMPTY": tmp_path / "empty",
        "MODEL": folder,
        "INDEX": manifest,
    }
    before, model_before = files_below(tmp_path), files_below(folder)
    status, out, err = cli(*(places.get(argument, argument) for argument in arguments))
    assert status == 2, err
    assert message in error_line(err)
    assert not out
    assert files_below(tmp_path) == before
    assert files_below(folder) == model_before


def test_train_then_encode_and_decode(cli, manifest, poses, tmp_path):
    run = tmp_path / "run"
    sizes = (
        "num_quantizers=2",
        "codebook_size=8",
        "latent_dim=6",
        "hidden_dim=4",
        "num_layers=1",
        "fitting_blocks=100",
    )
    settings = [option for setting in (*sizes, "tensorboard=false") for option in ("--set", setting)]
    arguments = ("train", "--data", manifest, "--output", run, "--device", "cpu", "--batch-size", 4, *settings)
    status, out, err = cli(*arguments, "--dry-run", "--overfit", 2)
    assert (status, "dry_run/hours" in out, run.exists()) == (0, True, False), err
    status, out, err = cli(*arguments, "--epochs", 1, "--learning-rate", 0.001, "--seed", 3)
    assert status == 0, err
    assert out.startswith(f"{run}: model of ")
    assert "validation/cost" in out
    assert "fitting basis and codebooks" in err
    config = json.loads((run / "config.json").read_text())
    assert (config["num_quantizers"], config["codebook_size"], config["latent_dim"]) == (2, 8, 6)
    assert cli("encode", poses / "a.pose", "--checkpoint", run)[0] == 0
    assert cli("decode", poses / "a.tokens", "--output", tmp_path / "a.pose", "--checkpoint", run)[0] == 0

    status, out, err = cli(*arguments, "--epochs", 2, "--resume", "--json")
    assert status == 0, err
    result = json.loads(out)
    assert result["output"] == str(run)
    assert np.isfinite(result["metrics"]["validation/cost"])


def test_the_bundled_name_is_the_default(cli, poses):
    assert cli("encode", poses / "a.pose")[0] == 0
    assert read_tokens(poses / "a.tokens").header.model == "signing"
    assert cli("info")[1].startswith("model            signing")


def test_help_does_not_wait_for_torch():
    code = (
        "import sys, pose_tokenizer, pose_tokenizer.cli\n"
        "print([m for m in ('torch', 'lightning', 'pose_format', 'pydantic') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_python_m_runs_the_command():
    arguments = [sys.executable, "-m", "pose_tokenizer", "--help"]
    assert "pose-tokenizer" in subprocess.run(arguments, capture_output=True, text=True, check=True).stdout


def test_help_names_every_verb(cli):
    status, out, _ = cli("--help")
    assert status == 0
    for verb in ("encode", "decode", "info", "train"):
        assert verb in out
        assert cli(verb, "--help")[0] == 0


def test_encoding_imports_no_trainer(folder, poses):
    code = (
        "import sys; from pose_tokenizer.cli import main\n"
        f"sys.argv = ['pose-tokenizer', 'encode', {str(poses / 'a.pose')!r}, '--checkpoint', {str(folder)!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "assert not {'lightning', 'torchmetrics', 'tensorboard', 'wandb', 'vector_quantize_pytorch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert (poses / "a.tokens").is_file()


def test_all_public_names_can_be_imported():
    for name in pose_tokenizer.__all__:
        assert getattr(pose_tokenizer, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'magic'"):
        pose_tokenizer.magic  # noqa: B018


def test_models_lists_the_bundled_models(cli):
    status, out, _ = cli("models")
    assert (status, out.startswith("signing"), " MB  " in out) == (0, True, True)
    assert {each["name"] for each in json.loads(cli("models", "--json")[1])} == {*BUNDLED}


def test_train_and_config_have_the_options_of_all_packages():
    check_training_options(app)


def test_inference_needs_nothing_that_training_installs(folder, poses, tmp_path):
    done = run_without_training(
        "pose_tokenizer", "encode", poses / "a.pose", "--checkpoint", folder, "--output", tmp_path / "a.tokens"
    )
    assert done.returncode == 0, done.stderr
    refused = run_without_training("pose_tokenizer", "train", "--data", poses, "--output", tmp_path / "run")
    assert refused.returncode == 2
    assert refused.stderr == "Error: training needs lightning: pip install 'pose-tokenizer[train]'\n"


def test_poses_of_another_layout_are_mapped_by_option(cli, clip, folder, tmp_path):
    native, other = tmp_path / "native.pose", tmp_path / "openpose.pose"
    write(clip(18), native)
    write(to_layout(clip(18), "openpose_137"), other)
    encoding = ("--checkpoint", folder, "--device", "cpu", "--format", "text", "--output", "-")
    status, _, err = cli("encode", other, *encoding)
    assert (status, "openpose.pose: no keypoint in common" in err) == (2, True)
    assert "--layout holistic_50, here or of pose-core convert, maps them by anatomy" in err
    status, mapped, _ = cli("encode", other, "--layout", "holistic_50", *encoding)
    assert status == 0
    assert mapped == cli("encode", native, *encoding)[1]  # OpenPose has all 50 points
    assert (
        "unknown layout 'openpose'; known: holistic_543" in cli("encode", other, "--layout", "openpose", *encoding)[2]
    )
