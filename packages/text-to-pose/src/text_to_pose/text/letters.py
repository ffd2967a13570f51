"""Letters of alphabets: which spellings are one letter."""

from __future__ import annotations

import unicodedata

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
    """Key that sorts letters of an alphabet: those with accents follow the plain one."""
    return unicodedata.normalize("NFD", letter.upper())
