"""Signs of a CSV file, one a row: HamNoSys in one column, and what the sign is called in another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pose_core import UserError
from pose_core.errors import naming
from pose_core.notices import notify
from pose_core.table import column_name, read_table
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.sigml.reader import BadSign
from text_to_pose.text.hamnosys import is_notation

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.table import Row, Table
    from text_to_pose.hamnosys.tree import Sign

GLOSS_COLUMNS = ("gloss", "text", "word", "label", "name", "id")
"""Columns that say what a sign is called: the first of these that a row has, else its first that is no notation."""


def read_sign_table(path: Path, column: str | None = None) -> list[Sign | BadSign]:
    """The signs of a CSV file; a bad one among them does not spoil the others.

    Args:
        path: CSV with a header, see `pose_core.table`.
        column: of the HamNoSys, its name or number from 1; None: the one called so, or the first that holds some.

    Raises:
        UserError: it cannot be read, or has no such column, or no row.
    """
    table = read_table(path)
    if not table.columns:
        raise UserError(f"{path}: the file is empty")
    if any(is_notation(name.replace("_", " ")) for name in table.columns):
        raise UserError(f"{path}: has no header; write a first line that names the columns: gloss,hamnosys")
    found = _column(table, path, column)
    if not table.rows:
        raise UserError(f"{path}: has no row below its header")
    return [_sign(row, found, path) for row in table.rows]


def _column(table: Table, path: Path, wanted: str | None) -> str:
    if wanted is not None:
        name = column_name(wanted)
        if name in table.columns:
            return name
        if wanted.isdecimal() and 0 < int(wanted) <= len(table.columns):
            return table.columns[int(wanted) - 1]
        raise UserError(f"{path}: has no column {wanted}; its columns are {', '.join(table.columns)}")
    found = [name for name in table.columns if "hamnosys" in name] or [
        name for name in table.columns if any(is_notation(row.cells.get(name, "")) for row in table.rows)
    ]
    if not found:
        raise UserError(
            f"{path}: no column holds HamNoSys; its columns are {', '.join(table.columns)}; name one with --column"
        )
    if len(found) > 1:
        notify(path, f"{found[0]} is read of the columns {', '.join(found)}; --column names another", kind="columns")
    return found[0]


def _sign(row: Row, column: str, path: Path) -> Sign | BadSign:
    gloss = next((row.cells[name] for name in GLOSS_COLUMNS if name != column and row.cells.get(name)), None)
    gloss = gloss or next((cell for name, cell in row.cells.items() if name != column and _is_word(cell)), None)
    try:
        with naming(f"{path}, line {row.line}"):
            return replace(parse(row.cells.get(column, "")), gloss=gloss)
    except UserError as error:
        return BadSign(gloss, error)


def _is_word(cell: str) -> bool:
    return bool(cell) and not is_notation(cell)
