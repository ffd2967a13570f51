"""What the commands do with files: `encode` reads poses and writes their vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core.atomic_files import atomic_write
from pose_core.formats import READERS
from pose_core.formats.options import ReadOptions
from pose_core.jobs import Job, JobOptions, JobRunner, planned
from pose_encoders.encoding import encode
from pose_encoders.model import load_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pose_encoders.model import PoseEncoderModel

VECTORS = ".npz"


@dataclass(frozen=True)
class EncodedFile:
    """The result of one file; `labels` are the five most probable ones."""

    file: str
    output: Path
    frames: int
    dim: int
    fps: float
    labels: dict[str, float]


def encode_files(
    inputs: Sequence[str | Path],
    output: Path,
    options: JobOptions | None = None,
    *,
    checkpoint: str | Path,
    reading: ReadOptions | None = None,
    device: str = "auto",
) -> JobRunner[EncodedFile]:
    """Writes the vectors of pose files, each as `.npz`: `frames` (T, C), `clip` (C,), `fps`.

    Args:
        inputs: files, folders, patterns, or `-`; see `find_inputs`.
        output: an `.npz` for one input, a folder, or `-` for standard output.
        reading: how the files are read.

    Raises:
        UserError: an input, model or output that cannot be used, unless the batch keeps going.
    """
    options, reading = options or JobOptions(), reading or ReadOptions()
    with planned(
        inputs, output, options, verb="encoding", suffixes=tuple(READERS), suffix=VECTORS, writable=(VECTORS,)
    ) as batch:
        if batch.jobs:
            model = load_model(checkpoint, device)
            batch.run(lambda job: _encode_file(model, job, reading, overwrite=options.overwrite))
    return batch


def _encode_file(model: PoseEncoderModel, job: Job, reading: ReadOptions, *, overwrite: bool) -> EncodedFile:
    encoded = encode(model, reading.read(job.source))
    with atomic_write(job.output, overwrite=overwrite) as temporary:
        np.savez_compressed(temporary, frames=encoded.frames, clip=encoded.clip, fps=np.float64(encoded.fps))
    frames, dim = encoded.frames.shape
    return EncodedFile(job.name, job.output, frames, dim, encoded.fps, dict(list(encoded.labels.items())[:5]))
