"""Estimators as processes: frames go in, poses come out, and whatever happens to the process is said in one line."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from pose_core.errors import UserError
from pose_core.estimation.worker_process import WorkerError, WorkerProcess

FAKE = Path(__file__).parent / "fake_estimator.py"


@dataclass
class Frame:
    count: int
    image: np.ndarray | None


def command():
    return [sys.executable, "-I", str(FAKE)]


def worker(**settings):
    return WorkerProcess(command(), settings, name="Fake", repair="mend it")


def picture(red, green, size=(8, 6)):
    image = np.zeros((size[1], size[0], 3), np.uint8)
    image[..., 0], image[..., 1] = 10 * red, 10 * green
    return image


def frames(*pictures):
    return [Frame(1, each) for each in pictures]


def poses(worker, frames, size=(8, 6)):
    keypoints, confidence = zip(*worker.estimate(frames, size), strict=True)
    return np.concatenate(keypoints), np.concatenate(confidence)


def test_every_frame_has_its_pose_whatever_libraries_print():
    with worker() as fake:
        assert (fake.keypoints, fake.dims) == (3, 2)
        keypoints, confidence = poses(fake, frames(picture(1, 2), picture(0, 0), picture(3, 4)))
        np.testing.assert_array_equal(keypoints[:, 1], [[10, 20], [0, 0], [30, 40]])
        np.testing.assert_array_equal(confidence[:, 2], [1, 0, 1])
        keypoints, _ = poses(fake, frames(picture(5, 6, (4, 2))), (4, 2))  # another video, of another size
        np.testing.assert_array_equal(keypoints[0, 0], [50, 60])
    assert not fake.alive


def test_a_frame_stands_for_as_many_as_it_is_shown_and_an_unknown_one_for_nobody():
    with worker() as fake:
        found = [Frame(3, picture(1, 1)), Frame(2, None), Frame(1, picture(2, 2))]
        keypoints, confidence = poses(fake, found)
    np.testing.assert_array_equal(keypoints[:, 0, 0], [10, 10, 10, 0, 0, 20])
    np.testing.assert_array_equal(confidence[:, 0], [1, 1, 1, 0, 0, 1])


def test_large_pictures_and_no_pictures():
    large = np.random.default_rng(0).integers(1, 255, (1080, 1920, 3), np.uint8)
    with worker() as fake:
        keypoints, _ = poses(fake, frames(*[large] * 8), (1920, 1080))
        np.testing.assert_array_equal(keypoints[:, 0], np.tile(large[0, 0, :2], (8, 1)))
        assert list(fake.estimate([], (8, 6))) == []
        assert fake.alive


def test_an_error_of_the_video_comes_after_the_frames_before_it_and_the_worker_lives_on():
    def damaged():
        yield Frame(1, picture(1, 1))
        yield Frame(1, picture(2, 2))
        raise UserError("clip.mp4: it is damaged")

    with worker() as fake:
        found = []
        with pytest.raises(UserError, match=r"clip\.mp4: it is damaged"):
            for keypoints, _ in fake.estimate(damaged(), (8, 6)):
                found.append(keypoints[0, 0, 0])
        assert found == [10, 20]
        assert fake.alive
        assert poses(fake, frames(picture(7, 7)))[0][0, 0, 0] == 70


@pytest.mark.parametrize(
    ("fail", "message"),
    [
        ("error", "the picture is too beautiful"),
        ("bug", "Fake failed: KeyError: 'pose'"),
        ("module", "Fake failed: No module named 'poses'; mend it"),
        ("exit", "Fake ended with status 7: out of ideas"),
        ("kill", "Fake was ended by SIGKILL, as the system does when memory is short: try fewer --workers"),
    ],
)
@pytest.mark.parametrize("at", [0, 1, 3])
def test_an_estimator_that_ends_says_why(fail, message, at):
    with pytest.raises(WorkerError) as error, worker(fail=fail, at=at) as fake:
        poses(fake, frames(*[picture(1, 1)] * 20))
    assert str(error.value) == message


def test_wrong_answers_and_wrong_pictures_are_defects():
    with worker(fail="short") as fake, pytest.raises(WorkerError, match="answered 12 bytes for 3 keypoints"):
        poses(fake, frames(picture(1, 1)))
    with worker() as fake, pytest.raises(ValueError, match=r"an image of \(6, 8, 3\) in a video of \(4, 4\)"):
        poses(fake, frames(picture(1, 1)), (4, 4))


def test_no_such_interpreter():
    with pytest.raises(WorkerError, match=r"Fake: cannot be started \(No such file.*nowhere.*\); mend it"):
        WorkerProcess(["/nowhere/python"], {}, name="Fake", repair="mend it")


def test_leaving_a_video_in_the_middle_ends_the_worker():
    with worker(delay=0.05) as fake:
        for _ in fake.estimate(frames(*[picture(1, 1)] * 50), (8, 6)):
            break
        assert not fake.alive


def test_a_worker_ends_with_whoever_started_it(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        "import sys, numpy as np\n"
        "from types import SimpleNamespace\n"
        "from pose_core.estimation.worker_process import WorkerProcess\n"
        f"worker = WorkerProcess({command()!r}, {{'delay': 0.2}}, name='Fake')\n"
        "image = np.ones((6, 8, 3), np.uint8)\n"
        "for _ in worker.estimate([SimpleNamespace(count=1, image=image)] * 1000, (8, 6)):\n"
        "    print(worker._process.pid, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        pid = int(process.stdout.readline())
        process.kill()
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("the worker lives on")
