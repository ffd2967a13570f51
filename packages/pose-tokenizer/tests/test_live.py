import io
import json
import os
import signal

import numpy as np
import pytest

from pose_core.testing import error_line, files_below
from pose_tokenizer.codec import encode
from pose_tokenizer.files.token_file import read_tokens
from pose_tokenizer.live import Interruption


def lines_of(sequence):
    frames = np.concatenate([sequence.keypoints[..., :2], sequence.confidence[..., None]], axis=-1)
    return "\n".join(json.dumps(frame.tolist()) for frame in frames)


def test_lines_on_standard_input_give_the_tokens_of_the_whole(cli, folder, model, clip, tmp_path):
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
def test_wrong_lines_on_standard_input_are_named_by_number_and_nothing_is_written(
    cli, folder, clip, tmp_path, stdin, message
):
    stdin = stdin.replace(b"GOOD", lines_of(clip(1)).encode()).replace(b"ZEROS", json.dumps([[0, 0, 0]] * 50).encode())
    status, out, err = cli("encode", "-", "--output", tmp_path / "x.tokens", "--checkpoint", folder, stdin=stdin)
    assert (status, message in error_line(err), out) == (2, True, ""), err
    assert files_below(tmp_path) == []


def test_an_incomplete_last_line_is_skipped_with_a_warning(cli, folder, model, clip, tmp_path):
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


def test_an_interrupted_stream_is_written_up_to_the_interruption(cli, folder, clip, tmp_path, monkeypatch):
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


def test_lines_that_arrived_before_a_signal_are_still_read():
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
