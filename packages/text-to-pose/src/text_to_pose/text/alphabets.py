"""Signed languages and letters of a model, read from its config without loading it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pose_core.bundled import bundled_models
from pose_core.errors import UserError
from pose_core.pretrained import model_config
from text_to_pose.text.languages import hint, language_name, meant_language
from text_to_pose.text.letters import BORROWED, listed


@dataclass(frozen=True)
class Alphabet:
    """A signed language of a model and its letters; none where the model takes other texts.

    Attributes:
        code, name, letters: of the language; letters in capitals, where their writing has any.
        borrowed: letters whose hand shapes are other languages', as no clip of a person showed them.
        rules: letters signed by the rules of a notation, for want of such clips, too.
    """

    code: str
    name: str
    letters: list[str]
    borrowed: list[str]
    rules: list[str]


def alphabets(checkpoint: str | Path, language: str | None = None) -> list[Alphabet]:
    """The languages of a model, by code.

    Args:
        checkpoint: as `load_model` takes it.
        language: code or name of one; None: all.

    Raises:
        UserError: no such model, or it does not know the language.
    """
    bundled = {model.name: model.folder for model in bundled_models(Path(__file__).parents[1])}
    config = model_config(checkpoint, bundled)
    try:
        known = _by_code(config["text"]["alphabets"], config["text"].get("origins", {}))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{checkpoint}: not a text-to-pose model's") from error
    if language is None:
        return known
    codes = [each.code for each in known]
    meant = meant_language(language, codes)
    if meant not in codes:
        raise UserError(f"{checkpoint} does not know {language!r}{hint(language, codes)}; it knows {', '.join(codes)}")
    return [each for each in known if each.code == meant]


def _by_code(letters_of: dict[str, list[str]], origins: dict[str, dict[str, str]]) -> list[Alphabet]:
    """Sorted by code, their letters as `listed`."""

    def of(code: str, origin: str) -> list[str]:
        return listed((letter for letter, its in origins.get(code, {}).items() if its == origin), code)

    return [
        Alphabet(code, language_name(code), listed(letters, code), of(code, BORROWED), of(code, "rules"))
        for code, letters in sorted(letters_of.items())
    ]
