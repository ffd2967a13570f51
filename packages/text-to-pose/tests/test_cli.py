import json
import subprocess
import sys

import pytest

from pose_core import write
from pose_core.testing import check_training_options, fake_sequence, run_without_training
from text_to_pose.cli import app

GENERATE = ("--signed-language", "ase", "--checkpoint")


def test_languages_and_models_are_listed_without_torch(cli, folder, one_line):
    status, out, _ = cli("languages", "--checkpoint", folder)
    assert status == 0
    assert out.splitlines() == [
        "ase  American Sign Language    3 letters  A B C",
        "ise  Italian Sign Language     2 letters  A SCH",
    ]
    status, out, _ = cli("languages", "ASL", "--checkpoint", folder, "--json")
    (american,) = json.loads(out)
    assert american == {
        "code": "ase",
        "name": "American Sign Language",
        "letters": ["A", "B", "C"],
        "borrowed": [],
        "rules": [],
    }
    config = json.loads((folder / "config.json").read_text())
    config["text"]["origins"] = {"ase": {"C": "rules", "B": "borrowed"}}
    (folder / "config.json").write_text(json.dumps(config))
    status, out, _ = cli("languages", "ase", "--checkpoint", folder)
    line = "ase  American Sign Language    3 letters  A B C; borrowed from other languages: B; by rules: C"
    assert out.splitlines() == [line]
    status, _, err = cli("languages", "gsg", "--checkpoint", folder)
    assert (status, "does not know 'gsg' (German Sign Language); it knows ase, ise" in one_line(err)) == (2, True)
    (folder / "config.json").write_text("{}")
    assert cli("languages", "--checkpoint", folder)[0] == 2
    code = (
        "import sys; from text_to_pose.cli import main\n"
        "for verb in ('models', 'languages'):\n"
        "    sys.argv = ['text-to-pose', verb]\n"
        "    try:\n        main()\n    except SystemExit as end:\n        assert not end.code, end.code\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("fingerspelling")
    assert "Letters of 19 signed languages as pose sequences" in lines[0]
    assert lines[1].startswith("notation")
    assert len(lines) == 21


@pytest.mark.parametrize(("gap", "status", "message"), [("inf", 0, ""), ("1e308", 0, ""), ("nan", 2, "--max-gap")])
def test_correct_takes_any_number_for_max_gap(cli, tmp_path, gap, status, message):
    write(fake_sequence(frames=8, hands=("left", "right")), tmp_path / "a.pose")
    output = tmp_path / "b.pose"
    ended, _, err = cli("correct", tmp_path / "a.pose", "--max-gap", gap, "--output", output)
    assert (ended, output.exists(), message in err) == (status, status == 0, True)


def test_train_then_evaluate_then_generate(cli, manifest, tmp_path):
    run = tmp_path / "run"
    small = ("encoder.hidden_dim=32", "decoder_layers=1")
    settings = [option for setting in (*small, "validate_every=1") for option in ("--set", setting)]
    status, out, _ = cli("train", "--data", manifest, "--output", run, "--epochs", 1, "--device", "cpu", *settings)
    assert status == 0
    assert "validation/dtw_mje" in out

    status, out, _ = cli("evaluate", "--checkpoint", run, "--data", manifest, "--split", "validation")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()[1:4]] == ["model", "still", "copied"]
    status, out, _ = cli("evaluate", "--checkpoint", run, "--data", manifest, "--json")
    scores = json.loads(out)["scores"]
    assert set(scores["model"]) == {"clips", "dtw_mje", "length_error", "rank1", "rank5", "acceleration"}

    status, *_ = cli("generate", "abc", *GENERATE, run, "--output", tmp_path / "abc.pose")
    assert status == 0


def test_train_dry_run_writes_nothing(cli, manifest, tmp_path):
    settings = ("--set", "encoder.hidden_dim=32", "--set", "decoder_layers=1", "--device", "cpu")
    run = ("--output", tmp_path / "run", "--dry-run", "--overfit", 2)
    status, out, err = cli("train", "--data", manifest, *run, *settings)
    assert status == 0, err
    assert "dry_run/hours" in out
    assert "dry run, nothing was written" in err
    assert not (tmp_path / "run").exists()


def test_train_pretrains_without_texts_and_fine_tunes(cli, manifest, tmp_path, one_line):
    small = ("--config", "small", "--epochs", 1, "--device", "cpu", "--set", "encoder.hidden_dim=32")
    folder = tmp_path / "poses"
    for split in ("train", "val"):
        (folder / split).mkdir(parents=True)
        for path in sorted(manifest.parent.glob("ase-*.pose"))[:2]:
            (folder / split / path.name).write_bytes(path.read_bytes())
    for data in (manifest, folder):
        run = tmp_path / f"any-{data.stem}"
        status, _, err = cli("train", "--pretrain", "--data", data, "--output", run, *small)
        assert status == 0, err
    fine = ("train", "--data", manifest, "--output", tmp_path / "fine", "--from", run, "--epochs", 1, "--device", "cpu")
    status, _, err = cli(*fine)  # the model's network, not the preset's
    assert status == 0, err
    assert json.loads((tmp_path / "fine" / "config.json").read_text())["network"]["encoder"]["hidden_dim"] == 32
    assert cli("generate", "ab", *GENERATE, tmp_path / "fine", "--output", tmp_path / "ab.pose")[0] == 0
    status, _, err = cli(*fine, "--overwrite", "--set", "encoder.hidden_dim=64")
    message = "encoder.hidden_dim is 64, and 32 in the model to fine-tune; leave encoder.hidden_dim out"
    assert (status, message in one_line(err)) == (2, True)


@pytest.mark.parametrize("encoder", ["graph", "visual"])
def test_train_with_another_encoder(cli, manifest, tmp_path, encoder, one_line):
    sizes = ["validate_every=1", "decoder_layers=1", "encoder.hidden_dim=32"]
    settings = [option for setting in sizes for option in ("--set", setting)]
    run = tmp_path / "run"
    arguments = ("--data", manifest, "--output", run, "--encoder", encoder, "--epochs", 1, "--device", "cpu")
    status, _, err = cli("train", *arguments, *settings)
    assert (status, f"--encoder {encoder}: without sees_missing" in err) == (0, True)
    written = json.loads((run / "config.json").read_text())["network"]["encoder"]
    # The preset's settings that both kinds have, below those of --set.
    assert [written[name] for name in ("kind", "hidden_dim", "num_layers", "dropout")] == [encoder, 32, 0, 0.0]
    assert cli("generate", "a", *GENERATE, run, "--output", tmp_path / "a.pose")[0] == 0
    status, _, err = cli("train", *arguments[:5], "magic", "--overwrite")
    assert (status, "'graph', 'visual'" in one_line(err)) == (2, True)


def test_train_refuses_what_it_cannot_use(cli, manifest, tmp_path, one_line):
    rows = manifest.read_text().splitlines()
    broken = manifest.with_name("broken.csv")
    for row, message in (
        ("gone.pose,A,ase,train", "broken.csv, line 9: there is no file"),
        ("../away.pose,A,ase,train", "broken.csv, line 9: ../away.pose lies outside"),
    ):
        broken.write_text("\n".join([*rows[:8], row]))
        status, _, err = cli("train", "--data", broken, "--output", tmp_path / "run")
        assert (status, message in one_line(err)) == (2, True), err
    for arguments, message in (
        (["--data", tmp_path / "no.csv"], "no such manifest"),
        (["--data", manifest, "--config", "hug"], "no such preset or file; presets: default"),
        (["--data", manifest, "--set", "epoch=3"], "did you mean epochs?"),
        (["--data", manifest, "--resume"], "has no run to resume"),
        (["--data", manifest, "--learning-rate", "-1"], "learning_rate"),
    ):
        status, _, err = cli("train", *arguments, "--output", tmp_path / "run")
        assert (status, message in one_line(err)) == (2, True), err


def test_train_names_a_truncated_clip(cli, manifest, tmp_path, one_line):
    whole = (manifest.parent / "ase-A.pose").read_bytes()
    (tmp_path / "cut.pose").write_bytes(whole[: len(whole) // 2])
    index = tmp_path / "index.csv"
    index.write_text("path,text,signed_language,split\ncut.pose,A,ase,train\n")
    status, _, err = cli("train", "--data", index, "--output", tmp_path / "run")
    assert status == 2
    assert "cut.pose: states" in one_line(err)


def test_help_imports_no_torch():
    code = "import sys, text_to_pose.cli; print([m for m in ('torch', 'lightning', 'pose_format') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_correct_goes_on_after_a_bad_file_and_skip_existing_continues(cli, manifest, tmp_path, one_line):
    clips, out = tmp_path / "clips", tmp_path / "out"
    (clips / "deep").mkdir(parents=True)
    whole = (manifest.parent / "ase-A.pose").read_bytes()
    for name, content in (("a.pose", whole), ("b.pose", whole[:-9]), ("deep/c.pose", whole)):
        (clips / name).write_bytes(content)
    call = ("correct", clips, "--output", out)
    status, said, err = cli(*call)
    assert (status, len(said.splitlines()), f"{clips / 'b.pose'}: " in err) == (3, 2, True), err
    assert one_line(err).startswith("Error: 1 of 3 files failed")
    (clips / "b.pose").write_bytes(whole)
    status, said, err = cli(*call, "--skip-existing", "--json")
    assert (status, len(json.loads(said)), "2 of 3 left out" in err) == (0, 1, True), err
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.pose")) == ["a.pose", "b.pose", "deep/c.pose"]


def test_train_and_config_have_the_options_of_all_packages():
    check_training_options(app)


def test_inference_needs_nothing_that_training_installs(folder, manifest, tmp_path):
    done = run_without_training(
        "text_to_pose", "generate", "a", "--output", tmp_path / "a.pose", *map(str, GENERATE), folder
    )
    assert done.returncode == 0, done.stderr
    refused = run_without_training("text_to_pose", "train", "--data", manifest, "--output", tmp_path / "run")
    assert refused.returncode == 2
    assert refused.stderr == "Error: training needs lightning: pip install 'text-to-pose[train]'\n"
