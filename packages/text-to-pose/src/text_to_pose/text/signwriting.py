"""SignWriting: ASCII (FSW) or Unicode (SWU) to tokens and back, `M p518 p518 S14c c2 r0 p482 p483`.

The `signwriting` library is imported when it is first needed: fingerspelling takes 0.3 s to import, the rest 0.1 s.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from pose_core import UserError
from text_to_pose.text.letters import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signwriting.tokenizer import SignWritingTokenizer


class _Notation(NamedTuple):
    """Regular expressions: one whole sign, and the longest start that a sign may have."""

    sign: re.Pattern[str]
    start: re.Pattern[str]

    @classmethod
    def of(cls, sort: str, box: str, symbol: str, punctuation: str, position: str) -> _Notation:
        prefix = f"{sort}(?:{symbol})+"
        return cls(
            sign=re.compile(f"(?:{prefix})?{box}{position}(?:{symbol}{position})*|{punctuation}{position}"),
            start=re.compile(
                f"(?:{prefix})?{box}(?:{position}(?:{symbol}{position})*(?:{symbol})?)?|{prefix}|{sort}|{punctuation}"
            ),
        )


# Symbols run from 100 to 38b, punctuation from 387; numbers from 250 to 749.
_FSW = _Notation.of(
    sort="A",
    box="[BLMR]",
    symbol="S(?:[12][0-9a-f]{2}|3[0-7][0-9a-f]|38[0-9ab])[0-5][0-9a-f]",
    punctuation="S38[7-9ab][0-5][0-9a-f]",
    position="(?:{0})x(?:{0})".format("2[5-9][0-9]|[3-6][0-9]{2}|7[0-4][0-9]"),
)
_SWU = _Notation.of(
    sort="\U0001d800",
    box="[\U0001d801-\U0001d804]",
    symbol="[\U00040001-\U0004f480]",
    punctuation="[\U0004f2a1-\U0004f480]",
    position="[\U0001d80c-\U0001d9ff]{2}",
)
_SWU_CHARACTER = re.compile("[\U0001d800-\U0001daaf\U00040001-\U0004f480]")
_FSW_LOOK = re.compile(r"\s*(?:A(?:S[0-9a-f]{5})+|(?:S[0-9a-f]{5}|[BLMR])\d{3}x\d)")
_SIGN_OF_TOKENS = re.compile("Bpp(?:Scrpp)*")  # their kinds


def is_signwriting(text: str) -> bool:
    """Whether the text is meant as SignWriting, well-formed or not: it starts as FSW does, or holds SWU characters."""
    return bool(_FSW_LOOK.match(text) or _SWU_CHARACTER.search(text))


def to_fsw(text: str) -> str:
    """Signs in FSW, a blank between two; sort prefixes (`A...`) stay. SWU is converted.

    A sign is a box with symbols, or a punctuation mark. Signs may follow each other without a blank.

    Raises:
        UserError: no sign, or malformed text: which character is wrong.
    """
    return " ".join(_signs(text))


def signwriting_tokens(text: str) -> list[str]:
    """The tokens of signs in FSW or SWU: of each symbol its base, fill (`c`), rotation (`r`), and position (two `p`).

    Raises:
        UserError: as `to_fsw`.
    """
    boxes = " ".join(re.sub("^A[^BLMR]*", "", sign) for sign in _signs(text))
    return list(_tokenizer().text_to_tokens(boxes, box_position=True))


def signwriting_text(tokens: Sequence[str]) -> str:
    """FSW of tokens, a blank between two signs; the inverse of `signwriting_tokens`.

    Tokens keep every box, symbol and position of a text, in order. They do not keep sort prefixes, whether it was SWU,
    and what separated its signs; a punctuation mark without a box comes back in the box `M500x500`.

    Raises:
        UserError: an unknown token, or tokens that are no signs.
    """
    vocabulary = _tokenizer().s2i
    for position, token in enumerate(tokens, start=1):
        if token not in vocabulary or token.startswith("["):
            raise UserError(f"token {position} is {token!r}, no token of SignWriting; see signwriting_vocabulary()")
    kinds = "".join("B" if token in "BLMR" else token[0] for token in tokens)
    whole = 0
    while sign := _SIGN_OF_TOKENS.match(kinds, whole):
        whole = sign.end()
    if whole < len(tokens):
        raise UserError(
            f"the tokens from number {whole + 1} on ({' '.join(tokens[whole : whole + 5])}) are no sign; "
            "write a box and its size, then symbols with fill, rotation and position: M p518 p518 S14c c2 r0 p482 p483"
        )
    return _tokenizer().tokens_to_text(list(tokens))


def signwriting_vocabulary() -> list[str]:
    """Every token, without padding and the like: boxes, symbols, rotations, fills, numbers."""
    return _tokenizer().tokens()


def fingerspelled(letter: str, signed_language: str) -> str | None:
    """FSW of one letter (upper or lower case, of several characters in some alphabets: `SCH`), in its first variant.

    Returns:
        None where the library has no such letter in that language, or no table of the language. Accents count.
    """
    return _fingerspelling(signed_language).get(fold(letter, signed_language))


def letter_symbols(letter: str, signed_language: str) -> list[str]:
    """Symbols of a letter's SignWriting; none where the signwriting library does not have that letter."""
    written = fingerspelled(letter, signed_language)
    return symbol_shapes(written) if written is not None else []


def symbol_shapes(sign: str) -> list[str]:
    """Symbols of a sign without box and positions, which say little about a letter."""
    return [token for token in signwriting_tokens(sign) if token[0] in "Scr"]


def _signs(text: str) -> list[str]:
    """The signs of a text, each as FSW."""
    from signwriting.formats.swu_to_fsw import swu2fsw

    notation = _SWU if _SWU_CHARACTER.search(text) else _FSW
    signs = []
    for word in re.finditer(r"\S+", text):
        position = before = word.start()
        while position < word.end():
            sign = notation.sign.match(text, position)
            if sign is None:
                # What follows a whole sign may be the broken rest of it, or a broken sign.
                starts = (notation.start.match(text, begin) for begin in (before, position))
                raise UserError(_malformed(text, max([position, *(start.end() for start in starts if start)])))
            signs.append(swu2fsw(sign.group()))
            before, position = position, sign.end()
    if not signs:
        raise UserError("the text is empty; give at least one sign, such as M518x518S14c20482x483")
    return signs


def _malformed(text: str, wrong: int) -> str:
    found = "the text ends" if wrong == len(text) else repr(text[wrong : wrong + 10])
    return (
        f"malformed SignWriting at character {wrong + 1} ({found}); a sign is a box (B, L, M or R) and its size, "
        "then symbols and their positions, numbers from 250 to 749: M518x518S14c20482x483"
    )


@cache
def _tokenizer() -> SignWritingTokenizer:
    from signwriting.tokenizer import SignWritingTokenizer

    return SignWritingTokenizer()


@cache
def _fingerspelling(signed_language: str) -> dict[str, str]:
    """Folded letter to the first of its signs; empty where the library has no table."""
    from signwriting.fingerspelling.fingerspelling import FINGERSPELLING_DIR, get_chars, variant_signs

    if signed_language not in {table.stem for table in FINGERSPELLING_DIR.glob("*.json")}:
        return {}
    letters = get_chars(signed_language).items()
    return {fold(letter, signed_language): variant_signs(variants)[0] for letter, variants in letters}
