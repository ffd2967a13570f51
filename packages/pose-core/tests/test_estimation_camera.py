"""`pose-core estimate --camera`, with a camera and an estimator that are made up: what is recorded, and until when."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pose_core import read
from pose_core.errors import UserError
from pose_core.estimation.camera import Camera
from pose_core.testing import fake_video

COMMAND = Path(__file__).parent / "fake_command.py"


def film(tmp_path, *arguments, **settings):
    output = ["--output", str(tmp_path / "me.pose")]
    command = [sys.executable, str(COMMAND), json.dumps(settings), "estimate", "--camera", "0", *output, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("delay", "slow"), [(0, False), (0.15, True)])
def test_a_camera_is_recorded_at_a_constant_rate(tmp_path, delay, slow):
    with film(tmp_path, "--seconds", "1", "--fps", "20", delay=delay) as process:
        said, messages = process.communicate(timeout=120)
    assert process.returncode == 0, messages
    assert said.startswith(f"{tmp_path / 'me.pose'}: 20 frames at 20 fps, 3 points (")
    assert "recording camera 0, 1280 x 720 at 20 frames/s; Ctrl-C ends it" in messages
    assert not slow or "the estimator is slower" in messages
    pose = read(tmp_path / "me.pose")
    assert pose.confidence.all()
    np.testing.assert_array_equal(pose.keypoints[:, 0, 0], 200)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGHUP, marks=pytest.mark.slow)])
def test_ctrl_c_ends_a_recording_which_is_kept(tmp_path, number):
    with film(tmp_path, delay=0.02) as process:
        assert "recording camera 0, 1280 x 720 at 25 frames/s; Ctrl-C ends it" in process.stderr.readline()
        time.sleep(0.3)
        process.send_signal(number)
        said, messages = process.communicate(timeout=120)
    assert process.returncode == 0, messages
    assert "frames at 25 fps" in said
    assert len(read(tmp_path / "me.pose"))


def test_a_camera_that_is_unplugged_ends_the_recording_which_is_kept(tmp_path):
    with film(tmp_path, "--seconds", "600", last=10) as process:
        _, messages = process.communicate(timeout=120)
    assert process.returncode == 0, messages
    assert len(read(tmp_path / "me.pose"))


def test_a_camera_that_gives_nothing_and_outputs_that_cannot_be(estimate, tmp_path):
    fake_video(tmp_path / "a.avi", frames=5)
    (tmp_path / "me.pose").touch()
    assert "gives no picture" in estimate("--camera", tmp_path / "none.avi", "--output", tmp_path / "x.pose")[2]
    assert "exists; use --overwrite" in estimate("--camera", tmp_path / "a.avi", "--output", tmp_path / "me.pose")[2]
    assert "cannot write .npz" in estimate("--camera", tmp_path / "a.avi", "--output", tmp_path / "x.npz")[2]


def test_a_camera_that_is_not_there_is_one_line(capfd):
    with pytest.raises(UserError, match="camera 97: gives no picture; plug it in"):
        Camera("97")
    assert capfd.readouterr() == ("", "")  # OpenCV has lines of its own
