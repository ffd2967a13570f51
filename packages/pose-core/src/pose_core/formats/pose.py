"""`.pose` files (https://github.com/sign-language-processing/pose): headers through `pose_format`, bodies from numpy.

Bodies are read here, so that only the wanted frames and person are read, and stated sizes are checked against the
file's length before memory is allocated.
"""

from __future__ import annotations

import math
import os
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from pose_core.errors import UserError
from pose_core.formats.frame_range import FrameRange
from pose_core.formats.people import MOST, People, find_people
from pose_core.formats.pose_stream import PoseWriter
from pose_core.formats.reading import reading
from pose_core.formats.sniffing import VERSIONS
from pose_core.notices import notify
from pose_core.rates import stated_rate
from pose_core.sequence import PoseSequence
from pose_core.skeleton import Skeleton
from pose_core.texts import counted

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

# What pose_format's parser raises on bytes that are no header, or only a part of one.
_PARSER_ERRORS = (struct.error, ValueError, TypeError, IndexError, AttributeError, OverflowError, MemoryError)
_PREFIX = 1 << 16  # bytes in which a header is looked for first; the largest of MediaPipe's has 25,000
_LONGEST_HEADER = 1 << 20  # bytes; a longer one is damaged, and would take seconds to prove it
_BLOCK = 1 << 24  # bytes of a body in memory at once while its people are counted


@dataclass(frozen=True)
class _Header:
    """A file's header.

    Attributes:
        skeleton: of the keypoints, at most three coordinates each.
        widths: values per point of each component: coordinates and confidence.
    """

    content: bytes
    version: float
    skeleton: Skeleton
    size: tuple[int, int, int]
    widths: tuple[int, ...]

    @property
    def dims(self) -> int:
        """Coordinates of each keypoint in the file's arrays."""
        return max(self.widths) - 1


_headers: list[_Header] = []  # the last few; a data set has one, and sequences that share a skeleton compare at once


@dataclass(frozen=True)
class _Body:
    """Layout of a file's body: arrays of all frames (0.1, 0.2), or frame by frame (0.0).

    Attributes:
        begin: offset of the arrays in the file.
        frames, people: how many, of 0.0 the most people of a frame.
        frame_offsets: of 0.0, number of people of each frame and the offset of the first; else empty.
    """

    begin: int
    fps: float
    frames: int
    people: int
    frame_offsets: tuple[tuple[int, int], ...] = ()


def read(
    path: Path,
    *,
    person: int | None = None,
    frame_range: FrameRange = FrameRange(),  # noqa: B008 - frozen
    fps: float | None = None,
    min_confidence: float = 0.0,
) -> PoseSequence:
    """See `pose_core.formats.read`."""
    frames = blocks(path, person=person, fps=fps, min_confidence=min_confidence)
    return frames[frame_range.frames(len(frames), frames.fps, path)]


class PoseFrames:
    """The frames of one person of a file, a `FrameSource`; only what a slice asks for is read."""

    def __init__(self, path: Path, person: int | None, fps: float | None, min_confidence: float) -> None:
        self._path = path
        with self._opened() as (file, header, body):
            if not body.frames:
                raise UserError("has no frames; drop it from the data")
            if person is not None and not 0 <= person < body.people:
                raise UserError(f"has {counted(body.people, 'person')}, counted from 0; there is no person {person}")
            self.fps = stated_rate(body.fps, fps, path)
            self._length = body.frames
            self._slots = np.zeros(body.frames, np.int64)
            if body.people > 1:
                people = _people_of(path, _stamp(file), min_confidence)
                if person is None or person < len(people):
                    self._slots = people.slots[:, people.take(person, path)]
                else:
                    self._slots += person
            if header.dims > header.skeleton.num_dims:
                notify(
                    path,
                    f"points have {header.dims} coordinates; the first three are read as x, y, z, the others left out",
                    kind="files with more than three coordinates",
                )

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, frames: slice) -> PoseSequence:
        frames = slice(*frames.indices(self._length)[:2])
        with self._opened() as (file, header, body):
            if body.frames != self._length:
                raise UserError("has changed while it was read; read it again")
            keypoints, confidence = _values(file, header, body, frames, self._slots[frames, None])
            return PoseSequence(keypoints[:, 0], confidence[:, 0], self.fps, header.skeleton, header.size)

    @contextmanager
    def _opened(self) -> Generator[tuple[BinaryIO, _Header, _Body]]:
        def damage(error: Exception) -> str:
            return f"{_damage(self._path, error)}; export or copy it again"

        with reading(self._path, _PARSER_ERRORS, damage), self._path.open("rb") as file:
            header = _read_header(file)
            yield file, header, _read_body(file, header)


def blocks(
    path: Path, *, person: int | None = None, fps: float | None = None, min_confidence: float = 0.0
) -> PoseFrames:
    """The frames of a file, to be read piece by piece; arguments as of `read`."""
    return PoseFrames(path, person, fps, min_confidence)


def _damage(path: Path, error: BaseException) -> str:
    """Describes the damage of a file that cannot be parsed."""
    with path.open("rb") as file:
        start = file.read(len(VERSIONS[0]))
    if not start:
        return "empty file"
    if not any(version.startswith(start) for version in VERSIONS):
        return "not a .pose file"
    if isinstance(error, struct.error):  # something was to be read past the end
        return f"not a whole .pose file: cut short after {path.stat().st_size:,} bytes"
    return "a damaged .pose file, whose header cannot be read"


def write(sequence: PoseSequence, path: Path, *, overwrite: bool = False, version: float = 0.2) -> None:
    """See `pose_core.formats.write`."""
    with PoseWriter(
        path, sequence.skeleton, sequence.fps, size=sequence.size, overwrite=overwrite, version=version
    ) as writer:
        writer.append(sequence.keypoints, sequence.confidence)


@dataclass(frozen=True)
class PoseFile:
    """Version of a `.pose` file, and its numbers of people and frames."""

    version: float
    people: int
    frames: int


def describe(path: Path) -> PoseFile:
    """Version, people and frames of a file that `read` has read."""
    with path.open("rb") as file:
        header = _read_header(file)
        body = _read_body(file, header)
        return PoseFile(header.version, body.people, body.frames)


def people_of(path: Path, *, min_confidence: float = 0.0) -> People:
    """The people of a file that `read` has read: visibility, size, and swaps of slots."""
    with path.open("rb") as file:
        stamp = _stamp(file)
    return _people_of(path, stamp, min_confidence)


@lru_cache(maxsize=8)
def _people_of(path: Path, stamp: tuple[int, int], min_confidence: float) -> People:
    """Cached, as a long file is read piece by piece; `stamp` tells whether it is the same file still."""
    with path.open("rb") as file:
        header = _read_header(file)
        body = _read_body(file, header)
        frame_bytes = 4 * body.people * header.skeleton.num_keypoints * (header.dims + 1)
        length = max(1, _BLOCK // frame_bytes)
        slots = np.arange(min(body.people, MOST))

        def blocks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
            for start in range(0, body.frames, length):
                frames = slice(start, min(start + length, body.frames))
                yield _values(file, header, body, frames, np.tile(slots, (frames.stop - start, 1)))

        return find_people(blocks(), min_confidence=min_confidence)


def _stamp(file: BinaryIO) -> tuple[int, int]:
    state = os.fstat(file.fileno())
    return state.st_size, state.st_mtime_ns


def _read_header(file: BinaryIO) -> _Header:
    """The header at the beginning of a file; leaves the file where the body begins."""
    from pose_format.pose_header import PoseHeader, PoseHeaderCache
    from pose_format.utils.reader import BufferReader

    prefix = file.read(_PREFIX)
    for known in _headers:
        if prefix.startswith(known.content):  # a header says itself where it ends: what begins alike is the same
            file.seek(len(known.content))
            return known
    while True:
        # pose_format's cache compares bytes at the last file's offsets only: a part could pass for a whole.
        PoseHeaderCache.clear_cache()
        reader = BufferReader(prefix)
        try:
            header = PoseHeader.read(reader)
            break
        except _PARSER_ERRORS:
            more = file.read(3 * len(prefix)) if len(prefix) < _LONGEST_HEADER else b""
            if not more:
                raise
            prefix += more
    version = round(header.version, 3)
    if version not in (0.0, 0.1, 0.2):
        raise UserError(f".pose version {header.version:g} is not known; known: 0.0, 0.1, 0.2")
    if header.is_bbox:
        raise UserError("holds bounding boxes, not poses")
    if not header.total_points():
        raise UserError("states no points; there is nothing to read")
    size = (header.dimensions.width, header.dimensions.height, header.dimensions.depth)
    widths = tuple(len(component.format) for component in header.components)
    for component in header.components:
        if len(component.format) > 4 and component.format.startswith("XYZ") and component.format.endswith("C"):
            component.format = "XYZC"  # what else a point has is left out
    content = bytes(prefix[: reader.read_offset])
    read_header = _Header(content, version, Skeleton.from_header(header), size, widths)
    file.seek(reader.read_offset)
    _headers.insert(0, read_header)
    del _headers[8:]
    return read_header


def _read_body(file: BinaryIO, header: _Header) -> _Body:
    """Reads and checks the body's header; the file is at the end of the file header."""
    if header.version == 0.0:
        fps, stated = struct.unpack("<HH", file.read(4))
        frame_offsets = _frames_v0_0(file, header, stated)
        return _Body(0, fps, stated, max([1, *(people for people, _ in frame_offsets)]), tuple(frame_offsets))
    if header.version == 0.1:
        fps, stated, people = struct.unpack("<HHH", file.read(6))
        found = _frames_in(file, header, people)
        whole = found % 0x10000 == stated  # frames are counted in 16 bits, and a longer file lets them overflow
    else:
        fps, stated, people = struct.unpack("<fIH", file.read(10))
        found = _frames_in(file, header, people)
        whole = found == stated
    if not whole:
        holds = f"{int(found)}" if found == int(found) else f"{int(found)} and a part of one"
        raise UserError(f"states {stated} frames and holds {holds}: it is cut short or damaged; copy it again")
    return _Body(file.tell(), fps, int(found), people)


def _frames_in(file: BinaryIO, header: _Header, people: int) -> float:
    """Number of frames that the rest of the file can hold; no whole number if it is damaged."""
    frame_bytes = 4 * people * header.skeleton.num_keypoints * (header.dims + 1)
    if not frame_bytes:
        raise UserError("states no people; there is nothing to read")
    return (os.fstat(file.fileno()).st_size - file.tell()) / frame_bytes


def _values(
    file: BinaryIO, header: _Header, body: _Body, frames: slice, slots: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (T', P', K, D) and confidence (T', P', K) of the people at `slots` (T', P') of the wanted frames."""
    if header.version == 0.0:
        return _values_v0_0(file, header, body.frame_offsets[frames], slots)
    K, D = header.skeleton.num_keypoints, header.dims
    rows = np.arange(len(slots))[:, None]

    def values(start: int, shape: tuple[int, ...]) -> np.ndarray:
        """(T', P', ...) of the array (T, people, ...) that begins there."""
        count = body.people * math.prod(shape)
        file.seek(start + 4 * count * frames.start)
        array = np.fromfile(file, "<f4", count * (frames.stop - frames.start)).reshape(-1, body.people, *shape)
        return array if body.people == 1 else array[rows, slots]

    keypoints = values(body.begin, (K, D))[..., : header.skeleton.num_dims]
    return np.ascontiguousarray(keypoints), values(body.begin + 4 * body.frames * body.people * K * D, (K,))


def _values_v0_0(
    file: BinaryIO, header: _Header, frame_offsets: Sequence[tuple[int, int]], slots: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Version 0.0: per frame and person a 2-byte id and the values component by component.

    People are identified by their position in the frame; in frames with fewer people the others are missing.
    """
    shape = (*slots.shape, header.skeleton.num_keypoints)
    keypoints, confidence = np.zeros((*shape, header.skeleton.num_dims), "<f4"), np.zeros(shape, "<f4")
    for row, (people, offset) in enumerate(frame_offsets):
        for column, slot in enumerate(slots[row].tolist()):
            if slot >= people:
                continue
            file.seek(offset + slot * _person_bytes(header) + 2)
            first = 0
            for component, width in zip(header.skeleton.components, header.widths, strict=True):
                points, dims = len(component.points), len(component.point_format) - 1
                values = np.fromfile(file, "<f4", points * width).reshape(points, width)
                keypoints[row, column, first : first + points, :dims] = values[:, :dims]
                confidence[row, column, first : first + points] = values[:, -1]
                first += points
    return keypoints, confidence


def _frames_v0_0(file: BinaryIO, header: _Header, stated: int) -> list[tuple[int, int]]:
    """Number of people per frame, and the file offset of the first."""
    size = os.fstat(file.fileno()).st_size
    offset, frames = file.tell(), []
    for frame in range(stated):
        file.seek(offset)
        people = int.from_bytes(file.read(2), "little")
        frames.append((people, offset + 2))
        offset += 2 + people * _person_bytes(header)
        if offset > size:
            raise UserError(f"states {stated} frames and ends in number {frame + 1}: it is cut short; copy it again")
    if offset < size:
        raise UserError(f"goes on after the {stated} frames it states: it is damaged; export or copy it again")
    return frames


def _person_bytes(header: _Header) -> int:
    components = zip(header.skeleton.components, header.widths, strict=True)
    return 2 + 4 * sum(len(component.points) * width for component, width in components)
