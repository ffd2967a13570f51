"""Cleaning of estimators' output: NaN, confidences outside [0, 1], points far outside the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core.transforms.arrays import copied, namespace, with_values

if TYPE_CHECKING:
    from pose_core.transforms.arrays import Array, Poses

LARGEST = 1e6  # coordinate, in any unit; larger ones are damage, and their squares overflow
OUTSIDE = 2.0  # picture sizes a point may lie outside the picture; estimators leave it by a fifth, not by twice
SMALLEST_PART = 5  # points of a component; of a smaller one all may well lie at 0


def clean(poses: Poses, *, min_confidence: float = 0.0) -> Poses:
    """Clips confidence to [0, 1] and marks keypoints without an estimate as missing.

    Missing is: a keypoint whose x or y is no number; one with a coordinate beyond a million; one that lies more than
    two picture sizes outside the picture, or exactly at the picture's corner (0, 0), where estimators put what they
    have not found; a component of which every point lies exactly at 0; a keypoint whose confidence is no number,
    while others of its component have one.

    A keypoint with x and y but no z has z = 0. Where a component has coordinates in a frame and no confidence at all
    (NaN), its estimator gives none, and the keypoints count as visible.

    Args:
        poses: keypoints (..., T, K, D) as a file has them. Only a `PoseSequence` knows its picture's `size`.
        min_confidence: keypoints that score less are missing, in the poses' own scores, which may run beyond 1.

    Returns:
        The same poses; missing keypoints have confidence 0 and lie at 0.
    """
    xp = namespace(poses)
    keypoints = _with_depth(poses)
    finite = xp.all(xp.abs(keypoints) <= LARGEST, axis=-1)  # (..., T, K), False for NaN
    confidence = _with_confidence(poses, finite)
    visible = finite & (confidence > 0) & (confidence >= min_confidence) & ~_at_origin(poses, keypoints)
    for axis, extent in enumerate(getattr(poses, "size", ())[:2]):
        if extent > 1:  # normalized files state 0 or 1
            x = keypoints[..., axis]
            visible = visible & (x > -OUTSIDE * extent) & (x < (1 + OUTSIDE) * extent)
    confidence = xp.where(visible, confidence, xp.zeros_like(confidence))
    return with_values(poses, keypoints, xp.clip(confidence, 0.0, 1.0))


def _with_depth(poses: Poses) -> Array:
    """Keypoints whose z is 0 where it is no number."""
    xp = namespace(poses)
    keypoints = poses.keypoints
    if keypoints.shape[-1] < 3:
        return keypoints
    z = keypoints[..., 2:]
    if xp.all(xp.isfinite(z)):
        return keypoints
    return xp.concat([keypoints[..., :2], xp.where(xp.isnan(z), xp.zeros_like(z), z)], axis=-1)


def _with_confidence(poses: Poses, finite: Array) -> Array:
    """Confidence that is 1 where a component has coordinates in a frame, but not one confidence."""
    xp = namespace(poses)
    none = xp.isnan(poses.confidence)
    if not xp.any(none):
        return poses.confidence
    confidence = copied(poses.confidence)
    for component in poses.skeleton.components:
        part = poses.skeleton.slice_of(component.name)
        without = xp.all(none[..., part], axis=-1, keepdims=True) & finite[..., part]
        confidence[..., part] = xp.where(without, xp.ones_like(confidence[..., part]), confidence[..., part])
    return confidence


def _at_origin(poses: Poses, keypoints: Array) -> Array:
    """(..., T, K) True where a keypoint lies exactly at the corner of a picture, or with its whole component at 0."""
    xp = namespace(poses)
    zero = xp.all(keypoints == 0, axis=-1)
    if min(getattr(poses, "size", (0, 0))[:2]) > 1 or not xp.any(zero):
        return zero
    whole = xp.zeros_like(zero)  # without a picture, 0 is the middle of it, where one point may well lie
    for component in poses.skeleton.components:
        if len(component.points) >= SMALLEST_PART:
            part = poses.skeleton.slice_of(component.name)
            whole[..., part] = xp.all(zero[..., part], axis=-1, keepdims=True)
    return whole
