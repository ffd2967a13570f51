"""Texts of a data set: the text configuration of a model trained on them, and checks that they can be used."""

from __future__ import annotations

import unicodedata
import warnings
from functools import cache
from typing import TYPE_CHECKING, Literal, get_args

from pose_core import UserError
from pose_core.data.audit import summary
from text_to_pose.config import LetterOrigin, TextConfig
from text_to_pose.text.hamnosys import hamnosys_vocabulary, is_hamnosys
from text_to_pose.text.letters import BORROWED, MAX_LETTER_LENGTH, fold, letters_to_borrow
from text_to_pose.text.signwriting import is_signwriting, letter_symbols, signwriting_vocabulary
from text_to_pose.text.tokenizer import TextTokenizer, find_kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pose_core.data import Clip
    from text_to_pose.config import TextKind


def check_clips(clips: Sequence[Clip], kind: TextKind | Literal["auto"], data: str | Path) -> None:
    """Refuses training clips without a text, or whose texts cannot be used.

    Raises:
        UserError: naming all of them.
    """
    check_texts(clips, data)
    text = text_config(clips, kind)
    if kind == "auto":
        warn_of_kind(clips, text.kind)
    check_tokenizable(clips, TextTokenizer(text), data)


def check_early(clips: Sequence[Clip], kind: TextKind | Literal["auto"], data: str | Path) -> None:
    """As `check_clips` for the train split, without warnings, which the run gives."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train = [clip for clip in clips if clip.split == "train"]
        if train:
            check_clips(train, kind, data)


def reject(
    train: Sequence[Clip],
    validation: Sequence[Clip],
    kind: TextKind | Literal["auto"],
    known: TextConfig | None = None,
) -> list[str | None]:
    """Why each validation clip cannot be used with a model of the training clips; None where it can.

    Args:
        train: training clips.
        validation: validation clips.
        kind: of their texts.
        known: texts of the model that is fine-tuned, which it keeps.
    """
    text = text_config(train, kind)
    return text_problems(validation, TextTokenizer(text if known is None else merge_text_configs(known, text)))


def text_config(clips: Sequence[Clip], kind: TextKind | Literal["auto"]) -> TextConfig:
    """The text configuration of clips: their letters, or characters, or all symbols of their notation."""
    if kind == "auto":
        kind = find_kind([clip.text for clip in clips])
    alphabets: dict[str, dict[str, str]] = {}
    tokens: set[str] = set()
    for clip in clips:
        letters = alphabets.setdefault(clip.signed_language, {})
        folded = fold(clip.text, clip.signed_language)
        if kind == "letters":
            letters.setdefault(folded, clip.text)
            tokens.update(letter_symbols(clip.text, clip.signed_language))
        elif kind == "characters":
            tokens.update(folded)
    vocabulary = {"hamnosys": hamnosys_vocabulary, "signwriting": signwriting_vocabulary}.get(
        kind, lambda: sorted(tokens)
    )
    return TextConfig(
        kind=kind,
        alphabets={language: list(letters.values()) for language, letters in sorted(alphabets.items())},
        vocabulary=vocabulary(),
        origins=letter_origins(clips, alphabets) if kind == "letters" else {},
    )


def letter_origins(
    clips: Sequence[Clip], alphabets: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, LetterOrigin]]:
    """Of each language the letters that no clip of a person shows, and what shows them: rules rather than a loan.

    Args:
        clips: letters; those of rules or borrowed hands say so by their `origin`.
        alphabets: how folded letters of each language are written.
    """
    found: dict[tuple[str, str], set[str]] = {}
    for clip in clips:
        letter = fold(clip.text, clip.signed_language)
        found.setdefault((clip.signed_language, letter), set()).add(clip.origin)
    origins: dict[str, dict[str, LetterOrigin]] = {}
    for (language, letter), of in sorted(found.items()):
        if of <= set(get_args(LetterOrigin)):
            written = alphabets[language][letter]
            origins.setdefault(language, {})[written] = "rules" if "rules" in of else BORROWED
    return origins


def with_borrowed_letters(text: TextConfig, lenders: int) -> TextConfig:
    """Alphabets with the letters from A to Z that they lack and `lenders` other languages have, marked as borrowed.

    Handshape augmentation teaches them. Alphabets of another script are left as they are.
    """
    known = {
        language: {fold(letter, language): letter for letter in letters} for language, letters in text.alphabets.items()
    }
    alphabets = {language: list(letters) for language, letters in text.alphabets.items()}
    origins = {language: dict(of) for language, of in text.origins.items()}
    for language, letter, having in letters_to_borrow(known, lenders):
        written = known[having[0]][letter]
        alphabets[language].append(written)
        origins.setdefault(language, {})[written] = BORROWED
    return text.model_copy(update={"alphabets": alphabets, "origins": dict(sorted(origins.items()))})


def merge_text_configs(old: TextConfig, new: TextConfig) -> TextConfig:
    """The text configuration of a fine-tuned model: old and new together; of different kinds only the new one.

    A language without letters, as in pretraining, is dropped where others have letters.
    """
    if old.kind != new.kind:
        return new
    alphabets = {name: letters for name, letters in old.alphabets.items() if letters or new.kind != "letters"}
    for language, letters in new.alphabets.items():
        known = alphabets.get(language, [])
        folded = {fold(letter, language) for letter in known}
        alphabets[language] = [*known, *(letter for letter in letters if fold(letter, language) not in folded)]
    tokens = set(old.vocabulary)
    vocabulary = [*old.vocabulary, *(token for token in new.vocabulary if token not in tokens)]
    return TextConfig(
        kind=new.kind,
        alphabets=dict(sorted(alphabets.items())),
        vocabulary=vocabulary,
        origins=_merged_origins(old, new),
    )


def _merged_origins(old: TextConfig, new: TextConfig) -> dict[str, dict[str, LetterOrigin]]:
    """Origins of letters that neither model's clips of people showed; of both the new one's."""

    def shown(text: TextConfig, language: str, letter: str) -> bool:
        return letter in text.alphabets.get(language, []) and letter not in text.origins.get(language, {})

    merged: dict[str, dict[str, LetterOrigin]] = {}
    for text in (old, new):
        for language, letters in text.origins.items():
            for letter, origin in letters.items():
                if not (shown(old, language, letter) or shown(new, language, letter)):
                    merged.setdefault(language, {})[letter] = origin
    return merged


def check_texts(clips: Sequence[Clip], data: str | Path) -> None:
    """Refuses clips without a text or language, as those of a folder are.

    Raises:
        UserError: naming one.
    """
    for clip in clips:
        if not clip.text or not clip.signed_language:
            raise UserError(
                f"{data}: nothing says what {clip.path} signs; name a manifest CSV that does, or --pretrain"
            )


def check_tokenizable(clips: Sequence[Clip], tokenizer: TextTokenizer, data: str | Path) -> None:
    """Refuses clips whose texts cannot be tokenized.

    Raises:
        UserError: naming all their lines.
    """
    problems = text_problems(clips, tokenizer)
    wrong = [f"{clip.location}: {why}" for clip, why in zip(clips, problems, strict=True) if why is not None]
    if wrong:
        raise UserError(
            f"{data}: {len(wrong)} of {len(clips)} texts cannot be used: {summary(wrong)}; mend or remove these rows"
        )


def text_problems(clips: Sequence[Clip], tokenizer: TextTokenizer) -> list[str | None]:
    """Why each clip's text cannot be tokenized; None where it can."""

    @cache
    def problem(text: str, signed_language: str) -> str | None:
        try:
            tokenizer.tokenize(text, signed_language)
        except UserError as error:
            return str(error)
        return None

    return [problem(clip.text, clip.signed_language) for clip in clips]


def warn_of_kind(clips: Sequence[Clip], kind: str) -> None:
    """Warns if a few texts decide the kind of all: a word among letters, a word among texts in a notation."""
    if kind != "characters" and kind != "letters":
        return
    for notation, written in (("HamNoSys", is_hamnosys), ("SignWriting", is_signwriting)):
        others = [clip for clip in clips if not written(clip.text)]
        if len(others) * 2 < len(clips):
            _warn(others, clips, kind, f"not {notation}")
            return
    longer = [clip for clip in clips if len(unicodedata.normalize("NFC", clip.text)) > MAX_LETTER_LENGTH]
    if kind == "characters" and len(longer) * 2 < len(clips):
        _warn(longer, clips, kind, f"longer than a letter's {MAX_LETTER_LENGTH} characters")


def _warn(few: Sequence[Clip], clips: Sequence[Clip], kind: str, why: str) -> None:
    which = summary([f"{clip.location} {clip.text[:20]!r}" for clip in few], 3)
    warnings.warn(
        f"all texts are taken for {kind}, since {len(few)} of {len(clips)} are {why}: {which}; "
        "remove these rows, or --set text=...",
        stacklevel=3,
    )
