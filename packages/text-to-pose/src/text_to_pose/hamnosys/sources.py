"""Signs from texts, SiGML files, tables, text files, folders of them, or standard input."""

from __future__ import annotations

import glob
import os
import re
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pose_core import UserError
from pose_core.errors import naming
from pose_core.inputs import PIPE, PIPE_NAME, Input, find_inputs, local_files
from pose_core.table import DELIMITERS
from pose_core.texts import encoding
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.sigml.elements import LARGEST
from text_to_pose.hamnosys.sigml.reader import BadSign, read_sigml
from text_to_pose.hamnosys.sign_tables import read_sign_table
from text_to_pose.text.hamnosys import is_notation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from text_to_pose.hamnosys.tree import Sign

SUFFIXES = (".sigml", ".xml")
TABLES = (".csv", ".tsv")
SOURCES = (*SUFFIXES, *TABLES, ".txt")
_XML = (b"<", b"\xef\xbb\xbf<")


@dataclass(frozen=True)
class Source:
    """Signs, and the file that they are of; None of those that were given as text."""

    signs: list[Sign | BadSign]
    file: Input | None = None


def read_sources(given: Sequence[str], column: str | None = None, *, files: bool = False) -> list[Source]:
    """The signs of texts and files, in their order. What is wrong with one does not spoil the others.

    Args:
        given: HamNoSys in Unicode or as symbol names, a sign each; names of single symbols alone are one sign, which a
            shell has taken apart; files, folders, patterns and - as `pose_core.inputs.find_inputs` takes them.
        column: of the HamNoSys in tables.
        files: all are files.

    Raises:
        UserError: there is no such folder or pattern, or the only one of them cannot be read.
    """
    texts = list(given)
    if not files and len(texts) > 1 and all(re.fullmatch(r"ham\w+,?", text, re.ASCII) for text in texts):
        texts = [" ".join(texts)]
    found: list[str | Input] = []
    if PIPE in texts:
        found += find_inputs(texts, SOURCES)  # which refuses others beside it
    else:
        for text in texts:
            found += find_inputs([text], SOURCES) if files or _is_file(text) else [text]
    if column is not None and not any(isinstance(each, Input) for each in found):
        raise UserError("--column names a column of a table, and no table is given")
    sources = []
    for number, each in enumerate(found, start=1):
        file = each if isinstance(each, Input) else None
        signs: list[Sign | BadSign]
        try:
            if isinstance(each, Input):
                signs = read_input(each, column)
            else:
                with naming(f"sign {number} of {len(found)}") if len(found) > 1 else nullcontext():
                    signs = [parse(each)]
        except UserError as error:
            if len(found) == 1:
                raise
            signs = [BadSign(None, error)]
        sources.append(Source(signs, file))
    return sources


def _is_file(text: str) -> bool:
    """Whether an argument names files rather than being a sign."""
    if is_notation(text):
        return False
    named = text.lower().endswith(SOURCES) or os.path.exists(text)  # noqa: PTH110 - of a name too long it says no
    return named or (glob.has_magic(text) and any(glob.iglob(text, recursive=True)))  # noqa: PTH207 - absolute, too


def read_input(file: Input, column: str | None = None) -> list[Sign | BadSign]:
    """As `read_sign_file`, of standard input, too."""
    with local_files([file], _sniffed) as (path,):
        signs = read_sign_file(path, column)
    if not file.piped:
        return signs
    return [
        replace(sign, error=UserError(str(sign.error).replace(str(path), PIPE_NAME)))
        if isinstance(sign, BadSign)
        else sign
        for sign in signs
    ]


def _sniffed(start: bytes) -> str:
    """The suffix of standard input by its first bytes: SiGML, a table by its header, or text."""
    if start.lstrip().startswith(_XML):
        return SUFFIXES[0]
    first = (start.decode(encoding(start), errors="ignore").splitlines() or [""])[0]
    is_table = not is_notation(first) and ("hamnosys" in first.lower() or any(each in first for each in DELIMITERS))
    return TABLES[0] if is_table else ".txt"


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
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
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
    lines = [(number, line) for number, line in enumerate(data.splitlines(), start=1) if line.strip()]
    if not lines:
        raise UserError(f"{path}: the file is empty")
    signs: list[Sign | BadSign] = []
    undecoded: list[int] = []
    for number, line in lines:
        try:
            with naming(f"{path}, line {number}"):
                signs.append(parse(line.decode("utf-8-sig").strip()))
        except UnicodeDecodeError:
            undecoded.append(number)
            signs.append(BadSign(None, UserError(f"{path}, line {number}: not in UTF-8")))
        except UserError as error:
            signs.append(BadSign(None, error))
    if len(undecoded) == len(lines):
        raise UserError(f"{path}: neither SiGML nor HamNoSys in UTF-8")
    return signs
