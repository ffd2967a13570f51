"""Characters with a signed-language tag: `<ase> A`."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import torch

from pose_core import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

PAD = 0
TURKIC = {"tsm"}  # languages whose writing tells dotted from dotless i


def fold(text: str, signed_language: str) -> str:
    """Lower case, composed: spellings of one letter fold to one string. `İ` folds to `i̇`, in Turkish `i` does too."""
    text = unicodedata.normalize("NFC", text)
    if signed_language in TURKIC:
        text = text.replace("i", "İ").replace("ı", "I")
    # A character at a time: `str.lower` writes sigma in two ways, depending on its neighbours.
    return "".join(character.lower() for character in text).replace("ς", "σ")


class CharacterTokenizer:
    """Letters of signed languages to token ids and back.

    Args:
        alphabets: the letters taught in each signed language. A letter may have several characters (`SCH`).
    """

    def __init__(self, alphabets: Mapping[str, Sequence[str]]) -> None:
        self.alphabets = {language: tuple(letters) for language, letters in alphabets.items()}
        self._taught = {
            language: {fold(letter, language): letter for letter in letters}
            for language, letters in self.alphabets.items()
        }
        characters = {character for letters in self._taught.values() for letter in letters for character in letter}
        self.vocabulary = ["<pad>", *(f"<{language}>" for language in sorted(self.alphabets)), *sorted(characters)]
        self._ids = {token: i for i, token in enumerate(self.vocabulary)}

    def __len__(self) -> int:
        return len(self.vocabulary)

    def tokenize(self, letter: str, signed_language: str) -> list[int]:
        """Token ids of `<language> letter`; the letter may be one that is taught in other languages only.

        Raises:
            UserError: unknown language, no letter, or a character no language was taught.
        """
        self.check_language(signed_language)
        characters = fold(letter.strip(), signed_language)
        if not characters:
            raise UserError("the text is empty; give at least one letter")
        for character in characters:
            if character not in self._ids:
                raise UserError(
                    f"no language was taught the character {_name(character)}; {self._knows(signed_language)}"
                )
        return [self._ids[f"<{signed_language}>"], *(self._ids[character] for character in characters)]

    def detokenize(self, ids: Sequence[int]) -> str:
        """`<language> letter` of token ids, padding dropped; the inverse of `tokenize` up to upper and lower case."""
        tokens = [self.vocabulary[i] for i in ids if i != PAD]
        return f"{tokens[0]} {''.join(tokens[1:])}"

    def batch(self, token_ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Token ids (B, L), padded with 0, and their mask (B, L), True where a token is real."""
        L = max(len(ids) for ids in token_ids)
        tokens = torch.tensor([[*ids, *[PAD] * (L - len(ids))] for ids in token_ids])
        return tokens, tokens != PAD

    def letters(self, text: str, signed_language: str, *, untaught: bool = False) -> list[str]:
        """The letters that spell a text, each as the alphabet writes it; the longest that fits comes first (`SCH`).

        White space parts letters and is not spelled.

        Args:
            untaught: also take letters that only other languages were taught.

        Raises:
            UserError: unknown language, nothing to spell, or a letter the language lacks.
        """
        self.check_language(signed_language)
        if not text.strip():
            raise UserError("the text is empty; give at least one letter")
        known = [self._taught[signed_language]]
        if untaught:
            known.append({folded: letter for letters in self._taught.values() for folded, letter in letters.items()})
        spelled = []
        for word in text.split():
            rest = fold(word, signed_language)
            while rest:
                # The language's own letters come first: a double L is one letter in Spanish only.
                fits = [(n, letters) for letters in known for n in range(len(rest), 0, -1) if rest[:n] in letters]
                if not fits:
                    raise UserError(self._lacks(rest[0], signed_language, untaught))
                size, letters = fits[0]
                spelled.append(letters[rest[:size]])
                rest = rest[size:]
        return spelled

    def check_language(self, signed_language: str) -> None:
        """Raises `UserError`, listing the known ones, if the language was not taught."""
        if signed_language not in self.alphabets:
            known = ", ".join(sorted(self.alphabets))
            raise UserError(f"unknown signed language {signed_language!r}; this model knows {known}")

    def _lacks(self, character: str, language: str, untaught: bool) -> str:
        remedy = ""
        if not untaught and character in self._ids:
            remedy = " (other languages have it: --untaught signs it as they do)"
        return f"{language} was not taught the letter {_name(character)}{remedy}; {self._knows(language)}"

    def _knows(self, language: str) -> str:
        return f"{language} knows {' '.join(self.alphabets[language])}"


def _name(character: str) -> str:
    """A character as a person reads it, its code point too where it may not show."""
    if character.isascii() and character.isprintable():
        return repr(character.upper())
    return f"{character.upper()!r} (U+{ord(character):04X})"
