import io
import json
import re
import sys
import warnings

import numpy as np
import pytest

from pose_core import read, write
from pose_core.jobs import Job
from pose_core.notices import InputWarning
from pose_core.testing import error_line, fake_sequence, files_below
from pose_tokenizer import commands
from pose_tokenizer.cli import main
from pose_tokenizer.codec import encode
from pose_tokenizer.files.serialization import from_json, from_text
from pose_tokenizer.files.token_file import read_tokens
from pose_tokenizer.model_selection import Models


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

    np.testing.assert_array_equal(made("--lambda", 0), encode(model, sequence, lmbda=0).codes)
    assert (made("--lambda", 0, "--num-quantizers", 1)[:, 1:] == -1).all()
    found = made("--bits-per-frame", 1.5)
    np.testing.assert_array_equal(found, encode(model, sequence, bits_per_frame=1.5).codes)
    assert not np.array_equal(found, made("--lambda", 0))


def test_rate_is_an_older_spelling_of_lambda(cli, poses, folder, tmp_path):
    for option in ("--lambda", "--rate"):
        output = tmp_path / f"{option}.tokens"
        options = ("--output", output, "--checkpoint", folder, option, 0)
        status, _, err = cli("encode", poses / "a.pose", *options)
        assert status == 0, err
        assert ("--rate is now --lambda" in err) == (option == "--rate")
    assert (tmp_path / "--rate.tokens").read_bytes() == (tmp_path / "--lambda.tokens").read_bytes()


def test_encode_reads_with_fps_person_and_min_confidence(cli, poses, folder):
    call = ("encode", poses / "a.pose", "--checkpoint", folder, "--overwrite")
    assert cli(*call, "--fps", 50)[0] == 0
    assert read_tokens(poses / "a.tokens").header.fps == 50
    for option, message in ((("--min-confidence", 2), "nobody is seen|shoulders"), (("--person", 1), "no person 1")):
        status, _, err = cli(*call, *option)
        assert (status, bool(re.search(message, error_line(err)))) == (2, True), err


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
    assert (status, "states its frame rate itself" in error_line(err)) == (2, True)


def test_decoded_text_has_as_many_frames_as_it_is_told(cli, encoded, folder, tmp_path):
    call = ("decode", "--checkpoint", folder, "--overwrite", "--output", tmp_path / "x.pose", "--frames", 18)
    status, _, err = cli(*call, encoded["text"], "--fps", 25)
    assert (status, len(read(tmp_path / "x.pose"))) == (0, 18), err
    status, _, err = cli(*call, encoded["json"])
    assert (status, "states its number of frames itself; --frames is for" in error_line(err)) == (2, True)


def test_decoded_keypoints_are_near_the_original(cli, encoded, poses, folder, tmp_path):
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


def test_a_folder_tree_is_mirrored_by_encode_and_decode(cli, poses, folder, tmp_path):
    status, out, err = cli("encode", poses, "--output", tmp_path / "tokens", "--checkpoint", folder)
    assert status == 0, err
    assert files_below(tmp_path / "tokens") == ["a.tokens", "b.tokens", "deep/c.tokens"]
    assert len(out.splitlines()) == 3
    status, _, err = cli("decode", tmp_path / "tokens", "--output", tmp_path / "back", "--checkpoint", folder)
    assert status == 0, err
    assert files_below(tmp_path / "back") == ["a.pose", "b.pose", "deep/c.pose"]
    assert [len(read(tmp_path / "back" / name)) for name in files_below(tmp_path / "back")] == [18, 19, 20]


def test_without_output_tokens_are_written_beside_each_file(cli, poses, folder):
    assert cli("encode", poses, "--checkpoint", folder)[0] == 0
    assert files_below(poses) == ["a.pose", "a.tokens", "b.npz", "b.tokens", "deep/c.pose", "deep/c.tokens", "notes.md"]


def test_globs_and_several_inputs(cli, poses, folder, tmp_path):
    status, *_ = cli("encode", poses / "**" / "*.pose", "--output", tmp_path / "some", "--checkpoint", folder)
    assert status == 0
    assert files_below(tmp_path / "some") == ["a.tokens", "c.tokens"]
    inputs = (poses / "a.pose", poses / "*.npz")
    assert cli("encode", *inputs, "--output", tmp_path / "two", "--checkpoint", folder)[0] == 0
    assert files_below(tmp_path / "two") == ["a.tokens", "b.tokens"]
    one = (poses / "a.pose", "--output", tmp_path / "into")
    assert cli("encode", *one, "--checkpoint", folder)[0] == 0
    assert files_below(tmp_path / "into") == ["a.tokens"]  # a name without a suffix is a folder


def test_encode_and_decode_by_pipes(cli, encoded, poses, folder, tmp_path, monkeypatch, capsys):
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
    assert files_below(tmp_path / "poses") == ["a.pose", "b.npz", "deep/c.pose", "notes.md"]


def test_a_bad_file_does_not_stop_a_batch_and_skip_existing_continues(cli, poses, folder, tmp_path):
    empty = read(poses / "b.npz")
    whole = (poses / "b.npz").read_bytes()
    empty.confidence[:] = 0
    write(empty, poses / "b.npz", overwrite=True)
    call = ("encode", poses, "--output", tmp_path / "tokens", "--checkpoint", folder)
    status, out, err = cli(*call)
    assert (status, len(out.splitlines())) == (3, 2)
    assert f"encoding {poses / 'b.npz'} (2 of 3)" in err
    assert f"{poses / 'b.npz'}: both shoulders are seen in no frame" in err.splitlines()[-2]
    assert error_line(err).startswith("Error: 1 of 3 files failed")
    assert files_below(tmp_path / "tokens") == ["a.tokens", "deep/c.tokens"]
    (poses / "b.npz").write_bytes(whole)
    status, out, err = cli(*call, "--skip-existing")
    assert (status, len(out.splitlines()), "2 of 3 left out" in err) == (0, 1, True)
    (tmp_path / "tokens" / "b.tokens").write_bytes(b"cut")
    status, out, err = cli(
        "decode", tmp_path / "tokens", "--output", tmp_path / "back", "--checkpoint", folder, "--json"
    )
    assert (status, [*json.loads(out)[-1]]) == (3, ["file", "error"])
    assert files_below(tmp_path / "back") == ["a.pose", "deep/c.pose"]


def test_existing_outputs_are_refused_without_overwrite(cli, poses, folder, tmp_path):
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
        assert (status, f"{name}: exists; use --overwrite" in error_line(err)) == (2, True), err
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
        assert f"{encoded[name]}: these tokens were made by the model tiny (" in error_line(err)
        assert "and this is other (" in err
        assert files_below(tmp_path / "out") == []
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
        assert (status, f"{tmp_path / name}: {message}" in error_line(err)) == (2, True), err
    assert not (tmp_path / "x.pose").exists()
    (tmp_path / "half.pose").write_bytes(b"0123456789")
    status, _, err = cli("encode", tmp_path / "half.pose", "--checkpoint", folder)
    assert (status, f"{tmp_path / 'half.pose'}: " in error_line(err)) == (2, True), err
    assert not (tmp_path / "half.tokens").exists()


@pytest.mark.parametrize(
    ("name", "answer"), [("x.json", "add --format json"), ("x.txt", "add --format text"), ("x.pose", "no poses")]
)
def test_output_suffix_of_another_format_is_refused(cli, tmp_path, name, answer):
    write(fake_sequence(), tmp_path / "a.pose")
    status, _, err = cli("encode", tmp_path / "a.pose", "--output", tmp_path / name)
    assert status == 2
    assert answer in err
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("frames", [9, 10, 11, 30])
def test_a_file_in_pieces_gives_the_tokens_of_the_whole(model, folder, clip, tmp_path, monkeypatch, frames):
    sequence = clip(frames, seed=3)
    write(sequence, tmp_path / "x.pose")
    monkeypatch.setattr(commands, "PIECE_FRAMES", 10)
    pieces = [*commands.read_pieces(tmp_path / "x.pose")]
    assert [len(piece) for piece in pieces] == [10] * (frames // 10) + [frames % 10] * (frames % 10 > 0)
    job = Job(tmp_path / "x.pose", tmp_path / "x.tokens", "x.pose")
    commands._encode_file(Models(folder, "cpu"), commands.EncodeOptions(), False, job)
    tokens, whole = read_tokens(tmp_path / "x.tokens"), encode(model, sequence)
    np.testing.assert_array_equal(tokens.codes, whole.codes)
    assert tokens.header == whole.header


def test_an_old_spelling_of_an_option_works_with_a_notice(cli, clip, folder, tmp_path):
    write(clip(10), tmp_path / "x.pose")
    status, out, err = cli("encode", tmp_path / "x.pose", "--quantizers=1", "--checkpoint", folder, "--json")
    assert (status, "--quantizers is now --num-quantizers" in err) == (0, True), err
    assert json.loads(out)[0]["frames"] == 10
    assert (read_tokens(tmp_path / "x.tokens").codes[:, 1:] == -1).all()
    assert "--quantizers " not in cli("encode", "--help")[1].replace("--num-quantizers", "")
