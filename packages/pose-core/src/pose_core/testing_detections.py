"""For tests: people who sway, in the JSON that OpenPose, MMPose and AlphaPose write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_OPENPOSE = {
    "pose_keypoints_2d": 25,
    "face_keypoints_2d": 70,
    "hand_left_keypoints_2d": 21,
    "hand_right_keypoints_2d": 21,
}


def swaying_person(
    keypoints: int, *, x: float = 0.0, scale: float = 1.0, frames: int = 6, score: float = 0.9
) -> np.ndarray:
    """x, y and score (T, K, 3) of somebody of a size, `x` pixels to the right."""
    points = np.random.default_rng(keypoints).uniform(100, 300, (keypoints, 2)) * scale + [x, 0]
    xy = points + 3 * np.arange(frames)[:, None, None]
    return np.concatenate([xy, np.full((frames, keypoints, 1), score)], axis=-1).round(3)


def openpose_person(values: np.ndarray, **more: Any) -> dict[str, Any]:
    """OpenPose's person of a frame, of values (137, 3); `more` is added or takes the place of parts."""
    parts = np.split(values, np.cumsum([*_OPENPOSE.values()])[:-1])
    numbers = [part.ravel().tolist() for part in parts]
    return {"person_id": [-1], **dict(zip(_OPENPOSE, numbers, strict=True)), **more}


def openpose_folder(folder: Path, frames: Iterable[Sequence[dict] | None], *, first: int = 0) -> Path:
    """Writes a file for the people of each frame, numbered from `first`; None is a file that was never written."""
    folder.mkdir(exist_ok=True)
    for number, people in enumerate(frames, first):
        if people is not None:
            path = folder / f"clip_{number:012d}_keypoints.json"
            path.write_text(json.dumps({"version": 1.3, "people": people}))
    return folder


def mmpose_instance(values: np.ndarray, **more: Any) -> dict[str, Any]:
    """MMPose's person of a frame, of values (K, 3)."""
    xy, scores = values[:, :2].tolist(), values[:, 2].tolist()
    return {"keypoints": xy, "keypoint_scores": scores, "bbox": [[0, 0, 9, 9]], **more}


def mmpose_file(path: Path, frames: Iterable[Sequence[dict]], *, first: int = 0, info: bool = True) -> Path:
    """Writes frames of people, numbered from `first`; with `info` beside what the estimator says of itself."""
    entries = [{"frame_id": number, "instances": people} for number, people in enumerate(frames, first)]
    path.write_text(json.dumps({"meta_info": {"num_keypoints": 133}, "instance_info": entries} if info else entries))
    return path


def alphapose_person(picture: str, values: np.ndarray, **more: Any) -> dict[str, Any]:
    """AlphaPose's person of a picture, of values (K, 3)."""
    return {"image_id": picture, "category_id": 1, "keypoints": values.ravel().tolist(), "score": 2.9, **more}
