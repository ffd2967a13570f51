import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from pose_format import Pose

from pose_core import read, write
from pose_core.testing import fake_sequence
from text_to_pose.generation import sign_texts

GENERATE = ("--signed-language", "ase", "--checkpoint")


def test_generate_prints_a_summary_and_writes_every_format(cli, folder, tmp_path):
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


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_generate_and_correct_write_every_pose_format(cli, folder, tmp_path, suffix):
    pose, other, corrected = tmp_path / "a.pose", tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    assert cli("generate", "a", *GENERATE, folder, "--output", pose, "--output", other)[0] == 0
    np.testing.assert_allclose(read(other).keypoints, read(pose).keypoints, atol=1e-4)
    assert cli("correct", pose, "--output", corrected)[0] == 0
    assert len(read(corrected)) == len(read(pose))


def test_generate_json_names_signs_and_frames(cli, folder, tmp_path):
    status, out, _ = cli("generate", "ab", *GENERATE, folder, "--output", tmp_path / "ab.pose", "--json", "--steps", 1)
    assert status == 0
    (word,) = json.loads(out)
    assert word["signs"] == ["A", "B"]
    assert word["frames"] == len(read(word["files"][0]))


def test_generate_options_reach_the_model(cli, folder, tmp_path):
    def generate(name, *options):
        status, _, err = cli("generate", "ab", *GENERATE, folder, "--output", tmp_path / name, "--json", *options)
        assert status == 0, err
        return read(tmp_path / name)

    plain = generate("plain.pose")
    assert len(generate("frames.pose", "--length", 40)) == 40
    assert len(generate("seconds.pose", "--duration", 2)) == 50
    for option in (("--guidance", 2), ("--sampler", "diffusion"), ("--start", tmp_path / "frames.pose:20")):
        other = generate(f"{option[0]}.pose", "--length", len(plain), *option)
        assert not np.allclose(other.keypoints, plain.keypoints, atol=1), option
    seeds = [generate(f"{seed}.pose", "--sampler", "diffusion", "--length", 9, "--seed", seed) for seed in (1, 2)]
    assert not np.allclose(seeds[0].keypoints, seeds[1].keypoints, atol=1)
    sign = "M507x507S1f720487x492"
    status, out, _ = cli(
        "generate", sign, *GENERATE, folder, "--output", tmp_path / "sign.pose", "--schedule", "cosine"
    )
    assert status == 0
    assert f"{sign} in ase" in out


def test_generate_spells_fluently_as_fast_as_it_is_told(cli, folder, tmp_path):
    def frames(*options):
        output = tmp_path / f"word{'-'.join(map(str, options))}.pose"
        status, out, err = cli("generate", "abc", *GENERATE, folder, "--output", output, "--json", *options)
        assert status == 0, err
        return json.loads(out)[0]["frames"]

    fluent, slow, held = frames(), frames("--letters-per-second", 1), frames("--hold", 2)
    assert fluent < slow < held
    assert held > 3 * 2 * 25
    assert frames("--style", "citation") != fluent
    assert frames("--length", 40) == 40
    arguments = ("generate", "abc", *GENERATE, folder, "--output", tmp_path / "no.pose", "--style", "citation")
    status, _, err = cli(*arguments, "--hold", 2)
    assert status == 2
    assert "--letters-per-second and --hold apply to --style fluent only" in err


def test_generate_file_writes_one_pose_per_line(cli, folder, tmp_path):
    (tmp_path / "words.txt").write_text("ab\n\nc a/b\n".replace("/", ""), encoding="utf-8")
    status, out, _ = cli("generate", "--file", tmp_path / "words.txt", *GENERATE, folder, "--output", tmp_path / "out")
    assert status == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["001-ab.pose", "003-c_ab.pose"]
    assert len(out.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["", "--signed-language", "ase"], "the text is empty; give at least one letter"),
        (["ax", "--signed-language", "ase"], "ase has no letter 'X'; ase knows A B C"),
        (
            ["asch", "--signed-language", "ase"],
            "letter 'SCH' (other languages have it: --borrow-letters signs it as they do)",
        ),
        (["a", "--signed-language", "xyz"], "unknown signed language 'xyz'; this model knows ase, ise"),
        (["a"], "letters and words need --signed-language; `text-to-pose languages` lists them"),
        (["--signed-language", "ase"], "give either a text or --file"),
        (["a", "--signed-language", "ase", "--file", "words.txt"], "give either a text or --file"),
        (["a", "--signed-language", "ase", "--steps", "0"], "--steps"),
        (["a", "--signed-language", "ase", "--length", "9", "--duration", "1"], "give one of them"),
        (["a", "--signed-language", "ase", "--letters-per-second", "0"], "Invalid value for '--letters-per-second'"),
        (["a", "--signed-language", "ase", "--hold", "nan"], "Invalid value for '--hold'"),
        (["abc", "--signed-language", "ase", "--length", "3"], "need at least 7 frames"),
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
        (["M507x507S2ff00487x492", "--signed-language", "ase"], "has no symbol 'S2ff'"),
        (["a", "--signed-language", "ase", "--sampler", "magic"], "'refinement', 'diffusion'"),
        (["a", "--signed-language", "ase", "--device", "warp"], "device 'warp' cannot be used"),
    ],
)
def test_generate_refuses_wrong_arguments_in_one_line_and_writes_nothing(
    cli, folder, tmp_path, arguments, message, one_line
):
    output = tmp_path / "out"
    output.mkdir()
    status, out, err = cli("generate", *arguments, "--checkpoint", folder, "--output", output / "a.pose")
    assert status == 2
    assert message in one_line(err)
    assert not out
    assert not list(output.iterdir())


def test_outputs_that_cannot_be_written_are_refused_before_any_work(cli, tmp_path, one_line):
    # With a model that does not exist: the output is looked at first.
    existing = tmp_path / "a.pose"
    existing.write_bytes(b"mine")
    for output, message in (
        (existing, f"{existing}: exists; use --overwrite"),
        (tmp_path / "no" / "a.pose", "there is no folder"),
        (tmp_path / "a.mp3", "cannot write .mp3; use .pose, .npz, .csv, .gif, .png"),
        (existing / "a.pose", "there is no folder"),
    ):
        status, _, err = cli("generate", "a", *GENERATE, tmp_path / "nowhere", "--output", output)
        assert (status, message in one_line(err)) == (2, True), err
    assert existing.read_bytes() == b"mine"


def test_generate_overwrite_replaces_an_existing_file(cli, folder, tmp_path):
    (tmp_path / "a.pose").write_bytes(b"old")
    status, *_ = cli("generate", "a", *GENERATE, folder, "--output", tmp_path / "a.pose", "--overwrite")
    assert status == 0
    assert len(read(tmp_path / "a.pose")) > 1


def test_generate_file_names_file_and_line_of_an_error(cli, folder, tmp_path, one_line):
    words = tmp_path / "words.txt"
    for content, message in (
        (None, "words.txt: cannot be read"),
        (b"\n  \n", "words.txt: has no text"),
        (b"\xff\xfe\xfa", "not UTF-8"),
        (b"ab\nax\n", "words.txt, line 2: ase has no letter 'X'"),
    ):
        if content is not None:
            words.write_bytes(content)
        call = ("generate", "--file", words, *GENERATE, folder, "--output", tmp_path / "out", "--no-keep-going")
        status, _, err = cli(*call)
        assert (status, message in one_line(err)) == (2, True), err
        assert not list(tmp_path.glob("out/*"))
    status, _, err = cli("generate", "--file", words, *GENERATE, folder, "--output", words)
    assert (status, "is a file; name a folder" in err) == (2, True)


def test_generate_file_goes_on_after_a_bad_line_and_skip_existing_continues(cli, folder, tmp_path, one_line):
    words, out = tmp_path / "words.txt", tmp_path / "out"
    words.write_text("ab\nax\n\ncab\n")
    call = ("generate", "--file", words, *GENERATE, folder, "--output", out)
    status, said, err = cli(*call)
    assert (status, len(said.splitlines())) == (3, 2)
    assert f"{words}, line 2: ase has no letter 'X'" in err.splitlines()[-2]
    assert one_line(err) == "Error: 1 of 3 texts failed; all others are done: --skip-existing leaves those out"
    assert sorted(path.name for path in out.iterdir()) == ["001-ab.pose", "004-cab.pose"]
    words.write_text("ab\nac\n\ncab\n")
    assert cli(*call)[0] == 2
    status, said, err = cli(*call, "--skip-existing", "--quiet")
    assert (status, said.startswith(f"{out / '002-ac.pose'}: A C in ase"), len(said.splitlines())) == (0, True, 1)
    status, said, err = cli(*call, "--overwrite", "--length", 5)  # enough for two letters
    assert (status, len(said.splitlines()), "line 4: " in err) == (3, 2, True)


def test_generate_refuses_to_write_poses_that_are_not_finite(cli, folder, tmp_path, monkeypatch, one_line):
    words, out = tmp_path / "words.txt", tmp_path / "out"
    words.write_text("ab\nc\n")

    def overflowing(model, texts, *arguments, **options):
        signed = sign_texts(model, texts, *arguments, **options)
        signed[0].sequence.keypoints[-1, 5] = np.nan
        return signed

    monkeypatch.setattr("text_to_pose.generation.sign_texts", overflowing)
    status, _, err = cli("generate", "ab", *GENERATE, folder, "--output", tmp_path / "a.pose", "--guidance", "9")
    assert (status, "ab: what was generated is not finite" in one_line(err)) == (2, True)
    assert "--guidance 9 may be too strong" in err
    assert not (tmp_path / "a.pose").exists()
    status, _, err = cli("generate", "--file", words, *GENERATE, folder, "--output", out)
    assert (status, err.count("is not finite")) == (3, 2)
    assert not out.exists()


def test_generate_file_refuses_overwrite_with_skip_existing(cli, folder, tmp_path, one_line):
    words, out = tmp_path / "words.txt", tmp_path / "out"
    words.write_text("ab\n")
    call = ("generate", "--file", words, *GENERATE, folder, "--output", out, "--overwrite", "--skip-existing")
    status, _, err = cli(*call)
    assert (status, "--overwrite and --skip-existing exclude each other" in one_line(err)) == (2, True)
    assert not out.exists()


def test_generate_reads_standard_input_and_writes_standard_output(cli, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\ufeffab\r\nc\r\n".encode())))
    status, _, err = cli("generate", "--file", "-", *GENERATE, folder, "--output", tmp_path / "out")
    assert status == 0, err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["001-ab.pose", "002-c.pose"]
    assert cli("generate", "ab", *GENERATE, folder, "--output", tmp_path / "ab.pose")[0] == 0
    monkeypatch.setattr(sys, "stdout", out := io.TextIOWrapper(io.BytesIO()))
    assert cli("generate", "ab", *GENERATE, folder, "--output", "-")[0] == 0
    assert out.buffer.getvalue() == (tmp_path / "ab.pose").read_bytes()
    assert cli("generate", "ab", *GENERATE, folder, "--output", "-", "--json")[0] == 2


def test_generate_refuses_folders_that_are_no_model(cli, folder, tmp_path, one_line):
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


def test_generate_imports_no_lightning(folder, tmp_path):
    code = (
        "import sys; from text_to_pose.cli import main\n"
        f"sys.argv = ['text-to-pose', 'generate', 'a', '--signed-language', 'ase', '--checkpoint', {str(folder)!r},"
        f" '--output', {str(tmp_path / 'a.pose')!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "assert not {'lightning', 'torchmetrics', 'tensorboard', 'wandb'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_generate_signs_with_the_hand_of_the_start_frame_unless_told_otherwise(cli, folder, tmp_path):
    write(fake_sequence(hands=("left",)), tmp_path / "lefty.pose")
    start = ("--start", tmp_path / "lefty.pose:2")
    status, _, err = cli("generate", "ab", *GENERATE, folder, *start, "--output", tmp_path / "left.pose")
    assert status == 0
    assert "lefty.pose:2: a left-handed person, whose dominant hand signs; --dominant-hand right changes that" in err
    assert read(tmp_path / "left.pose").hand_share("left") == 1
    right = ("--dominant-hand", "right", "--output", tmp_path / "right.pose")
    status, _, err = cli("generate", "ab", *GENERATE, folder, *start, *right)
    assert status == 0
    assert "signs with" not in err
    assert read(tmp_path / "right.pose").hand_share("right") == 1


def test_no_captions_makes_pictures_lower(cli, folder, tmp_path):
    for name, *options in (("with.png",), ("without.png", "--no-captions")):
        status, *_ = cli("generate", "a", *GENERATE, folder, "--output", tmp_path / name, "--length", 4, *options)
        assert status == 0
    heights = [Image.open(tmp_path / name).height for name in ("with.png", "without.png")]
    assert heights[0] > heights[1]


def test_generate_reports_anatomical_problems(cli, folder, tmp_path, monkeypatch):
    # Wrists that are not joined: what generation prevents by construction.
    monkeypatch.setattr("text_to_pose.generation.correct_wrists", lambda poses: poses)
    status, _, err = cli("generate", "ab", *GENERATE, folder, "--output", tmp_path / "ab.pose")
    assert status == 0
    assert "ab: the left hand lies" in err
    assert "off its wrist" in err
