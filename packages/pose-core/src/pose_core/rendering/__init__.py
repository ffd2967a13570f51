"""Pictures of poses for people: strips of key frames (PNG) and moving ones (GIF)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pose_core.errors import UserError
from pose_core.rendering.drawing import draw
from pose_core.rendering.pictures import write_gif, write_png

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence

__all__ = ["draw", "write_gif", "write_picture", "write_png"]

_WRITERS = {".gif": write_gif, ".png": write_png}


def write_picture(sequence: PoseSequence, path: str | Path, *, overwrite: bool = False) -> None:
    """Writes a picture of a sequence, its kind chosen by the suffix of `path`: `.gif` moves, `.png` is a strip.

    Raises:
        UserError: the suffix is unknown, the sequence has no frames, the file exists, or its folder cannot be written.
    """
    try:
        writer = _WRITERS[Path(path).suffix.lower()]
    except KeyError:
        known = ", ".join(_WRITERS)
        raise UserError(f"{path}: unknown picture format {Path(path).suffix!r}; known: {known}") from None
    writer(sequence, path, overwrite=overwrite)
