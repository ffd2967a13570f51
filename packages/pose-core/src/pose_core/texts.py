"""Text files of spreadsheets and editors: their encoding, what terminals may show of them; numbers with nouns."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from pose_core.errors import UserError, reason

if TYPE_CHECKING:
    from pathlib import Path

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # Excel's "Unicode Text"


def read_text(path: Path, what: str) -> str:
    """Reads a text file in UTF-8 with or without BOM, or in UTF-16 with one; line ends stay as they are.

    Args:
        path: of the file.
        what: it is, for messages ("CSV").

    Raises:
        UserError: it cannot be read, or is in another encoding.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: not a readable UTF-8 {what} ({reason(error)})") from error
    try:
        return content.decode(encoding(content))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}: not a readable UTF-8 {what} (line {line} is in another encoding, such as Latin-1); "
            "save it as UTF-8"
        ) from error


def counted(count: int, noun: str) -> str:
    """A number and what it counts: "1 clip", "1,200 clips"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def printable(text: str) -> str:
    """A text from a file on one line, without what a terminal would take for commands."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def encoding(content: bytes) -> str:
    """The encoding of a text by its first bytes."""
    return "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
