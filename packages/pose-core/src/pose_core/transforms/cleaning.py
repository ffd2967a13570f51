"""What estimators leave behind, mended: values that are no numbers, confidences that are none, points far away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core.transforms.arrays import namespace, seen, with_values

if TYPE_CHECKING:
    from pose_core.transforms.arrays import Poses

OUTSIDE = 2.0  # picture sizes a point may lie outside the picture; estimators leave it by a fifth, not by twice


def clean(poses: Poses) -> Poses:
    """Confidence in [0, 1]; keypoints that are no number, or lie far outside the picture, are missing.

    Args:
        poses: keypoints (..., T, K, D) as a file has them. Only a `PoseSequence` knows its picture's `size`: a point
            of it that lies more than two picture sizes outside is missing.

    Returns:
        The same poses; missing keypoints have confidence 0 and lie at 0.
    """
    xp = namespace(poses)
    there = seen(poses)
    for axis, extent in enumerate(getattr(poses, "size", ())[:2]):
        if extent > 1:  # normalized files state 0 or 1
            x = poses.keypoints[..., axis]
            there = there & (x > -OUTSIDE * extent) & (x < (1 + OUTSIDE) * extent)
    confidence = xp.where(there, poses.confidence, xp.zeros_like(poses.confidence))
    return with_values(poses, poses.keypoints, xp.clip(confidence, 0.0, 1.0))
