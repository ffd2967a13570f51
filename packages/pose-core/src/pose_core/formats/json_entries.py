"""Elements of a JSON list of frames or people, and what a file states beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pose_core.errors import UserError
from pose_core.formats import instances, openpose
from pose_core.formats.json_values import frame_number, new_parser, number_in_name
from pose_core.formats.keypoint_names import stated_names
from pose_core.notices import notify

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.formats.detection_store import Detection

_PEOPLE = ("people", "bodies", "instances", "instance_info", "predictions")  # what has the people of a frame
_NUMBER = ("frame_id", "frame_idx", "frame_index", "frame")


@dataclass
class Stated:
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

    def take(self, values: dict[str, Any]) -> None:
        """Takes over what a file says about itself."""
        fps = values.get("fps")
        if isinstance(fps, int | float) and not isinstance(fps, bool):
            self.fps = float(fps)
        for keys in (("width", "height"), ("canvas_width", "canvas_height")):
            for place, key in enumerate(keys):
                extent = values.get(key)
                if isinstance(extent, int | float) and 1 <= extent <= 0xFFFF:
                    other = self.size or (0, 0)
                    self.size = (int(extent), other[1]) if place == 0 else (other[0], int(extent))
        self.names = stated_names(values) or self.names


@dataclass(frozen=True)
class Entry:
    """An element of a file's list: a frame with all its people, or one person, of a numbered frame or none."""

    number: int | None
    people: list[Detection]
    is_frame: bool


class Entries:
    """Reads the elements of an array, as `JsonStream.elements` wants it."""

    def __init__(self, path: Path, stated: Stated) -> None:
        self._path, self._stated = path, stated
        self._fast = instances.FastPeople(new_parser())
        self._people: str | None = None  # the keys of the last element of which `fast` may read the like
        self._number: str | None = None
        self._flat = False
        self.count = 0

    def slow(self, value: Any, raw: bytes) -> Entry:
        """An element, looked at in every respect."""
        location = f"{self._path}, entry {self.count}"
        self.count += 1
        if isinstance(value, list):
            return Entry(self.count - 1, people_of_frame(value, location, self._path), True)
        if not isinstance(value, dict):
            raise UserError(f"{location}: is no frame with instances; export MMPose's predictions again")
        people = next((key for key in _PEOPLE if key in value), None)
        if people is not None:
            return self._frame(value, people, raw, location)
        if "image_id" in value:
            return self._person(value, raw, location)
        number = next((key for key in _NUMBER if key in value), None)
        if number is not None and "keypoints" in value:
            return Entry(frame_number(value[number], location), instances.people_of_arrays(value, location), True)
        return Entry(None, [instances.person_of(value, location)], False)

    def fast(self, raw: bytes) -> Entry | None:
        """An element that is built as one before; None if it is not."""
        if self._number is None:
            return None
        if self._flat:
            person = self._fast.flat(raw)
            found = person and (person[0], [person[1]])
        else:
            found = self._fast.read(raw, self._number, self._people)
        if found is None:
            return None
        number, people = found
        try:
            number = frame_number(number, "") if self._people else picture_number(number, "", self._stated)
        except UserError:  # which `slow` words
            return None
        self.count += 1
        return Entry(number, people, self._people is not None)

    def _frame(self, value: dict[str, Any], people: str, raw: bytes, location: str) -> Entry:
        key = next((key for key in _NUMBER if key in value), None)
        if key is None and "image_id" in value:
            number = picture_number(value["image_id"], location, self._stated)
        else:
            number = frame_number(self.count - 1 if key is None else value[key], location)
        found = people_of_frame({people: value[people]}, f"{self._path}, frame {number}", self._path)
        self._stated.take(value)
        if key is not None and people not in ("people", "bodies"):
            self._people, self._number, self._flat = people, key, False
            self._fast.learn(raw, value[people], found)
        return Entry(number, found, True)

    def _person(self, value: dict[str, Any], raw: bytes, location: str) -> Entry:
        person = instances.person_of(value, location)
        number = picture_number(value["image_id"], location, self._stated)
        self._people, self._number = None, "image_id"
        self._flat = not isinstance(value["keypoints"][0], list) and instances.scores_of(value) is None
        self._fast.learn(raw, [value], [person], flat=self._flat)
        return Entry(number, [person], False)


def picture_number(name: Any, location: str, stated: Stated) -> int:
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


def people_of_frame(value: Any, location: str, path: Path) -> list[Detection]:
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
