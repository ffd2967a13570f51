"""`pose-core info`: what was assumed about a file is said once, as lines and as JSON."""

import json
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest

from pose_core import write
from pose_core.cli import app
from pose_core.command_line import run
from pose_core.commands.inspection import inspect
from pose_core.notices import collected, notify
from pose_core.transforms import clean

ASSUMED = [
    "rows of numbers read as 543 keypoints of x, y, z, c",
    "states no frame rate; 25 frames per second assumed; --fps or a manifest's column fps says another",
    "normalized coordinates: x and y lie between 0 and 1, and are read as they are, of a square picture; "
    "`--size 1280x720` makes them pixels",
]


@pytest.fixture
def array(tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).uniform(0.2, 0.8, (6, 1662)))
    return tmp_path / "a.npy"


@pytest.fixture
def info(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["pose-core", "info", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            run(app, "pose-core")
        return ended.value.code, *capsys.readouterr()

    return call


def test_assumptions_are_lines_and_said_nowhere_else(array, info):
    status, out, err = info(array)
    assert (status, err) == (0, "")
    assert [line.removeprefix("  assumed: ") for line in out.splitlines() if "  assumed: " in line] == ASSUMED
    assert "6 frames at 25 fps (assumed)" in out
    status, out, err = info("--json", array)
    assert (status, err) == (0, "")
    (described,) = json.loads(out)
    assert (described["assumed"], described["assumed_fps"]) == (ASSUMED, True)


def test_what_is_given_is_not_assumed(array, holistic, tmp_path):
    assert inspect(array, fps=30.0).assumed == [ASSUMED[0], ASSUMED[2]]
    assert not inspect(array, fps=30.0).assumed_fps
    write(holistic, tmp_path / "a.pose")
    described = inspect(tmp_path / "a.pose")
    assert (described.assumed, described.assumed_fps) == ([], False)
    assert not any("assumed" in line for line in described.lines())
    np.savez(tmp_path / "a.npz", poses=np.random.default_rng(0).uniform(0, 500, (3, 21, 3)))
    assert inspect(tmp_path / "a.npz").assumed_fps


def test_long_clips_are_counted_piece_by_piece(holistic, tmp_path):
    """Frames repeated and empty where pieces of a clip meet, too."""
    order = np.r_[0, 0, np.arange(len(holistic)).repeat(2000 // len(holistic) + 1), 3, 3]
    keypoints, confidence = holistic.keypoints[order], holistic.confidence[order]
    confidence[1500:1510] = 0
    long = replace(holistic, keypoints=keypoints, confidence=confidence)
    write(long, tmp_path / "long.pose")
    found = inspect(tmp_path / "long.pose")
    cleaned = clean(long)
    same = (cleaned.keypoints[1:] == cleaned.keypoints[:-1]).all(axis=(1, 2)) & cleaned.visible.any(axis=1)[1:]
    assert (found.frames, found.empty, found.repeated) == (len(order), 10, int(same.sum()))
    missing = [1 - cleaned.visible[:, long.skeleton.slice_of(c.name)].mean() for c in long.skeleton.components]
    assert [each.missing for each in found.components] == pytest.approx(missing)


def collect(*actions):
    with collected() as found:
        for action in actions:
            action()
    return found


def say_odd():
    notify("a", "odd", kind="odd files")


def fail():
    raise ValueError("no such number")


def test_of_a_file_that_cannot_be_read_warnings_are_shown():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="no such number"):
            collect(say_odd, fail)
    assert [str(each.message) for each in said] == ["a: odd"]


def test_only_warnings_about_inputs_are_collected():
    with pytest.warns(UserWarning, match="of another kind") as said:
        found = collect(say_odd, say_odd, lambda: warnings.warn("of another kind", stacklevel=1))
    assert [str(each) for each in found] == ["a: odd"]
    assert len(said) == 1
