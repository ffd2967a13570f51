"""`pose-core estimate`, with an estimator that only looks at colors: what becomes of videos, good and bad."""

import io
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from pose_core import read
from pose_core.commands.estimation import _placement
from pose_core.estimation.options import EstimatorOptions
from pose_core.skeleton.registry import known_skeleton
from pose_core.testing import fake_video, files_below

COMMAND = Path(__file__).parent / "fake_command.py"
RED, GREEN, BLACK = (200, 40, 40), (40, 200, 40), (0, 0, 0)


def make_video(path, colors, *, fps=25):
    """A video of pictures of one color each."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for color in colors:
            picture = np.full((48, 64, 3), color, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


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
    assert files_below(tmp_path) == ["a.mp4", "a.pose", "b.pose"]


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
    assert files_below(tmp_path / "out") == ["a.pose", "deep/d.pose"]
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
    assert files_below(tmp_path / "out") == ["a.pose"]


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
    assert files_below(tmp_path / "out") == ["deep/d.pose"]


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
        fake_video(folder / name, frames=3)
    status, _, messages = estimate(folder, "--output", out)
    assert (status, files_below(out)) == (0, ["a.mkv.pose", "a.mp4.pose", "b.pose"])
    assert messages.startswith("videos whose names differ only in the suffix keep it: a.mkv.pose, a.mp4.pose\n")
    (out / "a.mp4.pose").unlink()
    status, said, messages = estimate(folder, "--output", out)
    assert (status, said.count("\n"), "2 of 3 left out" in messages) == (0, 1, True)
    assert estimate(folder)[0] == 0
    assert (folder / "a.mkv.pose").exists()
    status, said, messages = estimate(folder)  # results are no inputs
    assert (status, said, "3 of 3 left out" in messages) == (0, "", True)
    (tmp_path / "other").mkdir()
    fake_video(tmp_path / "other" / "b.mp4", frames=3)
    assert "would both become" in estimate(folder / "b.mp4", tmp_path / "other" / "b.mp4", "--output", out)[2]


def test_a_video_is_never_replaced_by_its_poses(estimate, tmp_path):
    fake_video(tmp_path / "a.mp4", frames=3)
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
    fake_video(tmp_path / "a.mp4", frames=3)
    assert f"{tmp_path / 'loop.mp4'}: no such file" in estimate(tmp_path)[2]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_behind_standard_output(tmp_path):
    fake_video(tmp_path / "a.mp4", frames=3)
    command = [sys.executable, str(COMMAND), "{}", "estimate", str(tmp_path / "a.mp4"), "--output", "-"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("Error: standard output: cannot be written (No space left on")


@pytest.mark.parametrize("settings", [{"fail": "bug", "at": 0}, {"fail": "kill", "at": 7}, {"fail": "exit", "at": 2}])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_damaged_environment_ends_the_batch_once_and_is_no_fault_of_a_video(
    estimate, clips, tmp_path, settings, workers
):
    def damage(*, started):
        return "code.so has 7 bytes instead of 12"

    call = (clips, "--output", tmp_path / "out", "--workers", workers)
    status, _, messages = estimate(*call, damage=damage, **settings)
    assert (status, messages.splitlines()[-1]) == (
        2,
        "Error: Fake cannot run (code.so has 7 bytes instead of 12); mend it",
    )
    assert messages.count("Fake") == 1


def test_a_part_of_the_picture(estimate, tmp_path):
    fake_video(tmp_path / "a.mp4", frames=3)
    assert estimate(tmp_path / "a.mp4", "--crop", "32x16+8+20")[0] == 0
    pose = read(tmp_path / "a.pose")
    np.testing.assert_allclose(pose.keypoints[0, 0], [255 + 8, 0 + 20], atol=12)
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


def test_settings_reach_the_estimator():
    chosen = EstimatorOptions(complexity=2, face="refined", min_detection_confidence=0.25).chosen()
    assert chosen.settings == {
        "model_complexity": 2,
        "refine_face_landmarks": True,
        "min_detection_confidence": 0.25,
        "min_tracking_confidence": 0.5,
    }
