"""CSV files of spreadsheets and pandas: detection of encoding and delimiter, header and rows."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pose_core.errors import UserError, reason
from pose_core.texts import encoding, read_text

if TYPE_CHECKING:
    from pathlib import Path

DELIMITERS = ",;\t|"
HEADER_BYTES = 4096
_SEP_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # Excel's way to name the delimiter
csv.field_size_limit(1 << 24)  # a cell may be longer than the 131,072 characters by default: who reads it judges it
_COMMENT = re.compile(r'"?#[^\n]*\n')  # such as the file that ELAN exported, before the header


@dataclass(frozen=True)
class Row:
    """One row: its line in the file, its cells by normalized column name, and cells beyond the header's."""

    line: int
    cells: dict[str, str]
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A CSV file. Columns are in lower case, with `_` for spaces and dashes; rows without any value are left out."""

    columns: list[str]
    rows: list[Row]


def read_table(path: Path, *, comments: bool = False, what: str = "CSV") -> Table:
    """Reads a CSV file.

    Args:
        path: UTF-8 with or without BOM, or UTF-16 with one; delimited by comma, semicolon, tab or `|`, whichever the
            header has most of; lines end in any way.
        comments: lines before the header that begin with `#` are left out.
        what: the file is, for messages.

    Raises:
        UserError: it cannot be read, is not such a text, or names a column twice.
    """
    if not path.exists():
        raise UserError(f"{path}: no such manifest")
    text, commented = read_text(path, what), 0
    while comments and (comment := _COMMENT.match(text)):
        text, commented = text[comment.end() :], commented + 1
    delimiter, text, skipped = _delimiter(text)
    skipped += commented
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
        columns = [column_name(name) for name in next(reader, [])]
        rows = [
            _row(reader.line_num + skipped, columns, cells) for cells in reader if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        raise UserError(f"{path}: not a readable UTF-8 {what} ({reason(error)})") from error
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise UserError(f"{path}: has the column {twice[0]} twice; rename one of them")
    return Table(columns, rows)


def header_of(path: Path) -> set[str]:
    """Column names of a CSV file, normalized; none where its beginning is not text."""
    try:
        with path.open("rb") as file:
            content = file.read(HEADER_BYTES)
        lines = content.decode(encoding(content), errors="ignore").splitlines()
    except OSError:
        return set()
    delimiter = _delimiter(lines[0])[0] if lines else ","
    return {column_name(name) for name in lines[0].split(delimiter)} if lines else set()


def _delimiter(text: str) -> tuple[str, str, int]:
    """The delimiter, the text from its header on, and lines before that."""
    named = _SEP_LINE.match(text)
    if named:
        return named[1], text[named.end() :], 1
    header = text.split("\n", 1)[0]
    return max(DELIMITERS, key=header.count), text, 0  # of none: a comma


def column_name(name: str) -> str:
    """The name that a `Table` has of a column that is called so in the file."""
    return re.sub(r"[\s-]+", "_", name.strip().strip('"').casefold())


def _row(line: int, columns: list[str], cells: list[str]) -> Row:
    extra = tuple(cell.strip() for cell in cells[len(columns) :] if cell.strip())
    return Row(line, {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}, extra)
