"""Segments: the columns of a manifest that say where in its file a clip begins and ends.

Positions are as `pose_core.read` takes them: an int is a frame, from 0, a float is seconds; the end is exclusive.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pose_core.table import Row, Table

_SECONDS = {"frame": None, "seconds": 1.0, "time": 1.0, "sec": 1.0, "s": 1.0, "ms": 1e-3}  # unit of a column's suffix
_PLACES = re.compile(r"(start|end)|(?:(start|end)_(frame|seconds|time|sec|s|ms))|frame_(start|end)")
_LIKE_PLACES = {"start", "end", "begin", "stop", "onset", "offset", "duration"}
_NUMBER = re.compile(r"\d{1,15}(\.\d*)?|\.\d+")  # of more digits, int() would refuse some and float() make infinity
_CLOCK = re.compile(r"(?:(\d{1,9}):)?(\d{1,9}):(\d{1,9}(?:\.\d+)?)")


@dataclass(frozen=True)
class _Column:
    name: str
    side: str
    unit: str  # a key of `_SECONDS`, or "" for a bare `start` or `end`


class Segments:
    """Parser of a manifest's start and end columns.

    `start_frame`, `end_frame` (or `frame_start`, `frame_end`) are frames; `start_seconds`, `end_seconds` (or `_time`,
    `_sec`, `_s`) seconds, `_ms` milliseconds. Bare `start` and `end` are seconds if any number in them has a fraction,
    else frames. In every one `2.5s` and `0:02.5` are seconds; an empty cell, or an end of -1, is the file's own end.

    Attributes:
        notices: what was assumed, one line each.
    """

    def __init__(self, table: Table) -> None:
        found = _columns(table.columns)
        # Where a file has several (frames and seconds of the same position), the first kind is read.
        self._columns = {side: next((c for c in found if c.side == side), None) for side in ("start", "end")}
        bare = [column.name for column in self._columns.values() if column is not None and not column.unit]
        values = [row.cells.get(name, "") for row in table.rows for name in bare]
        self._bare_seconds = any(map(_has_fraction, values))
        self.notices: list[str] = []
        if any(_NUMBER.fullmatch(_point(value)) for value in values):
            self.notices.append(_unit_assumed(bare, "seconds" if self._bare_seconds else "frames"))
        self.notices += _unread(table.columns, {column.name for column in found})

    def of(self, row: Row) -> tuple[float | None, float | None]:
        """Start and end of a row's clip; None where it is the file's.

        Raises:
            UserError: a value that is no position, or an end before the start; without the row's line.
        """
        start, end = self._position(row, "start"), self._position(row, "end")
        if start is not None and end is not None and type(start) is type(end) and end <= start:
            raise UserError(f"ends at {end}, where it has not begun ({start})")
        return start, end

    def _position(self, row: Row, side: str) -> float | None:
        column = self._columns[side]
        text = _point(row.cells.get(column.name, "")) if column is not None else ""
        if column is None or not text or (side == "end" and text in ("-1", "-1.0")):
            return None
        scale = _SECONDS[column.unit] if column.unit else (1.0 if self._bare_seconds else None)
        value = _parsed(text, scale)
        if value is None:
            what = "a frame such as 50, nor seconds such as 2.5s" if scale is None else "a time"
            raise UserError(f"{column.name} {text[:20]!r} is not {what}")
        return value


def parse_position(text: str) -> float | None:
    """The inverse of `format_position`; None of an empty text."""
    if not text:
        return None
    position = _parsed(text, None)
    if position is None:
        raise ValueError(f"{text!r} is no place in a file")
    return position


def format_position(position: float | None) -> str:
    """`50` for a frame, `2.5s` for seconds, nothing for None."""
    if position is None:
        return ""
    return str(position) if isinstance(position, int) else f"{position!r}s"


def overlapping(first: Iterable[float | None], second: Iterable[float | None]) -> bool:
    """Whether two parts (start, end) of one file overlap; False where one is in frames, the other in seconds."""
    (a, b), (c, d) = first, second
    kinds = {type(position) for position in (a, b, c, d) if position is not None}
    if len(kinds) > 1:
        return False
    return (a or 0) < (math.inf if d is None else d) and (c or 0) < (math.inf if b is None else b)


def _unit_assumed(columns: list[str], unit: str) -> str:
    """Warning of the unit assumed for columns without one, and how to name the other."""
    other, suffix = ("frames", "frame") if unit == "seconds" else ("seconds", "seconds")
    cure = ", ".join(f"{name}_{suffix}" for name in columns)
    return f"{' and '.join(columns)}: read as {unit}; if they are {other}, call them {cure}"


def _unread(columns: list[str], used: set[str]) -> list[str]:
    """Warning of columns that look like positions and are not read."""
    unread = [name for name in columns if name not in used and _LIKE_PLACES & set(name.split("_"))]
    if not unread:
        return []
    return [
        f"{', '.join(unread)}: not read; where a clip begins and ends in its file is said by start_frame, end_frame or "
        "start_seconds, end_seconds"
    ]


def _columns(names: list[str]) -> list[_Column]:
    """The position columns: frames first, then seconds, those without a unit last."""
    found = [column for name in names if (column := _column(name)) is not None]
    return sorted(found, key=lambda column: list(_SECONDS).index(column.unit) if column.unit else len(_SECONDS))


def _column(name: str) -> _Column | None:
    match = _PLACES.fullmatch(name)
    if match is None:
        return None
    bare, side, unit, frame_side = match.groups()
    if bare:
        return _Column(name, bare, "")
    return _Column(name, side or frame_side, unit or "frame")


def _point(text: str) -> str:
    """The number with a decimal point for the comma that half of Europe writes."""
    return re.sub(r"^(\d+),(\d+s?)$", r"\1.\2", text) if "," in text else text


def _has_fraction(text: str) -> bool:
    text = _point(text)
    return bool(_NUMBER.fullmatch(text)) and not float(text).is_integer()


def _parsed(text: str, scale: float | None) -> float | None:
    """A number as frames (scale None) or in units of `scale` seconds; None if it is no position."""
    if text[-1] in "sS" and _NUMBER.fullmatch(text[:-1].strip()):
        return float(text[:-1])
    clock = _CLOCK.fullmatch(text)
    if clock:
        return 3600.0 * int(clock[1] or 0) + 60.0 * int(clock[2]) + float(clock[3])
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    if scale is not None:
        return value * scale
    return int(value) if value.is_integer() else None
