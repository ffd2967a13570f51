"""What to do with characters that a language has no letter for: left out, spelled with alike letters, or refused."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

from pose_core.notices import notify

TATWEEL = "ـ"  # stretches Arabic words on the page
VOWEL_SIGNS = {chr(code) for code in (*range(0x64B, 0x653), 0x670)}  # of Arabic, where no letter carries them
JOINERS = {"\u200d", "\ufe0e", "\ufe0f"}  # within emoji
# Latin letters that Unicode does not decompose.
ALIKE = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"}
LONGEST = 40  # characters of a text in a notice


@dataclass
class Spelling:
    """The letters of a text, and what became of the characters that are none.

    Attributes:
        letters: as the alphabet writes them.
        left_out: punctuation and the like.
        replaced: characters that are spelled with other letters, and with which.
        lacking: characters that no letter was found for.
    """

    letters: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    replaced: dict[str, str] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)

    def notify(self, text: str) -> None:
        """Says what is not spelled as it is written, in a line or none."""
        short = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
        if self.left_out:
            which = " ".join(dict.fromkeys(self.left_out))
            notify(short, f"left out, being no letters: {which}", kind="texts with characters that are no letters")
        if self.replaced:
            which = ", ".join(f"{shown(one)} as {other.upper()}" for one, other in self.replaced.items())
            notify(short, f"spelled with other letters: {which}", kind="texts spelled with other letters")


def is_no_letter(character: str) -> bool:
    """Whether nobody spells a character: punctuation, symbols, emoji, Arabic vowel signs, what stretches or joins."""
    return unicodedata.category(character)[0] in "PS" or character in VOWEL_SIGNS | JOINERS | {TATWEEL}


def compatible(character: str) -> str:
    """The same letter as plain text has it: of full width, of a ligature, of a mathematical alphabet; else itself."""
    return unicodedata.normalize("NFKC", character).lower()


def alike(character: str) -> str:
    """Letters that a lower-case letter may be spelled with: without its accents, "ss" for "ß"; "" for a lone accent."""
    if character in ALIKE:
        return ALIKE[character]
    return "".join(c for c in unicodedata.normalize("NFD", character) if unicodedata.category(c) != "Mn")


def shown(token: str) -> str:
    """A token as a person reads it, its code point too where it may not show."""
    if len(token) > 1:
        return repr(token)
    upper = token.upper() if len(token.upper()) == 1 else token  # not SS for ß
    return repr(upper) if token.isascii() and token.isprintable() else f"{upper!r} (U+{ord(upper):04X})"
