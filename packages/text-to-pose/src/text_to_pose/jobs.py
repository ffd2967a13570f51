"""What the commands do with files: check everything, work, then write everything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pose_core import UserError, write
from pose_core.files import check_output, check_output_folder
from text_to_pose.checkpoint import load_model
from text_to_pose.generation import generate_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class GenerationOptions:
    """What every text of one call is generated with; see `text-to-pose generate --help`."""

    signed_language: str
    checkpoint: str
    num_steps: int | None
    untaught: bool
    batch_size: int
    device: str
    overwrite: bool


@dataclass(frozen=True)
class SpelledText:
    """What was made of one text."""

    text: str
    signed_language: str
    letters: list[str]
    frames: int
    seconds: float
    files: list[Path]


def generate_text(text: str, outputs: Sequence[Path], options: GenerationOptions) -> list[SpelledText]:
    """Spells one text into one or several files of different kinds.

    Raises:
        UserError: a text, model or output that cannot be used; then nothing is written.
    """
    return _generate([(text, list(outputs), "")], options)


def generate_file(file: Path, folder: Path, options: GenerationOptions) -> list[SpelledText]:
    """Spells every line of a text file into `folder/LINE-text.pose`, several in one batch; empty lines are skipped.

    Raises:
        UserError: a file, line, model or folder that cannot be used; then nothing is written.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UserError(f"{file}: cannot be read ({reason})") from error
    texts = [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    if not texts:
        raise UserError(f"{file}: has no text; write a text a line")
    if folder.suffix in _writers():
        raise UserError(f"{folder}: --file writes a file a line; name a folder")
    check_output_folder(folder)
    digits = max(3, len(str(texts[-1][0])))
    jobs = []
    for number, text in texts:
        name = re.sub(r"[^\w-]+", "_", text)[:60]
        jobs.append((text, [folder / f"{number:0{digits}d}-{name}.pose"], f"{file}, line {number}: "))
    return _generate(jobs, options)


def train_from_preset(
    data: Path, output: Path, preset: str, overrides: dict[str, Any], *, resume: bool, overwrite: bool
) -> dict[str, float]:
    """Trains with a preset's or a file's settings and returns the last validation metrics and `parameters`.

    Raises:
        UserError: settings, data or folder that cannot be used.
    """
    from pose_core.training import load_preset
    from text_to_pose.training import PRESETS, RunConfig, train

    config = load_preset(RunConfig, preset, PRESETS, overrides)
    model, metrics = train(data, output, config, resume=resume, overwrite=overwrite)
    return {"parameters": sum(p.numel() for p in model.parameters()), **metrics}


def _generate(jobs: Sequence[tuple[str, list[Path], str]], options: GenerationOptions) -> list[SpelledText]:
    """Jobs are (text, outputs, prefix of its error messages)."""
    for _, outputs, _ in jobs:
        for path in outputs:
            _writer(path)
            check_output(path, overwrite=options.overwrite)
    model = load_model(options.checkpoint, options.device)
    words = []
    for text, _, prefix in jobs:
        try:
            words.append(model.tokenizer.letters(text, options.signed_language, untaught=options.untaught))
        except UserError as error:
            raise UserError(f"{prefix}{error}") from error
    sequences = generate_words(
        model, words, options.signed_language, num_steps=options.num_steps, batch_size=options.batch_size
    )
    made = []
    for (text, outputs, _), letters, sequence in zip(jobs, words, sequences, strict=True):
        for path in outputs:
            _writer(path)(sequence, path, overwrite=options.overwrite)
        made.append(
            SpelledText(text, options.signed_language, letters, len(sequence), round(sequence.duration, 3), outputs)
        )
    return made


def _writers() -> dict[str, Callable[..., None]]:
    from pose_core.rendering import PICTURES

    return {".pose": write, **PICTURES}


def _writer(path: Path) -> Callable[..., None]:
    writers = _writers()
    if path.suffix.lower() not in writers:
        raise UserError(f"{path}: cannot write {path.suffix or 'a file without suffix'}; use {', '.join(writers)}")
    return writers[path.suffix.lower()]
