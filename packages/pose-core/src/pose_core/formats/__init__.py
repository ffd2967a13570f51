"""Reading and writing pose files by suffix: `.pose`, `.npz`, `.csv`; `.npy`, `.json` and OpenPose folders are read."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pose_core.atomic_files import check_name
from pose_core.errors import UserError
from pose_core.formats import estimator_json, landmarks_csv, npz, pose
from pose_core.formats.estimator_json import is_clip_folder
from pose_core.formats.frame_range import FrameRange
from pose_core.formats.units import in_pixels
from pose_core.notices import notify
from pose_core.rates import DEFAULT_FPS, check_rate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from pose_core.formats.people import People
    from pose_core.sequence import PoseSequence

__all__ = ["DEFAULT_FPS", "READABLE", "READERS", "WRITERS", "is_clip_folder", "people_of", "read", "write"]

# Modules by suffix: with `read` in READERS, with `write` in WRITERS; a format may stand in one alone. What finds files
# or checks outputs asks these tables. Three places do not, as they load before the formats or know only first bytes:
# `sniffing.pose_suffix` (standard input), the help of `command_line.PoseFiles` and of `pose-core convert`.
READERS: dict[str, ModuleType] = {".pose": pose, ".npz": npz, ".csv": landmarks_csv}
WRITERS: dict[str, ModuleType] = {".pose": pose, ".npz": npz, ".csv": landmarks_csv}
# Folders are searched for READERS alone: data sets hold other `.json` and `.npy` files, too. These are read if named.
READABLE: ChainMap[str, ModuleType] = ChainMap({".npy": npz, ".json": estimator_json}, READERS)
_HIGHEST = 1.05  # of a confidence, with room for rounding; RTMPose scores up to 10


def read(
    path: str | Path,
    *,
    person: int | None = None,
    start: float | None = None,
    end: float | None = None,
    fps: float | None = None,
    min_confidence: float = 0.0,
    axes: str | None = None,
    order: str | None = None,
    size: tuple[int, int] | None = None,
    y_up: bool = False,
) -> PoseSequence:
    """Reads one person's poses, every value as the file has it; `transforms.clean` mends what estimators leave behind.

    What has to be assumed about a file is said by an `InputWarning`, one line each.

    Args:
        path: a `.pose` file (version 0.0, 0.1 or 0.2), an `.npz` with `poses` (T, K, D + 1), an `.npy` of that array, a
            landmark `.csv`, MMPose's predictions (`.json`), or a folder with OpenPose's `*_keypoints.json`.
        person: which person of a file with several, from 0; None: who is visible most often and largest, and a warning
            says who that is. People who change places within a file are followed.
        start: first frame to read, a whole number of frames or a float in seconds; from the beginning by default.
        end: the frame to stop before, in frames or seconds; to the file's end by default. Of a `.pose` file only that
            part is read from the disk.
        fps: frames per second of the file, whatever it says itself; 25 are assumed of a file that does not say.
        min_confidence: keypoints that score less have confidence 0, in the file's own scores.
        axes: what the numbers of each keypoint of an array are, "xy", "xyc" (c is confidence), "xyz" or "xyzc", if the
            file does not say; found out and said by default.
        order: in which an array has MediaPipe's 543 keypoints, "mediapipe" or "asl-signs"; found out by default.
        size: width and height of the picture, in pixels; coordinates between 0 and 1 are multiplied by it.
        y_up: y points up in the file; here it points down.

    Returns:
        The sequence in the file's own coordinates: pixels (`.pose`, `.json`), or a `.csv`'s, whose y points up, turned
        y down.

    Raises:
        UserError: no such file, person or frames, or not a whole pose file; the message names the path.
    """
    path = Path(path)
    check_name(path)
    if not path.exists():
        raise UserError(f"{path}: no such file")
    file_format = _reader_of(path)
    wanted = FrameRange(start, end)
    if (axes or order) and file_format is not npz:
        raise UserError(f"{path}: names its columns itself; axes and order are said of arrays (.npz, .npy) only")
    if file_format in (pose, estimator_json):
        sequence = file_format.read(path, person=person, frame_range=wanted, fps=fps, min_confidence=min_confidence)
    else:
        if person:
            raise UserError(f"{path}: has 1 person(s), counted from 0; there is no person {person}")
        if file_format is npz:
            sequence = npz.read(path, fps=fps, axes=axes, order=order)
        else:
            sequence = file_format.read(path, fps=fps)
        sequence = sequence[wanted.frames(len(sequence), sequence.fps, path)]
    return in_pixels(_above(sequence, min_confidence, path), size, y_up, path)


def people_of(path: str | Path, *, min_confidence: float = 0.0) -> People | None:
    """The people of a file that `read` has read; None where its format has only one."""
    path = Path(path)
    file_format = _reader_of(path)
    return file_format.people_of(path, min_confidence=min_confidence) if hasattr(file_format, "people_of") else None


def _reader_of(path: Path) -> ModuleType:
    if path.is_dir():
        if is_clip_folder(path):
            return estimator_json
        raise UserError(f"{path}: not a file; name a single pose file, or a folder of OpenPose's *_keypoints.json")
    if not path.is_file():
        raise UserError(f"{path}: not a file; name a single pose file")
    return _format_of(path, READABLE)


def _above(sequence: PoseSequence, min_confidence: float, path: Path) -> PoseSequence:
    """The sequence without keypoints of a lower score."""
    confidence = sequence.confidence
    if min_confidence > 0:
        low = (confidence > 0) & (confidence < min_confidence)
        if low.any() and (low | ~(confidence > 0)).all():
            notify(
                path, f"no keypoint scores {min_confidence:g} or more; all are missing", kind="files without a score"
            )
        return replace(sequence, confidence=np.where(low, np.float32(0), confidence)) if low.any() else sequence
    highest = np.max(confidence, initial=0.0, where=np.isfinite(confidence))
    if highest > _HIGHEST:
        notify(
            path,
            f"scores run to {highest:.3g}; those above 1 count as 1, and none is too low to count; "
            "--min-confidence sets a threshold",
            kind="files whose scores exceed 1",
        )
    return sequence


def write(sequence: PoseSequence, path: str | Path, *, overwrite: bool = False, pose_version: float = 0.2) -> None:
    """Writes a sequence, whole or not at all; `read` gives the same values back, of a `.csv` without fps and size.

    Args:
        sequence: at least one frame.
        path: ends in `.pose`, `.npz` or `.csv`.
        overwrite: replace an existing file.
        pose_version: of a `.pose` file, 0.2 or 0.1; the latter holds whole frame rates and at most 65,535 frames.

    Raises:
        UserError: the file exists, the folder cannot be written, the suffix is unknown, or the frame rate is none; the
            message names the path.
    """
    path = Path(path)
    file_format = _format_of(path, WRITERS)
    if not len(sequence):
        raise UserError(f"{path}: the pose has no frames; there is nothing to write")
    try:
        check_rate(sequence.fps)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    if file_format is pose:
        pose.write(sequence, path, overwrite=overwrite, version=pose_version)
    else:
        file_format.write(sequence, path, overwrite=overwrite)


def _format_of(path: Path, formats: Mapping[str, ModuleType]) -> ModuleType:
    try:
        return formats[path.suffix.lower()]
    except KeyError:
        known = ", ".join(formats)
        raise UserError(f"{path}: unknown pose format {path.suffix!r}; known: {known}") from None
