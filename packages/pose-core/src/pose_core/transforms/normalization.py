"""Shoulder normalization: poses of any picture, in shoulder widths around the mid-shoulder point, and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence


@dataclass(frozen=True)
class Placement:
    """Where a normalized pose stood.

    Attributes:
        center: D coordinates of the mean mid-shoulder point, in pixels.
        scale: mean shoulder width in pixels.
    """

    center: tuple[float, ...]
    scale: float

    @classmethod
    def default(cls, size: tuple[int, int, int], dims: int) -> Placement:
        """A person in the middle of a picture of that size: shoulders a quarter of it wide, room for the hips below."""
        width, height, _ = size
        return cls(center=(width / 2, height * 0.4, 0.0)[:dims], scale=min(width, height) / 4)


def normalize(sequence: PoseSequence) -> tuple[PoseSequence, Placement]:
    """Poses in shoulder widths, origin at the mid-shoulder point, both averaged over the clip.

    Same result as `pose_format.Pose.normalize`, except that a frame counts only if both shoulders were seen in it.

    Args:
        sequence: keypoints (T, K, D) in pixels.

    Returns:
        Keypoints (T, K, D) in shoulder widths, y down, missing ones at 0; and the placement `denormalize` needs.

    Raises:
        UserError: the skeleton has no shoulders, they were never seen together, or they coincide.
    """
    left, right = sequence.skeleton.shoulders()
    seen = (sequence.confidence[:, [left, right]] > 0).all(axis=1)
    if not seen.any():
        raise UserError("both shoulders are seen in no frame: the pose cannot be normalized")
    a, b = (sequence.keypoints[seen, i].astype(np.float64) for i in (left, right))
    center = ((a + b) / 2).mean(axis=0)
    scale = float(np.linalg.norm(a - b, axis=-1).mean())
    extent = max(1.0, float(np.abs(np.concatenate([a, b])).max()))
    if not scale > 1e-6 * extent:
        raise UserError("the shoulders lie on one point in every frame: the pose cannot be normalized")
    keypoints = ((sequence.keypoints - center) / scale).astype(np.float32)
    keypoints[sequence.confidence == 0] = 0.0
    return replace(sequence, keypoints=keypoints), Placement(tuple(center.tolist()), scale)


def denormalize(sequence: PoseSequence, placement: Placement) -> PoseSequence:
    """Inverse of `normalize`: keypoints (T, K, D) in shoulder widths back to pixels; missing ones stay at 0."""
    keypoints = (sequence.keypoints * placement.scale + np.asarray(placement.center)).astype(np.float32)
    keypoints[sequence.confidence == 0] = 0.0
    return replace(sequence, keypoints=keypoints)
