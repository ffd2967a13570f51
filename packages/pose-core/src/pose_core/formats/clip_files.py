"""Finding the clips of a file, and reading one of them: `pose_core.read(path, clip=...)`, `clips_of(path)`."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from pose_core.errors import UserError
from pose_core.formats import arrow_clips, npz_clips, safetensors_clips, tables, tar_clips, torch_clips
from pose_core.formats.rows import RowReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pose_core.formats.clip_file import ClipFile
    from pose_core.formats.frame_source import FrameSource

OPENERS = {
    ".pt": torch_clips.TorchClips,
    ".pth": torch_clips.TorchClips,
    ".safetensors": safetensors_clips.SafetensorsClips,
    ".tar": tar_clips.TarClips,
    ".parquet": arrow_clips.ArrowClips,
    ".arrow": arrow_clips.ArrowClips,
}


def holds_clips(path: Path) -> bool:
    """Whether a file holds clips by name.

    Of `.npz` one without an array `poses`; of tables one of `sequence_id`s, or one with a clip in each row; of folders
    one that `datasets` saved.
    """
    return _holds_clips(path, *_stamp(path)) if path.exists() else False


def open_clips(path: Path) -> ClipFile:
    """The clips of a file for which `holds_clips` is true.

    Raises:
        UserError: it is damaged, or holds no poses.
    """
    return _open(path, *_stamp(path))


def _stamp(path: Path) -> tuple[int, ...]:
    """What tells whether a file is the same still, opened by this process: others share its position in the file."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns, os.getpid()


@lru_cache(maxsize=64)
def _holds_clips(path: Path, *stamp: int) -> bool:
    if path.is_dir():
        return arrow_clips.is_saved_folder(path)
    suffix = path.suffix.lower()
    if suffix == ".parquet" and _rows_hold_poses(path, *stamp):
        return True
    if suffix in (".csv", ".parquet"):
        return tables.holds_clips(path)
    return suffix in OPENERS or (suffix == ".npz" and npz_clips.holds_clips(path))


@lru_cache(maxsize=64)
def _rows_hold_poses(path: Path, *stamp: int) -> bool:
    return arrow_clips.holds_clips(path)


@lru_cache(maxsize=2)
def _open(path: Path, *stamp: int) -> ClipFile:
    """Cached, as clips are read one after the other."""
    if path.is_dir():
        return arrow_clips.ArrowClips(path)
    suffix = path.suffix.lower()
    if suffix == ".csv" or (suffix == ".parquet" and not _rows_hold_poses(path, *stamp)):
        return tables.TableClips(path)
    return OPENERS.get(suffix, npz_clips.NpzClips)(path)


def read(
    path: Path,
    *,
    open_file: Callable[..., FrameSource],
    clip: str | None = None,
    column: str | None = None,
    person: int | None = None,
    fps: float | None = None,
    min_confidence: float = 0.0,
    axes: str | None = None,
    order: str | None = None,
    whole: bool = True,
) -> FrameSource:
    """All frames of one clip; see `pose_core.formats.read`. `open_file` opens a file within the file."""
    file = open_clips(path)
    index = file.find(clip)
    reader = RowReader(path, open_file, column, person, fps, min_confidence, axes, order)
    with file.naming(index):
        return file.read(index, reader, whole=whole)


def check_single(path: Path, clip: str | None) -> None:
    """Refuses a clip's name for a file that holds one clip.

    Raises:
        UserError: there is such a name.
    """
    if clip is not None:
        raise UserError(f"{path}: is one clip; leave the name {clip[:80]!r} out")
