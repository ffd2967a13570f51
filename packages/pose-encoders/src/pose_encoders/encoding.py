"""Pose files to vectors: `pose-encoders encode`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_core.data import collate
from pose_core.errors import UserError
from pose_core.files import written_whole
from pose_core.formats import read

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.sequence import PoseSequence
    from pose_encoders.model import PoseEncoderModel


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


def encode_file(
    model: PoseEncoderModel, path: Path, output: Path, *, person: int | None = None, overwrite: bool = False
) -> EncodedPose:
    """Writes the vectors of a pose file as `.npz`: `frames` (T, C), `clip` (C,), `fps`.

    Raises:
        UserError: a file that cannot be read, used or written; the message names it.
    """
    sequence = read(path, person=person)
    try:
        encoded = encode(model, sequence)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    with written_whole(output, overwrite=overwrite) as temporary:
        np.savez_compressed(temporary, frames=encoded.frames, clip=encoded.clip, fps=np.float64(encoded.fps))
    return encoded
