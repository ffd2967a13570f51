"""What the commands do with files: check everything, work, then write everything."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pose_core import UserError, read, write
from pose_core.atomic_files import (
    check_name,
    check_output,
    check_output_folder,
    check_stdout,
    copy_to_stdout,
    remove_empty,
    removed_if_empty,
)
from pose_core.command_line import say
from pose_core.formats import FORMATS
from pose_core.formats.options import ReadOptions
from pose_core.inputs import PIPE, PIPE_NAME
from pose_core.jobs import Job, JobOptions, JobRunner, planned
from pose_core.metrics import anatomy
from pose_core.transforms import clean
from pose_core.transforms.arrays import seen
from text_to_pose.data.hands import dominant_hand
from text_to_pose.generation import SignedText, sign_texts
from text_to_pose.inpainting import Ends, correct, needs_model
from text_to_pose.model import load_model
from text_to_pose.start_frames import StartFrames
from text_to_pose.still_missing import missing_because
from text_to_pose.text.tokenizer import WORD_SPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pose_core import PoseSequence
    from pose_core.skeleton import Side
    from text_to_pose.model import TextToPose
    from text_to_pose.sampling import Sampling


@dataclass(frozen=True)
class GenerationOptions:
    """What every text of one call is generated with; see `text-to-pose generate --help`."""

    signed_language: str
    checkpoint: str
    sampling: Sampling
    untaught: bool
    captions: bool
    start: str | None
    dominant_hand: Side | None
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
    """Signs one text into one or several files of different kinds; `-` is a `.pose` file on standard output.

    Raises:
        UserError: a text, model or output that cannot be used; then nothing is written.
    """
    piped = [path for path in outputs if str(path) == PIPE]
    if piped:
        check_stdout()
    with TemporaryDirectory(prefix="pose-") as folder:
        pipe = Path(folder) / "text.pose"
        paths = [pipe if path in piped else path for path in outputs]
        _check_outputs(paths, overwrite=options.overwrite)
        model = load_model(options.checkpoint, options.device)
        made = _generate(model, [(text, paths, "")], options, read_signer(model, options))
        if piped:
            copy_to_stdout(pipe)
    return [replace(each, files=list(outputs)) for each in made]


def generate_file(
    file: Path, folder: Path, options: GenerationOptions, batch_options: JobOptions | None = None
) -> JobRunner[GeneratedText]:
    """Signs every line of a text file into `folder/LINE-text.pose`, several at once; empty lines are skipped.

    Args:
        file: UTF-8 text, a text a line; `-` is standard input.
        batch_options: what becomes of lines that cannot be signed, and of those whose file exists.

    Raises:
        UserError: a file, model or folder that cannot be used, or a line, unless the batch keeps going.
    """
    name = PIPE_NAME if str(file) == PIPE else str(file)
    texts = read_lines(file)
    if folder.suffix in _writers():
        raise UserError(f"{folder}: --file writes a file a line; name a folder")
    digits = max(3, len(str(texts[-1][0])))
    jobs = {}
    for number, text in texts:
        stem = re.sub(r"[^\w-]+", "_", text)[:60]
        path = folder / f"{number:0{digits}d}-{stem}.pose"
        jobs[Job(file, path, f"{name}, line {number}")] = text
    batch: JobRunner[GeneratedText] = JobRunner([*jobs], batch_options or JobOptions(), "generating")
    check_name(folder)
    made = not folder.exists()
    with removed_if_empty(folder):
        check_output_folder(folder)
        batch.skip_existing()
        _check_outputs([job.output for job in batch.jobs], overwrite=options.overwrite)
        if batch.jobs:
            _generate_lines(batch, jobs, options)
    if made and not batch.done:
        remove_empty(folder)
    return batch


def read_lines(file: Path) -> list[tuple[int, str]]:
    """The lines of a text file (`-`: standard input) that are not empty, and their numbers from 1.

    Raises:
        UserError: it cannot be read, or there is none.
    """
    name = PIPE_NAME if str(file) == PIPE else str(file)
    try:
        content = sys.stdin.buffer.read() if str(file) == PIPE else file.read_bytes()
        lines = content.decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UserError(f"{name}: cannot be read ({reason})") from error
    texts = [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    if not texts:
        raise UserError(f"{name}: has no text; write a text a line")
    return texts


def _generate_lines(batch: JobRunner[GeneratedText], texts: dict[Job, str], options: GenerationOptions) -> None:
    """Generates the texts of a batch, as many at once as are sampled at once; each alone where one of them fails."""
    model = load_model(options.checkpoint, options.device)
    model.tokenizer.check_language(options.signed_language)
    signer = read_signer(model, options)  # its mistakes are those of all texts
    spellable = []
    for job in batch.jobs:
        with batch.noting(job):
            model.tokenizer.units(texts[job], options.signed_language, untaught=options.untaught)
            spellable.append(job)
    size = options.sampling.batch_size
    with batch.options.progress(len(spellable), batch.verb) as step:
        for begin in range(0, len(spellable), size):
            group = spellable[begin : begin + size]
            for job in group:
                step(texts[job])
            try:
                work = [(texts[job], [job.output], f"{job.name}: ") for job in group]
                batch.done += _generate(model, work, options, signer)
            except UserError:
                for job in group:
                    with batch.noting(job):
                        work = [(texts[job], [job.output], f"{job.name}: ")]
                        batch.done += _generate(model, work, options, signer)


@dataclass(frozen=True)
class CorrectedFile:
    """What was filled in of one file, in keypoints times frames.

    Attributes:
        missing_because: reason -> how many are missing for it, see `text_to_pose.still_missing.REASONS`.
        rejected: filled keypoints that `pose_core.transforms.clean` would reject.
        anatomy: what real clips do not have and the file had not before, see `pose_core.metrics.anatomy`; or None.
    """

    file: str
    output: Path
    frames: int
    frames_touched: int
    filled: int
    missing: int
    missing_at_ends: int
    missing_because: dict[str, int]
    rejected: int
    anatomy: str | None


@dataclass(frozen=True)
class Correction:
    """How files are corrected; see `text-to-pose correct --help`."""

    checkpoint: str
    sampling: Sampling
    text: str | None = None
    signed_language: str = ""
    ends: Ends = "missing"
    max_gap: float | None = None
    reading: ReadOptions = field(default_factory=ReadOptions)
    device: str = "auto"


def correct_files(
    inputs: Sequence[str | Path], output: Path, correction: Correction, options: JobOptions | None = None
) -> JobRunner[CorrectedFile]:
    """Fills in what files miss and writes them to others. A model is loaded only where one is needed.

    Args:
        inputs: pose files, folders, patterns, or `-`; see `find_inputs`.
        output: a file for one input, a folder, or `-`.

    Raises:
        UserError: a file, text, model or output that cannot be used, unless the batch keeps going.
    """
    options = options or JobOptions()
    with planned(
        inputs, output, options, verb="correcting", suffixes=tuple(FORMATS), suffix=None, writable=_writers()
    ) as batch:
        if batch.jobs:
            needed = needs_model(correction.text, correction.ends)
            model = load_model(correction.checkpoint, correction.device) if needed else None
            batch.run(lambda job: _correct_file(model, job, correction, overwrite=options.overwrite))
    return batch


def _correct_file(model: TextToPose | None, job: Job, correction: Correction, *, overwrite: bool) -> CorrectedFile:
    sequence = correction.reading.read(job.source)
    fixed = correct(
        model,
        sequence,
        text=correction.text,
        signed_language=correction.signed_language,
        ends=correction.ends,
        max_gap=correction.max_gap,
        sampling=correction.sampling,
    )
    there, then = seen(sequence), seen(fixed)
    filled = then & ~there
    later, before = np.maximum.accumulate(there, axis=0), np.maximum.accumulate(there[::-1], axis=0)[::-1]
    _writer(job.output)(fixed, job.output, overwrite=overwrite)
    return CorrectedFile(
        file=job.name,
        output=job.output,
        frames=len(fixed),
        frames_touched=int(filled.any(axis=1).sum()),
        filled=int(filled.sum()),
        missing=int((~then).sum()),
        missing_at_ends=int((~then & (later ^ before)).sum()),
        missing_because=missing_because(sequence, fixed, ends=correction.ends, max_gap=correction.max_gap),
        rejected=int((filled & ~(clean(fixed).confidence > 0)).sum()),
        anatomy=_new_problems(sequence, fixed),
    )


def _new_problems(sequence: PoseSequence, fixed: PoseSequence) -> str | None:
    """What is off in a corrected sequence and was not before, in one line."""
    before = {(problem.what, problem.side) for problem in anatomy(clean(sequence)).problems()}
    problems = anatomy(clean(fixed), reference=clean(sequence)).problems()
    return "; ".join(str(problem) for problem in problems if (problem.what, problem.side) not in before) or None


class Signer(NamedTuple):
    """Whose body signs, None for the model's own of the language, and with which hand, None for the language's."""

    start: StartFrames | None
    dominant_hand: Side | None


def read_signer(model: TextToPose, options: GenerationOptions) -> Signer:
    """The person that `--start` and `--dominant-hand` name; says so where that person signs with the other hand.

    Raises:
        UserError: a file or frame that cannot be used.
    """
    if options.start is None:
        return Signer(None, options.dominant_hand)
    path, colon, number = options.start.rpartition(":")
    frame = int(number) if colon and number.isdecimal() and not Path(options.start).exists() else None
    file = Path(options.start if frame is None else path)
    sequence = read(file)
    start = StartFrames.of_clip(model, sequence, file, frame)
    if options.dominant_hand is not None:
        return Signer(start, options.dominant_hand)
    hand, usual = dominant_hand(sequence), model.config.signing_hands.get(options.signed_language)
    if hand is not None and hand != usual:
        say(f"{options.start} signs with the {hand} hand, and so does the text; --dominant-hand {usual} changes that")
    return Signer(start, hand)


def _check_outputs(paths: Sequence[Path], *, overwrite: bool) -> None:
    """Refuses outputs before any work is done for them."""
    for path in paths:
        _writer(path)
        check_output(path, overwrite=overwrite)


def _generate(
    model: TextToPose, jobs: Sequence[tuple[str, list[Path], str]], options: GenerationOptions, signer: Signer
) -> list[GeneratedText]:
    """Jobs are (text, outputs, prefix of its error messages)."""
    texts = []
    for text, _, prefix in jobs:
        try:
            texts.append(model.tokenizer.units(text, options.signed_language, untaught=options.untaught))
        except UserError as error:
            raise UserError(f"{prefix}{error}") from error
    frames = options.frames
    if options.seconds is not None:
        frames = max(1, round(options.seconds * model.config.fps))
    signed = sign_texts(
        model,
        texts,
        options.signed_language,
        start=signer.start,
        dominant_hand=signer.dominant_hand,
        sampling=options.sampling,
        frames=frames,
    )
    for (text, _, prefix), result in zip(jobs, signed, strict=True):
        values = (result.sequence.keypoints, result.sequence.confidence)
        if not all(np.isfinite(each).all() for each in values):
            asked = f"--guidance {options.sampling.guidance:g} may be too strong" + (
                f", or the poses of {options.start} are damaged" if options.start else ""
            )
            raise UserError(f"{prefix}{text}: what was generated is not finite, and is not written; {asked}")
    made = []
    for (text, outputs, prefix), signs, result in zip(jobs, texts, signed, strict=True):
        for path in outputs:
            _write(result, path, captions=options.captions, overwrite=options.overwrite)
        problem = anatomy(result.sequence).summary()
        if problem is not None:
            say(f"{prefix}{text}: {problem}")
        spelled = [sign for sign in signs if sign != WORD_SPACE]
        frames_made, seconds = len(result.sequence), round(result.sequence.duration, 3)
        made.append(GeneratedText(text, options.signed_language, spelled, frames_made, seconds, outputs))
    return made


def _write(signed: SignedText, path: Path, *, captions: bool, overwrite: bool) -> None:
    """Writes poses, or a picture, which takes captions."""
    if captions and path.suffix.lower() != ".pose":
        _writer(path)(signed.sequence, path, captions=signed.captions, overwrite=overwrite)
    else:
        _writer(path)(signed.sequence, path, overwrite=overwrite)


def _writers() -> dict[str, Callable[..., None]]:
    from pose_core.rendering import PICTURES

    return {".pose": write, **PICTURES}


def _writer(path: Path) -> Callable[..., None]:
    writers = _writers()
    if path.suffix.lower() not in writers:
        raise UserError(f"{path}: cannot write {path.suffix or 'a file without suffix'}; use {', '.join(writers)}")
    return writers[path.suffix.lower()]
