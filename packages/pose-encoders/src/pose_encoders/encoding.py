"""Encoding: a pose sequence to the vectors of its frames and of the clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pose_core.batch import collate

if TYPE_CHECKING:
    import numpy as np

    from pose_core.sequence import PoseSequence
    from pose_encoders.model import PoseEncoderModel


@dataclass(frozen=True)
class EncodedPose:
    """Vectors of one sequence.

    Attributes:
        frames: (T, C), one vector per frame at the model's frame rate, from the first frame with a visible keypoint.
        clip: (C,), one vector for the whole sequence.
        fps: frames per second of `frames`.
        labels: label -> probability, the most probable first; empty for a model without labels.
    """

    frames: np.ndarray
    clip: np.ndarray
    fps: float
    labels: dict[str, float]


def encode(model: PoseEncoderModel, sequence: PoseSequence) -> EncodedPose:
    """Preprocesses and encodes a sequence (T, K, D), as its file has it.

    Raises:
        UserError: nobody is visible, the pose cannot be normalized, or has no keypoint of the model's skeleton.
    """
    batch = collate([model.prepare(sequence)]).to(model.device)
    with torch.inference_mode():
        vectors = model(batch)  # (1, T, C)
        clip = model.pooling(vectors, batch.mask)  # (1, C)
        labels: dict[str, float] = {}
        if model.config.labels is not None:
            probabilities = model.head(clip)[0].softmax(dim=0)
            order = probabilities.argsort(descending=True).tolist()
            labels = {model.config.labels[i]: probabilities[i].item() for i in order}
    return EncodedPose(vectors[0].cpu().numpy(), clip[0].cpu().numpy(), model.config.fps, labels)
