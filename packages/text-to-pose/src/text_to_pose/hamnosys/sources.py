"""Signs from texts, SiGML files, tables, text files, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pose_core import UserError
from pose_core.errors import naming
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.sigml.elements import LARGEST
from text_to_pose.hamnosys.sigml.reader import BadSign, read_sigml
from text_to_pose.hamnosys.sign_tables import read_sign_table

if TYPE_CHECKING:
    from text_to_pose.hamnosys.tree import Sign

SUFFIXES = (".sigml", ".xml")
TABLES = (".csv", ".tsv")
_XML = (b"<", b"\xef\xbb\xbf<")


def read_signs(text: str) -> list[Sign | BadSign]:
    """The signs that a text says, or those of the file it names.

    Args:
        text: HamNoSys in Unicode or as symbol names; the name of a `.sigml`, `.xml`, `.csv` or `.tsv` file; or - for
            HamNoSys or SiGML on standard input.

    Raises:
        UserError: nothing in it is a sign.
    """
    if text == "-":
        data = sys.stdin.buffer.read(LARGEST + 1)
        if data.lstrip().startswith(_XML):
            return read_sigml(data, "standard input")
        try:
            return [parse(data.decode("utf-8-sig"))]
        except UnicodeDecodeError as error:
            raise UserError("standard input: neither SiGML nor HamNoSys in UTF-8") from error
    if text.lower().endswith((*SUFFIXES, *TABLES)):
        return read_sign_file(Path(text))
    return [parse(text)]


def read_sign_file(path: Path, column: str | None = None) -> list[Sign | BadSign]:
    """The signs of a file; a bad one among them does not spoil the others.

    Args:
        path: `.sigml` or `.xml`; a `.csv` or `.tsv` with a header, see `sign_tables`; any other is text, a sign a line.
            SiGML is known by its first character, too.
        column: of the HamNoSys in a table; None: found by name, or by what it holds.

    Raises:
        UserError: it cannot be read, or has no sign.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if path.suffix.lower() in SUFFIXES or data.lstrip().startswith(_XML):
        return read_sigml(data, str(path))
    if path.suffix.lower() in TABLES:
        return read_sign_table(path, column)
    if column is not None:
        raise UserError(f"{path}: --column names a column of a table, and this is none; use one of {', '.join(TABLES)}")
    return _lines(data, str(path))


def _lines(data: bytes, path: str) -> list[Sign | BadSign]:
    """The signs of a text, one a line."""
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: neither SiGML nor HamNoSys in UTF-8") from error
    signs: list[Sign | BadSign] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                with naming(f"{path}, line {number}"):
                    signs.append(parse(line.strip()))
            except UserError as error:
                signs.append(BadSign(None, error))
    if not signs:
        raise UserError(f"{path}: the file is empty")
    return signs
