"""`pose-core cut` on the command line, and what other commands do with its folder."""

import csv
import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pose_core.cli import app
from pose_core.errors import BatchError, UserError

GERMAN = ("--signed-language", "gsg")


def rows(output="clips"):
    with Path(output, "index.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def command(*arguments):
    return CliRunner().invoke(app, ["cut", *map(str, arguments)])


def test_the_manifest_is_packed_as_it_stands(session):
    command("--segments", "session.eaf", "--tier", "GLOSS", "session.pose", "--output", "clips", *GERMAN)
    result = CliRunner().invoke(app, ["pack", "--data", "clips", "--output", "shards", "--quiet"])
    assert result.exit_code == 0
    assert "3 clips, 100 frames of split train" in result.stdout


def test_the_command(session):
    result = command("--segments", "session.eaf", "--list-tiers")
    assert result.stdout.splitlines() == [
        "session.eaf: 'GLOSS', 4 segments, Ana",
        "session.eaf: 'Sentence 1', 1 segment",
    ]
    result = command("--segments", "session.eaf", "--list-tiers", "--json")
    assert [each["tier"] for each in json.loads(result.stdout)] == ["GLOSS", "Sentence 1"]
    with pytest.warns(UserWarning, match="clips: signed_language is und, undetermined; --signed-language names it"):
        result = command("--segments", "session.eaf", "--tier", "GLOSS", "session.pose", "--output", "clips")
    assert result.stdout == "session.pose: 3 clips, 4.00 s\n"
    assert {row["signed_language"] for row in rows()} == {"und"}
    arguments = [
        "--tier",
        "gloss",
        "--tier",
        "Sentence 1",
        "session.pose",
        "--output",
        "two",
        *GERMAN,
    ]
    more = ["--split", "dev", "--padding", "0.1", "--offset", "0.5", "--min-seconds", "1", "--format", "npz", "--json"]
    (done,) = json.loads(command("--segments", "session.eaf", *arguments, *more, "--quiet").stdout)
    assert (done["clips"], done["shortened"], done["left_out"]) == (4, 2, {"without text": 1})
    assert {(row["split"], row["tier"]) for row in rows("two")} == {("dev", "GLOSS"), ("dev", "Sentence 1")}
    assert command("--segments", "session.eaf", "session.pose").exit_code == 2
    result = command("--segments", "session.eaf", "session.pose", "gone.pose", "--tier", "GLOSS", "--output", "three")
    assert isinstance(result.exception, BatchError)


def test_standard_input(session):
    arguments = ["cut", "--segments", "session.eaf", "--tier", "GLOSS", "-", "--output", "clips"]
    content = Path("session.pose").read_bytes()
    result = subprocess.run(
        [sys.executable, "-m", "pose_core", *arguments], input=content, capture_output=True, check=True
    )
    assert result.stdout.decode() == "standard input: 3 clips, 4.00 s\n"
    assert rows()[0]["path"] == "standard-input_000000-000025.pose"


def test_a_failure_is_not_preceded_by_what_the_manifest_lacks(session):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = command("--segments", "session.eaf", "session.pose", "--output", "clips")
    assert isinstance(result.exception, UserError)
    assert "GLOSS" in str(result.exception)
