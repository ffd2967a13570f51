"""Tables of segments: CSV or tab-delimited, with a header, such as ELAN's export or a spreadsheet.

Columns of start and end are as in a manifest, see `pose_core.data.segments`, or as ELAN calls them ("Begin Time -
ss.msec"). With a column `tier`, rows are grouped by it and the text is in `text` (or `annotation`, `value`, `gloss`,
`label`); without it each column that is not about times or people is a tier, as ELAN exports them side by side.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pose_core.annotations.segment import Annotations, Segment, Tier
from pose_core.data.segments import Segments
from pose_core.errors import UserError
from pose_core.table import Row, Table, read_table

if TYPE_CHECKING:
    from pathlib import Path

_ELAN_TIME = re.compile(r"(begin|end)_time_?_?_?(?:(hh:mm:ss\.ms)|(ss\.msec)|(msec))?")
_ELAN_UNITS = ("_time", "_seconds", "_ms")  # of the groups above; "hh:mm:ss.ms" is a clock's time
_STARTS = re.compile(r"(?:begin|onset)(_.*)?")
_ENDS = re.compile(r"(?:stop|offset)(_.*)?")
_SIDES = {side: re.compile(rf"(frame_)?{side}(_.*)?") for side in ("start", "end")}
_NO_TIER = re.compile(r"(start|end|duration|frame_(start|end))(_.*)?")
_CLOCK = re.compile(r"\d+:\d\d:\d\d(\.\d+)?")
_TEXTS = ("text", "annotation", "annotation_value", "value", "gloss", "label")
_PEOPLE = ("person", "participant", "signer", "speaker")
_TIERS = ("tier", "tier_name")


def read(path: Path) -> Annotations:
    """See `pose_core.annotations.read_annotations`."""
    table = _renamed(read_table(path, comments=True, what="table"))
    if any(map(_CLOCK.fullmatch, table.columns)):
        raise UserError(
            "has no header; name its columns in the first line, as start_seconds, or take ELAN's .eaf itself"
        )
    missing = [side for side, pattern in _SIDES.items() if not any(map(pattern.fullmatch, table.columns))]
    if missing:
        raise UserError(
            f"has no column of {' and '.join(missing)}, but {', '.join(table.columns)[:100] or 'none'}; its first line "
            "names the columns, such as start_seconds, end_seconds, text"
        )
    if not table.rows:
        raise UserError("holds no rows below its header")
    segments = Segments(table)
    tier_column = next((name for name in _TIERS if name in table.columns), None)
    names = _text_columns(table, tier_column)
    person = next((name for name in _PEOPLE if name in table.columns), "")
    found: dict[str, list[Segment]] = {} if tier_column else {name: [] for name in names}
    for row in table.rows:
        start, end = _times(segments, row)
        for name in names:
            text = row.cells.get(name, "")
            tier = row.cells.get(tier_column, "") if tier_column else name
            if text or tier_column or len(names) == 1:  # of tiers side by side most cells are empty
                found.setdefault(tier, []).append(Segment(start, end, text, row.cells.get(person, ""), row.line))
    notices = tuple(notice for notice in segments.notices if "not read" not in notice)
    return Annotations(
        tuple(Tier(name, tuple(sorted(each, key=_start)), notices=notices) for name, each in found.items())
    )


def _start(segment: Segment) -> float:
    return segment.start


def _times(segments: Segments, row: Row) -> tuple[float, float]:
    """Start and end of a row.

    Raises:
        UserError: one is missing, or no number; the message names the line.
    """
    try:
        start, end = segments.of(row)
    except UserError as error:
        if not str(error).startswith("ends at"):
            raise UserError(f"line {row.line}: {error}") from error
        return 0.0, 0.0  # left out and counted, as segments without time of other formats
    if start is None or end is None:
        raise UserError(f"line {row.line}: has no {'start' if start is None else 'end'}")
    return start, end


def _text_columns(table: Table, tier_column: str | None) -> list[str]:
    """The columns that hold texts: one, or without a column of tiers each is one.

    Raises:
        UserError: there is none.
    """
    if tier_column is None:
        columns = [name for name in table.columns if name and name not in _PEOPLE and not _NO_TIER.fullmatch(name)]
    else:
        columns = [name for name in _TEXTS if name in table.columns][:1]
    if not columns:
        raise UserError(f"has no column of texts, but {', '.join(table.columns)[:100]}; call it text")
    return columns


def _renamed(table: Table) -> Table:
    """The table with the names of manifests for ELAN's and others' columns of times."""
    names: dict[str, str] = {}
    for column in table.columns:
        new = _manifest_name(column)
        names[column] = column if new in names.values() else new
    rows = [Row(row.line, {names[key]: value for key, value in row.cells.items()}, row.extra) for row in table.rows]
    return Table(list(names.values()), rows)


def _manifest_name(column: str) -> str:
    elan = _ELAN_TIME.fullmatch(column)
    if elan:
        side = "start" if elan[1] == "begin" else "end"
        unit = next((unit for unit, group in zip(_ELAN_UNITS, elan.groups()[1:], strict=True) if group), "_time")
        return f"{side}{unit}"
    for side, pattern in (("start", _STARTS), ("end", _ENDS)):
        match = pattern.fullmatch(column)
        if match:
            return f"{side}{match[1] or ''}"
    return column
