"""JSON of estimators: OpenPose's folders with one file per frame, and MMPose's predictions of a video.

OpenPose: https://github.com/CMU-Perceptual-Computing-Lab/openpose/blob/master/doc/02_output.md. MMPose (RTMPose,
DWPose, RTMW): `predictions` of its inferencer, `[{frame_id, instances: [{keypoints, keypoint_scores}]}]`, alone or as
`instance_info`; of pictures, one file of instances each.
"""

from __future__ import annotations

import json
import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.errors import UserError, reason
from pose_core.formats.detections import DetectedClip, Detection, link_detections
from pose_core.formats.frame_range import FrameRange
from pose_core.formats.json_stream import LONGEST, JsonStream
from pose_core.formats.reading import reading
from pose_core.notices import notify
from pose_core.rates import stated_rate
from pose_core.sequence import PoseSequence
from pose_core.skeleton import known_skeleton

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pose_core.formats.people import People
    from pose_core.skeleton import Skeleton

SUFFIX = ".json"
_FRAME = re.compile(r"^(.*?)(\d+)(_keypoints)?\.json$", re.IGNORECASE)
_LATEST = 2**40  # number of a frame
# OpenPose's parts, in the order of its 137 keypoints.
_PARTS = {
    "pose_keypoints_2d": 25,
    "face_keypoints_2d": 70,
    "hand_left_keypoints_2d": 21,
    "hand_right_keypoints_2d": 21,
}
_COCO_BODY = (*range(8), *range(9, 19))  # where its 18 points stand among the 25 of BODY_25, which has the middle hip


def is_clip_folder(path: Path) -> bool:
    """Whether a folder is one clip: OpenPose's files, or only JSON files with a number in their names."""
    numbered = None
    try:
        with os.scandir(path) as entries:
            for name in (entry.name for entry in entries if not entry.name.startswith(".")):
                if name.lower().endswith("_keypoints.json"):
                    return True
                numbered = numbered is not False and _FRAME.match(name) is not None
    except OSError:
        return False
    return numbered is True


def read(
    path: Path,
    *,
    person: int | None = None,
    frame_range: FrameRange = FrameRange(),  # noqa: B008 - frozen
    fps: float | None = None,
    min_confidence: float = 0.0,
) -> PoseSequence:
    """See `pose_core.formats.read`. Frames begin with the lowest number given; the people are followed."""
    with reading(path):
        clip = _clip(path, _stamp(path), min_confidence)
        rate = stated_rate(None, fps, path)
        frames = frame_range.frames(clip.length, rate, path)
        keypoints, confidence = clip.arrays(clip.people.take(person, path), frames)
        return PoseSequence(keypoints, confidence, rate, clip.skeleton)


def people_of(path: Path, *, min_confidence: float = 0.0) -> People:
    """The people of a clip that `read` has read."""
    return _clip(path, _stamp(path), min_confidence).people


@lru_cache(maxsize=1)
def _clip(path: Path, stamp: tuple[int, ...], min_confidence: float) -> DetectedClip:
    """Cached, as a long clip is read piece by piece; `stamp` tells whether it is the same still."""
    frames = list(_folder_frames(path) if path.is_dir() else _file_frames(path))
    counts = {len(detection.values): number for number, people in reversed(frames) for detection in people}
    widths = {detection.values.shape[1] for _, people in frames for detection in people}
    if len(counts) > 1 or len(widths) > 1:
        number = max(counts.values())
        raise UserError(f"{path}: frame {number} has people of other keypoints than the frames before it")
    if not counts:
        raise UserError(f"{path}: nobody is in any frame; there is nothing to read")
    skeleton = _skeleton(next(iter(counts)), widths.pop() - 1, path)
    return link_detections(frames, skeleton, path, min_confidence=min_confidence)


def _skeleton(keypoints: int, dims: int, path: Path) -> Skeleton:
    skeleton = known_skeleton(keypoints, dims)
    if skeleton.layout is None:
        raise UserError(f"{path}: people of {keypoints} keypoints are not known; estimate whole bodies (133 keypoints)")
    if keypoints == 21:
        notify(path, "21 keypoints are taken for a right hand", kind="hands whose side is not stated")
    return skeleton


def _stamp(path: Path) -> tuple[int, ...]:
    state = path.stat()
    if not path.is_dir():
        return state.st_size, state.st_mtime_ns
    with os.scandir(path) as entries:
        states = [entry.stat() for entry in entries]
    return len(states), sum(s.st_size for s in states), sum(s.st_mtime_ns for s in states)


def _folder_frames(folder: Path) -> Iterator[tuple[int, list[Detection]]]:
    """The frames of a folder, a file each, numbered by their names."""
    named: dict[int, Path] = {}
    clips: dict[str, Path] = {}
    for path in sorted(folder.glob("*.json")):
        match = _FRAME.match(path.name)
        if match is None:
            raise UserError(f"{path}: has no frame number in its name; keep only one clip's frames in the folder")
        clips.setdefault(match[1], path)
        if len(clips) > 1:
            one, other = (file.name for file in clips.values())
            raise UserError(f"{folder}: holds frames of several clips, {one} and {other}; give each a folder")
        number = _frame_number(int(match[2][:20]), path)
        if number in named:
            raise UserError(f"{path}: frame {number} is there twice, as {named[number].name}, too")
        named[number] = path
    for number, path in named.items():
        yield number, _people_of_frame(_parsed(path), str(path), path)


def _parsed(path: Path) -> Any:
    """The value of a small JSON file."""
    try:
        if path.stat().st_size > LONGEST:
            raise UserError(f"{path}: is larger than a frame can be; drop it")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # JSONDecodeError names line and column
        raise UserError(f"{path}: not whole JSON ({reason(error)}); export or copy it again") from error


def _file_frames(path: Path) -> Iterator[tuple[int, list[Detection]]]:
    """The frames of a file, one after the other."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            stream = JsonStream(file, path)
            if stream.peek() == "[":
                yield from _frames(stream, path)
            elif stream.peek() == "{":
                found = False
                for key in stream.keys():  # noqa: SIM118 - reads the file
                    if key == "instance_info":
                        found = True
                        yield from _frames(stream, path)
                    elif key == "people":
                        found = True
                        notify(path, "one frame of OpenPose's; name its folder for the clip", kind="single frames")
                        yield 0, _people_of_frame({"people": stream.value()}, str(path), path)
                    else:
                        stream.value()
                if not found:
                    raise UserError(f"{path}: neither OpenPose's people nor MMPose's instance_info is in it")
            else:
                raise stream.error("not JSON of poses")
            stream.end()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 ({reason(error)}); export or copy it again") from error


def _frames(stream: JsonStream, path: Path) -> Iterator[tuple[int, list[Detection]]]:
    """The frames of an array: `{frame_id, instances}` each, or the instances of a single picture."""
    single: list[Detection] = []
    count = 0
    if stream.peek() != "[":
        raise stream.error("a list of frames expected")
    for value in stream.elements():
        location = f"{path}, entry {count}"
        if not isinstance(value, dict):
            raise UserError(f"{location}: is no frame with instances; export MMPose's predictions again")
        if "instances" in value:
            number = _frame_number(value.get("frame_id", count), location)
            yield number, _people_of_frame(value, f"{path}, frame {number}", path)
        else:
            single.append(_instance(value, location))
        count += 1
    if single:
        if len(single) < count:
            raise UserError(f"{path}: holds frames and people side by side; export MMPose's predictions again")
        yield 0, single


def _frame_number(value: Any, location: str | Path) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) > _LATEST:
        raise UserError(f"{location}: frame_id {str(value)[:40]!r} is no number of a frame")
    if int(value) != value:
        raise UserError(f"{location}: frame_id {value} is no whole number")
    return int(value)


def _people_of_frame(value: Any, location: str, path: Path) -> list[Detection]:
    """The people of a frame: OpenPose's `{people}`, MMPose's `{instances}` or list of instances."""
    if isinstance(value, dict) and "people" in value:
        people, one = value["people"], _openpose_person
    elif isinstance(value, dict) and "instances" in value:
        people, one = value["instances"], _instance
    else:
        people, one = value, _instance
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise UserError(f"{location}: neither OpenPose's people nor MMPose's instances are in it")
    return [one(person, f"{location}, person {i}") for i, person in enumerate(people)]


def _openpose_person(person: dict[str, Any], location: str) -> Detection:
    """137 keypoints of OpenPose's parts; those that are not there are missing."""
    values = np.zeros((sum(_PARTS.values()), 3), np.float32)
    first = 0
    for part, points in _PARTS.items():
        numbers = _numbers(person.get(part) or [], f"{location}, {part}")
        if numbers.ndim != 1 or numbers.size % 3:
            raise UserError(f"{location}: {part} holds {numbers.size} numbers; x, y, score of each point expected")
        rows = numbers.reshape(-1, 3)
        if part == "pose_keypoints_2d" and len(rows) == len(_COCO_BODY):
            values[list(_COCO_BODY)] = rows
        elif len(rows) == points:
            values[first : first + points] = rows
        elif len(rows):
            known = "25 or 18" if part == "pose_keypoints_2d" else points
            raise UserError(f"{location}: {part} holds {len(rows)} points; {known} are known")
        first += points
    name = person.get("person_id")
    name = name[0] if isinstance(name, list) and name else name
    return Detection(values, _name(name))


def _instance(person: dict[str, Any], location: str) -> Detection:
    """The keypoints of one of MMPose's instances, x, y and score, or x, y, z and score."""
    keypoints = _numbers(person.get("keypoints"), f"{location}, keypoints")
    scores = person.get("keypoint_scores")
    if keypoints.ndim == 1 and scores is None and keypoints.size % 3 == 0:  # as COCO's annotations have them
        keypoints = keypoints.reshape(-1, 3)
    if keypoints.ndim != 2 or not len(keypoints) or keypoints.shape[1] not in (2, 3):
        raise UserError(f"{location}: keypoints are {keypoints.shape}; x, y (and z) of each expected")
    if scores is None:
        if keypoints.shape[1] == 2:
            raise UserError(f"{location}: has no keypoint_scores")
        return Detection(keypoints, _name(person.get("track_id")))
    scores = _numbers(scores, f"{location}, keypoint_scores")
    if scores.shape != keypoints.shape[:1]:
        raise UserError(f"{location}: {scores.size} keypoint_scores for {len(keypoints)} keypoints")
    return Detection(np.concatenate([keypoints, scores[:, None]], axis=1), _name(person.get("track_id")))


def _numbers(values: Any, location: str) -> np.ndarray:
    """A float32 array of nested lists."""
    try:
        array = np.array(values, np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise UserError(f"{location}: not lists of numbers ({reason(error)}); export or copy it again") from error
    if array.ndim == 0 or array.ndim > 2:
        raise UserError(f"{location}: not a list of numbers; export or copy it again")
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


def _name(value: Any) -> int | None:
    """The number that a tracker gave a person; OpenPose's without one is -1."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
