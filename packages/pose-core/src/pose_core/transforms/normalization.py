"""Shoulder normalization: from pixels to shoulder widths around the mid-shoulder point, and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from array_api_compat import device

from pose_core.errors import UserError
from pose_core.sequence import PoseSequence
from pose_core.transforms.arrays import Array, accurate, namespace, norm, with_values

if TYPE_CHECKING:
    from pose_core.transforms.arrays import Poses

DEFAULT_SIZE = (512, 512, 0)  # pixels; the picture of poses that have none, as generated ones
MAX_DISTANCE = 8.0  # shoulder widths from the mid-shoulder point; keypoints farther off are failed detections


@dataclass(frozen=True)
class Placement:
    """Scale and origin of a normalized pose: what `denormalize` needs, of a sequence or of each in a batch.

    Attributes:
        center: D coordinates of the mean mid-shoulder point, in pixels; (B, D) of a batch.
        scale: mean shoulder width in pixels; (B,) of a batch.
        size: width, height, depth of the picture in pixels.
    """

    center: tuple[float, ...] | Array
    scale: float | Array
    size: tuple[int, int, int] = (0, 0, 0)

    @classmethod
    def default(cls, size: tuple[int, int, int], dims: int) -> Placement:
        """A person in the middle of a picture of that size: shoulders a quarter of it wide, room for the hips below."""
        width, height, _ = size
        return cls(center=(width / 2, height * 0.4, 0.0)[:dims], scale=min(width, height) / 4, size=size)


def normalize(poses: Poses) -> tuple[Poses, Placement]:
    """Normalizes poses to shoulder widths, origin at the mid-shoulder point; both are averaged over the clip.

    Same result as `pose_format.Pose.normalize`, except that a frame counts only if both shoulders were visible in it.

    Args:
        poses: keypoints (T, K, D) or (B, T, K, D) in pixels; each clip of a batch is normalized alone.

    Returns:
        Keypoints in shoulder widths, y down, missing ones at 0, `size` 0; and the placement `denormalize` needs.

    Raises:
        UserError: the skeleton has no shoulders, they were never visible together, or they coincide.
    """
    xp = namespace(poses)
    left, right = poses.skeleton.shoulders()
    visible = poses.visible
    both = visible[..., left] & visible[..., right]  # (..., T)
    frames = xp.sum(xp.astype(both, xp.int64), axis=-1)  # (...)
    _refuse(frames == 0, "both shoulders are seen in no frame: the pose cannot be normalized")
    a, b = (accurate(xp.where(both[..., None], poses.keypoints[..., i, :], 0.0)) for i in (left, right))
    center = xp.sum((a + b) / 2, axis=-2) / frames[..., None]  # (..., D)
    scale = xp.sum(norm(a - b)[..., 0], axis=-1) / frames  # (...)
    extent = xp.maximum(xp.max(xp.abs(a), axis=(-2, -1)), xp.max(xp.abs(b), axis=(-2, -1)))
    small = ~(scale > 1e-6 * xp.clip(extent, 1.0, None))
    _refuse(small, "the shoulders lie on one point in every frame: the pose cannot be normalized")
    keypoints = (poses.keypoints - center[..., None, None, :]) / scale[..., None, None, None]
    confidence = xp.where(visible, poses.confidence, xp.zeros_like(poses.confidence))
    normalized = with_values(poses, keypoints, confidence)
    if isinstance(normalized, PoseSequence):
        placement = Placement(tuple(center.tolist()), float(scale), normalized.size)
        return replace(normalized, size=(0, 0, 0)), placement
    return normalized, Placement(center, scale)


def denormalize(poses: Poses, placement: Placement) -> Poses:
    """Inverse of `normalize`: keypoints (..., T, K, D) in shoulder widths back to pixels; missing ones stay at 0."""
    xp = namespace(poses)
    like = accurate(poses.keypoints)
    center = xp.asarray(placement.center, dtype=like.dtype, device=device(like))
    scale = xp.asarray(placement.scale, dtype=like.dtype, device=device(like))
    keypoints = like * scale[..., None, None, None] + center[..., None, None, :]
    placed = with_values(poses, keypoints, poses.confidence)
    return replace(placed, size=placement.size) if isinstance(placed, PoseSequence) else placed


def _refuse(bad: Array, message: str) -> None:
    """Raises where any clip is bad, naming the first of a batch."""
    if bad.any():
        raise UserError(f"clip {int(bad.nonzero()[0][0])} of the batch: {message}" if bad.ndim else message)
