"""The work of `text-to-pose sign`: signs of texts or of a file, signed by the rules and written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

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
from pose_core.inputs import PIPE
from pose_core.jobs import Job, JobOptions, JobRunner
from pose_core.notices import notify
from pose_core.outputs import check_outputs, check_suffix
from pose_core.rendering import Caption
from pose_core.writing import WRITABLE, write_poses
from text_to_pose.data.hands import dominant_hand
from text_to_pose.hamnosys.sigml.reader import BadSign
from text_to_pose.hamnosys.sign_tables import is_notation
from text_to_pose.hamnosys.sources import read_sign_file, read_signs
from text_to_pose.signing.body import MEAN_BODY, Body
from text_to_pose.signing.layouts import LAYOUT
from text_to_pose.signing.person import measured
from text_to_pose.signing.signer import Signed, sign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core.skeleton import Side
    from text_to_pose.hamnosys.tree import Sign

RULES = "rules"
"""What stands where a model's name would: signed by the rules, without one."""


FAR = 0.1
"""Metres: hands that are farther from where the notation has them are reported."""


@dataclass(frozen=True)
class SigningOptions:
    """Options of one call, for all of its signs; see `text-to-pose sign --help`."""

    person: Path | None = None
    speed: float = 1.0
    fps: float = 25.0
    layout: str = LAYOUT
    dominant_hand: Side | None = None
    captions: bool = True
    overwrite: bool = False


@dataclass(frozen=True)
class SignedSigns:
    """What was signed, and the files that were written.

    Attributes:
        signs: what each is called; "" where nothing says.
        model: "rules".
        not_shown: names of non-manual tiers, which are read, and not signed.
    """

    signs: list[str]
    model: str
    frames: int
    seconds: float
    not_shown: list[str]
    files: list[Path]

    def line(self) -> str:
        """For people, one line."""
        names = " ".join(name for name in self.signs if name)
        what = names or ("a sign" if len(self.signs) == 1 else f"{len(self.signs)} signs")
        files = ", ".join(map(str, self.files))
        return f"{files}: {what} by the rules, without a model, {self.frames} frames, {self.seconds:.1f} s of signing"


@dataclass(frozen=True)
class RuleSigner:
    """Who signs, and how."""

    options: SigningOptions = field(default_factory=SigningOptions)
    body: Body = MEAN_BODY
    left_handed: bool = False

    @classmethod
    def load(cls, options: SigningOptions) -> RuleSigner:
        """Measures the person of `--person`; says so where that person signs with the left hand.

        Raises:
            UserError: the file cannot be read, or shows nobody.
        """
        if options.person is None:
            return cls(options, left_handed=options.dominant_hand == "left")
        sequence = read(options.person)
        hand = options.dominant_hand
        if hand is None and dominant_hand(sequence) == "left":
            hand = "left"
            say(f"{options.person} signs with the left hand, and so is this signed; --dominant-hand right changes that")
        try:
            person = measured(sequence)
        except UserError as error:
            raise UserError(f"{options.person}: {error}") from error
        if person.notice is not None:
            say(f"{options.person}: {person.notice}")
        return cls(options, person.body, hand == "left")

    def sign(self, signs: Sequence[Sign], files: list[Path], name: str) -> SignedSigns:
        """Signs signs in a row and writes them to each of the files.

        Args:
            signs: at least one.
            files: end in suffixes of `WRITABLE`.
            name: of the signs, in messages.

        Raises:
            UserError: what no body does, such as a sign of an hour.
        """
        options = self.options
        try:
            signed = self._signed(signs)
        except UserError as error:
            raise UserError(f"{self._refused(signs) or name}: {error}") from error
        tiers = sorted({tier.name for each in signs for tier in each.nonmanual})
        if tiers:
            notify(name, f"not shown: {', '.join(tiers)}", kind="signs of which a part is not shown")
        if signed.moved > FAR:
            off = f"hands are up to {100 * signed.moved:.0f} cm from where the notation has them"
            notify(name, f"arms do not reach, or the body is in the way: {off}", kind="signs out of reach")
        names = [" ".join((each.gloss or "").split()) for each in signs]
        captions = [
            Caption(text, start, end)
            for text, (start, end) in zip(names, signed.spans, strict=True)
            if text and options.captions and start < end
        ]
        for path in files:
            write_poses(signed.sequence, path, captions=captions, overwrite=options.overwrite)
        sequence = signed.sequence
        return SignedSigns(names, RULES, len(sequence), round(sequence.duration, 3), tiers, files)

    def _signed(self, signs: Sequence[Sign]) -> Signed:
        options = self.options
        return sign(
            signs,
            body=self.body,
            fps=options.fps,
            speed=options.speed,
            layout=options.layout,
            left_handed=self.left_handed,
        )

    def _refused(self, signs: Sequence[Sign]) -> str | None:
        """Which of several signs is refused by itself, in words."""
        for number, each in enumerate(signs if len(signs) > 1 else (), start=1):
            try:
                self._signed([each])
            except UserError:
                return f"sign {number} of {len(signs)}"
        return None


def signs_of(texts: Sequence[str]) -> list[Sign]:
    """The signs that arguments name, in a row: each is HamNoSys or a file; names of symbols alone are one sign.

    Raises:
        UserError: one of them cannot be read; the message says which of several.
    """
    if len(texts) > 1 and all(is_notation(text) and text.isascii() and len(text.split()) == 1 for text in texts):
        texts = [" ".join(texts)]  # hamfist hamextfingeru ..., which the shell has taken apart
    signs: list[Sign] = []
    for number, text in enumerate(texts, start=1):
        try:
            for each in read_signs(text):
                if isinstance(each, BadSign):
                    raise each.error
                signs.append(each)
        except UserError as error:
            if len(texts) == 1:
                raise
            raise UserError(f"sign {number} of {len(texts)}: {error}") from error
    return signs


def sign_texts(texts: Sequence[str], outputs: Sequence[Path], options: SigningOptions) -> SignedSigns:
    """Signs one text or several in a row into one or several files; `-` is a `.pose` file on standard output.

    Raises:
        UserError: a text, person or output that cannot be used; then nothing is written.
    """
    to_stdout = Path(PIPE) in outputs
    if to_stdout:
        check_stdout()
    with TemporaryDirectory(prefix="pose-") as folder:
        temporary = Path(folder) / "text.pose"
        files = [temporary if str(path) == PIPE else path for path in outputs]
        check_outputs(files, overwrite=options.overwrite, writable=WRITABLE)
        signs = signs_of(texts)
        signed = RuleSigner.load(options).sign(signs, files, ", ".join(map(str, outputs)))
        if to_stdout:
            copy_to_stdout(temporary)
    return replace(signed, files=list(outputs))


def sign_file(
    file: Path,
    folder: Path,
    options: SigningOptions,
    job_options: JobOptions | None = None,
    *,
    column: str | None = None,
    format: str = "pose",
) -> JobRunner[SignedSigns]:
    """Signs every sign of a file into `folder/NUMBER-gloss.pose`.

    Args:
        file: see `hamnosys.sources.read_sign_file`.
        folder: of the outputs, created if it is missing.
        options: of every sign.
        job_options: what becomes of signs that cannot be signed, and of those whose file exists.
        column: of the HamNoSys in a table.
        format: suffix of the outputs.

    Raises:
        UserError: a file, person or folder that cannot be used, or a sign, unless the batch keeps going.
    """
    suffix = f".{format.lstrip('.')}"
    check_suffix(Path(f"sign{suffix}"), WRITABLE)
    if folder.suffix in WRITABLE:
        raise UserError(f"{folder}: --file writes one file per sign; name a folder")
    signs = read_sign_file(file, column)
    digits = max(3, len(str(len(signs))))
    jobs: dict[Job, Sign | BadSign] = {}
    for number, each in enumerate(signs, start=1):
        stem = re.sub(r"[^\w-]+", "_", each.gloss or "")[:60].strip("_")
        path = folder / f"{number:0{digits}d}{'-' * bool(stem)}{stem}{suffix}"
        # The error of a bad sign names the file and the line by itself.
        name = str(file) if isinstance(each, BadSign) else f"{file}, sign {number}"
        jobs[Job(file, path, name)] = each
    batch: JobRunner[SignedSigns] = JobRunner([*jobs], job_options or JobOptions(), "signing")
    check_name(folder)
    created = not folder.exists()
    with removed_if_empty(folder):
        check_output_folder(folder)
        batch.skip_existing()
        check_outputs([job.output for job in batch.jobs], overwrite=options.overwrite)
        signer = RuleSigner.load(options)
        with batch.options.progress(len(batch.jobs), batch.verb) as step:
            for job in batch.jobs:
                each = jobs[job]
                step(each.gloss or job.name)
                with batch.noting(job):
                    if isinstance(each, BadSign):
                        raise each.error
                    batch.done.append(signer.sign([each], [job.output], job.name))
    if created and not batch.done:
        remove_empty(folder)
    return batch
