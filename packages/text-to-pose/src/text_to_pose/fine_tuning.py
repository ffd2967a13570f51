"""Fine-tuning: copies the weights of a model to one with other languages, letters and symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pose_core import UserError

if TYPE_CHECKING:
    from text_to_pose.model import TextToPose


def describe_kept_texts(source: TextToPose, model: TextToPose) -> str:
    """Summary of the texts that a fine-tuned model keeps, in a line."""
    old, new = source.config.text, model.config.text
    if old.kind != new.kind:
        return f"its {old.kind} are left out, for the new texts are {new.kind}"
    letters = sum(map(len, new.alphabets.values()))
    return f"what it knew is kept; in all {', '.join(model.languages)}" + (f", {letters} letters" if letters else "")


def copy_weights(source: TextToPose, model: TextToPose) -> None:
    """Copies a model's weights where they fit: the network's, and those of the tokens and letters both know.

    Raises:
        UserError: not even the denoiser fits.
    """
    theirs, ours = source.state_dict(), model.state_dict()
    if any(
        name.startswith("denoiser.") and theirs.get(name, value[:0]).shape != value.shape
        for name, value in ours.items()
    ):
        raise UserError("the model to begin from has a network of another size; train with its `network` settings")
    by_row = {"start_keypoints", "start_confidence", "text_encoder.embedding.weight"}
    fitting = {n: v for n, v in theirs.items() if n in ours and n not in by_row and v.shape == ours[n].shape}
    by_letter = {"text_encoder.lexicon.shared.weight", "text_encoder.lexicon.own.weight"}  # see `copy_letters`
    model.load_state_dict({name: value for name, value in fitting.items() if name not in by_letter}, strict=False)
    with torch.no_grad():
        copy_letters(source, model)
        for row, token in enumerate(model.tokenizer.vocabulary):
            if token in source.tokenizer.vocabulary:
                old = source.tokenizer.vocabulary.index(token)
                model.text_encoder.embedding.weight[row] = source.text_encoder.embedding.weight[old]


def copy_letters(source: TextToPose, model: TextToPose) -> None:
    """Copies the embeddings of letters that both models know, the shared one and those of each language both know."""
    ours, theirs = model.text_encoder.lexicon, source.text_encoder.lexicon
    if ours is None or theirs is None:
        return
    old_letters = {letter: row for row, letter in enumerate(source.tokenizer.letters)}
    old_languages = {language: row for row, language in enumerate(source.languages)}
    for row, letter in enumerate(model.tokenizer.letters):
        if letter not in old_letters:
            continue
        old = old_letters[letter]
        ours.shared.weight[row] = theirs.shared.weight[old]
        for number, language in enumerate(model.languages):
            if language in old_languages:
                old_row = old_languages[language] * theirs.num_letters + old
                ours.own.weight[number * ours.num_letters + row] = theirs.own.weight[old_row]
