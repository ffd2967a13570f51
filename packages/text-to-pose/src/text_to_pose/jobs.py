"""What the commands do with files: check everything, work, then write everything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core import UserError, read, write
from pose_core.files import check_output, check_output_folder
from pose_core.metrics.anatomy import anatomy
from pose_core.transforms import clean
from pose_core.transforms.arrays import seen
from text_to_pose.checkpoint import load_model
from text_to_pose.correction import Ends, correct, needs_model
from text_to_pose.generation import Sampling, StartFrames, generate_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pose_core import PoseSequence
    from text_to_pose.model import TextToPose


@dataclass(frozen=True)
class GenerationOptions:
    """What every text of one call is generated with; see `text-to-pose generate --help`."""

    signed_language: str
    checkpoint: str
    sampling: Sampling
    untaught: bool
    start: str | None
    frames: int | None
    seconds: float | None
    device: str
    overwrite: bool


@dataclass(frozen=True)
class GeneratedText:
    """What was made of one text, and of which signs."""

    text: str
    signed_language: str
    signs: list[str]
    frames: int
    seconds: float
    files: list[Path]


def generate_text(text: str, outputs: Sequence[Path], options: GenerationOptions) -> list[GeneratedText]:
    """Signs one text into one or several files of different kinds.

    Raises:
        UserError: a text, model or output that cannot be used; then nothing is written.
    """
    return _generate([(text, list(outputs), "")], options)


def generate_file(file: Path, folder: Path, options: GenerationOptions) -> list[GeneratedText]:
    """Signs every line of a text file into `folder/LINE-text.pose`, several in one batch; empty lines are skipped.

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


@dataclass(frozen=True)
class CorrectedFile:
    """What was filled in of one file, in keypoints times frames.

    Attributes:
        rejected: filled keypoints that `pose_core.transforms.clean` would reject.
        problems: what real clips do not have and the file had not before, see `pose_core.metrics.anatomy`; or None.
    """

    file: Path
    output: Path
    frames: int
    frames_touched: int
    filled: int
    missing: int
    missing_at_ends: int
    rejected: int
    problems: str | None


def correct_file(
    file: Path,
    output: Path,
    *,
    text: str | None,
    signed_language: str,
    ends: Ends,
    max_gap: float | None,
    checkpoint: str,
    sampling: Sampling,
    device: str,
    overwrite: bool,
) -> CorrectedFile:
    """Fills in what one file misses and writes it to another. A model is loaded only where one is needed.

    Raises:
        UserError: a file, text, model or output that cannot be used; then nothing is written.
    """
    writer = _writer(output)
    check_output(output, overwrite=overwrite)
    sequence = read(file)
    model = load_model(checkpoint, device) if needs_model(text, ends) else None
    try:
        fixed = correct(
            model,
            sequence,
            text=text,
            signed_language=signed_language,
            ends=ends,
            max_gap=max_gap,
            sampling=sampling,
        )
    except UserError as error:
        raise UserError(f"{file}: {error}") from error
    there, then = seen(sequence), seen(fixed)
    filled = then & ~there
    later, before = np.maximum.accumulate(there, axis=0), np.maximum.accumulate(there[::-1], axis=0)[::-1]
    writer(fixed, output, overwrite=overwrite)
    return CorrectedFile(
        file=file,
        output=output,
        frames=len(fixed),
        frames_touched=int(filled.any(axis=1).sum()),
        filled=int(filled.sum()),
        missing=int((~then).sum()),
        missing_at_ends=int((~then & (later ^ before)).sum()),
        rejected=int((filled & ~(clean(fixed).confidence > 0)).sum()),
        problems=_new_problems(sequence, fixed),
    )


def _new_problems(sequence: PoseSequence, fixed: PoseSequence) -> str | None:
    """What is off in a corrected sequence and was not before, in one line."""
    before = {(problem.what, problem.side) for problem in anatomy(clean(sequence)).problems()}
    problems = anatomy(clean(fixed), reference=clean(sequence)).problems()
    return "; ".join(str(problem) for problem in problems if (problem.what, problem.side) not in before) or None


def start_frame(model: TextToPose, place: str) -> StartFrames:
    """The start frame that `FILE` or `FILE:FRAME` names, frames counted from 0.

    Raises:
        UserError: a file or frame that cannot be used.
    """
    path, colon, frame = place.rpartition(":")
    if colon and frame.isdecimal() and not Path(place).exists():
        return StartFrames.read(model, Path(path), int(frame))
    return StartFrames.read(model, Path(place))


def train_from_preset(
    data: str | Path,
    output: Path,
    preset: str,
    overrides: dict[str, Any],
    *,
    pretrain: bool,
    begin_from: str | None,
    resume: bool,
    overwrite: bool,
) -> dict[str, float]:
    """Trains with a preset's or a file's settings and returns the last validation metrics and `parameters`.

    Raises:
        UserError: settings, data or folder that cannot be used.
    """
    from pose_core.training import load_preset
    from text_to_pose.training import PRESETS, RunConfig, train

    config = load_preset(RunConfig, preset, PRESETS, overrides)
    model, metrics = train(
        data, output, config, pretrain=pretrain, begin_from=begin_from, resume=resume, overwrite=overwrite
    )
    return {"parameters": sum(p.numel() for p in model.parameters()), **metrics}


def _generate(jobs: Sequence[tuple[str, list[Path], str]], options: GenerationOptions) -> list[GeneratedText]:
    """Jobs are (text, outputs, prefix of its error messages)."""
    for _, outputs, _ in jobs:
        for path in outputs:
            _writer(path)
            check_output(path, overwrite=options.overwrite)
    model = load_model(options.checkpoint, options.device)
    texts = []
    for text, _, prefix in jobs:
        try:
            texts.append(model.tokenizer.units(text, options.signed_language, untaught=options.untaught))
        except UserError as error:
            raise UserError(f"{prefix}{error}") from error
    frames = options.frames
    if options.seconds is not None:
        frames = max(1, round(options.seconds * model.config.fps))
    start = start_frame(model, options.start) if options.start is not None else None
    sequences = generate_texts(
        model, texts, options.signed_language, start=start, sampling=options.sampling, frames=frames
    )
    made = []
    for (text, outputs, _), signs, sequence in zip(jobs, texts, sequences, strict=True):
        for path in outputs:
            _writer(path)(sequence, path, overwrite=options.overwrite)
        made.append(
            GeneratedText(text, options.signed_language, signs, len(sequence), round(sequence.duration, 3), outputs)
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
