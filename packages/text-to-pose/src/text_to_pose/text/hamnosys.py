"""HamNoSys: Unicode symbols to their names and back, `hampinch12 hamextfingerul hampalml`."""

from __future__ import annotations

import csv
import difflib
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pose_core import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence


def is_hamnosys(text: str) -> bool:
    """Whether a text has a HamNoSys symbol of the private use area; `{`, `|` and `}` alone do not count."""
    return any(not character.isascii() and character in _names() for character in text)


def is_notation(text: str) -> bool:
    """Whether a text is HamNoSys, in Unicode or as symbol names (`hamfist hamextfingeru`)."""
    return is_hamnosys(text) or not _named().isdisjoint(re.split(r"[\s,]+", text))


def is_meant_as_notation(text: str) -> bool:
    """Whether it is, or would be without a typo: several words in `ham...`, or one that is nearly a symbol's name."""
    if any("\ue000" <= character <= "\uf8ff" for character in text):  # of a later HamNoSys
        return True
    words = re.split(r"[\s,]+", text.strip())
    named = all(re.fullmatch(r"ham\w+", word, re.ASCII) for word in words)
    return is_notation(text) or (named and (len(words) > 1 or bool(_near(words[0], NEARLY))))


NEARLY = 0.85
"""From how alike a word and a symbol's name are on it is meant: `hamneckk` is, `hamburger` is not."""


def meant(name: str) -> str:
    """`; did you mean hamneck?` of what is nearly a symbol's name, to be appended to a message; else nothing."""
    near = _near(name, 0.75)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _near(name: str, cutoff: float) -> list[str]:
    """Up to two names of symbols that a name is like, beside the `ham` that they all have."""
    known = [each.removeprefix("ham") for each in _names().values()]
    return [f"ham{each}" for each in difflib.get_close_matches(name.lower().removeprefix("ham"), known, 2, cutoff)]


def hamnosys_tokens(text: str) -> list[str]:
    """The name of each symbol of HamNoSys, in Unicode or as symbol names.

    In Unicode it is one token per character, blanks too (`hamspace`), so nothing is lost.

    Raises:
        UserError: a character or word that is no HamNoSys symbol.
    """
    return [name for name, _ in placed_tokens(text)]


def placed_tokens(text: str) -> list[tuple[str, int]]:
    """As `hamnosys_tokens`, each with the number of the character that it begins at, from 1."""
    names = _names()
    if not is_hamnosys(text) and re.match(r"\s*ham[a-zA-Z0-9]", text):
        placed = [(word.group(), word.start() + 1) for word in re.finditer(r"[^\s,]+", text)]
        for number, (name, place) in enumerate(placed, start=1):
            if name not in _named():
                where = f"symbol {number}, {name[:40]!r} at character {place}"
                raise UserError(f"{where}, is no name of a HamNoSys symbol{meant(name[:40])}")
        return placed
    for position, character in enumerate(text, start=1):
        if character not in names:
            shown = f"{character!r} (U+{ord(character):04X})"
            raise UserError(f"{shown} at character {position} is no HamNoSys symbol; remove it or write it in HamNoSys")
    return [(names[character], place) for place, character in enumerate(text, start=1)]


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
def _named() -> frozenset[str]:
    return frozenset(_names().values())


@cache
def _names() -> dict[str, str]:
    """Symbol to name, as HamNoSys 4 has them; no two share a name."""
    with files("text_to_pose.text").joinpath("hamnosys_symbols.csv").open(encoding="ascii") as table:
        return {chr(int(row["codepoint"].removeprefix("U+"), 16)): row["name"] for row in csv.DictReader(table)}
