"""Landmark tables: `.csv` and `.parquet` files by their columns, and the clips that one of them may hold."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from pose_core.errors import UserError
from pose_core.formats.clip_file import ClipFile
from pose_core.formats.csv_chunks import CsvTable
from pose_core.formats.landmark_rows import LONG, NAMED, Columns, LongLayout, NamedLayout, WideLayout, long_columns
from pose_core.formats.landmark_table import IN_MEMORY, LandmarkFrames, find_clips
from pose_core.formats.parquet_chunks import ParquetTable

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.formats.frame_source import FrameSource
    from pose_core.formats.landmark_rows import RowLayout
    from pose_core.formats.landmark_table import TableClip
    from pose_core.formats.rows import RowReader
    from pose_core.formats.table_chunks import ChunkedTable

_IN_MEMORY_WHOLE = 1 << 24  # rows that are kept where the whole is wanted: half a gigabyte
_MARKS = {";": "';'", "\t": "tabs", "|": "'|'"}


def frames_of(path: Path, *, fps: float | None, whole: bool) -> LandmarkFrames:
    """The frames of a table that is one clip.

    Args:
        path: of a `.csv` or `.parquet` file.
        fps: frames per second; None: assumed, with a warning.
        whole: all frames are wanted, not one piece after the other in constant memory.

    Raises:
        UserError: it is no landmark table; the message names the path.
    """
    return _frames(_table(path), fps=fps, whole=whole)


def holds_clips(path: Path) -> bool:
    """Whether a file is a landmark table with a column `sequence_id`.

    Raises:
        UserError: it cannot be read.
    """
    table = _table(path)
    return long_columns(table.columns, path).has("sequence_id") and _layout(table) is not None


class TableClips(ClipFile):
    """The clips of a landmark table: the rows of each `sequence_id`."""

    rows_hold_poses = False

    def __init__(self, path: Path) -> None:
        self._table = _table(path)  # kept, as the clips are at chunks of it that it knows
        self._clips = find_clips(self._table, long_columns(self._table.columns, path)["sequence_id"])
        super().__init__(path, (clip.name for clip in self._clips))

    def row(self, index: int) -> dict[str, object]:
        """What is known of a clip: its `sequence_id`."""
        return {"sequence_id": self._clips[index].name}

    def read(self, index: int, reader: RowReader, *, whole: bool = True) -> FrameSource:
        """See `ClipFile.read`."""
        if reader.axes or reader.order:
            raise UserError("names its columns itself; axes and order are said of arrays (.npz, .npy) only")
        if reader.person:
            raise UserError(f"has 1 person, counted from 0; there is no person {reader.person}")
        frames = _frames(self._table, fps=reader.fps, whole=whole, clip=self._clips[index])
        return frames[:] if whole else frames


def is_landmark_table(path: Path) -> bool:
    """Whether a file's columns are those of landmarks.

    Raises:
        UserError: it cannot be read.
    """
    return _layout(_table(path)) is not None


def layout_of(table: ChunkedTable) -> RowLayout:
    """How the rows of a table become keypoints.

    Raises:
        UserError: its columns are not those of landmarks.
    """
    layout = _layout(table)
    if layout is not None:
        return layout
    names, path = table.columns, table.path
    joined = ",".join(names)
    for mark, called in _MARKS.items():
        if any(set(wanted) <= set(joined.split(mark)) for wanted in (NAMED, LONG)):
            raise UserError(f"{path}: columns are separated by {called}; save it with commas, and numbers with points")
    columns = long_columns(names, path)
    wanted = LONG if columns.has("type") or columns.has("landmark_index") else NAMED
    missing = [name for name in wanted if name not in names and not columns.has(name)]
    others = ", ".join(NAMED if wanted is LONG else LONG)
    raise UserError(f"{path}: lacks the column(s) {', '.join(missing)}; it needs {', '.join(wanted)}, or {others}")


def _frames(table: ChunkedTable, *, fps: float | None, whole: bool, clip: TableClip | None = None) -> LandmarkFrames:
    in_memory = _IN_MEMORY_WHOLE if whole else IN_MEMORY
    return LandmarkFrames(table, layout_of(table), fps=fps, clip=clip, in_memory=in_memory)


def _layout(table: ChunkedTable) -> RowLayout | None:
    names, path = table.columns, table.path
    if set(NAMED) <= set(names):
        known = (*NAMED, "z", "confidence")
        return NamedLayout(Columns({name: names.index(name) for name in known if name in names}))
    columns = long_columns(names, path)
    if all(columns.has(name) for name in LONG):
        return LongLayout(columns)
    wide = WideLayout(names, path)
    return wide if wide.axes else None


def _table(path: Path) -> ChunkedTable:
    return _opened(path, *_stamp(path), os.getpid())


@lru_cache(maxsize=2)
def _opened(path: Path, size: int, modified: int, process: int) -> ChunkedTable:
    """Cached, as the clips of a table are read one after the other; size and time tell whether it is the same still.

    Each process has its own: others share its position in the file.
    """
    return ParquetTable(path) if path.suffix.lower() == ".parquet" else CsvTable(path)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    return state.st_size, state.st_mtime_ns
