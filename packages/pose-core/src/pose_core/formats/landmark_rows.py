"""Layouts of landmark tables: which columns there are, and how rows become keypoints.

- Long, as Kaggle's asl-signs: `frame, type, landmark_index, x, y[, z][, visibility]`, one row per landmark.
- Wide, as Kaggle's ASL fingerspelling: `frame, x_face_0, ..., z_right_hand_20`, one row per frame.
- Named, as ht-vae: `frame#, landmark_name, x, y[, z][, confidence]`, one row per landmark, y up; see `landmarks_csv`.

The first two have MediaPipe's landmarks in its units, y down.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.formats.table_chunks import RowError, first_true
from pose_core.skeleton import known_skeleton, landmark_skeleton
from pose_core.skeleton.registry import BODY_LANDMARKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pose_core.formats.table_chunks import Chunk, Words
    from pose_core.skeleton import Skeleton

LATEST = 2**40  # number of a frame
LARGEST = 1e30  # of a coordinate; float32 has no larger ones to spare
# MediaPipe's parts in the order of its 553 keypoints: those of 543, and 10 points of the irises.
PARTS = {"pose": 33, "face": 478, "left_hand": 21, "right_hand": 21}
_BASES = dict(zip(PARTS, np.cumsum([0, *PARTS.values()]).tolist(), strict=False))
_MESH = _BASES["face"] + 468  # the face's points without the irises end there
_PARTS_CALLED = {"body": "pose", "lefthand": "left_hand", "righthand": "right_hand"}
# Columns of the long form, and other names that can mean nothing else.
_CALLED = {
    "frame": ("frame_number", "frame_id", "frame_index", "frame_idx", "frame_no"),
    "type": ("landmark_type",),
    "landmark_index": ("landmark_id", "landmark_idx", "landmark"),
    "x": (),
    "y": (),
    "z": (),
    "confidence": ("visibility", "score"),
    "sequence_id": (),
}
NAMED = ("frame#", "landmark_name", "x", "y")  # columns of the named form
LONG = ("frame", "type", "landmark_index", "x", "y")
_BLOCK = 256  # rows of the wide form that are transposed at once: what a processor's cache holds
_WIDE = re.compile(rf"^([xyz])_({'|'.join(PARTS)})_(\d{{1,3}})$")


@dataclass(frozen=True)
class Rows:
    """Landmarks of a chunk: N rows of one each, or of all C of a frame.

    Attributes:
        frames: (N,) int64, or (N, 1).
        codes: (N,) int32, which landmark, or (1, C), in ascending order.
        values: (N, D) float32, or (N, C, D), 0 where there is no number; (N, 0) if only the frames are wanted.
        confidence: (N,) float32, or (N, C), 0 where there is no number.
        present: (N,) bool, or (N, C), there are numbers.
    """

    frames: np.ndarray
    codes: np.ndarray
    values: np.ndarray
    confidence: np.ndarray
    present: np.ndarray


@dataclass(frozen=True)
class Columns:
    """Columns of a table by their role; -1: there is none."""

    roles: Mapping[str, int]

    def __getitem__(self, role: str) -> int:
        return self.roles.get(role, -1)

    def has(self, role: str) -> bool:
        """Whether the table has such a column."""
        return role in self.roles


def long_columns(names: Sequence[str], path: Path) -> Columns:
    """The columns of the long form, in any case and under names that can mean nothing else.

    Raises:
        UserError: two columns have one role.
    """
    plain = [normalized(name) for name in names]
    roles = {}
    for role, others in _CALLED.items():
        found = [i for i, name in enumerate(plain) if name == role] or [
            i for i, name in enumerate(plain) if name in others
        ]
        if len(found) > 1:
            raise UserError(
                f"{path}: {names[found[0]]} and {names[found[1]]} may both be the {role}; rename one column"
            )
        if found:
            roles[role] = found[0]
    return Columns(roles)


@lru_cache(maxsize=1 << 14)
def normalized(name: str) -> str:
    """A column's name in lower case, with `_` for spaces and dashes."""
    return re.sub(r"[\s-]+", "_", name.strip().casefold())


@lru_cache(maxsize=1 << 14)
def _wide_place(name: str) -> tuple[str, str, int] | None:
    """Axis, part and number of the landmark that a column of the wide form has; None of another column."""
    match = _WIDE.match(normalized(name))
    return (match[1], match[2], int(match[3])) if match else None


class LongLayout:
    """The long form: a part and a number of each landmark.

    Attributes:
        axes: columns of coordinates.
        keys, texts: columns of numbers and of text that say which frame and landmark a row is.
        y_up: y points up.
        in_order: frames that go back are refused.
        whole_frames: a row is a whole frame, not one landmark.
    """

    y_up = in_order = whole_frames = False

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.axes = [columns[axis] for axis in "xyz" if columns.has(axis)]
        self.keys = [columns[role] for role in ("frame", "landmark_index", "confidence") if columns.has(role)]
        self.texts = [columns["type"]]
        self._used = np.zeros(sum(PARTS.values()), bool)
        self._highest = np.zeros(self._used.shape, np.float32)  # confidence of each landmark

    def decode(self, chunk: Chunk, axes: Sequence[int]) -> Rows:
        """The landmarks of a chunk; `axes` are the columns of its coordinates, or none.

        Raises:
            RowError: a row that is no landmark.
        """
        frames = whole_numbers(chunk.numbers[self.columns["frame"]], "frame", LATEST)
        parts = chunk.texts[self.columns["type"]]
        index = whole_numbers(chunk.numbers[self.columns["landmark_index"]], "landmark_index", LATEST)
        base, size = (values[parts.codes] for values in _parts_of(parts))
        if (base < 0).any():
            row = first_true(base < 0)
            raise RowError(row, f"type {parts.words[parts.codes[row]][:40]!r} is not known; known: {', '.join(PARTS)}")
        if (wrong := (index < 0) | (index >= size)).any():
            row = first_true(wrong)
            raise RowError(row, f"{parts.words[parts.codes[row]]} has no landmark {index[row]}")
        codes = (base + index).astype(np.int32)
        confidence = chunk.numbers.get(self.columns["confidence"])
        rows = landmarks(frames, codes, _coordinates(chunk, axes), confidence)
        self._used[codes] = True
        if confidence is not None:
            np.maximum.at(self._highest, codes, np.nan_to_num(rows.confidence))
        return rows

    def finish(self) -> tuple[Skeleton, np.ndarray, np.ndarray]:
        """The skeleton of all that was decoded, the keypoint of each code, and codes whose confidence says nothing.

        The parts whose visibility is 0 throughout are those of which MediaPipe gives none: the face and the hands.
        """
        silent = np.zeros(self._used.shape, bool)
        if self.columns.has("confidence"):
            for part, points in PARTS.items():
                where = slice(_BASES[part], _BASES[part] + points)
                silent[where] = part != "pose" and self._used[where].any() and not self._highest[where].any()
        return *mediapipe_skeleton(self._used, len(self.axes)), silent


def mediapipe_skeleton(used: np.ndarray, dims: int) -> tuple[Skeleton, np.ndarray]:
    """The skeleton of the landmarks of MediaPipe's 553 that are `used`, and the keypoint of each, -1 for none.

    543 keypoints, 553 with irises, 75 where no table row is of the face: parts that happen not to be seen in a clip
    change nothing.
    """
    face = slice(_BASES["face"], _BASES["face"] + PARTS["face"])
    kept = np.ones(used.shape, bool)
    if not used[face].any():
        kept[face] = False
    elif not used[_MESH : face.stop].any():
        kept[_MESH : face.stop] = False
    positions = np.where(kept, np.cumsum(kept) - 1, -1)
    return known_skeleton(int(kept.sum()), dims), positions


class WideLayout:
    """The wide form: a column of each coordinate of each landmark."""

    y_up = in_order = False
    whole_frames = True
    texts: tuple[int, ...] = ()

    def __init__(self, names: Sequence[str], path: Path) -> None:
        self.columns = long_columns([name for name in names if not _wide_place(name)], path)
        places: dict[int, dict[str, int]] = {}
        for column, name in enumerate(names):
            if place := _wide_place(name):
                axis, part, number = place
                if number >= PARTS[part]:
                    raise UserError(f"{path}: {part} has no landmark {number}; drop the column {name}")
                axes = places.setdefault(_BASES[part] + number, {})
                if axis in axes:
                    raise UserError(f"{path}: has the column {name} twice; drop one of them")
                axes[axis] = column
        self.dims = 3 if any("z" in axes for axes in places.values()) else 2
        for axes in places.values():
            if missing := [axis for axis in "xyz"[: self.dims] if axis not in axes]:
                name = normalized(names[next(iter(axes.values()))])
                raise UserError(f"{path}: has no column {missing[0]}{name[1:]} beside {name}; add it")
        self._codes = np.array(sorted(places), np.int32)
        self.axes = [places[code][axis] for code in self._codes.tolist() for axis in "xyz"[: self.dims]]
        plain = [normalized(name) for name in names]
        self._frame = plain.index("frame") if "frame" in plain else -1
        self.keys = [self._frame] if self._frame >= 0 else self.axes[:1]

    def decode(self, chunk: Chunk, axes: Sequence[int]) -> Rows:
        """See `LongLayout.decode`. Without a column `frame`, the rows are the frames."""
        if self._frame >= 0:
            frames = whole_numbers(chunk.numbers[self._frame], "frame", LATEST)
        else:
            frames = np.arange(chunk.first_row, chunk.first_row + chunk.rows)
        if not axes:
            return landmarks(frames, np.repeat(self._codes[:1], chunk.rows), None, None)
        columns = [chunk.numbers[column] for column in axes]
        values = np.empty((chunk.rows, len(self._codes), self.dims), np.float32)
        present = np.empty(values.shape[:2], bool)
        block = np.empty((len(axes), _BLOCK), np.float32)
        for begin in range(0, chunk.rows, _BLOCK):
            rows = slice(begin, min(begin + _BLOCK, chunk.rows))
            part = block[:, : rows.stop - begin]
            with np.errstate(over="ignore"):
                for into, column in zip(part, columns, strict=True):
                    into[:] = column[rows]
            values[rows] = part.T.reshape(-1, *values.shape[1:])
            present[rows] = _without_unknown(values[rows])
        return Rows(frames[:, None], self._codes[None], values, present.astype(np.float32), present)

    def finish(self) -> tuple[Skeleton, np.ndarray, np.ndarray]:
        """See `LongLayout.finish`."""
        used = np.zeros(sum(PARTS.values()), bool)
        used[self._codes] = True
        return *mediapipe_skeleton(used, self.dims), np.zeros(used.shape, bool)


@dataclass
class NamedLayout:
    """The named form: landmarks by name, frames in order, y up."""

    columns: Columns
    _numbers: dict[str, int] = field(default_factory=dict, init=False)  # of each name, as they first appear

    y_up = in_order = True
    whole_frames = False

    def __post_init__(self) -> None:
        self.axes = [self.columns[axis] for axis in "xyz" if self.columns.has(axis)]
        self.keys = [self.columns[role] for role in ("frame#", "confidence") if self.columns.has(role)]
        self.texts = [self.columns["landmark_name"]]

    def decode(self, chunk: Chunk, axes: Sequence[int]) -> Rows:
        """See `LongLayout.decode`."""
        frames = whole_numbers(chunk.numbers[self.columns["frame#"]], "frame", LATEST)
        if (back := np.diff(frames) < 0).any():
            row = first_true(back) + 1
            raise RowError(row, f"frame {frames[row]} stands after frame {frames[row - 1]}; sort the rows by frame")
        names = chunk.texts[self.columns["landmark_name"]]
        numbers = np.array([self._number(word) for word in names.words] or [0], np.int32)
        if (numbers < 0).any() and (wrong := numbers[names.codes] < 0).any():
            row = first_true(wrong)
            raise RowError(row, _unknown_name(names.words[names.codes[row]]))
        confidence = chunk.numbers.get(self.columns["confidence"])
        return landmarks(frames, numbers[names.codes], _coordinates(chunk, axes), confidence, strict=True)

    def finish(self) -> tuple[Skeleton, np.ndarray, np.ndarray]:
        """See `LongLayout.finish`. Landmarks are in the order they first appear in, a component's together."""
        names = list(self._numbers)
        rank = {component: i for i, component in enumerate(dict.fromkeys(map(_component, names)))}
        ordered = sorted(names, key=lambda name: rank[_component(name)])
        positions = np.array([ordered.index(name) for name in names])
        return landmark_skeleton(ordered, len(self.axes)), positions, np.zeros(len(names), bool)

    def _number(self, name: str) -> int:
        """The number of a name; -1 of one that is none."""
        if not name or ("/" not in name and name not in BODY_LANDMARKS):
            return -1
        return self._numbers.setdefault(name, len(self._numbers))


RowLayout = LongLayout | WideLayout | NamedLayout


def _component(landmark: str) -> str:
    return landmark.rpartition("/")[0]


def _unknown_name(name: str) -> str:
    if not name:
        return "no landmark_name"
    near = difflib.get_close_matches(name.upper(), BODY_LANDMARKS, n=1, cutoff=0)[0]
    return f"unknown landmark {name[:40]!r}; did you mean {near}? Others are named COMPONENT/POINT"


def _parts_of(words: Words) -> tuple[np.ndarray, np.ndarray]:
    """First code and number of points of the part that each word names; -1 of one that names none."""
    parts = [normalized(word).removesuffix("_landmarks") for word in words.words] or [""]
    parts = [_PARTS_CALLED.get(part, part) for part in parts]
    return np.array([_BASES.get(part, -1) for part in parts]), np.array([PARTS.get(part, 0) for part in parts])


def whole_numbers(values: np.ndarray, what: str, largest: int) -> np.ndarray:
    """(N,) int64 of numbers without a fraction.

    Raises:
        RowError: one is none.
    """
    with np.errstate(invalid="ignore"):
        wrong = ~(values == np.floor(values)) | ~(np.abs(values) <= largest)
    if wrong.any():
        row = first_true(wrong)
        raise RowError(row, f"{what} {values[row]:.10g} is no whole number")
    return values.astype(np.int64)


def _coordinates(chunk: Chunk, axes: Sequence[int]) -> np.ndarray | None:
    """(N, D) float32 of the columns; None of no columns."""
    if not axes:
        return None
    coordinates = np.empty((chunk.rows, len(axes)), np.float32)
    with np.errstate(over="ignore"):
        for i, column in enumerate(axes):
            coordinates[:, i] = chunk.numbers[column]
    return coordinates


def landmarks(
    frames: np.ndarray,
    codes: np.ndarray,
    coordinates: np.ndarray | None,
    confidence: np.ndarray | None,
    *,
    strict: bool = False,
) -> Rows:
    """Rows of landmarks: those without x and y are missing, and one without z has z = 0.

    Args:
        frames, codes: (N,).
        coordinates: (N, D) float32, which is changed; None if only the frames are wanted.
        confidence: (N,), 1 where it is no number; None: there is no such column.
        strict: a landmark without z is missing, too.
    """
    score = np.ones(1, np.float32)
    if confidence is not None:
        with np.errstate(over="ignore"):
            score = np.where(np.isnan(confidence), 1.0, confidence).astype(np.float32)
    if coordinates is None:
        score = np.broadcast_to(score, frames.shape)
        return Rows(frames, codes, np.zeros((len(frames), 0), np.float32), score, np.ones(len(frames), bool))
    seen = _without_unknown(coordinates, strict=strict)
    return Rows(frames, codes, coordinates, np.where(seen, score, np.float32(0)), seen)


def _without_unknown(coordinates: np.ndarray, *, strict: bool = False) -> np.ndarray:
    """Which landmarks (...) of coordinates (..., D) have numbers; those that are none become 0 in place."""
    with np.errstate(invalid="ignore"):
        known = np.abs(coordinates) < LARGEST  # False of NaN
    seen: np.ndarray = known[..., 0] & known[..., 1]  # which takes a tenth of the time of `all` along a short axis
    if strict and known.shape[-1] > 2:
        seen &= known[..., 2]
    if not known.all():
        known &= seen[..., None]
        coordinates[~known] = 0
    return seen
