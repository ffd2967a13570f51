"""Another frame rate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence


def resample(sequence: PoseSequence, fps: float) -> PoseSequence:
    """The same motion at another frame rate, interpolated linearly between frames.

    Args:
        sequence: T frames at `sequence.fps`.
        fps: the new rate, frames a second.

    Returns:
        round(T * fps / sequence.fps) frames, at least 1. A keypoint seen in only one of the two frames around a new
        one takes that frame's place and confidence if it is the nearer one, else it is missing.
    """
    if fps == sequence.fps:
        return sequence
    frames = max(1, round(len(sequence) * fps / sequence.fps))
    return replace(stretch(sequence, frames), fps=float(fps))


def stretch(sequence: PoseSequence, frames: int) -> PoseSequence:
    """The same poses over another number of frames, first and last frame kept; `fps` stays as it is.

    Raises:
        UserError: the sequence has no frames.
    """
    if not len(sequence):
        raise UserError("the pose has no frames; it cannot be stretched to any number of them")
    position = np.linspace(0, len(sequence) - 1, frames) if frames > 1 else np.zeros(1)
    before = np.floor(position).astype(int)
    after = np.minimum(before + 1, len(sequence) - 1)
    weight = (position - before).astype(np.float32)  # (T',)

    seen = sequence.confidence > 0
    both = seen[before] & seen[after]  # (T', K)
    nearest = np.where(weight < 0.5, before, after)
    w = weight[:, None]
    keypoints = np.where(
        both[..., None],
        (1 - w[..., None]) * sequence.keypoints[before] + w[..., None] * sequence.keypoints[after],
        sequence.keypoints[nearest],
    )
    confidence = np.where(
        both, (1 - w) * sequence.confidence[before] + w * sequence.confidence[after], sequence.confidence[nearest]
    )
    return replace(sequence, keypoints=keypoints.astype(np.float32), confidence=confidence.astype(np.float32))
