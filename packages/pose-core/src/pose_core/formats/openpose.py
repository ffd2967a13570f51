"""People of OpenPose's JSON: `{people: [{pose_keypoints_2d, face_keypoints_2d, ...}]}`, one frame.

https://github.com/CMU-Perceptual-Computing-Lab/openpose/blob/master/doc/02_output.md. Many write the same for other
estimators: DWPose of ControlNet with the picture's size, AlphaPose's `--format open` and `cmu`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from pose_core.errors import UserError
from pose_core.formats.detection_store import Detection
from pose_core.formats.json_values import numbers_in, person_name

# Where the points of each part stand among the 137 keypoints, by their number. Bodies: BODY_25, its first 19 points
# (BODY_19), COCO's 18 (without the middle hip), and MPI's 15, of which head and chest have no place.
_MPI = (-1, *range(1, 8), *range(9, 15), -1)
_PARTS: dict[str, dict[int, tuple[int, ...]]] = {
    "pose_keypoints_2d": {
        25: tuple(range(25)),
        19: tuple(range(19)),
        18: (*range(8), *range(9, 19)),
        15: _MPI,
    },
    "face_keypoints_2d": {70: tuple(range(25, 95)), 68: tuple(range(25, 93))},
    "hand_left_keypoints_2d": {21: tuple(range(95, 116))},
    "hand_right_keypoints_2d": {21: tuple(range(116, 137))},
}
_KEYPOINTS = 137
_WHOLE = 135  # BODY_135 has all its points in the body
_OTHER_NAMES = {  # of the parts, in OpenPose before 1.2, and in AlphaPose's `cmu`
    "pose_keypoints_2d": ("pose_keypoints", "joints"),
    "face_keypoints_2d": ("face_keypoints",),
    "hand_left_keypoints_2d": ("hand_left_keypoints",),
    "hand_right_keypoints_2d": ("hand_right_keypoints",),
}


def person_of(person: dict[str, Any], location: str) -> Detection:
    """A person's keypoints: 135 of BODY_135, or OpenPose's 137, of which parts that are not there are missing.

    Raises:
        UserError: numbers of points that no model of OpenPose's has, or no numbers.
    """
    parts = [numbers_in(_part(person, part), f"{location}, {part}") for part in _PARTS]
    for part, numbers in zip(_PARTS, parts, strict=True):
        if numbers.ndim != 1:
            raise UserError(f"{location}: {part} holds lists of numbers; x, y, score of each point expected")
    count, places = _places(tuple(numbers.size for numbers in parts), location)
    return Detection(_placed(np.concatenate(parts), count, places), person_name(person.get("person_id")))


def has_depth(person: dict[str, Any]) -> bool:
    """Whether there are keypoints in three dimensions beside the others."""
    return any(key.endswith("keypoints_3d") and value for key, value in person.items())


def fast_people(raw: bytes, parser: Any) -> list[Detection] | None:
    """The people of a frame's bytes, as `person_of` finds them; None of what it would refuse, or is to look at."""
    try:
        return [_fast_person(person) for person in parser.parse(raw)["people"]]
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError, UserError):
        return None


def _fast_person(person: Any) -> Detection:
    body, *others = _PARTS
    arrays = [person[body], *map(person.get, others)]
    sizes = tuple([0 if array is None else len(array) for array in arrays])
    buffers = [array.as_buffer(of_type="d") for array in arrays if array is not None]
    numbers = np.frombuffer(b"".join(buffers))
    if len(numbers) != sum(sizes):
        raise ValueError("lists in lists")
    count, places = _places(sizes, "")
    name = person.get("person_id")
    if hasattr(name, "as_list"):
        name = name[0] if len(name) else None
    name = None if name == -1 else person_name(name)
    values = numbers.reshape(-1, 3).astype(np.float32) if places is None else _placed(numbers, count, places)
    return Detection(values, name)


def _part(person: dict[str, Any], part: str) -> Any:
    """The numbers of a part, by its name or an older one; [] if there are none."""
    names = (part, *_OTHER_NAMES[part])
    return next((person[name] for name in names if person.get(name)), [])


@lru_cache(maxsize=256)
def _places(sizes: tuple[int, ...], location: str) -> tuple[int, np.ndarray | None]:
    """K, and where the points of all parts in a row stand among the K keypoints, -1 nowhere; None: as they are.

    Args:
        sizes: how many numbers each part has.

    Raises:
        UserError: they are those of no known points.
    """
    for part, size in zip(_PARTS, sizes, strict=True):
        if size % 3:
            raise UserError(f"{location}: {part} holds {size} numbers; x, y, score of each point expected")
    counts = [size // 3 for size in sizes]
    if counts[0] == _WHOLE:
        if any(counts[1:]):
            raise UserError(f"{location}: has face or hands beside the {_WHOLE} points of BODY_135; drop one of them")
        return _WHOLE, None
    places: list[int] = []
    for (part, known), count in zip(_PARTS.items(), counts, strict=True):
        if count and count not in known:
            names = " or ".join(map(str, known)) if part != "pose_keypoints_2d" else "25, 19, 18, 15 or 135"
            raise UserError(f"{location}: {part} holds {count} points; {names} are known")
        places += known[count] if count else ()
    return _KEYPOINTS, None if places == list(range(_KEYPOINTS)) else np.array(places, np.int64)


def _placed(numbers: np.ndarray, count: int, places: np.ndarray | None) -> np.ndarray:
    """(K, 3) float32 of the numbers of all parts."""
    rows = numbers.reshape(-1, 3)
    if places is None:
        return rows.astype(np.float32)
    values = np.zeros((count + 1, 3), np.float32)  # the last for what has no place
    values[places] = rows
    return values[:count]
