"""Reading and writing pose files, by suffix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pose_core.errors import UserError
from pose_core.formats import pose

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence

_FORMATS = {".pose": pose}


def read(path: str | Path, *, person: int = 0) -> PoseSequence:
    """Reads one person's poses.

    Args:
        path: a `.pose` file, version 0.0, 0.1 or 0.2.
        person: which person of a file with several, from 0.

    Returns:
        The sequence in the file's own coordinates (pixels). Confidence is clipped to [0, 1]; a keypoint that is not a
        number, or lies more than two picture sizes outside the picture, is missing (confidence 0).

    Raises:
        UserError: no such file, no such person, or not a whole pose file; the message names the path.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path}: no such file")
    if not path.is_file():
        raise UserError(f"{path}: not a file; name a single pose file")
    return _format_of(path).read(path, person=person)


def write(sequence: PoseSequence, path: str | Path, *, overwrite: bool = False) -> None:
    """Writes a sequence, whole or not at all.

    Args:
        sequence: in pixels of its `size`.
        path: ends in `.pose` (written as version 0.2).
        overwrite: replace an existing file.

    Raises:
        UserError: the file exists, the folder cannot be written, or the suffix is unknown; the message names the path.
    """
    path = Path(path)
    _format_of(path).write(sequence, path, overwrite=overwrite)


def _format_of(path: Path):
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        known = ", ".join(_FORMATS)
        raise UserError(f"{path}: unknown pose format {path.suffix!r}; known: {known}") from None
