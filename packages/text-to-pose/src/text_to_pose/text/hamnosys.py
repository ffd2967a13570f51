"""HamNoSys: Unicode symbols to their names and back, `hampinch12 hamextfingerul hampalml`."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pose_core import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence


def is_hamnosys(text: str) -> bool:
    """Whether a text has a HamNoSys symbol of the private use area; `{`, `|` and `}` alone do not count."""
    return any(not character.isascii() and character in _names() for character in text)


def hamnosys_tokens(text: str) -> list[str]:
    """The name of each symbol, blanks too (`hamspace`): one token per character, so nothing is lost.

    Raises:
        UserError: a character that is no HamNoSys symbol.
    """
    names = _names()
    for position, character in enumerate(text, start=1):
        if character not in names:
            shown = f"{character!r} (U+{ord(character):04X})"
            raise UserError(f"{shown} at character {position} is no HamNoSys symbol; remove it or write it in HamNoSys")
    return [names[character] for character in text]


def hamnosys_text(tokens: Sequence[str]) -> str:
    """The symbols of that name; the inverse of `hamnosys_tokens`.

    Raises:
        UserError: a name that no symbol has.
    """
    symbols = {name: symbol for symbol, name in _names().items()}
    for position, token in enumerate(tokens, start=1):
        if token not in symbols:
            raise UserError(f"token {position} is {token!r}, the name of no HamNoSys symbol; see hamnosys_vocabulary()")
    return "".join(symbols[token] for token in tokens)


def hamnosys_vocabulary() -> list[str]:
    """Every symbol's name, by code point."""
    return list(_names().values())


@cache
def _names() -> dict[str, str]:
    """Symbol to name, as HamNoSys 4 has them; no two share a name."""
    with files("text_to_pose.text").joinpath("hamnosys_symbols.csv").open(encoding="ascii") as table:
        return {chr(int(row["codepoint"].removeprefix("U+"), 16)): row["name"] for row in csv.DictReader(table)}
