"""Spells words with the letters of an alphabet; what it has no letter for is left out, replaced or reported."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pose_core.notices import notify

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

WORD_SPACE = " "  # among the units of a text: a pause between two words
TATWEEL = "ـ"  # stretches Arabic words on the page
VOWEL_SIGNS = {chr(code) for code in (*range(0x64B, 0x653), 0x670)}  # of Arabic, where no letter carries them
JOINERS = {"\u200d", "\ufe0e", "\ufe0f"}  # within emoji
# Latin letters that Unicode does not decompose.
SIMILAR = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"}
MAX_NOTICE_LENGTH = 40  # characters of a text in a notice


@dataclass
class Spelling:
    """The letters of a text, and what became of the characters that are none.

    Attributes:
        letters: as the alphabet writes them, `WORD_SPACE` between words.
        left_out: punctuation and the like.
        replaced: characters that are spelled with other letters, and with which.
        missing: characters that no letter was found for.
    """

    letters: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    replaced: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def notify(self, text: str) -> None:
        """Warns of what is not spelled as it is written, in a line or none."""
        short = text if len(text) <= MAX_NOTICE_LENGTH else f"{text[: MAX_NOTICE_LENGTH - 1]}…"
        if self.left_out:
            which = " ".join(dict.fromkeys(self.left_out))
            notify(short, f"left out, being no letters: {which}", kind="texts with characters that are no letters")
        if self.replaced:
            which = ", ".join(f"{shown(one)} as {other.upper()}" for one, other in self.replaced.items())
            notify(short, f"spelled with other letters: {which}", kind="texts spelled with other letters")


class Speller:
    """Spells words with the letters of alphabets.

    Args:
        alphabets: folded letter -> how it is written, the preferred alphabet first: a double L is one letter in Spanish
            only.
        known: folded letters of all languages; one of several characters is missing as a whole.
        replace_accents: spell a letter that no alphabet has without its accents.
    """

    def __init__(
        self, alphabets: Sequence[Mapping[str, str]], known: Collection[str], *, replace_accents: bool
    ) -> None:
        self.alphabets = alphabets
        self.known = known
        self.replace_accents = replace_accents

    def spell(self, words: Sequence[str]) -> Spelling:
        """Spells folded words, each letter the longest that fits."""
        result = Spelling()
        for word in words:
            if result.letters and result.letters[-1] != WORD_SPACE:  # as it is after a word of punctuation
                result.letters.append(WORD_SPACE)
            rest = word
            while rest:
                rest = self._spell_start(rest, result)
        if result.letters and result.letters[-1] == WORD_SPACE:
            del result.letters[-1]
        return result

    def _spell_start(self, word: str, result: Spelling) -> str:
        """Spells the first letter or character of a word; returns the rest."""
        letter = self._longest_letter(word)
        if letter is not None:
            size, written = letter
            result.letters.append(written)
            return word[size:]
        size = next((n for n in range(len(word), 1, -1) if word[:n] in self.known), 1)
        if size > 1:  # one letter of another language
            _add(result.missing, word[:size])
            return word[size:]
        character, rest = word[0], word[1:]
        replacement = self._replacement(character)
        if is_no_letter(character) or (self.replace_accents and not replacement):
            result.left_out.append(character)
        elif self._can_spell(replacement):
            result.replaced[character] = replacement
            return replacement + rest
        else:
            _add(result.missing, character)
        return rest

    def _longest_letter(self, word: str) -> tuple[int, str] | None:
        """Length and written form of the longest letter that a word begins with, of the first alphabet that has one."""
        for letters in self.alphabets:
            for size in range(len(word), 0, -1):
                if word[:size] in letters:
                    return size, letters[word[:size]]
        return None

    def _replacement(self, character: str) -> str:
        """Other letters for a character, which the alphabets may have or not."""
        plain = compatible(character)
        return without_accents(plain) if self.replace_accents and not self._can_spell(plain) else plain

    def _can_spell(self, text: str) -> bool:
        return bool(text) and all(any(character in letters for letters in self.alphabets) for character in text)


def _add(characters: list[str], new: str) -> None:
    if new not in characters:
        characters.append(new)


def is_no_letter(character: str) -> bool:
    """Whether nobody spells a character: punctuation, symbols, emoji, Arabic vowel signs, what stretches or joins."""
    return unicodedata.category(character)[0] in "PS" or character in VOWEL_SIGNS | JOINERS | {TATWEEL}


def compatible(character: str) -> str:
    """The same letter in plain text: of one of full width, of a ligature, of a mathematical alphabet; else itself.

    Greek letters lose their accents: they are written in most words, but accented letters are not in the alphabet.
    """
    plain = unicodedata.normalize("NFKC", character).lower()
    return without_accents(plain) if unicodedata.name(plain[:1], "").startswith("GREEK") else plain


def without_accents(character: str) -> str:
    """Similar letters for a lower-case letter: without its accents, "ss" for "ß"; "" for a lone accent."""
    if character in SIMILAR:
        return SIMILAR[character]
    return "".join(c for c in unicodedata.normalize("NFD", character) if unicodedata.category(c) != "Mn")


def shown(token: str) -> str:
    """A token for messages, with its code point where it may not show."""
    if len(token) > 1:
        return repr(token)
    upper = token.upper() if len(token.upper()) == 1 else token  # not SS for ß
    return repr(upper) if token.isascii() and token.isprintable() else f"{upper!r} (U+{ord(upper):04X})"
