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
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.errors import UserError, reason
from pose_core.formats import instances, openpose
from pose_core.formats.detection_store import Detection, DetectionStore
from pose_core.formats.detections import DetectedClip, DetectedFrames, link_detections
from pose_core.formats.json_stream import LONGEST, JsonStream
from pose_core.formats.json_values import frame_number, new_parser, number_in_name
from pose_core.formats.keypoint_names import check_names, stated_names
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
_PEOPLE = ("people", "bodies", "instances", "instance_info", "predictions")  # what has the people of a frame
_NUMBER = ("frame_id", "frame_idx", "frame_index", "frame")
_FRAMES = ("instance_info", "predictions", "frames")  # what has the frames of a file
_READ_AT_ONCE = 1 << 16  # bytes
_FOR_READING = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_ONE_FRAME = "one frame of OpenPose's; name its folder for the clip"


@dataclass
class _Stated:
    """What a file states beside its people."""

    fps: float | None = None
    size: tuple[int, int] | None = None
    names: tuple[str, ...] | None = None
    prefix: str | None = None  # of the pictures' names, before their numbers
    padded: bool = False  # whether these numbers have zeros before them

    @property
    def first(self) -> int | None:
        """The first frame of a video whose pictures are "0.jpg", "1.jpg": AlphaPose leaves out those without people."""
        return 0 if self.prefix == "" and not self.padded else None


@dataclass(frozen=True)
class _Entry:
    """An element of a file's list: a frame with all its people, or one person, of a numbered frame or none."""

    number: int | None
    people: list[Detection]
    is_frame: bool


@dataclass(frozen=True)
class _Clip:
    detected: DetectedClip
    skeleton: Skeleton
    stated: _Stated


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
    store, stated = DetectionStore(path, min_confidence=min_confidence), _Stated()
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


def _skeleton(keypoints: int, dims: int, stated: _Stated, path: Path) -> Skeleton:
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
            count, size, changed = count + 1, size + state.st_size, changed + state.st_mtime_ns
    return count, size, changed


def _folder_frames(folder: Path, stated: _Stated) -> Iterator[tuple[int, list[Detection]]]:
    """The frames of a folder, a file each, numbered by their names."""
    parser = new_parser()
    looked_at, start = False, f"{folder}{os.sep}"
    for number, name in sorted(_numbered(folder).items()):
        raw = _content(f"{start}{name}")
        people = openpose.fast_people(raw, parser) if looked_at else None
        if people is None:
            path = folder / name
            value = _parsed(raw, path)
            if isinstance(value, list) and any(isinstance(each, dict) and "instances" in each for each in value):
                raise UserError(f"{path}: is a clip of its own; name the file instead of its folder")
            people = _people_of_frame(value, str(path), folder)
            if isinstance(value, dict):
                _state(stated, value)
            looked_at = looked_at or bool(people)
        yield number, people


def _numbered(folder: Path) -> dict[int, str]:
    """The names of a folder's JSON files by the numbers in them."""
    named: dict[int, str] = {}
    clips: dict[str, str] = {}
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if entry.name.lower().endswith(SUFFIX))
    for name in names:
        match = _FRAME.match(name)
        if name.startswith("."):
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


def _add_file(store: DetectionStore, path: Path, stated: _Stated) -> None:
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


def _add_members(store: DetectionStore, stream: JsonStream, path: Path, stated: _Stated) -> bool:
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
            store.add(0, _people_of_frame({key: value}, str(path), path))
        elif isinstance(value, dict) and any(name in value for name in ("people", "bodies")):
            found = True  # AlphaPose's, by the names of the pictures
            number = _picture_number(key, f"{path}, {key[:60]!r}", stated)
            store.add(number, _people_of_frame(value, f"{path}, frame {number}", path))
        else:
            _state(stated, value if key in ("meta_info", "metadata") and isinstance(value, dict) else {key: value})
    return found


def _state(stated: _Stated, values: dict[str, Any]) -> None:
    """Takes over what a file says about itself."""
    fps = values.get("fps")
    if isinstance(fps, int | float) and not isinstance(fps, bool):
        stated.fps = float(fps)
    for keys in (("width", "height"), ("canvas_width", "canvas_height")):
        for place, key in enumerate(keys):
            extent = values.get(key)
            if isinstance(extent, int | float) and 1 <= extent <= 0xFFFF:
                other = stated.size or (0, 0)
                stated.size = (int(extent), other[1]) if place == 0 else (other[0], int(extent))
    stated.names = stated_names(values) or stated.names


def _add_list(store: DetectionStore, stream: JsonStream, path: Path, stated: _Stated) -> None:
    """Adds the frames of an array: frames, people of numbered pictures, or the people of a single picture."""
    reader = _Entries(path, stated)
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


class _Entries:
    """Reads the elements of an array, as `JsonStream.elements` wants it."""

    def __init__(self, path: Path, stated: _Stated) -> None:
        self._path, self._stated = path, stated
        self._fast = instances.FastPeople(new_parser())
        self._people: str | None = None  # the keys of the last element of which `fast` may read the like
        self._number: str | None = None
        self.count = 0

    def slow(self, value: Any, raw: bytes) -> _Entry:
        """An element, looked at in every respect."""
        location = f"{self._path}, entry {self.count}"
        self.count += 1
        if isinstance(value, list):
            return _Entry(self.count - 1, _people_of_frame(value, location, self._path), True)
        if not isinstance(value, dict):
            raise UserError(f"{location}: is no frame with instances; export MMPose's predictions again")
        people = next((key for key in _PEOPLE if key in value), None)
        if people is not None:
            return self._frame(value, people, raw, location)
        if "image_id" in value:
            return self._person(value, raw, location)
        number = next((key for key in _NUMBER if key in value), None)
        if number is not None and "keypoints" in value:
            return _Entry(frame_number(value[number], location), instances.people_of_arrays(value, location), True)
        return _Entry(None, [instances.person_of(value, location)], False)

    def fast(self, raw: bytes) -> _Entry | None:
        """An element that is built as one before; None if it is not."""
        if self._number is None:
            return None
        found = self._fast.read(raw, self._number, self._people)
        if found is None:
            return None
        number, people = found
        if self._people is None:
            number = _picture_number(number, f"{self._path}, entry {self.count}", self._stated)
        elif type(number) is not int:
            return None
        else:
            number = frame_number(number, f"{self._path}, entry {self.count}")
        self.count += 1
        return _Entry(number, people, self._people is not None)

    def _frame(self, value: dict[str, Any], people: str, raw: bytes, location: str) -> _Entry:
        key = next((key for key in _NUMBER if key in value), None)
        if key is None and "image_id" in value:
            number = _picture_number(value["image_id"], location, self._stated)
        else:
            number = frame_number(self.count - 1 if key is None else value[key], location)
        found = _people_of_frame({people: value[people]}, f"{self._path}, frame {number}", self._path)
        _state(self._stated, value)
        if key is not None and people not in ("people", "bodies"):
            self._people, self._number = people, key
            self._fast.learn(raw, value[people], found)
        return _Entry(number, found, True)

    def _person(self, value: dict[str, Any], raw: bytes, location: str) -> _Entry:
        person = instances.person_of(value, location)
        number = _picture_number(value["image_id"], location, self._stated)
        self._people, self._number = None, "image_id"
        self._fast.learn(raw, [value], [person])
        return _Entry(number, [person], False)


def _picture_number(name: Any, location: str, stated: _Stated) -> int:
    """The number of the frame that a picture's name, or number, names; remembers what stands before it."""
    if not isinstance(name, str):
        return frame_number(name, location)
    before, digits, number = number_in_name(name, location)
    if stated.prefix is None:
        stated.prefix = before
    elif before != stated.prefix:
        raise UserError(
            f"{location}: is of another clip, {before!r}, than those before it, {stated.prefix!r}; give each a file"
        )
    stated.padded = stated.padded or digits != str(number)
    return number


def _people_of_frame(value: Any, location: str, path: Path) -> list[Detection]:
    """The people of a frame: OpenPose's `{people}`, MMPose's `{instances}` or list of instances."""
    people, one = value, instances.person_of
    if isinstance(value, dict):
        key = next((key for key in _PEOPLE if key in value), None)
        people = value.get(key) if key else None
        if key == "bodies" or (key == "people" and not _has_keypoints(people)):
            one = openpose.person_of
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise UserError(f"{location}: neither OpenPose's people nor MMPose's instances are in it")
    if one is openpose.person_of and any(map(openpose.has_depth, people)):
        notify(path, "keypoints in three dimensions are left out", kind="OpenPose's keypoints in three dimensions")
    return [one(person, f"{location}, person {i}") for i, person in enumerate(people)]


def _has_keypoints(people: Any) -> bool:
    """Whether `people` are instances, as `keypoints` in them shows."""
    return isinstance(people, list) and any(isinstance(person, dict) and "keypoints" in person for person in people)
