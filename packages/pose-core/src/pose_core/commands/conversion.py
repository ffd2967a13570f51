"""Conversion of pose files: `pose-core convert`."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pose_core.errors import UserError
from pose_core.formats import READERS, WRITERS, read, read_blocks, write
from pose_core.formats.pose_stream import PoseWriter
from pose_core.inputs import PIPE
from pose_core.jobs import Job, JobOptions, JobRunner, planned
from pose_core.transforms import clean, resample, rotate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pose_core.sequence import PoseSequence
    from pose_core.transforms.rotation import Degrees


@dataclass(frozen=True)
class ConvertedFile:
    """Result of converting one file."""

    file: str
    output: Path
    frames: int
    fps: float
    points: int


def convert_files(
    inputs: Sequence[str],
    output: Path,
    reading: dict[str, Any],
    options: JobOptions,
    *,
    format: str = "pose",
    resample_to: float | None = None,
    rotation: Degrees | None = None,
    pose_version: float = 0.2,
) -> JobRunner[ConvertedFile]:
    """Converts pose files, folders of them, patterns, or standard input.

    Args:
        inputs: see `find_inputs`.
        output: a file for one input, a folder, or `-` for standard output.
        reading: arguments of `read`.
        format: of files in a folder, and of standard output: a suffix of `WRITERS`, with or without its dot.
        resample_to: frames per second of the outputs.
        rotation: degrees by which the picture is turned, clockwise.
        pose_version: of `.pose` outputs; see `write`.

    Raises:
        UserError: an input or output that cannot be used, unless the batch keeps going.
    """
    suffix = f".{format.removeprefix('.').lower()}"
    named = output.suffix.lower() if len(inputs) == 1 and str(output) != PIPE and not output.is_dir() else suffix
    if (named or suffix) not in WRITERS:
        raise UserError(f"{output}: unknown pose format {named or suffix!r}; known: {', '.join(WRITERS)}")

    def convert(job: Job) -> ConvertedFile:
        if resample_to is None and job.output.suffix.lower() == ".pose":
            return convert_streamed(
                job, reading, rotation=rotation, overwrite=options.overwrite, pose_version=pose_version
            )
        sequence = _turned(read(job.source, **reading), rotation)
        if resample_to is not None:
            sequence = resample(sequence, resample_to)
        write(sequence, job.output, overwrite=options.overwrite, pose_version=pose_version)
        return ConvertedFile(job.name, job.output, len(sequence), sequence.fps, sequence.skeleton.num_keypoints)

    with planned(
        inputs, output, options, verb="converting", suffixes=tuple(READERS), suffix=suffix, writable=WRITERS
    ) as batch:
        batch.run(convert)
    return batch


def convert_streamed(
    job: Job,
    reading: dict[str, Any],
    *,
    rotation: Degrees | None = None,
    overwrite: bool = False,
    pose_version: float = 0.2,
) -> ConvertedFile:
    """Converts a file to `.pose` piece by piece, in constant memory where the input's reader does that.

    Args:
        job, overwrite: the file, its output, and whether to replace that.
        reading, rotation, pose_version: see `convert_files`.

    Raises:
        UserError: as `read_blocks` and `PoseWriter`.
    """
    blocks = (_turned(block, rotation) for block in read_blocks(job.source, **reading))
    first = next(blocks)  # there is one, or an error
    with PoseWriter(
        job.output, first.skeleton, first.fps, size=first.size, overwrite=overwrite, version=pose_version
    ) as writer:
        for block in itertools.chain([first], blocks):
            writer.append(block.keypoints, block.confidence)
    return ConvertedFile(job.name, job.output, writer.frames, first.fps, first.skeleton.num_keypoints)


def _turned(sequence: PoseSequence, rotation: Degrees | None) -> PoseSequence:
    """Part of a file, in the turned picture. Cleaned before: what is missing by lying at 0 would else lie elsewhere."""
    return sequence if rotation is None else rotate(clean(sequence), rotation)
