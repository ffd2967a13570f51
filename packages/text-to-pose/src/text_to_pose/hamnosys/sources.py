"""Signs from a text, a SiGML file, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pose_core import UserError
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.sigml.elements import LARGEST
from text_to_pose.hamnosys.sigml.reader import BadSign, read_sigml

if TYPE_CHECKING:
    from text_to_pose.hamnosys.tree import Sign

SUFFIXES = (".sigml", ".xml")


def read_signs(text: str) -> list[Sign | BadSign]:
    """The signs that a text says, or those of the file it names.

    Args:
        text: HamNoSys in Unicode or as symbol names; a `.sigml` or `.xml` file; or - for either on standard input.

    Raises:
        UserError: nothing in it is a sign.
    """
    if text == "-":
        data = sys.stdin.buffer.read(LARGEST + 1)
        if data.lstrip().startswith((b"<", b"\xef\xbb\xbf<")):
            return read_sigml(data, "standard input")
        try:
            return [parse(data.decode("utf-8-sig"))]
        except UnicodeDecodeError as error:
            raise UserError("standard input: neither SiGML nor HamNoSys in UTF-8") from error
    if not text.lower().endswith(SUFFIXES):
        return [parse(text)]
    path = Path(text)
    try:
        with path.open("rb") as file:
            return read_sigml(file.read(LARGEST + 1), text)
    except (OSError, ValueError) as error:
        raise UserError(f"{text}: {getattr(error, 'strerror', None) or error}") from error
