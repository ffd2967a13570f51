import io
import json
import os
import re
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest

import pose_tokenizer
from pose_core import read, write
from pose_core.notices import InputWarning
from pose_core.testing import check_training_options, run_without_training
from pose_tokenizer.cli import app, main
from pose_tokenizer.codec import encode
from pose_tokenizer.config import BUNDLED
from pose_tokenizer.files.serialization import from_json, from_text
from pose_tokenizer.files.token_file import read_tokens
from pose_tokenizer.live import Interruption


def one_line(err):
    lines = [line for line in err.splitlines() if line.startswith("Error:")]
    assert len(lines) == 1
    assert err.splitlines()[-1] == lines[0]
    assert "Traceback" not in err
    return lines[0]


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def poses(clip, tmp_path):
    """A folder of pose files, one of them in a folder of its own."""
    folder = tmp_path / "poses"
    (folder / "deep").mkdir(parents=True)
    for seed, name in enumerate(("a.pose", "b.npz", "deep/c.pose")):
        write(clip(18 + seed, seed=seed), folder / name)
    (folder / "notes.md").write_text("no pose")
    return folder


@pytest.fixture
def encoded(cli, poses, folder):
    """The tokens of a.pose, in every format."""
    paths = {}
    for name, suffix in (("tokens", ".tokens"), ("json", ".json"), ("text", ".txt")):
        paths[name] = poses.parent / f"one{suffix}"
        status, _, err = cli(
            "encode", poses / "a.pose", "--format", name, "--output", paths[name], "--checkpoint", folder
        )
        assert status == 0, err
    return paths


def test_encode_writes_beside_the_file_and_says_what(cli, poses, folder, model):
    status, out, err = cli("encode", poses / "a.pose", "--checkpoint", folder)
    assert status == 0
    assert f"encoding {poses / 'a.pose'}" in err
    tokens = read_tokens(poses / "a.tokens")
    expected = encode(model, read(poses / "a.pose"))
    np.testing.assert_array_equal(tokens.codes, expected.codes)
    assert tokens.header == expected.header
    assert tokens.header.model == "tiny"
    codes, size = (tokens.codes >= 0).sum(), (poses / "a.tokens").stat().st_size
    assert out == (
        f"{poses / 'a.tokens'}: {codes} codes for 18 frames, {tokens.bits / 18:.1f} bits per frame, "
        f"{size:,} bytes of {(poses / 'a.pose').stat().st_size:,}\n"
    )


def test_encode_json_and_its_options_reach_the_model(cli, poses, folder, model):
    sequence = read(poses / "a.pose")

    def made(*options):
        output = poses.parent / "out.tokens"
        status, out, err = cli(
            "encode", poses / "a.pose", "--output", output, "--overwrite", "--checkpoint", folder, "--json", *options
        )
        assert status == 0, err
        (each,) = json.loads(out)
        tokens = read_tokens(output)
        assert each["output"] == str(output)
        assert each["frames"] == 18
        assert each["seconds"] == pytest.approx(18 / 25)
        assert each["codes"] == (tokens.codes >= 0).sum()
        assert each["bits_per_frame"] == pytest.approx(tokens.bits / 18)
        assert each["bytes_after"] == output.stat().st_size
        return tokens.codes

    np.testing.assert_array_equal(made("--rate", 0), encode(model, sequence, rate=0).codes)
    assert (made("--rate", 0, "--num-quantizers", 1)[:, 1:] == -1).all()
    found = made("--bits-per-frame", 1.5)
    np.testing.assert_array_equal(found, encode(model, sequence, bits_per_frame=1.5).codes)
    assert not np.array_equal(found, made("--rate", 0))


def test_how_a_file_is_read_is_chosen(cli, poses, folder):
    call = ("encode", poses / "a.pose", "--checkpoint", folder, "--overwrite")
    assert cli(*call, "--fps", 50)[0] == 0
    assert read_tokens(poses / "a.tokens").header.fps == 50
    for option, message in ((("--min-confidence", 2), "nobody is seen|shoulders"), (("--person", 1), "no person 1")):
        status, _, err = cli(*call, *option)
        assert (status, bool(re.search(message, one_line(err)))) == (2, True), err


def test_every_format_holds_the_same_codes(encoded, model):
    tokens = read_tokens(encoded["tokens"])
    as_json = from_json(encoded["json"].read_text())
    as_text = from_text(encoded["text"].read_text(), model)
    assert as_json.header == tokens.header
    np.testing.assert_array_equal(as_json.codes, tokens.codes)
    np.testing.assert_array_equal(as_text.codes, tokens.codes)
    assert len(encoded["text"].read_text().splitlines()) == 1


def test_decode_reads_every_format(cli, encoded, folder, tmp_path):
    made = {}
    for name, path in encoded.items():
        output = tmp_path / f"from-{name}.pose"
        status, out, err = cli("decode", path, "--output", output, "--checkpoint", folder)
        assert status == 0, err
        made[name] = read(output)
        frames = len(made[name])
        assert out == f"{output}: {frames} frames, {frames / 25:.1f} s of signing\n"
    assert [len(sequence) for sequence in made.values()] == [18, 18, 20]  # a line of integers has whole blocks
    np.testing.assert_array_equal(made["json"].keypoints, made["tokens"].keypoints)
    assert made["text"].size == (512, 512, 0)
    assert made["tokens"].size == (500, 500, 0)


def test_decode_says_what_frame_rate_it_assumes(cli, encoded, folder, tmp_path):
    call = ("decode", "--checkpoint", folder, "--overwrite", "--output", tmp_path / "x.pose")
    with pytest.warns(InputWarning, match=r"one\.txt: states no frame rate; 25 frames per second assumed; --fps says"):
        assert cli(*call, encoded["text"])[0] == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error", InputWarning)
        status, out, err = cli(*call, encoded["text"], "--fps", 50)
        assert status == 0, err
        assert "20 frames, 0.4 s" in out
        assert read(tmp_path / "x.pose").fps == 50
        assert cli(*call, encoded["tokens"])[0] == 0
    status, _, err = cli(*call, encoded["tokens"], "--fps", 50)
    assert (status, "states its frame rate itself" in one_line(err)) == (2, True)


def test_decode_is_near_what_was_encoded(cli, encoded, poses, folder, tmp_path):
    status, out, _ = cli("decode", encoded["tokens"], "--output", tmp_path / "x.npz", "--checkpoint", folder, "--json")
    assert status == 0
    assert json.loads(out)[0]["frames"] == 18
    before, after = read(poses / "a.pose"), read(tmp_path / "x.npz")
    seen = (before.confidence > 0) & (after.confidence > 0)
    assert seen.any()
    error = np.linalg.norm(after.keypoints[..., :2] - before.keypoints[..., :2], axis=-1)[seen]
    assert error.mean() < 15


def test_decode_with_fewer_quantizers_is_coarser(cli, encoded, folder, tmp_path):
    for number in (1, 3):
        output = tmp_path / f"{number}.pose"
        assert (
            cli("decode", encoded["tokens"], "--output", output, "--num-quantizers", number, "--checkpoint", folder)[0]
            == 0
        )
    assert not np.array_equal(read(tmp_path / "1.pose").keypoints, read(tmp_path / "3.pose").keypoints)


def test_a_folder_becomes_a_folder_like_it_and_back(cli, poses, folder, tmp_path):
    status, out, err = cli("encode", poses, "--output", tmp_path / "tokens", "--checkpoint", folder)
    assert status == 0, err
    assert files(tmp_path / "tokens") == ["a.tokens", "b.tokens", "deep/c.tokens"]
    assert len(out.splitlines()) == 3
    status, _, err = cli("decode", tmp_path / "tokens", "--output", tmp_path / "back", "--checkpoint", folder)
    assert status == 0, err
    assert files(tmp_path / "back") == ["a.pose", "b.pose", "deep/c.pose"]
    assert [len(read(tmp_path / "back" / name)) for name in files(tmp_path / "back")] == [18, 19, 20]


def test_a_folder_is_encoded_in_its_place_without_an_output(cli, poses, folder):
    assert cli("encode", poses, "--checkpoint", folder)[0] == 0
    assert files(poses) == ["a.pose", "a.tokens", "b.npz", "b.tokens", "deep/c.pose", "deep/c.tokens", "notes.md"]


def test_globs_and_several_inputs(cli, poses, folder, tmp_path):
    status, *_ = cli("encode", poses / "**" / "*.pose", "--output", tmp_path / "some", "--checkpoint", folder)
    assert status == 0
    assert files(tmp_path / "some") == ["a.tokens", "c.tokens"]
    inputs = (poses / "a.pose", poses / "*.npz")
    assert cli("encode", *inputs, "--output", tmp_path / "two", "--checkpoint", folder)[0] == 0
    assert files(tmp_path / "two") == ["a.tokens", "b.tokens"]
    one = (poses / "a.pose", "--output", tmp_path / "into")
    assert cli("encode", *one, "--checkpoint", folder)[0] == 0
    assert files(tmp_path / "into") == ["a.tokens"]  # a name without a suffix is a folder


def lines_of(sequence):
    frames = np.concatenate([sequence.keypoints[..., :2], sequence.confidence[..., None]], axis=-1)
    return "\n".join(json.dumps(frame.tolist()) for frame in frames)


def test_standard_input_is_encoded_as_it_comes(cli, folder, model, clip, tmp_path):
    sequence = clip(150)
    text = lines_of(sequence).replace("\n", "\n\n", 1)  # an empty line is nothing
    status, out, err = cli(
        "encode",
        "-",
        "--output",
        tmp_path / "x.tokens",
        "--fps",
        30,
        "--checkpoint",
        folder,
        "--json",
        stdin=text.encode(),
    )
    assert status == 0, err
    (each,) = json.loads(out)
    assert (each["file"], each["frames"], each["bytes_before"]) == ("standard input", 150, None)
    tokens = read_tokens(tmp_path / "x.tokens")
    assert (tokens.header.fps, tokens.header.frames) == (30.0, 150)
    np.testing.assert_array_equal(tokens.codes, encode(model, sequence).codes)
    status, out, _ = cli("encode", "-", "--output", tmp_path / "y.tokens", "--checkpoint", folder, stdin=text.encode())
    assert (status, " bytes of " in out) == (0, False)


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        (b"", "standard input: there are no frames to encode"),
        (b"[1, 2, 3]\n", "standard input: line 1: not a JSON list of 50 keypoints [x, y, confidence]"),
        (b"GOOD\nhello\n", "standard input: line 2: not a JSON list"),
        (b"GOOD\n\n{}\n", "standard input: line 3: not a JSON list"),
        (b"null\n", "line 1: not a JSON list"),
        (b"[[1, 2], [3]]\n", "line 1: not a JSON list"),
        (b"\xff\xfe\xfa\n", "line 1: not a JSON list"),
        (b"[" * 100_000, "line 1: not a JSON list"),
        (b"[" + b"1" + b"0" * 400 + b"]\n", "line 1: not a JSON list"),
        (b"ZEROS\n", "standard input: both shoulders are seen in no frame"),
    ],
)
def test_wrong_standard_input_is_one_line_that_counts_and_nothing_is_written(
    cli, folder, clip, tmp_path, stdin, message
):
    stdin = stdin.replace(b"GOOD", lines_of(clip(1)).encode()).replace(b"ZEROS", json.dumps([[0, 0, 0]] * 50).encode())
    status, out, err = cli("encode", "-", "--output", tmp_path / "x.tokens", "--checkpoint", folder, stdin=stdin)
    assert (status, message in one_line(err), out) == (2, True, ""), err
    assert files(tmp_path) == []


def test_a_last_line_that_is_cut_short_is_left_out(cli, folder, model, clip, tmp_path):
    sequence = clip(30)
    text = lines_of(sequence) + "\n" + lines_of(clip(1))[:300]
    call = ("encode", "-", "--output", tmp_path / "x.tokens", "--checkpoint", folder)
    status, _, err = cli(*call, stdin=text.encode())
    assert (status, "line 31 is cut short and left out; the 30 frames before it are kept" in err) == (0, True), err
    np.testing.assert_array_equal(read_tokens(tmp_path / "x.tokens").codes, encode(model, sequence).codes)


class Tracker(io.RawIOBase):
    """A stream of lines that is interrupted before the last of so many, as by Ctrl-C, and would go on forever."""

    def __init__(self, lines, number):
        self.lines, self.left = lines, number

    def readable(self):
        return True

    def readinto(self, buffer):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)
        line = self.lines[self.left % len(self.lines)]
        buffer[: len(line)] = line
        return len(line)


def test_a_live_stream_that_is_interrupted_is_written_up_to_there(cli, folder, clip, tmp_path, monkeypatch):
    lines = [line.encode() + b"\n" for line in lines_of(clip(7)).splitlines()]
    wrapper = io.TextIOWrapper
    for number in (101, 1):
        output = tmp_path / f"{number}.tokens"
        stream = io.BufferedReader(Tracker(lines, number), max(map(len, lines)))
        monkeypatch.setattr(io, "TextIOWrapper", lambda wrapped, stream=stream, **options: wrapper(stream))
        ended, out, err = cli("encode", "-", "--output", output, "--checkpoint", folder)
        assert (ended, err.splitlines()[-1], output.exists()) == (130, "Error: interrupted", number > 1), err
        assert output.name in out if number > 1 else not out
    assert read_tokens(tmp_path / "101.tokens").header.frames == 100


def test_what_has_arrived_before_an_interruption_is_kept():
    reading, writing = os.pipe()
    with Interruption() as interruption, os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb") as sender:
        sender.write(b"one\ntwo\n")
        sender.flush()
        lines = interruption.lines(stream)
        assert next(lines) == b"one\n"
        os.kill(os.getpid(), signal.SIGTERM)  # while the first line is encoded
        sender.write(b"three\nfo")
        sender.flush()
        assert [*lines] == [b"two\n", b"three\n"]
        assert interruption.happened
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_pipes(cli, encoded, poses, folder, tmp_path, monkeypatch, capsys):
    """A pose file through encode and decode, without a file between."""

    def piped(*arguments, stdin):
        monkeypatch.setattr(sys, "stdout", out := io.TextIOWrapper(io.BytesIO()))
        monkeypatch.setattr(sys, "argv", ["pose-tokenizer", *arguments, "--checkpoint", str(folder)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin))))
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 0
        assert "standard output: " in capsys.readouterr().err
        return out.buffer.getvalue()

    tokens = piped("encode", "-", "--output", "-", stdin=(poses / "a.pose").read_bytes())
    assert tokens == encoded["tokens"].read_bytes()
    for name in ("tokens", "json"):
        made = piped("decode", "-", "--output", "-", stdin=encoded[name].read_bytes())
        (tmp_path / "x.pose").write_bytes(made)
        assert len(read(tmp_path / "x.pose")) == 18
    assert files(tmp_path / "poses") == ["a.pose", "b.npz", "deep/c.pose", "notes.md"]


def test_a_bad_file_ends_no_batch_and_the_next_run_does_the_rest(cli, poses, folder, tmp_path):
    empty = read(poses / "b.npz")
    whole = (poses / "b.npz").read_bytes()
    empty.confidence[:] = 0
    write(empty, poses / "b.npz", overwrite=True)
    call = ("encode", poses, "--output", tmp_path / "tokens", "--checkpoint", folder)
    status, out, err = cli(*call)
    assert (status, len(out.splitlines())) == (3, 2)
    assert f"encoding {poses / 'b.npz'} (2 of 3)" in err
    assert f"{poses / 'b.npz'}: both shoulders are seen in no frame" in err.splitlines()[-2]
    assert one_line(err).startswith("Error: 1 of 3 files failed")
    assert files(tmp_path / "tokens") == ["a.tokens", "deep/c.tokens"]
    (poses / "b.npz").write_bytes(whole)
    status, out, err = cli(*call, "--skip-existing")
    assert (status, len(out.splitlines()), "2 of 3 left out" in err) == (0, 1, True)
    (tmp_path / "tokens" / "b.tokens").write_bytes(b"cut")
    status, out, err = cli(
        "decode", tmp_path / "tokens", "--output", tmp_path / "back", "--checkpoint", folder, "--json"
    )
    assert (status, [*json.loads(out)[-1]]) == (3, ["file", "error"])
    assert files(tmp_path / "back") == ["a.pose", "deep/c.pose"]


def test_info_of_tokens_and_of_a_model(cli, encoded, folder, model):
    status, out, _ = cli("info", encoded["tokens"], "--json")
    assert status == 0
    described = json.loads(out)
    tokens = read_tokens(encoded["tokens"])
    assert described["model"] == "tiny"
    assert described["model_hash"] == model.hash
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
    for what in (encoded["tokens"], folder):
        status, out, _ = cli("info", what)
        assert status == 0
        assert f"model_hash       {model.hash}" in out.splitlines()


def test_existing_outputs_are_kept_unless_told(cli, poses, folder, tmp_path):
    # With a model that does not exist: outputs are looked at first.
    (poses / "a.tokens").write_bytes(b"mine")
    (tmp_path / "x.pose").write_bytes(b"mine")
    for arguments, name in (
        (("encode", poses / "a.pose"), "a.tokens"),
        (("encode", poses), "a.tokens"),
        (("encode", "-", "--output", poses / "a.tokens"), "a.tokens"),
        (("decode", poses / "a.tokens", "--output", tmp_path / "x.pose"), "x.pose"),
    ):
        status, _, err = cli(*arguments, "--checkpoint", tmp_path / "nowhere")
        assert (status, f"{name}: exists; use --overwrite" in one_line(err)) == (2, True), err
    assert (poses / "a.tokens").read_bytes() == (tmp_path / "x.pose").read_bytes() == b"mine"
    assert cli("encode", poses / "a.pose", "--overwrite", "--checkpoint", folder)[0] == 0
    assert cli("decode", poses / "a.tokens", "--overwrite", "--checkpoint", folder)[0] == 0
    assert len(read(poses / "a.pose")) == 18


def test_tokens_of_another_model_are_refused_and_nothing_is_written(cli, encoded, lively, tmp_path):
    lively.save_pretrained(tmp_path / "other")
    (tmp_path / "out").mkdir()
    for name in ("tokens", "json"):
        output = tmp_path / "out" / "x.pose"
        status, out, err = cli("decode", encoded[name], "--output", output, "--checkpoint", tmp_path / "other")
        assert (status, out) == (2, "")
        assert f"{encoded[name]}: these tokens were made by the model tiny (" in one_line(err)
        assert "and this is other (" in err
        assert files(tmp_path / "out") == []
    folder = tmp_path / "new"
    copied = tmp_path / "two.tokens"
    copied.write_bytes(encoded["tokens"].read_bytes())
    both = (encoded["tokens"], copied)
    status, _, err = cli("decode", *both, "--output", folder, "--checkpoint", tmp_path / "other")
    assert (status, len([line for line in err.splitlines() if "made by the model tiny" in line])) == (3, 2)
    assert not folder.exists()


def test_a_damaged_file_among_others_is_named(cli, encoded, folder, tmp_path):
    whole = encoded["tokens"].read_bytes()
    (tmp_path / "cut.tokens").write_bytes(whole[:-3])
    (tmp_path / "cut.json").write_text(encoded["json"].read_text()[:-9])
    (tmp_path / "cut.txt").write_text("1 2 three")
    (tmp_path / "picture.txt").write_bytes(b"\xff\xd8\xff")
    for name, message in (
        ("cut.tokens", "damaged or cut off"),
        ("cut.json", "not tokens as JSON"),
        ("cut.txt", "tokens are integers"),
        ("picture.txt", "cannot be read as text"),
    ):
        status, _, err = cli("decode", tmp_path / name, "--output", tmp_path / "x.pose", "--checkpoint", folder)
        assert (status, f"{tmp_path / name}: {message}" in one_line(err)) == (2, True), err
    assert not (tmp_path / "x.pose").exists()
    (tmp_path / "half.pose").write_bytes(b"0123456789")
    status, _, err = cli("encode", tmp_path / "half.pose", "--checkpoint", folder)
    assert (status, f"{tmp_path / 'half.pose'}: " in one_line(err)) == (2, True), err
    assert not (tmp_path / "half.tokens").exists()


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
        (["encode", "A", "--rate", "-1"], "--rate"),
        (["encode", "A", "--rate", "1", "--bits-per-frame", "2"], "--bits-per-frame looks for --rate itself"),
        (["encode", "-", "--output", "x.tokens", "--bits-per-frame", "2"], "cannot for standard input"),
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
        (["encode", "A", "--rate", "nan"], "'--rate'"),
        (["encode", "A", "--rate", "-1"], "'--rate'"),
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
        (["train", "--data", "INDEX", "--output", "run", "--set", "rat=1"], "unknown key rat; did you mean rate?"),
        (["train", "--data", "INDEX", "--output", "run", "--set", "rate"], "--set rate: write name=value"),
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
def test_a_wrong_command_is_one_line_and_leaves_nothing(
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
    before, model_before = files(tmp_path), files(folder)
    status, out, err = cli(*(places.get(argument, argument) for argument in arguments))
    assert status == 2, err
    assert message in one_line(err)
    assert not out
    assert files(tmp_path) == before
    assert files(folder) == model_before


def test_train_then_use_it(cli, manifest, poses, tmp_path):
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


def test_the_bundled_name_is_the_default(cli, monkeypatch, folder, poses):
    monkeypatch.setitem(BUNDLED, "signing", folder)
    assert cli("encode", poses / "a.pose")[0] == 0
    assert read_tokens(poses / "a.tokens").header.model == "signing"
    assert cli("info")[1].startswith("model            signing")


def test_help_does_not_wait_for_torch():
    code = (
        "import sys, pose_tokenizer, pose_tokenizer.cli\n"
        "print([m for m in ('torch', 'lightning', 'pose_format', 'pydantic') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_package_is_a_command_too():
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


def test_what_the_package_offers_is_there():
    for name in pose_tokenizer.__all__:
        assert getattr(pose_tokenizer, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'magic'"):
        pose_tokenizer.magic  # noqa: B018


def test_models_that_come_with_the_package_are_listed(cli):
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
