"""Rendering of many pose files: `pose-core render IN... FOLDER`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pose_core.errors import UserError
from pose_core.formats import READERS, read
from pose_core.jobs import Job, JobOptions, JobRunner, planned
from pose_core.rendering import PICTURES, write_picture
from pose_core.transforms import clean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True)
class RenderedFile:
    """The picture of one file."""

    file: str
    output: Path
    seconds: float


def render_files(
    inputs: Sequence[str | Path],
    folder: Path,
    reading: dict[str, Any],
    options: JobOptions,
    *,
    format: str = "gif",
    hands: bool = True,
) -> JobRunner[RenderedFile]:
    """Draws pose files, folders of them, patterns, or standard input, a picture each.

    Args:
        inputs: see `find_inputs`.
        folder: where the pictures go, in folders as the inputs are.
        reading: arguments of `read`.
        format: "gif", "mp4", "png" or "html".
        hands: magnified beside the signer.

    Raises:
        UserError: no such format, an input or output that cannot be used, unless the batch keeps going.
    """
    suffix = f".{format.removeprefix('.').lower()}"
    if suffix not in PICTURES:
        raise UserError(f"--format {format}: no such picture; use {', '.join(name[1:] for name in PICTURES)}")

    def render(job: Job) -> RenderedFile:
        sequence = clean(read(job.source, **reading))
        write_picture(sequence, job.output, hands=hands, overwrite=options.overwrite)
        return RenderedFile(job.name, job.output, sequence.duration)

    with planned(
        inputs, folder, options, verb="drawing", suffixes=tuple(READERS), suffix=suffix, writable=PICTURES
    ) as batch:
        batch.run(render)
    return batch
