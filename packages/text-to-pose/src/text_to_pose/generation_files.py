"""Texts of a file, a clip each: signed in batches, and each alone where one of them fails."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from pose_core import UserError
from pose_core.atomic_files import check_name, check_output_folder, remove_empty, removed_if_empty
from pose_core.inputs import PIPE, PIPE_NAME
from pose_core.jobs import Job, JobOptions, JobRunner
from pose_core.outputs import check_outputs
from pose_core.writing import WRITABLE
from text_to_pose.commands import GeneratedText, GenerationOptions, Signer, TextJob, sign_by_rules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from text_to_pose.sign_commands import RuleSigner


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
    batch: JobRunner[GeneratedText] = JobRunner(
        [*texts], replace(job_options or JobOptions(), noun="text"), "generating"
    )
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
    if str(file) == PIPE and sys.stdin is None:
        raise UserError(f"{name} is closed; send a file to it, as `command - < file` does")
    try:
        content = sys.stdin.buffer.read() if str(file) == PIPE else file.read_bytes()
        lines = content.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"{name}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{name}: cannot be read (line {line} is not UTF-8 text)") from error
    texts = [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    if not texts:
        raise UserError(f"{name}: has no text; write one text per line")
    return texts


def _generate_lines(batch: JobRunner[GeneratedText], texts: dict[Job, str], options: GenerationOptions) -> None:
    """Generates the texts of a batch, `batch_size` together; each alone where one of them fails."""
    notated = [job for job in batch.jobs if options.by_rules(texts[job])]
    others = [job for job in batch.jobs if not options.by_rules(texts[job])]
    signer = Signer.load(options) if others else None  # what is wrong with it is wrong for all texts
    if notated:
        _sign_lines(batch, notated, texts, options.rule_signer())
    if signer is None:
        return
    spelled: list[tuple[Job, TextJob]] = []
    for job in others:
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


def _sign_lines(
    batch: JobRunner[GeneratedText], jobs: Sequence[Job], texts: dict[Job, str], signer: RuleSigner
) -> None:
    with batch.options.progress(len(jobs), "signing") as step:
        for job in jobs:
            step(job.name)
            with batch.noting(job):
                batch.done.append(sign_by_rules(signer, TextJob(texts[job], [], [job.output], job.name)))
