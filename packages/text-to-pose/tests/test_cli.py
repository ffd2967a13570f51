import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from pose_format import Pose

from pose_core import read, write
from pose_core.testing import check_training_options, fake_sequence, run_without_training
from text_to_pose.cli import app
from text_to_pose.generation import sign_texts

GENERATE = ("--signed-language", "ase", "--checkpoint")


def one_line(err):
    lines = [line for line in err.splitlines() if line.startswith("Error:")]
    assert len(lines) == 1
    assert "Traceback" not in err
    return lines[0]


def test_generate_says_what_it_made_and_writes_it(cli, folder, tmp_path):
    outputs = [tmp_path / f"word.{suffix}" for suffix in ("pose", "gif", "png")]
    options = [option for output in outputs for option in ("--output", output)]
    status, out, _ = cli("generate", "cab", *GENERATE, folder, *options)
    assert status == 0
    pose = Pose.read(outputs[0].read_bytes())
    frames = len(pose.body.data)
    assert f"C A B in ase, {frames} frames, {frames / 25:.1f} s of signing" in out
    assert pose.body.fps == 25
    assert (pose.body.confidence[:, 0, -21:] == 1).all()
    assert outputs[1].read_bytes()[:6] == b"GIF89a"
    assert outputs[2].read_bytes()[1:4] == b"PNG"


def test_generate_json(cli, folder, tmp_path):
    status, out, _ = cli("generate", "ab", *GENERATE, folder, "--output", tmp_path / "ab.pose", "--json", "--steps", 1)
    assert status == 0
    (word,) = json.loads(out)
    assert word["signs"] == ["A", "B"]
    assert word["frames"] == len(read(word["files"][0]))


def test_generate_options_reach_the_model(cli, folder, tmp_path):
    def made(name, *options):
        status, _, err = cli("generate", "ab", *GENERATE, folder, "--output", tmp_path / name, "--json", *options)
        assert status == 0, err
        return read(tmp_path / name)

    plain = made("plain.pose")
    assert len(made("frames.pose", "--length", 40)) == 40
    assert len(made("seconds.pose", "--duration", 2)) == 50
    for option in (("--guidance", 2), ("--sampler", "diffusion"), ("--start", tmp_path / "frames.pose:20")):
        other = made(f"{option[0]}.pose", "--length", len(plain), *option)
        assert not np.allclose(other.keypoints, plain.keypoints, atol=1), option
    seeds = [made(f"{seed}.pose", "--sampler", "diffusion", "--length", 9, "--seed", seed) for seed in (1, 2)]
    assert not np.allclose(seeds[0].keypoints, seeds[1].keypoints, atol=1)
    sign = "M507x507S1f720487x492"
    status, out, _ = cli(
        "generate", sign, *GENERATE, folder, "--output", tmp_path / "sign.pose", "--schedule", "cosine"
    )
    assert status == 0
    assert f"{sign} in ase" in out


def test_generate_file_makes_a_pose_a_line(cli, folder, tmp_path):
    (tmp_path / "words.txt").write_text("ab\n\nc a/b\n".replace("/", ""), encoding="utf-8")
    status, out, _ = cli("generate", "--file", tmp_path / "words.txt", *GENERATE, folder, "--output", tmp_path / "out")
    assert status == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["001-ab.pose", "003-c_ab.pose"]
    assert len(out.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["", "--signed-language", "ase"], "the text is empty; give at least one letter"),
        (["ax", "--signed-language", "ase"], "ase was not taught the letter 'X'; ase knows A B C"),
        (
            ["asch", "--signed-language", "ase"],
            "letter 'SCH' (other languages have it: --borrow-letters signs it as they do)",
        ),
        (["a", "--signed-language", "xyz"], "unknown signed language 'xyz'; this model knows ase, ise"),
        (["a"], "Missing option '--signed-language'; see text-to-pose generate --help"),
        (["--signed-language", "ase"], "give a text or --file"),
        (["a", "--signed-language", "ase", "--file", "words.txt"], "give a text or --file"),
        (["a", "--signed-language", "ase", "--steps", "0"], "--steps"),
        (["a", "--signed-language", "ase", "--length", "9", "--duration", "1"], "give one of them"),
        (["abc", "--signed-language", "ase", "--length", "3"], "need at least 4 frames"),
        (["a", "--signed-language", "ase", "--duration", "nan"], "a number of seconds"),
        (["a", "--signed-language", "ase", "--duration", "1e30"], "at most an hour"),
        (["a", "--signed-language", "ase", "--length", "1000000000"], "Invalid value for '--length'"),
        (["a", "--signed-language", "ase", "--length", "9" * 20], "Invalid value for '--length'"),
        (["a", "--signed-language", "ase", "--guidance", "inf"], "Invalid value for '--guidance'"),
        (["a", "--signed-language", "ase", "--guidance", "1e20"], "Invalid value for '--guidance'"),
        (["a", "--signed-language", "ase", "--guidance", "nan"], "Invalid value for '--guidance'"),
        (["a", "--signed-language", "ase", "--seed", "9" * 23], "at most 64 bits"),
        (["a", "--signed-language", "ase", "--seed", "-" + "9" * 23], "at most 64 bits"),
        (["a", "--signed-language", "ase", "--overwrite", "--skip-existing"], "exclude each other"),
        (["a", "--signed-language", "ase", "--start", "nowhere.pose:3"], "nowhere.pose"),
        (["M518x518S14c20482x48", "--signed-language", "ase"], "SignWriting"),
        (["M507x507S2ff00487x492", "--signed-language", "ase"], "not taught the symbol 'S2ff'"),
        (["a", "--signed-language", "ase", "--sampler", "magic"], "'refinement', 'diffusion'"),
        (["a", "--signed-language", "ase", "--device", "warp"], "device 'warp' cannot be used"),
    ],
)
def test_a_wrong_generate_is_one_line_and_leaves_nothing(cli, folder, tmp_path, arguments, message):
    output = tmp_path / "out"
    output.mkdir()
    status, out, err = cli("generate", *arguments, "--checkpoint", folder, "--output", output / "a.pose")
    assert status == 2
    assert message in one_line(err)
    assert not out
    assert not list(output.iterdir())


def test_languages_and_models_are_listed_without_torch(cli, folder):
    status, out, _ = cli("languages", "--checkpoint", folder)
    assert status == 0
    assert out.splitlines() == [
        "ase  American Sign Language    3 letters  A B C",
        "ise  Italian Sign Language     2 letters  A SCH",
    ]
    status, out, _ = cli("languages", "ASL", "--checkpoint", folder, "--json")
    assert json.loads(out) == [{"code": "ase", "name": "American Sign Language", "letters": ["A", "B", "C"]}]
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
    assert len(lines) == 20


def test_outputs_that_cannot_be_written_are_refused_before_any_work(cli, tmp_path):
    # With a model that does not exist: the output is looked at first.
    existing = tmp_path / "a.pose"
    existing.write_bytes(b"mine")
    for output, message in (
        (existing, f"{existing}: exists; use --overwrite"),
        (tmp_path / "no" / "a.pose", "there is no folder"),
        (tmp_path / "a.mp3", "cannot write .mp3; use .pose, .gif, .png"),
        (existing / "a.pose", "there is no folder"),
    ):
        status, _, err = cli("generate", "a", *GENERATE, tmp_path / "nowhere", "--output", output)
        assert (status, message in one_line(err)) == (2, True), err
    assert existing.read_bytes() == b"mine"


def test_overwrite_replaces(cli, folder, tmp_path):
    (tmp_path / "a.pose").write_bytes(b"old")
    status, *_ = cli("generate", "a", *GENERATE, folder, "--output", tmp_path / "a.pose", "--overwrite")
    assert status == 0
    assert len(read(tmp_path / "a.pose")) > 1


def test_a_wrong_file_of_words_is_refused_by_name_and_line(cli, folder, tmp_path):
    words = tmp_path / "words.txt"
    for content, message in (
        (None, "words.txt: cannot be read"),
        (b"\n  \n", "words.txt: has no text"),
        (b"\xff\xfe\xfa", "not UTF-8"),
        (b"ab\nax\n", "words.txt, line 2: ase was not taught the letter 'X'"),
    ):
        if content is not None:
            words.write_bytes(content)
        call = ("generate", "--file", words, *GENERATE, folder, "--output", tmp_path / "out", "--no-keep-going")
        status, _, err = cli(*call)
        assert (status, message in one_line(err)) == (2, True), err
        assert not list(tmp_path.glob("out/*"))
    status, _, err = cli("generate", "--file", words, *GENERATE, folder, "--output", words)
    assert (status, "is a file; name a folder" in err) == (2, True)


def test_a_bad_line_ends_no_file_of_words_and_the_next_run_does_the_rest(cli, folder, tmp_path):
    words, out = tmp_path / "words.txt", tmp_path / "out"
    words.write_text("ab\nax\n\ncab\n")
    call = ("generate", "--file", words, *GENERATE, folder, "--output", out)
    status, said, err = cli(*call)
    assert (status, len(said.splitlines())) == (3, 2)
    assert f"{words}, line 2: ase was not taught the letter 'X'" in err.splitlines()[-2]
    assert one_line(err) == "Error: 1 of 3 files failed; all others are done: --skip-existing leaves those out"
    assert sorted(path.name for path in out.iterdir()) == ["001-ab.pose", "004-cab.pose"]
    words.write_text("ab\nac\n\ncab\n")
    assert cli(*call)[0] == 2
    status, said, err = cli(*call, "--skip-existing", "--quiet")
    assert (status, said.startswith(f"{out / '002-ac.pose'}: A C in ase"), len(said.splitlines())) == (0, True, 1)
    status, said, err = cli(*call, "--overwrite", "--length", 3)  # enough for two letters
    assert (status, len(said.splitlines()), "line 4: " in err) == (3, 2, True)


def test_what_is_not_finite_is_not_written(cli, folder, tmp_path, monkeypatch):
    words, out = tmp_path / "words.txt", tmp_path / "out"
    words.write_text("ab\nc\n")

    def overflowing(model, texts, *arguments, **options):
        made = sign_texts(model, texts, *arguments, **options)
        made[0].sequence.keypoints[-1, 5] = np.nan
        return made

    monkeypatch.setattr("text_to_pose.commands.sign_texts", overflowing)
    status, _, err = cli("generate", "ab", *GENERATE, folder, "--output", tmp_path / "a.pose", "--guidance", "9")
    assert (status, "ab: what was generated is not finite" in one_line(err)) == (2, True)
    assert "--guidance 9 may be too strong" in err
    assert not (tmp_path / "a.pose").exists()
    status, _, err = cli("generate", "--file", words, *GENERATE, folder, "--output", out)
    assert (status, err.count("is not finite")) == (3, 2)
    assert not out.exists()


def test_a_file_of_words_takes_overwrite_or_skip_existing(cli, folder, tmp_path):
    words, out = tmp_path / "words.txt", tmp_path / "out"
    words.write_text("ab\n")
    call = ("generate", "--file", words, *GENERATE, folder, "--output", out, "--overwrite", "--skip-existing")
    status, _, err = cli(*call)
    assert (status, "--overwrite and --skip-existing exclude each other" in one_line(err)) == (2, True)
    assert not out.exists()


@pytest.mark.parametrize(("gap", "status", "message"), [("inf", 0, ""), ("1e308", 0, ""), ("nan", 2, "--max-gap")])
def test_gaps_of_any_length(cli, tmp_path, gap, status, message):
    write(fake_sequence(frames=8, hands=("left", "right")), tmp_path / "a.pose")
    output = tmp_path / "b.pose"
    ended, _, err = cli("correct", tmp_path / "a.pose", "--max-gap", gap, "--output", output)
    assert (ended, output.exists(), message in err) == (status, status == 0, True)


def test_generate_through_pipes(cli, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\ufeffab\r\nc\r\n".encode())))
    status, _, err = cli("generate", "--file", "-", *GENERATE, folder, "--output", tmp_path / "out")
    assert status == 0, err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["001-ab.pose", "002-c.pose"]
    assert cli("generate", "ab", *GENERATE, folder, "--output", tmp_path / "ab.pose")[0] == 0
    monkeypatch.setattr(sys, "stdout", out := io.TextIOWrapper(io.BytesIO()))
    assert cli("generate", "ab", *GENERATE, folder, "--output", "-")[0] == 0
    assert out.buffer.getvalue() == (tmp_path / "ab.pose").read_bytes()
    assert cli("generate", "ab", *GENERATE, folder, "--output", "-", "--json")[0] == 2


def test_a_model_that_is_not_one_is_refused(cli, folder, tmp_path):
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:1000])
    empty = tmp_path / "empty"
    empty.mkdir()
    for checkpoint, message in (
        (folder, "not a model of this kind"),
        (empty, "lacks config.json and model.safetensors"),
        (tmp_path / "nowhere", "no such model folder; bundled: fingerspelling"),
    ):
        status, _, err = cli("generate", "a", *GENERATE, checkpoint, "--output", tmp_path / "a.pose")
        assert (status, message in one_line(err)) == (2, True), err


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


def test_a_dry_run_writes_nothing(cli, manifest, tmp_path):
    settings = ("--set", "encoder.hidden_dim=32", "--set", "decoder_layers=1", "--device", "cpu")
    run = ("--output", tmp_path / "run", "--dry-run", "--overfit", 2)
    status, out, err = cli("train", "--data", manifest, *run, *settings)
    assert status == 0, err
    assert "dry_run/hours" in out
    assert "dry run, nothing was written" in err
    assert not (tmp_path / "run").exists()


def test_pretraining_without_texts_then_fine_tuning(cli, manifest, tmp_path):
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
def test_train_with_another_encoder(cli, manifest, tmp_path, encoder):
    sizes = ["validate_every=1", "decoder_layers=1", "encoder.hidden_dim=32"]
    settings = [option for setting in sizes for option in ("--set", setting)]
    run = tmp_path / "run"
    arguments = ("--data", manifest, "--output", run, "--encoder", encoder, "--epochs", 1, "--device", "cpu")
    assert cli("train", *arguments, *settings)[0] == 0
    assert json.loads((run / "config.json").read_text())["network"]["encoder"]["kind"] == encoder
    assert cli("generate", "a", *GENERATE, run, "--output", tmp_path / "a.pose")[0] == 0
    status, _, err = cli("train", *arguments[:5], "magic", "--overwrite")
    assert (status, "'graph', 'visual'" in one_line(err)) == (2, True)


def test_train_refuses_what_it_cannot_use(cli, manifest, tmp_path):
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


def test_a_truncated_clip_is_named(cli, manifest, tmp_path):
    whole = (manifest.parent / "ase-A.pose").read_bytes()
    (tmp_path / "cut.pose").write_bytes(whole[: len(whole) // 2])
    index = tmp_path / "index.csv"
    index.write_text("path,text,signed_language,split\ncut.pose,A,ase,train\n")
    status, _, err = cli("train", "--data", index, "--output", tmp_path / "run")
    assert status == 2
    assert "cut.pose: states" in one_line(err)


def test_help_does_not_wait_for_torch():
    code = "import sys, text_to_pose.cli; print([m for m in ('torch', 'lightning', 'pose_format') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_generating_imports_no_trainer(folder, tmp_path):
    code = (
        "import sys; from text_to_pose.cli import main\n"
        f"sys.argv = ['text-to-pose', 'generate', 'a', '--signed-language', 'ase', '--checkpoint', {str(folder)!r},"
        f" '--output', {str(tmp_path / 'a.pose')!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "assert not {'lightning', 'torchmetrics', 'tensorboard', 'wandb'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_left_handed_person_signs_left_handed_and_is_named(cli, folder, tmp_path):
    write(fake_sequence(hands=("left",)), tmp_path / "lefty.pose")
    start = ("--start", tmp_path / "lefty.pose:2")
    status, _, err = cli("generate", "ab", *GENERATE, folder, *start, "--output", tmp_path / "left.pose")
    assert status == 0
    assert "lefty.pose:2 signs with the left hand, and so does the text; --dominant-hand right changes that" in err
    assert read(tmp_path / "left.pose").hand_share("left") == 1
    right = ("--dominant-hand", "right", "--output", tmp_path / "right.pose")
    status, _, err = cli("generate", "ab", *GENERATE, folder, *start, *right)
    assert status == 0
    assert "signs with" not in err
    assert read(tmp_path / "right.pose").hand_share("right") == 1


def test_captions_are_shown_in_pictures_unless_asked_not_to(cli, folder, tmp_path):
    for name, *options in (("with.png",), ("without.png", "--no-captions")):
        status, *_ = cli("generate", "ab", *GENERATE, folder, "--output", tmp_path / name, *options)
        assert status == 0
    heights = [Image.open(tmp_path / name).height for name in ("with.png", "without.png")]
    assert heights[0] > heights[1]


def test_what_is_not_a_body_is_said(cli, folder, tmp_path, monkeypatch):
    # Wrists that are not joined: what generation prevents by construction.
    monkeypatch.setattr("text_to_pose.generation.correct_wrists", lambda poses: poses)
    status, _, err = cli("generate", "ab", *GENERATE, folder, "--output", tmp_path / "ab.pose")
    assert status == 0
    assert "ab: the left hand lies" in err
    assert "off its wrist" in err


def test_correct_goes_on_after_a_bad_file_and_the_next_run_does_the_rest(cli, manifest, tmp_path):
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
