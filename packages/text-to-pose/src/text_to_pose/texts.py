"""Which texts of a data set a model can be taught, and which it can be validated with."""

from __future__ import annotations

import unicodedata
import warnings
from functools import cache
from typing import TYPE_CHECKING

from pose_core import UserError
from pose_core.data.audit import summary
from text_to_pose.hamnosys import is_hamnosys
from text_to_pose.signwriting import is_signwriting
from text_to_pose.tokenizer import LONGEST_LETTER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pose_core.data import Clip
    from text_to_pose.tokenizer import TextTokenizer


def check_texts(clips: Sequence[Clip], data: str | Path) -> None:
    """Refuses clips that say nothing, as those of a folder do.

    Raises:
        UserError: naming one.
    """
    for clip in clips:
        if not clip.text or not clip.signed_language:
            raise UserError(
                f"{data}: nothing says what {clip.path} signs; name a manifest CSV that does, or --pretrain"
            )


def check_taught(clips: Sequence[Clip], tokenizer: TextTokenizer, data: str | Path) -> None:
    """Refuses clips whose texts the tokenizer cannot take.

    Raises:
        UserError: naming all their lines.
    """
    problems = untaught(clips, tokenizer)
    wrong = [f"{clip.place}: {why}" for clip, why in zip(clips, problems, strict=True) if why is not None]
    if wrong:
        raise UserError(f"{data}: {len(wrong)} of {len(clips)} texts cannot be used: {summary(wrong)}; remove its row")


def untaught(clips: Sequence[Clip], tokenizer: TextTokenizer) -> list[str | None]:
    """Why the tokenizer cannot take each clip's text; None where it can."""

    @cache
    def problem(text: str, signed_language: str) -> str | None:
        try:
            tokenizer.tokenize(text, signed_language)
        except UserError as error:
            return str(error)
        return None

    return [problem(clip.text, clip.signed_language) for clip in clips]


def warn_of_kind(clips: Sequence[Clip], kind: str) -> None:
    """Warns if a few texts decide what all are taken for: a word among letters, a word among texts in a notation."""
    if kind != "characters" and kind != "letters":
        return
    for notation, written in (("HamNoSys", is_hamnosys), ("SignWriting", is_signwriting)):
        others = [clip for clip in clips if not written(clip.text)]
        if len(others) * 2 < len(clips):
            _warn(others, clips, kind, f"not {notation}")
            return
    longer = [clip for clip in clips if len(unicodedata.normalize("NFC", clip.text)) > LONGEST_LETTER]
    if kind == "characters" and len(longer) * 2 < len(clips):
        _warn(longer, clips, kind, f"longer than a letter's {LONGEST_LETTER} characters")


def _warn(few: Sequence[Clip], clips: Sequence[Clip], kind: str, why: str) -> None:
    places = summary([f"{clip.place} {clip.text[:20]!r}" for clip in few], 3)
    warnings.warn(
        f"all texts are taken for {kind}, since {len(few)} of {len(clips)} are {why}: {places}; "
        "remove these rows, or --set text=...",
        stacklevel=3,
    )
