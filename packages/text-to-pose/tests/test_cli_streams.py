"""Standard input and output of `text-to-pose`, open and closed."""

import io
import sys

import pytest

from pose_core import read

FLAT = "hamflathand hamextfingeru hampalml hammovei"


def test_standard_output_takes_a_pose_file(cli, tmp_path, monkeypatch):
    stdout = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", stdout)
    status, _, err = cli("sign", FLAT, "--output", "-")
    assert status == 0, err
    (tmp_path / "a.pose").write_bytes(stdout.buffer.getvalue())
    assert len(read(tmp_path / "a.pose")) > 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "-"], "standard input is closed"),
        (["generate", "--file", "-", "--signed-language", "ase", "--output", "out"], "standard input is closed"),
        (["sign", FLAT, "--output", "-"], "standard output is closed"),
        (["sign", "--file", "signs.csv", "--output", "-"], "--file writes a file per sign"),
        (["generate", "--file", "a.txt", "--output", "-"], "--file writes a file per text"),
    ],
)
def test_closed_streams_and_files_of_many_results_are_refused(cli, monkeypatch, one_line, arguments, message):
    monkeypatch.setattr(sys, "stdin", None)
    if FLAT in arguments:
        monkeypatch.setattr(sys, "stdout", None)
    status, _, err = cli(*arguments)
    assert status == 2
    assert message in one_line(err)


def test_a_closed_standard_output_is_no_failure(cli, tmp_path, monkeypatch):
    (tmp_path / "signs.txt").write_text(f"{FLAT}\nhamflathand hamparbegin\n")
    monkeypatch.setattr(sys, "stdout", None)
    assert cli("sign", FLAT, "--output", tmp_path / "a.pose")[0] == 0
    assert cli("explain", tmp_path / "signs.txt")[0] == 3
