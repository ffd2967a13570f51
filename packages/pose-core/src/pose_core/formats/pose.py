"""`.pose` files, through `pose_format`: https://github.com/sign-language-processing/pose."""

from __future__ import annotations

import io
import math
import struct
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.files import written_whole
from pose_core.sequence import PoseSequence
from pose_core.skeleton import Skeleton

if TYPE_CHECKING:
    from pathlib import Path

    from pose_format.pose_header import PoseHeader

# What pose_format's parser raises on bytes that are no pose file, or only a part of one.
_PARSER_ERRORS = (
    struct.error,
    ValueError,  # UnicodeDecodeError included
    TypeError,
    IndexError,
    AttributeError,
    NotImplementedError,
    OverflowError,
    MemoryError,
    ZeroDivisionError,
)
OUTSIDE = 2.0  # picture sizes a point may lie outside the picture; estimators leave it by a fifth, not by twice


def read(path: Path, *, person: int = 0) -> PoseSequence:
    """See `pose_core.formats.read`."""
    from pose_format import Pose

    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        header_bytes, header = _read_header(content)
        _check_length(content[header_bytes:], header)
        pose = Pose.read(content)
        data, confidence = np.ma.getdata(pose.body.data), np.ma.getdata(pose.body.confidence)
        fps = float(pose.body.fps)
        skeleton = Skeleton.from_header(header)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except _PARSER_ERRORS as error:
        raise UserError(f"{path}: not a whole .pose file ({error}); export or copy it again") from error
    if header.is_bbox:
        raise UserError(f"{path}: holds bounding boxes, not poses")
    frames, people = data.shape[:2]
    if not frames:
        raise UserError(f"{path}: has no frames; drop it from the data")
    if not 0 <= person < people:
        raise UserError(f"{path}: has {people} person(s), counted from 0; there is no person {person}")
    if not (math.isfinite(fps) and fps > 0):
        raise UserError(f"{path}: states {fps} frames a second; export it again with its frame rate")
    size = (header.dimensions.width, header.dimensions.height, header.dimensions.depth)
    keypoints, confidence = _clean(data[:, person], confidence[:, person], size)
    return PoseSequence(keypoints, confidence, fps, skeleton, size)


def write(sequence: PoseSequence, path: Path, *, overwrite: bool = False, version: float = 0.2) -> None:
    """See `pose_core.formats.write`. `version` 0.1 holds whole frame rates and at most 65,535 frames."""
    for name in (name for names in sequence.skeleton.keypoints for name in names):
        if not name.isascii():  # pose_format would count its letters and write its bytes: nobody could read the file
            raise UserError(f"{path}: the name {name!r} cannot be written in a .pose file; use ASCII letters")
    buffer = io.BytesIO()
    try:
        sequence.skeleton.to_header(sequence.size).write(buffer)
    except (ValueError, struct.error) as error:
        raise UserError(f"{path}: a .pose header holds numbers from 0 to 65,535 only ({error})") from error
    frames = len(sequence)
    if version == 0.2:
        body = struct.pack("<fIH", sequence.fps, frames, 1)
    elif version == 0.1:
        if sequence.fps != round(sequence.fps) or frames > 0xFFFF:
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


def _read_header(content: bytes) -> tuple[int, PoseHeader]:
    """Length of the header in bytes, and the header."""
    from pose_format.pose_header import PoseHeader, PoseHeaderCache
    from pose_format.utils.reader import BufferReader

    # The cache compares bytes at the last file's offsets only, so a truncated file could pass for a whole one.
    PoseHeaderCache.clear_cache()
    reader = BufferReader(content)
    header = PoseHeader.read(reader)
    return reader.read_offset, header


def _check_length(body: bytes, header: PoseHeader) -> None:
    """Refuses a body that is shorter than it says; pose_format would take confidences for coordinates (v0.1)."""
    version = round(header.version, 3)
    if version not in (0.0, 0.1, 0.2):
        raise UserError(f".pose version {header.version:g} is not known; known: 0.0, 0.1, 0.2")
    if not header.total_points():
        raise UserError("states no points; there is nothing to read")
    if version == 0.0:
        return _check_length_v0_0(body, header)
    values = header.total_points() * (header.num_dims() + 1)
    if version == 0.1:
        _, stated, people = struct.unpack_from("<HHH", body)
        start = 6
    else:
        _, stated, people = struct.unpack_from("<fIH", body)
        start = 10
    frame_bytes = 4 * people * values
    if not frame_bytes:
        raise UserError("states no people; there is nothing to read")
    found, rest = divmod(len(body) - start, frame_bytes)
    expected = found % 0x10000 if version == 0.1 else found  # v0.1 counts frames in 16 bits and lets them overflow
    if rest or expected != stated:
        raise UserError(f"states {stated} frames and holds {found}: it is cut short or damaged; copy it again")
    return None


def _check_length_v0_0(body: bytes, header: PoseHeader) -> None:
    """As `_check_length`, where every frame states its own number of people, and every person has a 2-byte id."""
    _, stated = struct.unpack_from("<HH", body)
    person_bytes = 2 + 4 * sum(len(component.points) * len(component.format) for component in header.components)
    end = 4
    for frame in range(stated):
        people = int.from_bytes(body[end : end + 2], "little")
        end += 2 + people * person_bytes
        if end > len(body):
            raise UserError(f"states {stated} frames and ends in number {frame + 1}: it is cut short; copy it again")
    if end < len(body):
        raise UserError(f"goes on after the {stated} frames it states: it is damaged; export or copy it again")


def _clean(data: np.ndarray, confidence: np.ndarray, size: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Confidence in [0, 1]; keypoints that are no number or far outside the picture are missing, and lie at 0."""
    keypoints = np.array(data, np.float32)
    confidence = np.nan_to_num(np.array(confidence, np.float32), nan=0.0, posinf=0.0, neginf=0.0).clip(0.0, 1.0)
    seen = np.isfinite(keypoints).all(axis=-1) & (confidence > 0)
    for axis, extent in enumerate(size[:2]):
        if extent > 1:  # normalized files state 0 or 1
            x = keypoints[..., axis]
            with np.errstate(invalid="ignore"):
                seen &= (x > -OUTSIDE * extent) & (x < (1 + OUTSIDE) * extent)
    keypoints[~seen] = 0.0
    return keypoints, np.where(seen, confidence, np.float32(0.0))
