"""Pose files to vectors: `pose-encoders encode`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_core.atomic_files import atomic_write
from pose_core.data import collate
from pose_core.formats import FORMATS
from pose_core.formats.options import ReadOptions
from pose_core.jobs import Job, JobOptions, JobRunner, planned
from pose_encoders.checkpoint import load_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pose_core.sequence import PoseSequence
    from pose_encoders.model import PoseEncoderModel


VECTORS = ".npz"


@dataclass(frozen=True)
class EncodedPose:
    """Vectors of one sequence.

    Attributes:
        frames: (T, C), one a frame at the model's frame rate, from the first frame in which somebody is seen.
        clip: (C,), one for all of it.
        fps: frames a second.
        labels: label -> probability, the most probable first; empty for a model without labels.
    """

    frames: np.ndarray
    clip: np.ndarray
    fps: float
    labels: dict[str, float]


def encode(model: PoseEncoderModel, sequence: PoseSequence) -> EncodedPose:
    """Vectors of a sequence as a file has it.

    Raises:
        UserError: nobody is seen, the pose cannot be normalized, or it shares no keypoint with the model's.
    """
    batch = collate([model.prepare(sequence)]).to(model.device)
    with torch.inference_mode():
        vectors = model(batch)
        clip = model.pooling(vectors, batch.mask)
        labels: dict[str, float] = {}
        if model.config.labels is not None:
            probabilities = model.head(clip)[0].softmax(dim=0)
            order = probabilities.argsort(descending=True).tolist()
            labels = {model.config.labels[i]: probabilities[i].item() for i in order}
    return EncodedPose(vectors[0].cpu().numpy(), clip[0].cpu().numpy(), model.config.fps, labels)


@dataclass(frozen=True)
class EncodedFile:
    """What one file became; `labels` are the five most probable ones."""

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
        output: an `.npz` for one input, a folder, or `-`.
        reading: how the files are read.

    Raises:
        UserError: an input, model or output that cannot be used, unless the batch keeps going.
    """
    options, reading = options or JobOptions(), reading or ReadOptions()
    with planned(
        inputs, output, options, verb="encoding", suffixes=tuple(FORMATS), suffix=VECTORS, writable=(VECTORS,)
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
