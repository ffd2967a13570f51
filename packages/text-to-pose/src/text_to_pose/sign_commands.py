"""The work of `text-to-pose sign`: signs of texts or of a file, signed by the rules and written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import chain
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
from pose_core.errors import naming
from pose_core.inputs import PIPE
from pose_core.jobs import Job, JobOptions, JobRunner
from pose_core.notices import notify
from pose_core.outputs import OutputNames, check_outputs, check_suffix, plan_outputs
from pose_core.rendering import Caption, write_png
from pose_core.texts import counted, printable
from pose_core.writing import WRITABLE, write_poses
from text_to_pose.data.hands import dominant_hand
from text_to_pose.hamnosys.sigml.reader import BadSign
from text_to_pose.hamnosys.sources import read_sources
from text_to_pose.signing.anatomy.body import MEAN_BODY, Body
from text_to_pose.signing.anatomy.person import measured
from text_to_pose.signing.layouts import LAYOUT
from text_to_pose.signing.signer import Signed, sign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core.inputs import Input
    from pose_core.skeleton import Side
    from text_to_pose.hamnosys.sources import Source
    from text_to_pose.hamnosys.tree import Sign

RULES = "rules"
"""What stands where a model's name would: signed by the rules, without one."""


STRIP, STRIP_FRAMES = ".png", 8
"""The picture of a sign that does not move, and how many of its frames are in it."""


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
        signs: what each is called; None where nothing says.
        model: "rules".
        not_shown: names of non-manual tiers, which are read, and not signed.
    """

    signs: list[str | None]
    model: str
    frames: int
    seconds: float
    not_shown: list[str]
    files: list[Path]

    def line(self) -> str:
        """For people, one line."""
        named = all(self.signs)
        what = " ".join(map(str, self.signs)) if named else counted(len(self.signs), "sign")
        files = ", ".join(map(str, self.files))
        return f"{files}: {what}, {self.frames} frames, {self.seconds:.1f} s of signing"


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
            say(
                f"{options.person}: a left-handed person, whose dominant hand signs; --dominant-hand right changes that"
            )
        with naming(options.person):
            person = measured(sequence)
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
        names = [printable(each.gloss or "") or None for each in signs]
        for number, (title, off) in enumerate(zip(names, signed.departures, strict=True), 1):
            if off:
                which = f"{title or f'sign {number}'} " if len(signs) > 1 else ""
                said = f"{which}could not be signed as written: {'; '.join(off)}"
                notify(name, said, kind="signs that could not be signed as written")
        captions = [
            Caption(text, start, end)
            for text, (start, end) in zip(names, signed.spans, strict=True)
            if text and options.captions and start < end
        ]
        for path in files:
            if path.suffix.lower() == STRIP:
                _write_strip(signed, path, captions, overwrite=options.overwrite)
            else:
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


def _write_strip(signed: Signed, path: Path, captions: Sequence[Caption], *, overwrite: bool) -> None:
    """Writes frames from the first of the strokes to their last: hands that come and go say nothing."""
    spans = [(start, end) for start, end in signed.spans if start < end] or [(0, len(signed.sequence))]
    first, stop = spans[0][0], spans[-1][1]
    shifted = [replace(each, start=each.start - first, end=each.end - first) for each in captions]
    frames = STRIP_FRAMES * len(spans)
    write_png(signed.sequence[first:stop], path, frames=frames, captions=shifted, overwrite=overwrite)


def signs_of(sources: Sequence[Source]) -> list[Sign]:
    """All signs, in a row.

    Raises:
        UserError: one of them could not be read.
    """
    signs: list[Sign] = []
    for each in chain.from_iterable(source.signs for source in sources):
        if isinstance(each, BadSign):
            raise each.error
        signs.append(each)
    return signs


def sign_texts(
    texts: Sequence[str], outputs: Sequence[Path], options: SigningOptions, *, column: str | None = None
) -> SignedSigns:
    """Signs texts and files in a row into one or several files; `-` is a `.pose` file on standard output.

    Args:
        texts: see `hamnosys.sources.read_sources`.
        outputs: end in suffixes of `WRITABLE`.
        options: of all signs.
        column: of the HamNoSys in tables.

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
        signs = signs_of(read_sources(texts, column))
        signed = RuleSigner.load(options).sign(signs, files, ", ".join(map(str, outputs)))
        if to_stdout:
            copy_to_stdout(temporary)
    return replace(signed, files=list(outputs))


def sign_each(
    sources: Sequence[Source],
    folder: Path,
    options: SigningOptions,
    job_options: JobOptions | None = None,
    *,
    format: str = "pose",
) -> JobRunner[SignedSigns]:
    """Signs every sign into a file of its own.

    The signs of a single file, and those given as text, become `folder/NUMBER-gloss.pose`; of several files, one with a
    single sign becomes `folder/NAME.pose`, and one with more `folder/NAME/NUMBER-gloss.pose`.

    Args:
        sources: see `hamnosys.sources.read_sources`.
        folder: of the outputs, created if it is missing.
        options: of every sign.
        job_options: what becomes of signs that cannot be signed, and of those whose file exists.
        format: suffix of the outputs.

    Raises:
        UserError: a file, person or folder that cannot be used, or a sign, unless the batch keeps going.
    """
    suffix = f".{format.lstrip('.')}"
    check_suffix(Path(f"sign{suffix}"), WRITABLE)
    if folder.suffix in WRITABLE:
        raise UserError(f"{folder}: every sign becomes a file of its own; name a folder")
    check_name(folder)
    created = not folder.exists()
    with removed_if_empty(folder):
        check_output_folder(folder)
        jobs = _jobs(sources, folder, suffix)
        batch: JobRunner[SignedSigns] = JobRunner([*jobs], replace(job_options or JobOptions(), noun="sign"), "signing")
        batch.skip_existing()
        check_outputs((job.output for job in batch.jobs if job.output.exists()), overwrite=options.overwrite)
        signer = RuleSigner.load(options)
        with batch.options.progress(len(batch.jobs), batch.verb) as step:
            for job in batch.jobs:
                each = jobs[job]
                step(printable(each.gloss or job.name))
                with batch.noting(job):
                    if isinstance(each, BadSign):
                        raise each.error
                    check_output_folder(job.output.parent)
                    batch.done.append(signer.sign([each], [job.output], job.name))
    if created and not batch.done:
        remove_empty(folder)
    return batch


def _jobs(sources: Sequence[Source], folder: Path, suffix: str) -> dict[Job, Sign | BadSign]:
    """A job for each sign.

    Raises:
        UserError: two signs would become one file.
    """
    files = [source.file for source in sources if source.file is not None]
    planned = dict(plan_outputs(files, folder, OutputNames(suffix), folder)) if len(files) > 1 else {}
    texts = [sign for source in sources if source.file is None for sign in source.signs]
    jobs = _numbered(texts, folder, suffix, None)
    for source in sources:
        if source.file is None or (planned and source.file not in planned):  # of a result of an earlier call
            continue
        output = planned.get(source.file)
        if output is not None and len(source.signs) == 1:
            name = _job_name(source.signs[0], source.file.name, source.file.name)
            jobs[Job(source.file.path, output, name)] = source.signs[0]
        else:
            jobs |= _numbered(source.signs, output.with_suffix("") if output else folder, suffix, source.file)
    return jobs


def _numbered(
    signs: Sequence[Sign | BadSign], folder: Path, suffix: str, file: Input | None
) -> dict[Job, Sign | BadSign]:
    digits = max(3, len(str(len(signs))))
    jobs: dict[Job, Sign | BadSign] = {}
    for number, each in enumerate(signs, start=1):
        stem = re.sub(r"[^\w-]+", "_", each.gloss or "")[:60].strip("_")
        path = folder / f"{number:0{digits}d}{'-' * bool(stem)}{stem}{suffix}"
        name = f"sign {number}" if file is None else _job_name(each, file.name, f"{file.name}, sign {number}")
        jobs[Job(Path(name) if file is None else file.path, path, name)] = each
    return jobs


def _job_name(sign: Sign | BadSign, file: str, name: str) -> str:
    """What a job is called in messages: the error of a bad sign names the file and the line by itself."""
    return file if isinstance(sign, BadSign) else name
