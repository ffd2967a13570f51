"""Reading and writing pose files by suffix: `.pose`, `.npz`, `.csv`; others, and OpenPose folders, are read."""

from __future__ import annotations

from collections import ChainMap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_core.atomic_files import check_name
from pose_core.errors import UserError, naming
from pose_core.formats import (
    clip_files,
    estimator_json,
    frame_arrays,
    landmarks_csv,
    landmarks_parquet,
    npz,
    pose,
    rows,
)
from pose_core.formats.frame_range import FrameRange
from pose_core.formats.rows import RowReader
from pose_core.formats.sniffing import ANNOTATIONS, VIDEOS
from pose_core.formats.threshold import Threshold, ThresholdedFrames
from pose_core.formats.units import plan_units
from pose_core.rates import DEFAULT_FPS, check_rate
from pose_core.transforms.layouts import to_layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from pose_core.formats.frame_source import FrameSource
    from pose_core.formats.people import People
    from pose_core.sequence import PoseSequence

__all__ = [
    "DEFAULT_FPS",
    "READABLE",
    "READERS",
    "WRITERS",
    "clips_of",
    "is_clip_folder",
    "people_of",
    "read",
    "read_blocks",
    "read_row",
    "write",
]

# Modules by suffix: with `read` in READERS, with `write` in WRITERS; a format may stand in one alone. What finds files
# or checks outputs asks these tables. Three places do not, as they load before the formats or know only first bytes:
# `sniffing.pose_suffix` (standard input), the help of `command_line.PoseFiles` and of `pose-core convert`.
READERS: dict[str, ModuleType] = {".pose": pose, ".npz": npz, ".csv": landmarks_csv}
WRITERS: dict[str, ModuleType] = {".pose": pose, ".npz": npz, ".csv": landmarks_csv}
# Folders are searched for READERS alone: data sets hold other `.json` and `.npy` files, too. These are read if named.
READABLE: ChainMap[str, ModuleType] = ChainMap(
    {
        ".npy": npz,
        ".json": estimator_json,
        **dict.fromkeys(clip_files.OPENERS, clip_files),
        ".parquet": landmarks_parquet,
    },
    READERS,
)
_PICKLES = (".pkl", ".pickle", ".joblib")


def read(
    path: str | Path,
    *,
    clip: str | None = None,
    person: int | None = None,
    start: float | None = None,
    end: float | None = None,
    fps: float | None = None,
    min_confidence: float = 0.0,
    axes: str | None = None,
    order: str | None = None,
    size: tuple[int, int] | None = None,
    y_up: bool = False,
    layout: str | None = None,
) -> PoseSequence:
    """Reads one person's poses, every value as the file has it; `transforms.clean` mends what estimators leave behind.

    What has to be assumed about a file is said by an `InputWarning`, one line each.

    Args:
        path: a `.pose` file (version 0.0, 0.1 or 0.2), an `.npz` with `poses` (T, K, D + 1), an `.npy` of that array, a
            landmark `.csv`, predictions of MMPose or AlphaPose (`.json`), a folder with OpenPose's `*_keypoints.json`;
            or a file of clips (`.pt`, `.safetensors`, `.npz` of several arrays, `.tar` of WebDataset, `.parquet`,
            `.arrow` and saved folders of `datasets`).
        clip: which clip of a file that holds several; see `clips_of`.
        person: which person of a file with several, from 0; None: who is visible most often and largest, and a warning
            says who that is. People who change places within a file are followed.
        start: first frame to read, a whole number of frames or a float in seconds; from the beginning by default.
        end: the frame to stop before, in frames or seconds; to the file's end by default. Of a `.pose` file only that
            part is read from the disk.
        fps: frames per second of the file, whatever it says itself; 25 are assumed of a file that does not say.
        min_confidence: keypoints that score less have confidence 0, in the file's own scores.
        axes: what the numbers of each keypoint of an array are, "xy", "xyc" (c is confidence), "xyz" or "xyzc", if the
            file does not say; found out and said by default.
        order: in which an array has MediaPipe's 543 keypoints, "mediapipe" or "asl-signs", or 178 of them, "mediapipe"
            or "slrtp"; found out by default.
        size: width and height of the picture, in pixels; coordinates between 0 and 1 are multiplied by it.
        y_up: y points up in the file; here it points down.
        layout: name of the layout to map the keypoints to, by anatomy; see `transforms.to_layout`.

    Returns:
        The sequence in the file's own coordinates: pixels (`.pose`, `.json`), or a `.csv`'s, whose y points up, turned
        y down.

    Raises:
        UserError: no such file, person or frames, or not a whole pose file; the message names the path.
    """
    path = Path(path)
    arguments: dict[str, Any] = {"clip": clip, "person": person, "fps": fps, "min_confidence": min_confidence}
    frames = _opened(path, **arguments, axes=axes, order=order)
    part = FrameRange(start, end).frames(len(frames), frames.fps, path)
    return _finished(frames, part, path, min_confidence, size=size, y_up=y_up, layout=layout)


def read_blocks(
    path: str | Path,
    *,
    frames: int = 1024,
    clip: str | None = None,
    person: int | None = None,
    start: float | None = None,
    end: float | None = None,
    fps: float | None = None,
    min_confidence: float = 0.0,
    axes: str | None = None,
    order: str | None = None,
    size: tuple[int, int] | None = None,
    y_up: bool = False,
    layout: str | None = None,
) -> Iterator[PoseSequence]:
    """Reads a clip piece by piece: one after the other, the pieces are what `read` returns.

    A `.pose` file, JSON, and a landmark table whose rows are sorted by frame take constant memory, however long they
    are; any other file is read whole. What has to be assumed is said once.

    Args:
        path: as of `read`.
        frames: per piece; the last one may have fewer.
        clip, person, start, end, fps, min_confidence, axes, order, size, y_up, layout: as of `read`.

    Raises:
        UserError: as `read`; a damage in the middle of a file may be met after some pieces.
    """
    path = Path(path)
    if frames < 1:
        raise UserError(f"{frames} frames per piece; at least one")
    arguments: dict[str, Any] = {"clip": clip, "person": person, "fps": fps, "min_confidence": min_confidence}
    source = _opened(path, **arguments, axes=axes, order=order, whole=False)
    part = FrameRange(start, end).frames(len(source), source.fps, path)
    threshold = Threshold(min_confidence, path)
    plan = plan_units(ThresholdedFrames(source, part, threshold), size, y_up, path)
    for first in range(part.start, part.stop, frames):
        block = source[first : min(first + frames, part.stop)]
        yield _in_layout(plan.apply(threshold.apply(block)), layout, path)
    threshold.report()


def read_row(
    row: Mapping[str, Any],
    column: str | None = None,
    *,
    path: str | Path = "row",
    person: int | None = None,
    fps: float | None = None,
    min_confidence: float = 0.0,
    axes: str | None = None,
    order: str | None = None,
    size: tuple[int, int] | None = None,
    y_up: bool = False,
    layout: str | None = None,
) -> PoseSequence:
    """Reads the poses of one row of a data set: a mapping that holds them, however it does.

    Rows of Hugging Face `datasets`, of TensorFlow Datasets (sign-language-datasets) and of WebDataset; see
    `pose_core.formats.rows`. A pickle is never loaded.

    Args:
        row: by column. The poses are the bytes of a pose file, `{"bytes", "path"}`, the path of a file, nested lists or
            an array (T, K, D) or (T, people, K, D), or `{"data", "conf", "fps"}`; beside them may stand `confidence`
            (T, K) and `fps`.
        column: which of them; by default that of the usual name, or the only one that can be poses.
        path: what messages call the row; files that it names are relative to that path's folder.
        person, fps, min_confidence, axes, order, size, y_up, layout: as of `read`.

    Raises:
        UserError: there are no poses in it, or they are damaged.
    """
    path = Path(path)
    with naming(path):
        frames = RowReader(path, _opened, column, person, fps, min_confidence, axes, order).read(row)
    return _finished(frames, slice(0, len(frames)), path, min_confidence, size=size, y_up=y_up, layout=layout)


def _finished(
    frames: FrameSource,
    part: slice,
    path: Path,
    min_confidence: float,
    *,
    size: tuple[int, int] | None = None,
    y_up: bool = False,
    layout: str | None = None,
) -> PoseSequence:
    """A part of the frames as `read` returns them."""
    threshold = Threshold(min_confidence, path)
    sequence = threshold.apply(frames[part])
    threshold.report()
    return _in_layout(plan_units(sequence, size, y_up, path).apply(sequence), layout, path)


def _opened(
    path: Path,
    *,
    clip: str | None = None,
    person: int | None = None,
    fps: float | None = None,
    min_confidence: float = 0.0,
    axes: str | None = None,
    order: str | None = None,
    whole: bool = True,
) -> FrameSource:
    """All frames of a file, of one person: in memory, or if not `whole`, as its reader's `blocks` gives them.

    Raises:
        UserError: as `read`.
    """
    check_name(path)
    if not path.exists():
        raise UserError(f"{path}: no such file")
    file_format = _reader_of(path)
    if file_format is clip_files:
        return clip_files.read(
            path,
            open_file=_opened,
            clip=clip,
            person=person,
            fps=fps,
            min_confidence=min_confidence,
            axes=axes,
            order=order,
            whole=whole,
        )
    clip_files.check_single(path, clip)
    if (axes or order) and file_format not in (npz, frame_arrays):
        raise UserError(f"{path}: names its columns itself; axes and order are said of arrays (.npz, .npy) only")
    opened = file_format.read if whole else getattr(file_format, "blocks", file_format.read)
    if file_format in (pose, estimator_json):
        return file_format.blocks(path, person=person, fps=fps, min_confidence=min_confidence)
    if file_format is npz:
        chosen: dict[str, Any] = {"person": person, "min_confidence": min_confidence}
        return opened(path, fps=fps, axes=axes, order=order, **chosen)
    if person:
        raise UserError(f"{path}: has 1 person, counted from 0; there is no person {person}")
    if file_format is frame_arrays:
        return opened(path, fps=fps, axes=axes, order=order)
    return opened(path, fps=fps)


def _in_layout(sequence: PoseSequence, layout: str | None, path: Path) -> PoseSequence:
    with naming(path):
        return sequence if layout is None else to_layout(sequence, layout)


def clips_of(path: str | Path) -> list[str]:
    """The names of the clips of a file that holds several, for `read(path, clip=...)`; of a file that is a clip, none.

    Raises:
        UserError: no such file, or not a whole one.
    """
    path = Path(path)
    check_name(path)
    if not path.exists():
        raise UserError(f"{path}: no such file")
    return list(clip_files.open_clips(path).names) if _reader_of(path) is clip_files else []


def is_clip_folder(path: Path) -> bool:
    """Whether a folder is one clip: a JSON file per frame, as OpenPose's, or a numbered `.npy` file per frame."""
    return estimator_json.is_clip_folder(path) or frame_arrays.is_clip_folder(path)


def people_of(path: str | Path, *, min_confidence: float = 0.0) -> People | None:
    """The people of a file that `read` has read; None where its format has only one."""
    path = Path(path)
    file_format = _reader_of(path)
    return file_format.people_of(path, min_confidence=min_confidence) if hasattr(file_format, "people_of") else None


def _reader_of(path: Path) -> ModuleType:
    if path.is_dir():
        for folders in (estimator_json, frame_arrays):
            if folders.is_clip_folder(path):
                return folders
        if clip_files.holds_clips(path):
            return clip_files
        raise UserError(f"{path}: not a file; name a single pose file, or a folder of OpenPose's *_keypoints.json")
    if not path.is_file():
        raise UserError(f"{path}: not a file; name a single pose file")
    file_format = _format_of(path, READABLE)
    return clip_files if clip_files.holds_clips(path) else file_format


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
        if path.suffix.lower() in _PICKLES:
            raise UserError(f"{path}: {rows.PICKLED}") from None
        if formats is READABLE and path.suffix.lower() in VIDEOS:
            raise UserError(f"{path}: a video; `pose-core estimate` makes poses of it") from None
        if formats is READABLE and path.suffix.lower() in ANNOTATIONS:
            raise UserError(
                f"{path}: annotations, no poses; `pose-core cut --segments {path.name}` cuts a pose file by them"
            ) from None
        known = ", ".join(formats)
        raise UserError(f"{path}: unknown pose format {path.suffix!r}; known: {known}") from None
