"""Tokenizer: texts as tokens after a signed-language tag; letters, characters, HamNoSys or SignWriting."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError
from text_to_pose.text.hamnosys import hamnosys_text, hamnosys_tokens, is_hamnosys
from text_to_pose.text.languages import hint
from text_to_pose.text.letters import BORROWED, MAX_LETTER_LENGTH, fold, listed
from text_to_pose.text.signwriting import (
    is_signwriting,
    letter_symbols,
    signwriting_text,
    signwriting_tokens,
    symbol_shapes,
    to_fsw,
)
from text_to_pose.text.spelling import Speller, shown, without_accents

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import Tensor

    from text_to_pose.config import TextConfig, TextKind

PAD, NOTHING = 0, 1  # NOTHING is the token for no text
NONE = -1  # index of no letter or language


@dataclass(frozen=True)
class Tokens:
    """Tokens of one text.

    Attributes:
        ids: token ids, the language's first.
        language, letter: indices into the tokenizer's `languages` and `letters`, or `NONE`.
        postures: (tokens, `key_postures.SIZE`) of a sign for a model that is told them.
    """

    ids: list[int]
    language: int = NONE
    letter: int = NONE
    postures: np.ndarray | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class TextBatch:
    """B texts, padded.

    Attributes:
        ids: (B, L) token ids, 0 where padded.
        languages, letters: (B,), see `Tokens`.
        postures: (B, L, `key_postures.SIZE`), 0 where padded; None where no text has any.
    """

    ids: Tensor
    languages: Tensor
    letters: Tensor
    postures: Tensor | None = None

    @property
    def mask(self) -> Tensor:
        """(B, L), True where a token is real."""
        return self.ids != PAD

    def __len__(self) -> int:
        return len(self.ids)

    def to(self, device: torch.device | str) -> TextBatch:
        postures = None if self.postures is None else self.postures.to(device)
        return TextBatch(self.ids.to(device), self.languages.to(device), self.letters.to(device), postures)

    @classmethod
    def of(cls, texts: Sequence[Tokens]) -> TextBatch:
        """Pads texts to the longest."""
        import torch  # here, so that an exported model's texts are tokenized without it

        ids, languages, letters, postures = padded(texts)
        return cls(
            torch.from_numpy(ids),
            torch.from_numpy(languages),
            torch.from_numpy(letters),
            None if postures is None else torch.from_numpy(postures),
        )


def padded(texts: Sequence[Tokens]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """The fields of a `TextBatch` as numpy's arrays."""
    L = max(len(text.ids) for text in texts)
    ids = np.array([[*text.ids, *[PAD] * (L - len(text.ids))] for text in texts])
    languages, letters = np.array([text.language for text in texts]), np.array([text.letter for text in texts])
    told = [(row, text.postures) for row, text in enumerate(texts) if text.postures is not None]
    if not told:
        return ids, languages, letters, None
    postures = np.zeros((*ids.shape, told[0][1].shape[1]), np.float32)
    for row, each in told:
        postures[row, : len(each)] = each
    return ids, languages, letters, postures


class TextTokenizer:
    """Texts of signed languages to token ids and back.

    Args:
        config: the model's. A letter may have several characters (`SCH`).
        key_postures: give signs in HamNoSys theirs, see `text_to_pose.signing.key_postures`.
    """

    def __init__(self, config: TextConfig, *, key_postures: bool = False) -> None:
        self.kind = config.kind
        self.key_postures = key_postures and config.kind == "hamnosys"
        self.alphabets = {language: tuple(letters) for language, letters in config.alphabets.items()}
        self._origins = config.origins
        self.languages = sorted(self.alphabets)
        self._alphabets = {
            language: {fold(letter, language): letter for letter in letters}
            for language, letters in self.alphabets.items()
        }
        self.letters = sorted({letter for letters in self._alphabets.values() for letter in letters})
        self.vocabulary = ["<pad>", "<nothing>", *(f"<{language}>" for language in self.languages), *config.vocabulary]
        self._ids = {token: i for i, token in enumerate(self.vocabulary)}

    def __len__(self) -> int:
        return len(self.vocabulary)

    def own_letters(self) -> dict[str, list[str]]:
        """The letters of each language whose hands are not borrowed from others."""
        return {
            language: [letter for letter in letters if self._origins.get(language, {}).get(letter) != BORROWED]
            for language, letters in self.alphabets.items()
        }

    def tokenize(self, text: str | None, signed_language: str, *, signwriting: bool = True) -> Tokens:
        """A letter, or a whole text of another kind, as tokens.

        Args:
            text: a letter may be one of other languages only; SignWriting (FSW or SWU) may take the place of a letter.
                None is no text.
            signed_language: ISO 639-3 code.
            signwriting: add the SignWriting of a letter, where it is known and was in the training data.

        Raises:
            UserError: unknown language, no text, or a letter, character or symbol that the model does not have.
        """
        if text is None:
            return Tokens([NOTHING])
        self.check_language(signed_language)
        text = text.strip()
        if not text:
            raise UserError("the text is empty; give at least one letter")
        tag, language = self._ids[f"<{signed_language}>"], self.languages.index(signed_language)
        if self.kind != "letters" or is_signwriting(text):
            ids = [tag, *self._symbols(text, signed_language)]
            return Tokens(ids, language, postures=_key_postures(text) if self.key_postures else None)
        letter = fold(text, signed_language)
        if letter not in self.letters:
            raise UserError(f"no language has a letter {shown(letter)}; {self._knows(signed_language)}")
        tokens = letter_symbols(text, signed_language) if signwriting else []
        known = [self._ids[token] for token in tokens if token in self._ids]
        # Half a sign would be another one.
        return Tokens([tag, *(known if len(known) == len(tokens) else [])], language, self.letters.index(letter))

    def detokenize(self, tokens: Tokens) -> str:
        """`<language> text`, the inverse of `tokenize` but for case, box and positions of a letter's SignWriting."""
        ids = [i for i in tokens.ids if i != PAD]
        if ids == [NOTHING]:
            return "<nothing>"
        tag, *symbols = (self.vocabulary[i] for i in ids)
        if tokens.letter != NONE:
            return f"{tag} {self.letters[tokens.letter]}"
        if self.kind == "hamnosys":
            return f"{tag} {hamnosys_text(symbols)}"
        if self.kind == "signwriting":
            return f"{tag} {signwriting_text(symbols)}"
        return f"{tag} {''.join(symbols)}"

    def units(self, text: str, signed_language: str, *, borrow_letters: bool = False) -> list[str]:
        """Units of a text, generated one after the other: its letters or written signs, or all of another kind."""
        self.check_language(signed_language)
        if not text.strip():
            raise UserError("the text is empty; give at least one letter")
        if self.kind != "letters":
            self.tokenize(text, signed_language)
            return [text.strip()]
        if is_signwriting(text):
            signs = to_fsw(text).split()
            for sign in signs:
                self.tokenize(sign, signed_language)
            return signs
        return self.spell(text, signed_language, borrow_letters=borrow_letters)

    def spell(self, text: str, signed_language: str, *, borrow_letters: bool = False) -> list[str]:
        """The letters that spell a text, as the alphabet writes them, each the longest that fits (`SCH`).

        White space between words is spelled as one `WORD_SPACE`. Punctuation and symbols are left out; a letter in
        another form (of full width, in a ligature) is that letter. Both are said by an `InputWarning`.

        Args:
            text: words.
            signed_language: ISO 639-3 code.
            borrow_letters: take letters missing from this alphabet from other languages, and spell those that no
                language has with similar ones: `Ï` as `I`, `ß` as `SS`.

        Raises:
            UserError: unknown language, nothing to spell, or letters the language lacks; the message names them all.
        """
        self.check_language(signed_language)
        alphabets = [self._alphabets[signed_language]]
        if borrow_letters:
            alphabets.append(
                {folded: letter for letters in self._alphabets.values() for folded, letter in letters.items()}
            )
        speller = Speller(alphabets, set(self.letters), replace_accents=borrow_letters)
        words = [fold(word, signed_language) for word in text.split()]
        spelled = speller.spell(words)
        if spelled.missing:
            raise UserError(self._missing_letters(spelled.missing, signed_language, borrow_letters))
        if not spelled.letters:
            raise UserError(f"{text!r} has no letter to spell")
        spelled.notify(text)
        return spelled.letters

    def check_language(self, signed_language: str) -> None:
        """Refuses a language that the model does not know.

        Raises:
            UserError: listing those it knows.
        """
        if signed_language not in self.alphabets:
            known = ", ".join(self.languages)
            meant = hint(signed_language, self.languages)
            raise UserError(
                f"unknown signed language {signed_language!r}{meant}{' ' if meant.endswith('?') else '; '}"
                f"this model knows {known}"
            )

    def _symbols(self, text: str, signed_language: str) -> list[int]:
        """Ids of a text of characters or of a notation."""
        tokens = list(fold(text, signed_language)) if self.kind == "characters" else tokens_of(text, self.kind)
        unknown = list(dict.fromkeys(token for token in tokens if token not in self._ids))
        if unknown and self.kind == "characters":
            characters = f"character{'s' * (len(unknown) > 1)} {', '.join(map(shown, unknown))}"
            raise UserError(f"this model has no {characters}")
        if unknown:
            raise UserError(f"this model has no symbol {shown(unknown[0])}")
        return [self._ids[token] for token in tokens]

    def _missing_letters(self, characters: list[str], language: str, borrow_letters: bool) -> str:
        """Message of all letters that a language lacks, and what `--borrow-letters` would do."""
        remedies = []
        if not borrow_letters:
            borrowed = [character for character in characters if character in self.letters]
            if borrowed:
                they = "it" if len(characters) == 1 else ", ".join(map(_shown_letter, borrowed))
                it = "it" if len(borrowed) == 1 else "them"
                remedies.append(f"other languages have {they}: --borrow-letters signs {it} as they do")
            similar = {c: without_accents(c) for c in characters if c not in borrowed}
            spelled = [f"{shown(c)} as {s.upper()}" for c, s in similar.items() if s and set(s) <= set(self.letters)]
            if spelled:
                remedies.append(f"--borrow-letters signs {', '.join(spelled)}")
        remedy = f" ({'; '.join(remedies)})" if remedies else ""
        letters = f"letter{'s' * (len(characters) > 1)} {', '.join(map(_shown_letter, characters))}"
        return f"{language} has no {letters}{remedy}; {self._knows(language)}"

    def _knows(self, language: str) -> str:
        return f"{language} knows {' '.join(listed(self.alphabets[language], language))}"


def find_kind(texts: Sequence[str]) -> TextKind:
    """The kind of texts: a notation if all are written in it, letters if none is longer than four characters."""
    if all(map(is_hamnosys, texts)):
        return "hamnosys"
    if all(map(is_signwriting, texts)):
        return "signwriting"
    longest = max((len(unicodedata.normalize("NFC", text)) for text in texts), default=0)
    return "letters" if longest <= MAX_LETTER_LENGTH else "characters"


def _key_postures(text: str) -> np.ndarray:
    from text_to_pose.signing.key_postures import key_postures  # here: the signer takes a while to import

    return key_postures(text)


def tokens_of(text: str, kind: TextKind) -> list[str]:
    """Symbols of a text in a notation; of SignWriting in a model of letters without their positions.

    Raises:
        UserError: the text is not in that notation.
    """
    if kind == "hamnosys":
        return hamnosys_tokens(text)
    return symbol_shapes(text) if kind == "letters" else signwriting_tokens(text)


def _shown_letter(letter: str) -> str:
    return shown(letter.upper() if len(letter) > 1 else letter)
