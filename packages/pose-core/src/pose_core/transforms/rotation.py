"""Rotation of the picture by quarter turns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from array_api_compat import device

from pose_core.transforms.arrays import namespace, with_values
from pose_core.transforms.flipping import in_pixels

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence

Degrees = Literal[90, 180, 270]


def rotate(sequence: PoseSequence, degrees: Degrees) -> PoseSequence:
    """Rotates the picture clockwise, as FFmpeg's `transpose=clock` does for 90 degrees; depth stays.

    Args:
        sequence: keypoints (T, K, D). In pixels they turn with the picture, whose width and height change places;
            normalized ones, and MediaPipe's world landmarks, turn around their origin.
        degrees: 90, 180 or 270.
    """
    xp = namespace(sequence)
    x, y, rest = sequence.keypoints[..., 0], sequence.keypoints[..., 1], sequence.keypoints[..., 2:]
    width, height, depth = sequence.size
    around = [1] * sequence.skeleton.num_keypoints if in_pixels(sequence) else [0] * sequence.skeleton.num_keypoints
    for i in sequence.skeleton.duplicates():
        around[i] = 0
    in_picture = xp.asarray(around, dtype=x.dtype, device=device(x))
    right, bottom = width * in_picture, height * in_picture  # (K,) the edges that coordinates are counted from
    if degrees == 90:
        x, y, size = bottom - y, x, (height, width, depth)
    elif degrees == 180:
        x, y, size = right - x, bottom - y, (width, height, depth)
    else:
        x, y, size = y, right - x, (height, width, depth)
    keypoints = xp.concat([x[..., None], y[..., None], rest], axis=-1)
    return replace(with_values(sequence, keypoints, sequence.confidence), size=size)
