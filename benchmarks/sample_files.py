"""Files of every format that pose-core reads, made up, and what people read them with: for `reading.py` and
`damaged_inputs.py`.

To add a format: a function `make(folder, frames) -> path` of a good file, a function `obvious(path)` that reads it as a
script of ten lines would (None if there is no such script), to keypoints that can be used (`usable.py`), and a row in
`SAMPLES`.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sample_clips
import sample_tables as tables
from sample_annotations import (
    make_eaf,
    make_srt,
    make_tsv,
    make_vtt,
    obvious_eaf,
    obvious_subtitles,
    obvious_tsv,
    read_annotated,
)
from sample_clips import read_clips
from sample_videos import make_video, read_video
from usable import usable

from pose_core import PoseSequence, read, write
from pose_core.skeleton import known_skeleton

OPENPOSE = {"pose_keypoints_2d": 25, "face_keypoints_2d": 70, "hand_left_keypoints_2d": 21}
OPENPOSE["hand_right_keypoints_2d"] = 21


def read_one(path: Path) -> list[PoseSequence]:
    return [read(path)]


@dataclass(frozen=True)
class Sample:
    """A format: how a good file of it is made, and read by hand; `read` where a file has several clips."""

    make: Callable[[Path, int], Path]
    obvious: Callable[[Path], object] | None = None
    read: Callable[[Path], Iterable[PoseSequence]] = read_one


def moving(frames: int, keypoints: int, dims: int = 2) -> np.ndarray:
    """(T, K, D + 1) of somebody who sways in a picture, with scores, as estimators round them."""
    random = np.random.default_rng(keypoints)
    around = random.uniform(100, 600, (keypoints, dims))
    time = np.arange(frames)[:, None, None] / 25
    points = around + 40 * np.sin(time + random.uniform(0, 6, (keypoints, dims)))
    points = points + random.normal(0, 0.5, (frames, keypoints, dims))
    scores = random.uniform(0.4, 0.99, (frames, keypoints, 1))
    return np.concatenate([points, scores], axis=-1).round(3)


def sequence(frames: int, keypoints: int = 178, dims: int = 3) -> PoseSequence:
    values = moving(frames, keypoints, dims).astype(np.float32)
    skeleton = known_skeleton(keypoints, dims)
    return PoseSequence(values[..., :-1].copy(), values[..., -1].copy(), 25.0, skeleton, (720, 720, 0))


def make_pose(folder: Path, frames: int) -> Path:
    write(sequence(frames), folder / "sample.pose")
    return folder / "sample.pose"


def obvious_pose(path: Path) -> object:
    from pose_format import Pose

    body = Pose.read(path.read_bytes()).body
    return np.asarray(body.data), body.confidence


def make_npz(folder: Path, frames: int) -> Path:
    write(sequence(frames), folder / "sample.npz")
    return folder / "sample.npz"


def obvious_npz(path: Path) -> object:
    poses = np.load(path)["poses"]
    return usable(poses[..., :3], poses[..., 3])


def make_npy(folder: Path, frames: int) -> Path:
    np.save(folder / "sample.npy", moving(frames, 178, 3).astype(np.float32))
    return folder / "sample.npy"


def obvious_npy(path: Path) -> object:
    poses = np.load(path)
    return usable(poses[..., :3], poses[..., 3])


def make_csv(folder: Path, frames: int) -> Path:
    write(sequence(frames, 50), folder / "sample.csv")
    return folder / "sample.csv"


def obvious_csv(path: Path) -> object:
    import pandas

    table = pandas.read_csv(path)
    x, y, z, scores = (
        table.pivot_table(index="frame#", columns="landmark_name", values=axis).to_numpy()
        for axis in ("x", "y", "z", "confidence")
    )
    return usable(np.stack([x, y, z], axis=-1), scores)


def openpose_person(values: np.ndarray) -> dict:
    ends = np.cumsum([0, *OPENPOSE.values()])
    parts = {part: values[a:b].ravel().tolist() for part, a, b in zip(OPENPOSE, ends, ends[1:], strict=False)}
    return {"person_id": [-1], **parts, **{f"{part[:-2]}3d": [] for part in OPENPOSE}}


def make_openpose(folder: Path, frames: int) -> Path:
    clip = folder / "sample"
    clip.mkdir()
    for number, values in enumerate(moving(frames, 137)):
        text = json.dumps({"version": 1.3, "people": [openpose_person(values)]}, separators=(",", ":"))
        (clip / f"sample_{number:012d}_keypoints.json").write_text(text)
    return clip


def obvious_openpose(path: Path) -> object:
    frames = []
    for file in sorted(path.glob("*_keypoints.json")):
        with file.open() as opened:
            person = json.load(opened)["people"][0]
        frames.append(np.concatenate([np.array(person[part]).reshape(-1, 3) for part in OPENPOSE]))
    return np.array(frames, np.float32)


def make_body_135(folder: Path, frames: int) -> Path:
    clip = folder / "sample"
    clip.mkdir()
    for number, values in enumerate(moving(frames, 135)):
        person = {"person_id": [-1], "pose_keypoints_2d": values.ravel().tolist(), "face_keypoints_2d": []}
        text = json.dumps({"version": 1.3, "people": [person]})
        (clip / f"sample_{number:012d}_keypoints.json").write_text(text)
    return clip


def make_controlnet(folder: Path, frames: int) -> Path:
    parts = {"pose_keypoints_2d": 18, "face_keypoints_2d": 68, "hand_left_keypoints_2d": 21}
    listed = []
    for values in moving(frames, sum(parts.values())):
        ends = np.cumsum([0, *parts.values()])
        person = {part: values[a:b].ravel().tolist() for part, a, b in zip(parts, ends, ends[1:], strict=False)}
        people = [{**person, "hand_right_keypoints_2d": None}]
        listed.append({"people": people, "canvas_width": 720, "canvas_height": 720})
    (folder / "sample.json").write_text(json.dumps(listed))
    return folder / "sample.json"


def make_alphapose(folder: Path, frames: int) -> Path:
    people = [
        {
            "image_id": f"{number}.jpg",
            "category_id": 1,
            "keypoints": values.ravel().tolist(),
            "score": 3.1,
            "box": [50.0, 50.0, 600.0, 600.0],
            "idx": 1,
        }
        for number, values in enumerate(moving(frames, 136))
    ]
    (folder / "sample.json").write_text(json.dumps(people))
    return folder / "sample.json"


def obvious_alphapose(path: Path) -> object:
    with path.open() as file:
        people = json.load(file)
    return np.array([person["keypoints"] for person in people], np.float32).reshape(len(people), -1, 3)


def make_alphapose_open(folder: Path, frames: int) -> Path:
    pictures = {
        f"{number}.jpg": {"version": "AlphaPose v0.3", "people": [{"pose_keypoints_2d": values.ravel().tolist()}]}
        for number, values in enumerate(moving(frames, 18))
    }
    (folder / "sample.json").write_text(json.dumps(pictures))
    return folder / "sample.json"


def mmpose_frame(number: int, values: np.ndarray) -> dict:
    low, high = values[:, :2].min(axis=0).tolist(), values[:, :2].max(axis=0).tolist()
    person = {"keypoints": values[:, :2].tolist(), "keypoint_scores": values[:, 2].tolist()}
    return {"frame_id": number, "instances": [{**person, "bbox": [[*low, *high]], "bbox_score": 0.97}]}


def make_mmpose_demo(folder: Path, frames: int) -> Path:
    """As its demos write: one number a line, and the keypoints' names in `meta_info`."""
    skeleton = known_skeleton(133, 2)
    names = {
        str(i): point if part == "BODY" else f"{part}_{point}" for i, (part, point) in enumerate(skeleton.keypoints)
    }
    meta = {"dataset_name": "coco_wholebody", "num_keypoints": 133, "keypoint_id2name": names}
    listed = [mmpose_frame(number + 1, values) for number, values in enumerate(moving(frames, 133))]
    text = json.dumps({"meta_info": meta, "instance_info": listed}, indent="\t")
    (folder / "sample.json").write_text(text)
    return folder / "sample.json"


def make_mmpose_pictures(folder: Path, frames: int) -> Path:
    clip = folder / "sample"
    clip.mkdir()
    for number, values in enumerate(moving(frames, 133)):
        (clip / f"{number:06d}.json").write_text(json.dumps(mmpose_frame(number, values)["instances"]))
    return clip


def obvious_mmpose_pictures(path: Path) -> object:
    people = []
    for file in sorted(path.glob("*.json")):
        with file.open() as opened:
            people.append(json.load(opened)[0])
    keypoints = np.array([person["keypoints"] for person in people], np.float32)
    return keypoints, np.array([person["keypoint_scores"] for person in people], np.float32)


def make_two_people(folder: Path, frames: int) -> Path:
    listed = []
    for number, values in enumerate(moving(frames, 133)):
        other = mmpose_frame(number, values * 0.5 + [900.0, 300.0, 0.4])
        frame = mmpose_frame(number, values)
        listed.append({**frame, "instances": (frame["instances"] + other["instances"])[:: 1 if number % 3 else -1]})
    (folder / "sample.json").write_text(json.dumps(listed))
    return folder / "sample.json"


def obvious_two_people(path: Path) -> object:
    with path.open() as file:
        frames = json.load(file)
    return np.array([[each["keypoints"] for each in frame["instances"]] for frame in frames], np.float32)


def make_mmpose(folder: Path, frames: int) -> Path:
    path = folder / "sample.json"
    with path.open("w") as file:
        file.write('{"meta_info": {"dataset_name": "coco_wholebody", "num_keypoints": 133}, "instance_info": [')
        for number, values in enumerate(moving(frames, 133)):
            file.write((", " if number else "") + json.dumps(mmpose_frame(number, values)))
        file.write("]}")
    return path


def obvious_mmpose(path: Path) -> object:
    with path.open() as file:
        frames = json.load(file)["instance_info"]
    keypoints = np.array([frame["instances"][0]["keypoints"] for frame in frames], np.float32)
    scores = np.array([frame["instances"][0]["keypoint_scores"] for frame in frames], np.float32)
    return keypoints, scores


SAMPLES: dict[str, Sample] = {
    "pose": Sample(make_pose, obvious_pose),
    "npz": Sample(make_npz, obvious_npz),
    "npy": Sample(make_npy, obvious_npy),
    "landmarks_csv": Sample(make_csv, obvious_csv, tables.read_csv),
    "asl_signs_csv": Sample(tables.make_asl_signs_csv, tables.obvious_asl_signs, tables.read_csv),
    "asl_signs_parquet": Sample(tables.make_asl_signs_parquet, tables.obvious_asl_signs),
    "asl_signs_reshaped": Sample(tables.make_asl_signs_parquet, tables.obvious_reshaped),
    "fingerspelling": Sample(tables.make_fingerspelling, tables.obvious_fingerspelling, tables.read_clips),
    "mediapipe_rows": Sample(tables.make_rows, tables.obvious_rows),
    "mediapipe_frames": Sample(tables.make_frames, tables.obvious_frames),
    "openpose": Sample(make_openpose, obvious_openpose),
    "openpose_135": Sample(make_body_135),
    "controlnet": Sample(make_controlnet),
    "alphapose": Sample(make_alphapose, obvious_alphapose),
    "alphapose_open": Sample(make_alphapose_open),
    "mmpose": Sample(make_mmpose, obvious_mmpose),
    "mmpose_demo": Sample(make_mmpose_demo, obvious_mmpose),
    "mmpose_pictures": Sample(make_mmpose_pictures, obvious_mmpose_pictures),
    "mmpose_two_people": Sample(make_two_people, obvious_two_people),
    "eaf": Sample(make_eaf, obvious_eaf, read_annotated),
    "srt": Sample(make_srt, obvious_subtitles, read_annotated),
    "vtt": Sample(make_vtt, obvious_subtitles, read_annotated),
    "tsv": Sample(make_tsv, obvious_tsv, read_annotated),
    "clips_torch": Sample(sample_clips.make_torch, sample_clips.obvious_torch, read_clips),
    "clips_npz": Sample(sample_clips.make_npz, sample_clips.obvious_npz, read_clips),
    "clips_safetensors": Sample(sample_clips.make_safetensors, sample_clips.obvious_safetensors, read_clips),
    "clips_tar": Sample(sample_clips.make_tar, sample_clips.obvious_tar, read_clips),
    "clips_parquet": Sample(sample_clips.make_parquet, sample_clips.obvious_parquet, read_clips),
    "clips_arrow": Sample(sample_clips.make_arrow, sample_clips.obvious_arrow, read_clips),
    "mp4": Sample(make_video("sample.mp4", options={"g": "8", "bf": "2"}), None, read_video),
    "webm": Sample(make_video("sample.webm", codec="libvpx-vp9"), None, read_video),
    "mkv": Sample(make_video("sample.mkv", options={"g": "8"}), None, read_video),
    "avi": Sample(make_video("sample.avi", codec="mpeg4"), None, read_video),
    "mpegts": Sample(make_video("sample.ts", options={"g": "8"}), None, read_video),
    "gif": Sample(make_video("sample.gif", codec="gif", pixel_format="rgb8"), None, read_video),
}
