"""Mirroring: left and right exchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from array_api_compat import device

from pose_core.sequence import FARTHEST_NORMALIZED
from pose_core.transforms.arrays import namespace, with_values

if TYPE_CHECKING:
    from pose_core.transforms.arrays import Poses


def flip(poses: Poses) -> Poses:
    """Mirrors the pose horizontally, so that the right hand becomes the left one, on the same skeleton.

    Args:
        poses: keypoints (..., T, K, D). A `PoseSequence` with a picture is mirrored at the middle of it; a batch, or
            one that is normalized whatever picture it states, at x = 0; MediaPipe's world landmarks, whose origin is
            between the hips, always at x = 0.

    Raises:
        UserError: the skeleton's layout is unknown, or an opposite is missing from it.
    """
    xp = namespace(poses)
    mirror = poses.skeleton.mirror()
    width = getattr(poses, "size", (0,))[0]
    keypoints = poses.keypoints[..., mirror, :]
    axis = [width if in_pixels(poses) else 0] * poses.skeleton.num_keypoints
    for i in poses.skeleton.duplicates():
        axis[i] = 0
    widths = xp.asarray(axis, dtype=keypoints.dtype, device=device(keypoints))
    x = widths[:, None] - keypoints[..., :1]
    return with_values(poses, xp.concat([x, keypoints[..., 1:]], axis=-1), poses.confidence[..., mirror])


def in_pixels(poses: Poses) -> bool:
    """Whether coordinates are pixels of a picture whose size is known, and not normalized whatever picture they state.

    Args:
        poses: keypoints (..., T, K, D).
    """
    xp = namespace(poses)
    far = xp.abs(poses.keypoints[..., 0]) > FARTHEST_NORMALIZED
    return getattr(poses, "size", (0,))[0] > 1 and bool(xp.any((poses.confidence > 0) & far))
