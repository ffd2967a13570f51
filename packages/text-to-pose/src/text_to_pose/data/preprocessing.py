"""Clips as the model sees them: which keypoints, in which units, at which frame rate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core.transforms import clean, drop_duplicates, drop_face, normalize, remove_legs, resample, trim_unseen

if TYPE_CHECKING:
    from pose_core import PoseSequence, Skeleton

# Standard deviation of z divided by the sum of those of x and y: 0.0002 to 0.0032 in clips whose z is in picture
# widths, 0.08 to 1.2 in clips whose z is in pixels.
FLAT = 0.02


def prepare(sequence: PoseSequence, fps: float, skeleton: Skeleton | None = None) -> PoseSequence:
    """Preprocesses a clip for the model: hands and body, in shoulder widths, resampled, no empty frames at either end.

    Args:
        sequence: in pixels.
        fps: the model's frame rate.
        skeleton: the model's; None keeps the hands and body that the clip has.

    Raises:
        UserError: nobody is visible, or the pose cannot be normalized.
    """
    body = body_and_hands(sequence)
    if skeleton is not None:
        body = body.on_skeleton(skeleton)
    normalized, _ = normalize(trim_unseen(body))
    return resample(normalized, fps)


def body_and_hands(sequence: PoseSequence) -> PoseSequence:
    """Body and hands of a clip, in its own pixels and frames; `clean` has removed outliers."""
    return remove_legs(drop_face(drop_duplicates(clean(sequence))), keep_hips=True)


def depth_in_picture_widths(sequence: PoseSequence) -> PoseSequence:
    """Converts z from pixels to picture widths, the unit in which MediaPipe gives it.

    Newer converters multiply z by the picture's width.

    Args:
        sequence: (T, K, D), x and y in pixels.

    Returns:
        (T, K, D); the same sequence if it has no z, if its z is in picture widths already, or if no width is known.
    """
    width = sequence.size[0]
    if not width or is_flat(sequence.keypoints[sequence.visible]):
        return sequence
    return replace(sequence, keypoints=sequence.keypoints / np.array([1, 1, width], np.float32))


def is_flat(points: np.ndarray) -> bool:
    """Whether visible points (N, D) have no z, or a z in picture widths beside x and y in a larger unit."""
    if points.shape[-1] < 3 or not len(points):
        return True
    x, y, z = points.std(axis=0)
    return bool(z <= FLAT * (x + y))
