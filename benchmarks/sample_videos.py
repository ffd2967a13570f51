"""Videos for `damaged_inputs.py`: made up, and decoded as `pose-core estimate` does."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from pose_core import PoseSequence
from pose_core.estimation.video import open_video
from pose_core.skeleton import known_skeleton
from pose_core.testing import fake_video

FRAMES = 3  # of each video for one of the other formats': packets are small


def make_video(name: str, **options: object):
    """A function that makes a video of this name, by `fake_video`'s options."""

    def make(folder: Path, frames: int) -> Path:
        fake_video(folder / name, frames=FRAMES * frames, **options)
        return folder / name

    return make


def read_video(path: Path) -> Iterable[PoseSequence]:
    """Poses of one point, which lies where the picture is bright; every frame is there, once and in order."""
    with open_video(path) as video:
        skeleton, values = known_skeleton(21, 2), []
        for frame in video:
            if frame.slot != len(values):
                raise AssertionError(f"frame {frame.slot} comes after {len(values)} frames")
            seen = frame.image is not None
            if seen and frame.image.shape != (*video.image_size[::-1], 3):
                raise AssertionError(f"an image of {frame.image.shape} in a video of {video.image_size}")
            bright = float(frame.image.mean()) if seen else 0.0
            values += [(bright, float(seen))] * min(frame.count, 1000)
            if frame.count > 1000:
                break
        for message, _ in video.warnings():
            if "\n" in message or len(message) > 400:
                raise AssertionError(f"a remark of several lines: {message}")
    array = np.array(values, np.float32)
    keypoints = np.repeat(array[:, None, :1], 21, axis=1).repeat(2, axis=2)
    return [PoseSequence(keypoints, np.repeat(array[:, 1:], 21, axis=1), video.fps, skeleton, (*video.size, 0))]
