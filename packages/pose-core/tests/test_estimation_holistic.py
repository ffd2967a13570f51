"""The real MediaPipe Holistic, in its own environment, on a real clip; skipped where either cannot be had."""

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from pose_core import read
from pose_core.errors import UserError
from pose_core.estimation.estimators import holistic

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clip(data_dir, tmp_path_factory):
    """The first 20 frames of a real clip, and a picture of noise, as videos of a folder."""
    video = data_dir / "videos" / "doctor.mp4"
    if not video.exists():
        pytest.skip(f"no {video}")
    try:
        holistic().environment.python(print)
    except UserError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("videos")
    with av.open(str(video)) as container:
        pictures = [
            frame.to_ndarray(format="rgb24") for _, frame in zip(range(20), container.decode(video=0), strict=False)
        ]
    noise = np.random.default_rng(0).integers(0, 255, (5, 180, 320, 3), np.uint8)
    for name, images in (("doctor.mp4", pictures), ("noise.mp4", noise)):
        with av.open(str(folder / name), "w") as container:
            stream = container.add_stream("libx264", rate=30)
            stream.height, stream.width, stream.pix_fmt = *images[0].shape[:2], "yuv420p"
            for image in images:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode(None))
    return folder


def estimate(*arguments):
    command = [str(Path(sys.executable).parent / "pose-core"), "estimate", "--json", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": "/x"})
    return ended.returncode, json.loads(ended.stdout) if ended.stdout else None, ended.stderr


def test_a_clip_becomes_a_body_and_noise_nobody(clip, tmp_path):
    status, results, messages = estimate(clip, "--output", tmp_path, "--workers", "2")
    assert status == 3, messages
    assert [results[0][key] for key in ("frames", "fps", "points", "visible")] == [20, 30, 576, 20]
    assert "noise.mp4: nobody is visible in its 5 frames" in messages
    pose = read(tmp_path / "doctor.pose")
    assert [(each.name, len(each.points)) for each in pose.skeleton.components] == [
        ("POSE_LANDMARKS", 33),
        ("FACE_LANDMARKS", 468),
        ("LEFT_HAND_LANDMARKS", 21),
        ("RIGHT_HAND_LANDMARKS", 21),
        ("POSE_WORLD_LANDMARKS", 33),
    ]
    assert len(pose.skeleton.components[1].limbs) == 2556
    assert pose.size == (1280, 720, 0)
    body, hand = (
        pose.skeleton.index(*names) for names in (("POSE_LANDMARKS", "LEFT_WRIST"), ("LEFT_HAND_LANDMARKS", "WRIST"))
    )
    shoulders = [pose.skeleton.index("POSE_LANDMARKS", f"{side}_SHOULDER") for side in ("LEFT", "RIGHT")]
    width = np.abs(np.diff(pose.keypoints[:, shoulders, 0])).mean()
    assert np.abs(pose.keypoints[:, body, :2] - pose.keypoints[:, hand, :2]).mean() < 0.2 * width
    again = estimate(clip / "doctor.mp4", "--output", tmp_path / "again.pose", "--face", "refined")
    assert again[0] == 0
    refined = read(tmp_path / "again.pose")
    assert refined.skeleton.num_keypoints == 586
    np.testing.assert_array_equal(refined.keypoints[:, :33], pose.keypoints[:, :33])  # the same body, in a new process


def test_two_videos_one_after_the_other_are_as_each_alone(clip, tmp_path):
    estimate(clip / "doctor.mp4", "--output", tmp_path / "alone.pose")
    for name in ("a", "b"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"{name}.mp4").write_bytes((clip / "doctor.mp4").read_bytes())
    assert estimate(tmp_path / "in", "--output", tmp_path / "out")[0] == 0
    alone = (tmp_path / "alone.pose").read_bytes()
    assert [(tmp_path / "out" / f"{name}.pose").read_bytes() == alone for name in ("a", "b")] == [True, True]


@pytest.mark.parametrize(("complexity", "file"), [(0, "pose_landmark_lite.tflite"), (2, "pose_landmark_heavy.tflite")])
def test_a_model_that_is_not_there_is_said_where_to_put(clip, tmp_path, complexity, file):
    call = (clip / "doctor.mp4", "--output", tmp_path / "x.pose", "--complexity", complexity)
    status, _, messages = estimate(*call)
    if status == 0:
        pytest.skip("the model is there")
    assert status == 2
    assert messages.count("\n") == 1
    assert f"--complexity {complexity} needs MediaPipe's {file}" in messages
    path = Path(messages.strip().rpartition("save it as ")[2])
    assert (path.name, path.parent.is_dir()) == (file, True)
    try:
        path.write_text("<html>no such file</html>")
        status, _, messages = estimate(*call)
        assert (status, messages.count("\n")) == (2, 1)
        assert f"{path}: no TensorFlow Lite model" in messages
        path.write_bytes(
            path.with_name("pose_landmark_full.tflite").read_bytes()
        )  # in its place, as both take the same
        assert estimate(*call)[0] == 0
    finally:
        path.unlink(missing_ok=True)
