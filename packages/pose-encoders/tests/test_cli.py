"""The command line: every verb on files, and every way to get it wrong."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest

from pose_core.command_line import run
from pose_core.testing import check_training_options, fake_manifest, run_without_training
from pose_encoders.cli import app

SMALL = ["--set", "encoder.hidden_dim=16", "--set", "encoder.num_layers=1", "--set", "tensorboard=false"]


@pytest.fixture
def cli(monkeypatch, capsys):
    """Runs a command line; gives exit status, stdout, stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["pose-encoders", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            run(app, "pose-encoders")
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a manifest's clips and a model trained on them for an epoch."""
    folder = tmp_path_factory.mktemp("trained")
    index = fake_manifest(folder)
    command = [sys.executable, "-c", "from pose_encoders.cli import main; main()", "train", "--data", index]
    ended = subprocess.run(
        [*command, "--output", folder / "run", "--epochs", "1", "--device", "cpu", *SMALL],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "model of" in ended.stdout
    return folder


def test_a_dry_run_writes_nothing(cli, trained, tmp_path):
    run = ("--output", tmp_path / "run", "--dry-run", "--overfit", 2, "--device", "cpu")
    status, out, err = cli("train", "--data", next(trained.glob("*.csv")), *run, *SMALL)
    assert status == 0, err
    assert "dry_run/hours" in out
    assert "dry run, nothing was written" in err
    assert not (tmp_path / "run").exists()


def test_encode_writes_a_file_for_one_pose_and_a_folder_for_several(cli, trained, tmp_path):
    clips = sorted(trained.glob("*.pose"))[:2]
    checkpoint = ("--checkpoint", trained / "run", "--device", "cpu")
    status, out, _ = cli("encode", clips[0], "--output", tmp_path / "a.npz", *checkpoint)
    assert (status, "16 frames of 16 numbers; " in out) == (0, True)
    vectors = np.load(tmp_path / "a.npz")
    assert (vectors["frames"].shape, vectors["clip"].shape, float(vectors["fps"])) == ((16, 16), (16,), 25.0)
    status, out, _ = cli("encode", *clips, "--output", tmp_path / "many", "--json", *checkpoint)
    assert status == 0
    assert [len(result["labels"]) for result in json.loads(out)] == [4, 4]
    np.testing.assert_array_equal(np.load(tmp_path / "many" / f"{clips[0].stem}.npz")["frames"], vectors["frames"])
    status, _, err = cli("encode", clips[0], "--output", tmp_path / "a.npz", *checkpoint)
    assert (status, "use --overwrite" in err) == (2, True)


def test_encode_goes_on_after_a_damaged_file_and_skip_existing_does_the_rest(cli, trained, tmp_path):
    clips = tmp_path / "clips"
    (clips / "deep").mkdir(parents=True)
    whole = next(trained.glob("*.pose")).read_bytes()
    for name, content in (("a.pose", whole), ("b.pose", whole[:-9]), ("deep/c.pose", whole)):
        (clips / name).write_bytes(content)
    out = tmp_path / "out"
    call = ("encode", clips, "--output", out, "--checkpoint", trained / "run", "--device", "cpu")
    status, said, err = cli(*call)
    assert (status, len(said.splitlines()), f"{clips / 'b.pose'}: " in err) == (3, 2, True), err
    assert err.splitlines()[-1].startswith("Error: 1 of 3 files failed")
    (clips / "b.pose").write_bytes(whole)
    status, said, err = cli(*call, "--skip-existing", "--quiet")
    assert (status, len(said.splitlines()), err) == (0, 1, "")
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.npz")) == ["a.npz", "b.npz", "deep/c.npz"]


def test_evaluate_prints_scores_and_writes_them_with_a_row_per_clip(cli, trained, tmp_path):
    call = ("evaluate", "--data", trained / "index.csv", "--checkpoint", trained / "run")
    status, out, _ = cli(*call)
    assert (status, "1 clips; 0 more have" in out, "top1" in out) == (0, True, True)
    report = ("--output", tmp_path / "report", "--json")
    status, out, _ = cli(*call, "--data", trained / "index.csv", "--split", "train", *report)
    scores = json.loads(out)["scores"]
    assert (status, scores["clips"]) == (0, 14)  # of the same manifest, twice
    assert json.loads((tmp_path / "report" / "metrics.json").read_text())["scores"] == scores
    with (tmp_path / "report" / "clips.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["path", "label", "predicted", "rank"]
    assert sum(row["label"] == row["predicted"] for row in rows) == round(scores["top1"] * len(rows))
    assert sum(row["rank"] == "1" for row in rows) == round(scores["top1"] * len(rows))
    assert "use --overwrite" in cli(*call, *report)[2]


def test_info_describes_encoder_components_and_labels(cli, trained):
    _, out, _ = cli("info", "--checkpoint", trained / "run", "--json")
    about = json.loads(out)
    assert (about["encoder"]["kind"], about["labels"], about["output_dim"]) == ("transformer", list("ABCD"), 16)
    assert about["components"]["RIGHT_HAND_LANDMARKS"] == 21
    assert "labels      A, B, C, D" in cli("info", "--checkpoint", trained / "run")[1]


def test_user_errors_are_one_line_with_exit_status_2(cli, trained, tmp_path):
    clip = next(trained.glob("*.pose"))
    model = ("--checkpoint", trained / "run")
    data = ("--data", trained / "index.csv")
    (tmp_path / "bad.pose").write_bytes(b"nothing")
    cases = [
        (("encode", clip, "--output", tmp_path / "a.npz", "--checkpoint", tmp_path / "none"), "no such model folder"),
        (("encode", clip, "--output", tmp_path / "a.txt", *model), "cannot write .txt; use .npz"),
        (("encode", clip, clip, "--output", tmp_path / "many", *model), "would both become"),
        (("encode", tmp_path / "bad.pose", "--output", tmp_path / "a.npz", *model), "bad.pose: not a .pose file"),
        (("encode", tmp_path / "none.pose", "--output", tmp_path / "a.npz", *model), "none.pose: no such file"),
        (("train", *data, "--output", trained / "run"), "--overwrite starts it again"),
        (("train", *data, "--output", tmp_path / "x", "--config", "none"), "no such preset"),
        (("train", *data, "--output", tmp_path / "x", "--set", "task"), "write name=value"),
        (("train", *data, "--output", tmp_path / "x", "--task", "magic"), "task"),
        (("train", "--data", tmp_path / "none.csv", "--output", tmp_path / "x"), "no such manifest"),
        (("evaluate", *data, *model, "--split", "dev2"), "no clips of split 'dev2'"),
    ]
    for arguments, complaint in cases:
        status, _, err = cli(*arguments, "--quiet")
        assert (status, complaint in err, err.count("\n")) == (2, True, 1), (arguments, err)
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".npz"]


def test_help_imports_nothing_heavy():
    script = "import sys; from pose_encoders.cli import main; sys.argv = ['pose-encoders', '--help']\ntry: main()\n"
    script += "except SystemExit: print(*sys.modules, file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "evaluate" in ended.stdout
    assert not {"torch", "torch_geometric", "lightning", "numpy"} & set(ended.stderr.split())


def test_train_and_config_have_the_options_of_all_packages():
    check_training_options(app)


def test_inference_needs_nothing_that_training_installs(trained, tmp_path):
    done = run_without_training(
        "pose_encoders",
        "encode",
        next(trained.glob("*.pose")),
        "--checkpoint",
        trained / "run",
        "--output",
        tmp_path / "a.npz",
    )
    assert done.returncode == 0, done.stderr
    refused = run_without_training(
        "pose_encoders", "train", "--data", trained / "index.csv", "--output", tmp_path / "run"
    )
    assert refused.returncode == 2
    assert refused.stderr == "Error: training needs lightning: pip install 'pose-encoders[train]'\n"
