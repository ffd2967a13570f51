"""`.pose` files (https://github.com/sign-language-processing/pose): headers through `pose_format`, bodies from numpy.

A body is read here because only the frames and the person asked for are wanted, and because whatever a file states is
held against its length before memory is taken for it.
"""

from __future__ import annotations

import io
import math
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from pose_core.errors import UserError, reason
from pose_core.files import written_whole
from pose_core.formats.span import Span
from pose_core.sequence import PoseSequence
from pose_core.skeleton import Skeleton

if TYPE_CHECKING:
    from pathlib import Path

# What pose_format's parser raises on bytes that are no header, or only a part of one.
_PARSER_ERRORS = (struct.error, ValueError, TypeError, IndexError, AttributeError, OverflowError, MemoryError)
_PREFIX = 1 << 16  # bytes in which a header is looked for first; the largest of MediaPipe's has 25,000
_LONGEST_HEADER = 1 << 20  # bytes; a longer one is damaged, and would take seconds to prove it


@dataclass(frozen=True)
class _Header:
    content: bytes
    version: float
    skeleton: Skeleton
    size: tuple[int, int, int]


_headers: list[_Header] = []  # the last few; a data set has one, and sequences that share a skeleton compare at once


def read(path: Path, *, person: int = 0, span: Span = Span()) -> PoseSequence:  # noqa: B008 - frozen
    """See `pose_core.formats.read`."""
    try:
        with path.open("rb") as file:
            header = _read_header(file)
            read_body = {0.0: _read_v0_0, 0.1: _read_v0_1, 0.2: _read_v0_2}[header.version]
            return read_body(file, header, person, span, path)
    except UserError as error:
        message = str(error)
        raise UserError(message if message.startswith(str(path)) else f"{path}: {message}") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except _PARSER_ERRORS as error:
        raise UserError(f"{path}: not a whole .pose file ({reason(error)}); export or copy it again") from error


def write(sequence: PoseSequence, path: Path, *, overwrite: bool = False, version: float = 0.2) -> None:
    """See `pose_core.formats.write`."""
    for name in (name for names in sequence.skeleton.keypoints for name in names):
        if not name.isascii():  # pose_format would count its letters and write its bytes: nobody could read the file
            raise UserError(f"{path}: the name {name!r} cannot be written in a .pose file; use ASCII letters")
    buffer = io.BytesIO()
    try:
        sequence.skeleton.to_header(sequence.size).write(buffer)
    except (ValueError, struct.error) as error:
        raise UserError(f"{path}: a .pose header holds numbers from 0 to 65,535 only ({reason(error)})") from error
    frames = len(sequence)
    if version == 0.2:
        body = struct.pack("<fIH", sequence.fps, frames, 1)
    elif version == 0.1:
        if sequence.fps != round(sequence.fps) or max(sequence.fps, frames) > 0xFFFF:
            raise UserError(f"{path}: version 0.1 holds whole frame rates and 65,535 frames; write version 0.2")
        body = struct.pack("<HHH", round(sequence.fps), frames, 1)
        buffer.getbuffer()[:4] = struct.pack("<f", version)  # pose_format's header says 0.2 whatever it is told
    else:
        raise UserError(f"{path}: .pose version {version} cannot be written; use 0.1 or 0.2")
    buffer.seek(0, io.SEEK_END)
    buffer.write(body)
    buffer.write(np.ascontiguousarray(sequence.keypoints, "<f4").tobytes())
    buffer.write(np.ascontiguousarray(sequence.confidence, "<f4").tobytes())
    with written_whole(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(buffer.getvalue())


@dataclass(frozen=True)
class PoseFile:
    """What a `.pose` file states beside its poses: the format's version, and how many people are in it."""

    version: float
    people: int


def describe(path: Path) -> PoseFile:
    """Version and people of a file that `read` has read."""
    with path.open("rb") as file:
        header = _read_header(file)
        if header.version == 0.0:
            _, stated = struct.unpack("<HH", file.read(4))
            return PoseFile(0.0, max([1, *(people for people, _ in _frames_v0_0(file, header, stated))]))
        head = {0.1: "<HHH", 0.2: "<fIH"}[header.version]
        return PoseFile(header.version, struct.unpack(head, file.read(struct.calcsize(head)))[2])


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
    read_header = _Header(bytes(prefix[: reader.read_offset]), version, Skeleton.from_header(header), size)
    file.seek(reader.read_offset)
    _headers.insert(0, read_header)
    del _headers[8:]
    return read_header


def _read_v0_2(file: BinaryIO, header: _Header, person: int, span: Span, path: Path) -> PoseSequence:
    fps, stated, people = struct.unpack("<fIH", file.read(10))
    found = _frames_in(file, header, people)
    if found != stated:
        raise UserError(f"states {stated} frames and holds {found:g}: it is cut short or damaged; copy it again")
    return _read_arrays(file, header, fps, stated, people, person, span, path)


def _read_v0_1(file: BinaryIO, header: _Header, person: int, span: Span, path: Path) -> PoseSequence:
    fps, stated, people = struct.unpack("<HHH", file.read(6))
    found = _frames_in(file, header, people)
    if found % 0x10000 != stated:  # frames are counted in 16 bits, and a longer file lets them overflow
        raise UserError(f"states {stated} frames and holds {found:g}: it is cut short or damaged; copy it again")
    return _read_arrays(file, header, fps, int(found), people, person, span, path)


def _frames_in(file: BinaryIO, header: _Header, people: int) -> float:
    """How many frames the rest of the file can hold; no whole number where it is damaged."""
    frame_bytes = 4 * people * header.skeleton.num_keypoints * (header.skeleton.num_dims + 1)
    if not frame_bytes:
        raise UserError("states no people; there is nothing to read")
    return (os.fstat(file.fileno()).st_size - file.tell()) / frame_bytes


def _read_arrays(
    file: BinaryIO, header: _Header, fps: float, length: int, people: int, person: int, span: Span, path: Path
) -> PoseSequence:
    """The wanted frames of a body that holds all coordinates, then all confidences: (T, people, K[, D])."""
    _check(fps, length, people, person)
    frames = span.frames(length, fps, path)
    K, D = header.skeleton.num_keypoints, header.skeleton.num_dims
    body = file.tell()

    def values(start: int, shape: tuple[int, ...]) -> np.ndarray:
        """(T', ...) of the wanted person, from the array (T, people, ...) that begins there."""
        count = math.prod(shape)
        file.seek(start + 4 * people * count * frames.start)
        array = np.fromfile(file, "<f4", people * count * (frames.stop - frames.start))
        return np.ascontiguousarray(array.reshape(-1, people, *shape)[:, person])

    keypoints = values(body, (K, D))
    confidence = values(body + 4 * length * people * K * D, (K,))
    return PoseSequence(keypoints, confidence, float(fps), header.skeleton, header.size)


def _read_v0_0(file: BinaryIO, header: _Header, person: int, span: Span, path: Path) -> PoseSequence:
    """Frame by frame, and of each person there a 2-byte id and the values of component after component.

    A person is told by the place in the frame; a frame with too few people has the person missing.
    """
    fps, stated = struct.unpack("<HH", file.read(4))
    found = _frames_v0_0(file, header, stated)
    _check(fps, stated, max([1, *(people for people, _ in found)]), person)
    frames = span.frames(stated, fps, path)
    keypoints = np.zeros((frames.stop - frames.start, header.skeleton.num_keypoints, header.skeleton.num_dims), "<f4")
    confidence = np.zeros(keypoints.shape[:2], "<f4")
    for row, frame in enumerate(range(frames.start, frames.stop)):
        people, place = found[frame]
        if person >= people:
            continue
        file.seek(place + person * _person_bytes(header) + 2)
        first = 0
        for component in header.skeleton.components:
            points, width = len(component.points), len(component.point_format)
            values = np.fromfile(file, "<f4", points * width).reshape(points, width)
            keypoints[row, first : first + points, : width - 1] = values[:, :-1]
            confidence[row, first : first + points] = values[:, -1]
            first += points
    return PoseSequence(keypoints, confidence, float(fps), header.skeleton, header.size)


def _frames_v0_0(file: BinaryIO, header: _Header, stated: int) -> list[tuple[int, int]]:
    """How many people each frame has, and where in the file the first of them begins."""
    size = os.fstat(file.fileno()).st_size
    place, frames = file.tell(), []
    for frame in range(stated):
        file.seek(place)
        people = int.from_bytes(file.read(2), "little")
        frames.append((people, place + 2))
        place += 2 + people * _person_bytes(header)
        if place > size:
            raise UserError(f"states {stated} frames and ends in number {frame + 1}: it is cut short; copy it again")
    if place < size:
        raise UserError(f"goes on after the {stated} frames it states: it is damaged; export or copy it again")
    return frames


def _person_bytes(header: _Header) -> int:
    components = header.skeleton.components
    return 2 + 4 * sum(len(component.points) * len(component.point_format) for component in components)


def _check(fps: float, frames: int, people: int, person: int) -> None:
    if not frames:
        raise UserError("has no frames; drop it from the data")
    if not 0 <= person < people:
        raise UserError(f"has {people} person(s), counted from 0; there is no person {person}")
    if not (math.isfinite(fps) and fps > 0):
        raise UserError(f"states {fps} frames a second; export it again with its frame rate")
