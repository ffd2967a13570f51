"""Letters of alphabets: which spellings are one letter."""

from __future__ import annotations

import unicodedata
from string import ascii_lowercase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

MAX_LETTER_LENGTH = 4  # characters of what counts as one letter (`SCH`)
BORROWED = "borrowed"  # origin of letters whose hand shapes are other languages'
TURKIC = {"tsm"}  # languages whose writing distinguishes dotted from dotless i


def fold(text: str, signed_language: str) -> str:
    """Folds case and composition: spellings of one letter become one string.

    `İ` folds to `i̇`, in Turkish `i` does, too.
    """
    text = unicodedata.normalize("NFC", text)
    if signed_language in TURKIC:
        text = text.replace("i", "İ").replace("ı", "I")
    # A character at a time: `str.lower` writes sigma in two ways, depending on its neighbours.
    return "".join(character.lower() for character in text).replace("ς", "σ")


def letter_order(letter: str) -> str:
    """Key that sorts letters of an alphabet: those with accents follow the plain one, both cases of ß follow S."""
    return unicodedata.normalize("NFD", letter.replace("ẞ", "ß").upper())


def listed(letters: Iterable[str], signed_language: str) -> list[str]:
    """Letters as lists show them, in order and in capitals, whichever case a data set writes them in."""
    return sorted((_capital(letter, signed_language) for letter in letters), key=letter_order)


def letters_to_borrow(alphabets: Mapping[str, Collection[str]], lenders: int) -> Iterator[tuple[str, str, list[str]]]:
    """Letters from A to Z that languages written in them lack and `lenders` others have.

    Args:
        alphabets: folded letters of each language.
        lenders: languages that have a letter, at least.

    Yields:
        A language, a folded letter, and the languages that have it, in alphabetical order.
    """
    for language, letters in sorted(alphabets.items()):
        if not {*letters} & {*ascii_lowercase}:
            continue  # another script
        for letter in ascii_lowercase:
            having = [other for other in sorted(alphabets) if letter in alphabets[other]]
            if letter not in letters and len(having) >= lenders:
                yield language, letter, having


def _capital(letter: str, signed_language: str) -> str:
    """`BB` of `bb`, `ẞ` of `ß`; a letter whose capital would be another letter, as of Turkish `i`, as it is."""
    upper = letter.replace("ß", "ẞ").upper()
    return upper if fold(upper, signed_language) == fold(letter, signed_language) else letter
