"""Reading and writing pose files, by suffix: `.pose`, `.npz`, `.csv`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pose_core.errors import UserError
from pose_core.formats import landmarks_csv, npz, pose
from pose_core.formats.span import Span

if TYPE_CHECKING:
    from types import ModuleType

    from pose_core.sequence import PoseSequence

FORMATS: dict[str, ModuleType] = {".pose": pose, ".npz": npz, ".csv": landmarks_csv}
DEFAULT_FPS = 25.0


def read(
    path: str | Path,
    *,
    person: int = 0,
    start: float | None = None,
    end: float | None = None,
    fps: float = DEFAULT_FPS,
) -> PoseSequence:
    """Reads one person's poses, every value as the file has it; `transforms.clean` mends what estimators leave behind.

    Args:
        path: a `.pose` file (version 0.0, 0.1 or 0.2), an `.npz` with `poses` (T, K, D + 1), or a landmark `.csv`.
        person: which person of a file with several, from 0.
        start: first frame to read, a whole number of frames or a float in seconds; from the beginning by default.
        end: the frame to stop before, in frames or seconds; to the file's end by default. Of a `.pose` file only that
            part is read from the disk.
        fps: frames a second of a file that does not say (`.csv`, and `.npz` without `fps`).

    Returns:
        The sequence in the file's own coordinates: pixels (`.pose`); a `.csv`'s, whose y points up, turned y down.

    Raises:
        UserError: no such file, person or frames, or not a whole pose file; the message names the path.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path}: no such file")
    if not path.is_file():
        raise UserError(f"{path}: not a file; name a single pose file")
    span = Span(start, end)
    file_format = _format_of(path)
    if file_format is pose:
        return pose.read(path, person=person, span=span)
    if person:
        raise UserError(f"{path}: has 1 person(s), counted from 0; there is no person {person}")
    sequence = file_format.read(path, fps=fps)
    return sequence[span.frames(len(sequence), sequence.fps, path)]


def write(sequence: PoseSequence, path: str | Path, *, overwrite: bool = False, pose_version: float = 0.2) -> None:
    """Writes a sequence, whole or not at all; `read` gives the same values back, of a `.csv` without fps and size.

    Args:
        sequence: at least one frame.
        path: ends in `.pose`, `.npz` or `.csv`.
        overwrite: replace an existing file.
        pose_version: of a `.pose` file, 0.2 or 0.1; the latter holds whole frame rates and at most 65,535 frames.

    Raises:
        UserError: the file exists, the folder cannot be written, or the suffix is unknown; the message names the path.
    """
    path = Path(path)
    file_format = _format_of(path)
    if not len(sequence):
        raise UserError(f"{path}: the pose has no frames; there is nothing to write")
    if file_format is pose:
        pose.write(sequence, path, overwrite=overwrite, version=pose_version)
    else:
        file_format.write(sequence, path, overwrite=overwrite)


def _format_of(path: Path) -> ModuleType:
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        known = ", ".join(FORMATS)
        raise UserError(f"{path}: unknown pose format {path.suffix!r}; known: {known}") from None
