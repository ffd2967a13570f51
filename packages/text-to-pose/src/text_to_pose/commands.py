"""The work of the commands with files: check everything, work, then write everything."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError, read
from pose_core.atomic_files import (
    check_name,
    check_output_folder,
    check_stdout,
    copy_to_stdout,
    remove_empty,
    removed_if_empty,
)
from pose_core.command_line import say
from pose_core.formats import READERS
from pose_core.formats.options import ReadOptions
from pose_core.inputs import PIPE, PIPE_NAME
from pose_core.jobs import Job, JobOptions, JobRunner, planned
from pose_core.metrics import anatomy
from pose_core.outputs import check_outputs
from pose_core.transforms import clean
from pose_core.transforms.temporal import last_visible, next_visible
from pose_core.writing import WRITABLE, write_poses
from text_to_pose.data.hands import dominant_hand
from text_to_pose.generation import SignedText, sign_texts
from text_to_pose.inpainting import Ends, correct, needs_model
from text_to_pose.missing_keypoints import missing_because
from text_to_pose.model import load_model
from text_to_pose.start_frames import StartFrames
from text_to_pose.text.spelling import WORD_SPACE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import PoseSequence
    from pose_core.skeleton import Side
    from text_to_pose.model import TextToPose
    from text_to_pose.sampling import Sampling


@dataclass(frozen=True)
class GenerationOptions:
    """Options of one call, for all of its texts; see `text-to-pose generate --help`."""

    signed_language: str
    checkpoint: str
    sampling: Sampling
    borrow_letters: bool
    captions: bool
    start_frame: str | None
    dominant_hand: Side | None
    frames: int | None
    seconds: float | None
    device: str
    overwrite: bool


@dataclass(frozen=True)
class GeneratedText:
    """The signs that a text was spelled with, and the files that were written."""

    text: str
    signed_language: str
    signs: list[str]
    frames: int
    seconds: float
    files: list[Path]


@dataclass(frozen=True)
class TextJob:
    """A text, its signs, the files it is written to, and its name in messages."""

    text: str
    signs: list[str]
    files: list[Path]
    name: str


@dataclass(frozen=True)
class Signer:
    """A model and the person who signs.

    Attributes:
        model: the network.
        options: of all texts.
        start: whose body signs, and from where; the model's own for the language when None.
        dominant_hand: the language's when None.
    """

    model: TextToPose
    options: GenerationOptions
    start: StartFrames | None
    dominant_hand: Side | None

    @classmethod
    def load(cls, options: GenerationOptions) -> Signer:
        """Loads the model and the start frame of `--start-frame`; notes where that person's dominant hand differs.

        Raises:
            UserError: a model, language, file or frame that cannot be used.
        """
        model = load_model(options.checkpoint, options.device)
        model.tokenizer.check_language(options.signed_language)
        if options.start_frame is None:
            return cls(model, options, None, options.dominant_hand)
        path, colon, number = options.start_frame.rpartition(":")
        frame = int(number) if colon and number.isdecimal() and not Path(options.start_frame).exists() else None
        file = Path(options.start_frame if frame is None else path)
        sequence = read(file)
        start = StartFrames.of_clip(model, sequence, file, frame)
        if options.dominant_hand is not None:
            return cls(model, options, start, options.dominant_hand)
        hand, usual = dominant_hand(sequence), model.config.dominant_hands.get(options.signed_language)
        if hand is not None and hand != usual:
            say(
                f"{options.start_frame} signs with the {hand} hand, and so does the text; "
                f"--dominant-hand {usual} changes that"
            )
        return cls(model, options, start, hand)

    def spell(self, text: str) -> list[str]:
        """The signs of a text, see `TextTokenizer.units`."""
        options = self.options
        return self.model.tokenizer.units(text, options.signed_language, borrow_letters=options.borrow_letters)

    def sign(self, texts: Sequence[TextJob]) -> list[GeneratedText]:
        """Generates texts in one batch and writes each.

        Raises:
            UserError: fewer frames than a text needs, or poses that are not finite; then nothing is written.
        """
        options = self.options
        frames = options.frames
        if options.seconds is not None:
            frames = max(1, round(options.seconds * self.model.config.fps))
        signed = sign_texts(
            self.model,
            [text.signs for text in texts],
            options.signed_language,
            start=self.start,
            dominant_hand=self.dominant_hand,
            sampling=options.sampling,
            frames=frames,
        )
        for text, result in zip(texts, signed, strict=True):
            self._check_finite(text, result.sequence)
        return [self._write(text, result) for text, result in zip(texts, signed, strict=True)]

    def _check_finite(self, text: TextJob, sequence: PoseSequence) -> None:
        if np.isfinite(sequence.keypoints).all() and np.isfinite(sequence.confidence).all():
            return
        cause = f"--guidance {self.options.sampling.guidance:g} may be too strong"
        if self.options.start_frame:
            cause += f", or the poses of {self.options.start_frame} are damaged"
        raise UserError(f"{text.name}: what was generated is not finite, and is not written; {cause}")

    def _write(self, text: TextJob, signed: SignedText) -> GeneratedText:
        captions = signed.captions if self.options.captions else ()
        for path in text.files:
            write_poses(signed.sequence, path, captions=captions, overwrite=self.options.overwrite)
        problem = anatomy(signed.sequence).summary()
        if problem is not None:
            say(f"{text.name}: {problem}")
        signs = [sign for sign in text.signs if sign != WORD_SPACE]
        sequence, language = signed.sequence, self.options.signed_language
        return GeneratedText(text.text, language, signs, len(sequence), round(sequence.duration, 3), text.files)


def generate_text(text: str, outputs: Sequence[Path], options: GenerationOptions) -> GeneratedText:
    """Signs one text into one or several files of different formats; `-` is a `.pose` file on standard output.

    Raises:
        UserError: a text, model or output that cannot be used; then nothing is written.
    """
    to_stdout = Path(PIPE) in outputs
    if to_stdout:
        check_stdout()
    with TemporaryDirectory(prefix="pose-") as folder:
        temporary = Path(folder) / "text.pose"
        files = [temporary if str(path) == PIPE else path for path in outputs]
        check_outputs(files, overwrite=options.overwrite, writable=WRITABLE)
        signer = Signer.load(options)
        (generated,) = signer.sign([TextJob(text, signer.spell(text), files, text)])
        if to_stdout:
            copy_to_stdout(temporary)
    return replace(generated, files=list(outputs))


def generate_file(
    file: Path, folder: Path, options: GenerationOptions, job_options: JobOptions | None = None
) -> JobRunner[GeneratedText]:
    """Signs every line of a text file into `folder/LINE-text.pose`, in batches; empty lines are skipped.

    Args:
        file: UTF-8 text, one text per line; `-` is standard input.
        folder: of the pose files, created if it is missing.
        options: of every text.
        job_options: what becomes of lines that cannot be signed, and of those whose file exists.

    Raises:
        UserError: a file, model or folder that cannot be used, or a line, unless the batch keeps going.
    """
    name = PIPE_NAME if str(file) == PIPE else str(file)
    lines = read_lines(file)
    if folder.suffix in WRITABLE:
        raise UserError(f"{folder}: --file writes one file per line; name a folder")
    digits = max(3, len(str(lines[-1][0])))
    texts = {}
    for number, text in lines:
        stem = re.sub(r"[^\w-]+", "_", text)[:60]
        texts[Job(file, folder / f"{number:0{digits}d}-{stem}.pose", f"{name}, line {number}")] = text
    batch: JobRunner[GeneratedText] = JobRunner([*texts], job_options or JobOptions(), "generating")
    check_name(folder)
    created = not folder.exists()
    with removed_if_empty(folder):
        check_output_folder(folder)
        batch.skip_existing()
        check_outputs([job.output for job in batch.jobs], overwrite=options.overwrite)
        if batch.jobs:
            _generate_lines(batch, texts, options)
    if created and not batch.done:
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
        raise UserError(f"{name}: has no text; write one text per line")
    return texts


def _generate_lines(batch: JobRunner[GeneratedText], texts: dict[Job, str], options: GenerationOptions) -> None:
    """Generates the texts of a batch, `batch_size` together; each alone where one of them fails."""
    signer = Signer.load(options)  # what is wrong with it is wrong for all texts
    spelled: list[tuple[Job, TextJob]] = []
    for job in batch.jobs:
        with batch.noting(job):
            text = texts[job]
            spelled.append((job, TextJob(text, signer.spell(text), [job.output], f"{job.name}: {text}")))
    size = options.sampling.batch_size
    with batch.options.progress(len(spelled), batch.verb) as step:
        for begin in range(0, len(spelled), size):
            group = spelled[begin : begin + size]
            for job, _ in group:
                step(texts[job])
            try:
                batch.done += signer.sign([text for _, text in group])
            except UserError:
                for job, text in group:
                    with batch.noting(job):
                        batch.done += signer.sign([text])


@dataclass(frozen=True)
class CorrectedFile:
    """Summary of one corrected file; keypoints are counted per frame.

    Attributes:
        missing_because: reason -> number of keypoints missing for it, see `text_to_pose.missing_keypoints.REASONS`.
        rejected: filled keypoints that `pose_core.transforms.clean` would reject.
        anatomy: anatomical problems that the file did not have before, see `pose_core.metrics.anatomy`; or None.
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
class CorrectionOptions:
    """Options of `text-to-pose correct`, see its `--help`."""

    checkpoint: str
    sampling: Sampling
    text: str | None = None
    signed_language: str = ""
    ends: Ends = "missing"
    max_gap: float | None = None
    reading: ReadOptions = field(default_factory=ReadOptions)
    device: str = "auto"


def correct_files(
    inputs: Sequence[str | Path], output: Path, correction: CorrectionOptions, job_options: JobOptions | None = None
) -> JobRunner[CorrectedFile]:
    """Fills in missing keypoints of files and writes them to others. A model is loaded only where one is needed.

    Args:
        inputs: pose files, folders, glob patterns, or `-`; see `find_inputs`.
        output: a file for one input, a folder, or `-`.
        correction: of every file.
        job_options: what becomes of files that fail, and of those whose output exists.

    Raises:
        UserError: a file, text, model or output that cannot be used, unless the batch keeps going.
    """
    options = job_options or JobOptions()
    with planned(
        inputs, output, options, verb="correcting", suffixes=tuple(READERS), suffix=None, writable=WRITABLE
    ) as batch:
        if batch.jobs:
            needed = needs_model(correction.text, correction.ends)
            model = load_model(correction.checkpoint, correction.device) if needed else None
            batch.run(lambda job: _correct_file(model, job, correction, overwrite=options.overwrite))
    return batch


def _correct_file(
    model: TextToPose | None, job: Job, correction: CorrectionOptions, *, overwrite: bool
) -> CorrectedFile:
    original = correction.reading.read(job.source)
    corrected = correct(
        model,
        original,
        text=correction.text,
        signed_language=correction.signed_language,
        ends=correction.ends,
        max_gap=correction.max_gap,
        sampling=correction.sampling,
    )
    before, after = original.visible, corrected.visible
    filled = after & ~before
    at_ends = (last_visible(before) < 0) ^ (next_visible(before) >= len(before))  # visible on one side only
    write_poses(corrected, job.output, overwrite=overwrite)
    return CorrectedFile(
        file=job.name,
        output=job.output,
        frames=len(corrected),
        frames_touched=int(filled.any(axis=1).sum()),
        filled=int(filled.sum()),
        missing=int((~after).sum()),
        missing_at_ends=int((~after & at_ends).sum()),
        missing_because=missing_because(original, corrected, ends=correction.ends, max_gap=correction.max_gap),
        rejected=int((filled & ~clean(corrected).visible).sum()),
        anatomy=_new_problems(original, corrected),
    )


def _new_problems(original: PoseSequence, corrected: PoseSequence) -> str | None:
    """Anatomical problems of a corrected sequence that it did not have before, in one line."""
    before = {(problem.what, problem.side) for problem in anatomy(clean(original)).problems()}
    problems = anatomy(clean(corrected), reference=clean(original)).problems()
    return "; ".join(str(problem) for problem in problems if (problem.what, problem.side) not in before) or None
