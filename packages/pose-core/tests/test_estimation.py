"""`pose-core estimate`, with an estimator that only looks at colors: what becomes of videos, good and bad."""

import io
import json
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from pose_core import read
from pose_core.cli import app
from pose_core.command_line import run
from pose_core.commands.estimation import _placement, terminable
from pose_core.errors import UserError
from pose_core.estimation import estimators
from pose_core.estimation.camera import Camera
from pose_core.skeleton.registry import known_skeleton

COMMAND = Path(__file__).parent / "fake_command.py"
FAKE = Path(__file__).parent / "fake_estimator.py"
RED, GREEN, BLACK = (200, 40, 40), (40, 200, 40), (0, 0, 0)


def fake(settings, damage=None):
    """An estimator that needs no environment of its own."""
    here = SimpleNamespace(python=lambda say: sys.executable, repair="mend it", damage=damage)
    return estimators.Estimator("Fake", here, str(FAKE), settings)


def make_video(path, colors, *, size=(64, 48), fps=25):
    """A video of pictures of one color each."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for color in colors:
            picture = np.full((size[1], size[0], 3), color, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


@pytest.fixture
def estimate(monkeypatch, capsys):
    """Runs `pose-core estimate` with an estimator of these settings; returns its status, output and messages."""

    def call(*arguments, **settings):
        monkeypatch.setattr(estimators, "holistic", lambda **given: fake({**settings, "given": given}))
        monkeypatch.setattr(sys, "argv", ["pose-core", "estimate", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            run(app, "pose-core")
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return call


@pytest.fixture
def clips(tmp_path):
    """Four videos in two folders: of one person, of nobody, a damaged one, of another person."""
    folder = tmp_path / "clips"
    (folder / "deep").mkdir(parents=True)
    make_video(folder / "a.mp4", [RED] * 5)
    make_video(folder / "empty.mp4", [BLACK] * 5)
    (folder / "broken.mov").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(100))
    make_video(folder / "deep" / "d.mkv", [GREEN] * 7)
    (folder / "notes.txt").write_text("no video")
    return folder


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_video_becomes_a_pose_file(estimate, tmp_path):
    make_video(tmp_path / "a.mp4", [RED, RED, GREEN, BLACK, RED], fps=30)
    status, said, messages = estimate(tmp_path / "a.mp4", "--output", tmp_path / "b.pose")
    assert (status, messages) == (0, f"estimating {tmp_path / 'a.mp4'}\n")
    assert said.startswith(f"{tmp_path / 'b.pose'}: 5 frames at 30 fps, 3 points, nobody visible in 1 (")
    pose = read(tmp_path / "b.pose")
    np.testing.assert_allclose(pose.keypoints[[0, 2], 1], [[200, 40], [40, 200]], atol=12)
    np.testing.assert_array_equal(pose.confidence[:, 0], [1, 1, 1, 0, 1])
    assert (pose.fps, pose.size[:2]) == (30, (64, 48))
    status, _, messages = estimate(tmp_path / "a.mp4", "--output", tmp_path / "b.pose")
    assert (status, messages) == (
        2,
        f"Error: {tmp_path / 'b.pose'}: exists; use --overwrite to replace it or name another output\n",
    )
    assert estimate(tmp_path / "a.mp4", "--output", tmp_path / "b.pose", "--overwrite")[0] == 0
    assert estimate(tmp_path / "a.mp4")[0] == 0
    assert names(tmp_path) == ["a.mp4", "a.pose", "b.pose"]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_folder_goes_on_and_names_what_failed(estimate, clips, tmp_path, workers):
    call = (clips, "--output", tmp_path / "out", "--workers", workers)
    status, said, messages = estimate(*call)
    assert status == 3
    assert [line.split(":")[0] for line in said.splitlines()] == [
        str(tmp_path / "out" / name) for name in ("a.pose", "deep/d.pose")
    ]
    *_, first, second, last = messages.splitlines()
    assert first.startswith(f"{clips / 'broken.mov'}: ")
    assert second == f"{clips / 'empty.mp4'}: nobody is visible in its 5 frames; nothing is written"
    assert last == "Error: 2 of 4 files failed; all others are done: the same command tries the failed ones again"
    assert names(tmp_path / "out") == ["a.pose", "deep/d.pose"]
    stamp = (tmp_path / "out" / "a.pose").stat().st_mtime_ns
    make_video(clips / "empty.mp4", [GREEN] * 3)
    status, said, messages = estimate(*call)
    assert status == 3
    assert said.startswith(f"{tmp_path / 'out' / 'empty.pose'}: 3 frames")
    assert "2 of 4 left out: their outputs exist" in messages
    assert "1 of 4 files failed" in messages
    assert (tmp_path / "out" / "a.pose").stat().st_mtime_ns == stamp
    status, said, _ = estimate(*call, "--overwrite", "--json")
    assert status == 3
    results = json.loads(said)
    assert [Path(each["file"]).name for each in results] == ["a.mp4", "empty.mp4", "d.mkv", "broken.mov"]
    assert (results[0]["frames"], results[0]["visible"], results[0]["points"]) == (5, 5, 3)
    assert (tmp_path / "out" / "a.pose").stat().st_mtime_ns > stamp
    assert "exists (and 2 more)" in estimate(*call, "--no-skip-existing")[2]


def test_without_keep_going_the_first_failure_ends_it(estimate, clips, tmp_path):
    status, _, messages = estimate(clips, "--output", tmp_path / "out", "--no-keep-going")
    assert status == 2
    assert messages.splitlines()[-1].startswith(f"Error: {clips / 'broken.mov'}: ")
    assert names(tmp_path / "out") == ["a.pose"]


def test_standard_input_and_output(estimate, clips, tmp_path, monkeypatch):
    class Input:
        buffer = io.BytesIO((clips / "deep" / "d.mkv").read_bytes())

        def isatty(self):
            return False

    monkeypatch.setattr(sys, "stdin", Input())
    assert estimate("-", "--output", tmp_path / "d.pose")[0] == 0
    assert len(read(tmp_path / "d.pose")) == 7
    Input.buffer = io.BytesIO(b"no video at all")
    status, _, messages = estimate("-", "--output", tmp_path / "e.pose")
    assert status == 2
    assert messages.splitlines()[-1] == "Error: standard input: is a text, not a video"


def test_an_estimator_that_dies_fails_one_file_and_the_next_has_a_new_one(estimate, clips, tmp_path):
    (once := tmp_path / "once").touch()
    status, _, messages = estimate(clips, "--output", tmp_path / "out", fail_once=str(once), fail="kill")
    assert status == 3
    killed = (
        f"{clips / 'a.mp4'}: Fake was ended by SIGKILL, as the system does when memory is short: try fewer --workers"
    )
    assert killed in messages.splitlines()
    assert "3 of 4 files failed" in messages
    assert names(tmp_path / "out") == ["deep/d.pose"]


@pytest.mark.parametrize(("fail", "message"), [("error", "the picture is too beautiful"), ("module", "mend it")])
def test_an_estimator_that_cannot_begin_ends_the_command(estimate, clips, tmp_path, fail, message):
    status, _, messages = estimate(clips, "--output", tmp_path / "out", fail=fail, at=0)
    assert (status, messages.count("\n")) == (2, 1)
    assert message in messages
    assert not (tmp_path / "out").exists()


def test_videos_of_one_name_keep_their_suffix_and_going_on_works(estimate, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("a.mkv", "a.mp4", "b.mp4"):
        make_video(folder / name, [RED] * 3)
    status, _, messages = estimate(folder, "--output", out)
    assert (status, names(out)) == (0, ["a.mkv.pose", "a.mp4.pose", "b.pose"])
    assert messages.startswith("videos whose names differ only in the suffix keep it: a.mkv.pose, a.mp4.pose\n")
    (out / "a.mp4.pose").unlink()
    status, said, messages = estimate(folder, "--output", out)
    assert (status, said.count("\n"), "2 of 3 left out" in messages) == (0, 1, True)
    assert estimate(folder)[0] == 0
    assert (folder / "a.mkv.pose").exists()
    status, said, messages = estimate(folder)  # results are no inputs
    assert (status, said, "3 of 3 left out" in messages) == (0, "", True)
    (tmp_path / "other").mkdir()
    make_video(tmp_path / "other" / "b.mp4", [RED] * 3)
    assert "would both become" in estimate(folder / "b.mp4", tmp_path / "other" / "b.mp4", "--output", out)[2]


def test_a_video_is_never_replaced_by_its_poses(estimate, tmp_path):
    make_video(tmp_path / "a.mp4", [RED] * 3)
    same, link = tmp_path / "same.pose", tmp_path / "link.pose"
    same.write_bytes((tmp_path / "a.mp4").read_bytes())
    link.symlink_to(tmp_path / "a.mp4")
    before = same.read_bytes()
    for call in ((same, "--output", same), (same,), (tmp_path / "a.mp4", "--output", link)):
        status, _, messages = estimate(*call, "--overwrite")
        assert (status, messages.count("\n")) == (2, 1)
        assert f"{call[-1]}: is the video {call[0]}; name another output" in messages
    assert (same.read_bytes(), link.is_symlink()) == (before, True)


def test_a_link_to_itself(estimate, tmp_path):
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    assert estimate(tmp_path / "loop.mp4")[::2] == (2, f"Error: {tmp_path / 'loop.mp4'}: no such file\n")
    make_video(tmp_path / "a.mp4", [RED] * 3)
    assert f"{tmp_path / 'loop.mp4'}: no such file" in estimate(tmp_path)[2]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_behind_standard_output(tmp_path):
    make_video(tmp_path / "a.mp4", [RED] * 3)
    command = [sys.executable, str(COMMAND), "{}", "estimate", str(tmp_path / "a.mp4"), "--output", "-"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("Error: standard output: cannot be written (No space left on")


@pytest.mark.parametrize("settings", [{"fail": "bug", "at": 0}, {"fail": "kill", "at": 7}, {"fail": "exit", "at": 2}])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_damaged_environment_ends_the_batch_once_and_is_no_fault_of_a_video(
    estimate, clips, tmp_path, monkeypatch, settings, workers
):
    def damage(*, started):
        return "code.so has 7 bytes instead of 12"

    monkeypatch.setattr(sys.modules[__name__], "fake", partial(fake, damage=damage))
    status, _, messages = estimate(clips, "--output", tmp_path / "out", "--workers", workers, **settings)
    assert (status, messages.splitlines()[-1]) == (
        2,
        "Error: Fake cannot run (code.so has 7 bytes instead of 12); mend it",
    )
    assert messages.count("Fake") == 1


def test_a_part_of_the_picture(estimate, tmp_path):
    make_video(tmp_path / "a.mp4", [RED] * 3)
    assert estimate(tmp_path / "a.mp4", "--crop", "32x16+8+20")[0] == 0
    pose = read(tmp_path / "a.pose")
    np.testing.assert_allclose(pose.keypoints[0, 0], [200 + 8, 40 + 20], atol=12)
    assert pose.size[:2] == (64, 48)
    status, _, messages = estimate(tmp_path / "a.mp4", "--crop", "64x48+8+0", "--overwrite")
    assert (status, "is not within its picture of 64 x 48" in messages) == (2, True)
    for wrong in ("64x48", "0x10+0+0", "full"):
        assert "no part of a picture" in estimate(tmp_path / "a.mp4", "--crop", wrong)[2]


def test_what_is_measured_in_pictures_is_measured_in_the_whole_one():
    skeleton = known_skeleton(576, 3)
    half = SimpleNamespace(size=(100, 80), image_size=(50, 40), offset=(10, 20))
    scale, offset = _placement(half, skeleton)
    body, world = (skeleton.index(name, "NOSE") for name in ("POSE_LANDMARKS", "POSE_WORLD_LANDMARKS"))
    np.testing.assert_array_equal([scale[body], offset[body]], [[1, 1, 0.5], [10, 20, 0]])
    np.testing.assert_array_equal([scale[world], offset[world]], [[2, 2, 1], [0, 0, 0]])
    assert _placement(SimpleNamespace(size=(4, 4), image_size=(4, 4), offset=(0, 0)), skeleton) is None


def test_a_camera_that_gives_nothing_and_outputs_that_cannot_be(estimate, tmp_path):
    make_video(tmp_path / "a.avi", [RED] * 5)
    (tmp_path / "me.pose").touch()
    assert "gives no picture" in estimate("--camera", tmp_path / "none.avi", "--output", tmp_path / "x.pose")[2]
    assert "exists; use --overwrite" in estimate("--camera", tmp_path / "a.avi", "--output", tmp_path / "me.pose")[2]
    assert "cannot write .npz" in estimate("--camera", tmp_path / "a.avi", "--output", tmp_path / "x.npz")[2]


def test_a_camera_that_is_not_there_is_one_line(capfd):
    with pytest.raises(UserError, match="camera 97: gives no picture; plug it in"):
        Camera("97")
    assert capfd.readouterr() == ("", "")  # OpenCV has lines of its own


def test_wrong_combinations_of_options(estimate, tmp_path):
    assert "name a video, or --camera 0" in estimate()[2]
    assert "--camera takes no videos" in estimate("a.mp4", "--camera", "0")[2]
    assert "--camera takes no videos" in estimate("--camera", "0")[2]
    assert "are of a camera's recording" in estimate("a.mp4", "--seconds", "3")[2]
    assert "exclude each other" in estimate("a.mp4", "b.mp4", "--skip-existing", "--overwrite")[2]
    assert "no such file" in estimate(tmp_path / "a.mp4")[2]
    assert "cannot write .npz; use .pose" in estimate(tmp_path / "a.mp4", "--output", tmp_path / "a.npz")[2]
    (tmp_path / "none").mkdir()
    assert "holds no file that ends in .mp4" in estimate(tmp_path / "none")[2]


def test_settings_reach_the_estimator(monkeypatch):
    from pose_core.estimation.options import EstimatorOptions

    chosen = EstimatorOptions(complexity=2, face="refined", min_detection_confidence=0.25).chosen()
    assert chosen.settings == {
        "model_complexity": 2,
        "refine_face_landmarks": True,
        "min_detection_confidence": 0.25,
        "min_tracking_confidence": 0.5,
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_else_ends_a_program_ends_it_as_ctrl_c_does(number):
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), terminable():
        signal.raise_signal(number)
    assert signal.getsignal(number) == before
    signal.signal(number, signal.SIG_IGN)  # as nohup does
    try:
        with terminable():
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 130, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, 130, marks=pytest.mark.slow),
        (signal.SIGKILL, -9),
    ],
)
def test_a_killed_run_leaves_no_half_a_file_and_goes_on(tmp_path, number, expected):
    folder, out = tmp_path / "clips", tmp_path / "out"
    folder.mkdir()
    for i in range(6):
        make_video(folder / f"{i}.mp4", [RED] * 10)
    call = ["estimate", str(folder), "--output", str(out), "--workers", "2"]
    command = [sys.executable, str(COMMAND), '{"delay": 0.04}', *call]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while not list(out.glob("*.pose")) and time.monotonic() < deadline:
            time.sleep(0.01)
        workers = children(process.pid)
        process.send_signal(number)
        _, messages = process.communicate(timeout=120)
    assert process.returncode == expected
    done = {path: path.stat().st_mtime_ns for path in out.glob("*.pose")}
    assert 0 < len(done) < 6
    assert all(len(read(path)) == 10 for path in done)
    if expected == 130:
        assert messages.splitlines()[-2:] == [
            f"{len(done)} of 6 files are done; the same command goes on from there",
            "Error: interrupted",
        ]
        assert not list(out.glob(".*"))
    for _ in range(100):
        if not any(Path(f"/proc/{pid}").exists() for pid in workers):
            break
        time.sleep(0.05)
    else:
        pytest.fail("a worker lives on")
    again = subprocess.run([*command[:2], "{}", *call], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert f"{len(done)} of 6 left out" in again.stderr
    assert [path.name for path in sorted(out.glob("*.pose"))] == [f"{i}.pose" for i in range(6)]
    assert {path: path.stat().st_mtime_ns for path in done} == done


def children(pid):
    """Processes whose parent this is."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(path.parent.name))
        except (OSError, IndexError):
            continue
    return found


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
