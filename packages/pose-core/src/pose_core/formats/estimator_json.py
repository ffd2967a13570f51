"""JSON of estimators: OpenPose's folders with one file per frame, and files of MMPose, AlphaPose and others.

What one person is, `openpose` and `instances` say; here are folders and files, frames and their numbers. MMPose
(RTMPose, DWPose, RTMW): `predictions` of its inferencer, `[{frame_id, instances}]`, alone or as `instance_info`; of
pictures, one file of instances each. AlphaPose: a list of people, `[{image_id, keypoints, ...}]`, or with
`--format open` or `cmu`, `{"0.jpg": {people}}`.
"""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.errors import UserError, reason
from pose_core.formats import instances, openpose
from pose_core.formats.detection_store import Detection, DetectionStore
from pose_core.formats.detections import DetectedClip, DetectedFrames, link_detections
from pose_core.formats.json_entries import Entries, Stated, people_of_frame, picture_number
from pose_core.formats.json_stream import LONGEST, JsonStream
from pose_core.formats.json_values import frame_number, new_parser
from pose_core.formats.keypoint_names import check_names
from pose_core.formats.reading import reading
from pose_core.notices import notify
from pose_core.rates import stated_rate
from pose_core.skeleton import known_skeleton

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pose_core.formats.people import People
    from pose_core.sequence import PoseSequence
    from pose_core.skeleton import Skeleton

SUFFIX = ".json"
_FRAME = re.compile(r"^(.*?)(\d+)(_keypoints)?\.json$", re.IGNORECASE)
_FRAMES = ("instance_info", "predictions", "frames")  # what has the frames of a file
_READ_AT_ONCE = 1 << 16  # bytes
_FOR_READING = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_ONE_FRAME = "one frame of OpenPose's; name its folder for the clip"


@dataclass(frozen=True)
class _Clip:
    detected: DetectedClip
    skeleton: Skeleton
    stated: Stated


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


def blocks(
    path: Path, *, person: int | None = None, fps: float | None = None, min_confidence: float = 0.0
) -> DetectedFrames:
    """The frames of a clip, to be read piece by piece; arguments as of `read`."""
    with reading(path):
        clip = _clip(path, _stamp(path), min_confidence)
        rate = stated_rate(clip.stated.fps, fps, path)
        chosen = clip.detected.take(person, path)
        size = clip.stated.size or (0, 0)
        return DetectedFrames(clip.detected, chosen, rate, clip.skeleton, (*(size if min(size) else (0, 0)), 0))


def read(
    path: Path, *, person: int | None = None, fps: float | None = None, min_confidence: float = 0.0
) -> PoseSequence:
    """See `pose_core.formats.read`. Frames begin with the lowest number given; the people are followed."""
    frames = blocks(path, person=person, fps=fps, min_confidence=min_confidence)
    return frames[: len(frames)]


def people_of(path: Path, *, min_confidence: float = 0.0) -> People:
    """The people of a clip that `read` has read."""
    return _clip(path, _stamp(path), min_confidence).detected.people


@lru_cache(maxsize=1)
def _clip(path: Path, stamp: tuple[int, ...], min_confidence: float) -> _Clip:
    """Cached, as a long clip is read piece by piece; `stamp` tells whether it is the same still."""
    store, stated = DetectionStore(path, min_confidence=min_confidence), Stated()
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and so missing
        if path.is_dir():
            for number, people in _folder_frames(path, stated):
                store.add(number, people)
        else:
            _add_file(store, path, stated)
        store.finish()
    if store.shape is None:
        raise UserError(f"{path}: nobody is in any frame; there is nothing to read")
    skeleton = _skeleton(store.shape[0], store.shape[1] - 1, stated, path)
    return _Clip(link_detections(store, path, first=stated.first), skeleton, stated)


def _skeleton(keypoints: int, dims: int, stated: Stated, path: Path) -> Skeleton:
    skeleton = known_skeleton(keypoints, dims)
    if skeleton.layout is None:
        raise UserError(f"{path}: people of {keypoints} keypoints are not known; estimate whole bodies (133 keypoints)")
    if stated.names is not None:
        check_names(stated.names, skeleton, path)
    elif keypoints == 17 and dims == 3:
        raise UserError(
            f"{path}: 17 keypoints in three dimensions are of no known order, most likely Human3.6M's; estimate whole "
            "bodies (133 keypoints)"
        )
    if keypoints == 21:
        notify(path, "21 keypoints are taken for a right hand", kind="hands whose side is not stated")
    return skeleton


def _stamp(path: Path) -> tuple[int, ...]:
    state = path.stat()
    if not path.is_dir():
        return state.st_size, state.st_mtime_ns
    count = size = changed = 0
    with os.scandir(path) as entries:
        for entry in entries:
            state = entry.stat()
            if not (stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode) or entry.name.startswith(".")):
                raise UserError(f"{entry.path}: is a pipe or device, which may never end; keep only files there")
            count, size, changed = count + 1, size + state.st_size, changed + state.st_mtime_ns
    return count, size, changed


def _folder_frames(folder: Path, stated: Stated) -> Iterator[tuple[int, list[Detection]]]:
    """The frames of a folder, a file each, numbered by their names."""
    parser = new_parser()
    fast, listed = instances.FastPeople(parser), False
    looked_at, start = False, f"{folder}{os.sep}"
    for number, name in sorted(_numbered(folder).items()):
        raw = _content(f"{start}{name}")
        people = (fast.listed(raw) if listed else openpose.fast_people(raw, parser)) if looked_at else None
        if people is None:
            path = folder / name
            value = _parsed(raw, path)
            if isinstance(value, list) and any(isinstance(each, dict) and "instances" in each for each in value):
                raise UserError(f"{path}: is a clip of its own; name the file instead of its folder")
            people = people_of_frame(value, str(path), folder)
            if isinstance(value, dict):
                stated.take(value)
            looked_at = looked_at or bool(people)
            if listed := isinstance(value, list):
                fast.learn(raw, value, people)
        yield number, people


def _numbered(folder: Path) -> dict[int, str]:
    """The names of a folder's JSON files by the numbers in them."""
    named: dict[int, str] = {}
    clips: dict[str, str] = {}
    for name in sorted(os.listdir(folder)):  # noqa: PTH208 - names alone, of hundreds of thousands of files
        match = _FRAME.match(name)
        if name.startswith(".") or (match is None and not name.lower().endswith(SUFFIX)):
            continue
        if match is None:
            raise UserError(
                f"{folder / name}: has no frame number in its name; keep only one clip's frames in the folder"
            )
        stem, digits, _ = match.groups()
        if stem not in clips:
            clips[stem] = name
            if len(clips) > 1:
                one, other = clips.values()
                raise UserError(f"{folder}: holds frames of several clips, {one} and {other}; give each a folder")
        number = int(digits) if len(digits) <= 12 else frame_number(int(digits[:20]), folder / name)
        if number in named:
            raise UserError(f"{folder / name}: frame {number} is there twice, as {named[number]}, too")
        named[number] = name
    return named


def _content(path: str) -> bytes:
    """The bytes of a small file; in fewer calls than `Path.read_bytes`, as a clip has one for each frame."""
    try:
        file = os.open(path, _FOR_READING)
        try:
            content = os.read(file, _READ_AT_ONCE)
            if len(content) == _READ_AT_ONCE:
                while len(content) <= LONGEST and (more := os.read(file, LONGEST)):
                    content += more
        finally:
            os.close(file)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    if len(content) > LONGEST:
        raise UserError(f"{path}: is larger than a frame can be; drop it")
    return content


def _parsed(raw: bytes, path: Path) -> Any:
    """The value of a small JSON file."""
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # JSONDecodeError names line and column
        raise UserError(f"{path}: not whole JSON ({reason(error)}); export or copy it again") from error


def _add_file(store: DetectionStore, path: Path, stated: Stated) -> None:
    """Adds the frames of a file, one after the other."""
    with path.open("rb") as file:
        stream = JsonStream(file, path)
        if stream.peek() == "[":
            _add_list(store, stream, path, stated)
        elif stream.peek() == "{":
            if not _add_members(store, stream, path, stated):
                raise UserError(
                    f"{path}: neither OpenPose's people nor MMPose's instance_info is in it, nor AlphaPose's frames"
                )
        else:
            raise stream.error("not JSON of poses")
        stream.end()


def _add_members(store: DetectionStore, stream: JsonStream, path: Path, stated: Stated) -> bool:
    """Adds the frames of an object, whichever of its members has them; False if none has."""
    found = False
    for key in stream.keys():  # noqa: SIM118 - reads the file
        if key in _FRAMES and stream.peek() == "[":
            found = True
            _add_list(store, stream, path, stated)
            continue
        value = stream.value()
        if key in ("people", "bodies"):
            found = True
            notify(path, _ONE_FRAME, kind="single frames")
            store.add(0, people_of_frame({key: value}, str(path), path))
        elif isinstance(value, dict) and any(name in value for name in ("people", "bodies")):
            found = True  # AlphaPose's, by the names of the pictures
            number = picture_number(key, f"{path}, {key[:60]!r}", stated)
            store.add(number, people_of_frame(value, f"{path}, frame {number}", path))
        else:
            stated.take(value if key in ("meta_info", "metadata") and isinstance(value, dict) else {key: value})
    return found


def _add_list(store: DetectionStore, stream: JsonStream, path: Path, stated: Stated) -> None:
    """Adds the frames of an array: frames, people of numbered pictures, or the people of a single picture."""
    reader = Entries(path, stated)
    single: list[Detection] = []
    for entry in stream.elements(reader.slow, reader.fast):
        if entry.number is None:
            single += entry.people
        else:
            store.add(entry.number, entry.people, again=not entry.is_frame)
    if single:
        if len(single) < reader.count:
            raise UserError(f"{path}: holds frames and people side by side; export MMPose's predictions again")
        store.add(0, single)
