"""Resampling in time: another frame rate, another number of frames."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from array_api_compat import device

from pose_core.errors import UserError
from pose_core.rates import check_rate
from pose_core.sequence import PoseSequence
from pose_core.transforms.arrays import Array, namespace, with_values
from pose_core.transforms.temporal import take_frames

if TYPE_CHECKING:
    from pose_core.transforms.arrays import Poses

MAX_FRAMES = 1_000_000  # 11 hours at 25 frames per second; more are asked for by mistake, and fill the memory


def resample(poses: Poses, fps: float) -> Poses:
    """Resamples to another frame rate by linear interpolation between frames.

    Args:
        poses: (T, K, D) at its `fps`, or a batch (B, T, K, D), each clip at its own.
        fps: the new rate, frames per second.

    Returns:
        round(T * fps / its fps) frames, at least 1, of a batch padded to the longest. A keypoint visible in only one of
        the two frames around a new one has that frame's coordinates and confidence if it is the nearer one, else it
        is missing.

    Raises:
        UserError: no possible frame rate, or more than `MAX_FRAMES` frames and more than there are.
    """
    check_rate(fps)
    xp = namespace(poses)
    if isinstance(poses, PoseSequence):
        lengths, rates, new = xp.asarray(len(poses)), poses.fps, float(fps)
        if fps == rates:
            return poses
    else:
        lengths, rates, new = poses.lengths, poses.fps, xp.full_like(poses.fps, fps)
    frames = xp.clip(xp.round(lengths * fps / rates), 1, None)
    return replace(_stretched(poses, lengths, xp.astype(frames, xp.int64)), fps=new)


def stretch(poses: Poses, frames: int) -> Poses:
    """Resamples to another number of frames, keeping the first and last; `fps` stays as it is.

    Raises:
        UserError: there are no frames to stretch, or they would be more than `MAX_FRAMES`.
    """
    xp = namespace(poses)
    lengths = xp.asarray(len(poses)) if isinstance(poses, PoseSequence) else poses.lengths
    return _stretched(poses, lengths, xp.full_like(lengths, frames))


def _stretched(poses: Poses, lengths: Array, frames: Array) -> Poses:
    """Clips of `lengths` (...) frames over `frames` (...) each, padded to the most."""
    xp = namespace(poses)
    if not (lengths > 0).all():
        raise UserError("the pose has no frames; it cannot be stretched to any number of them")
    last, most = (lengths - 1)[..., None], int(frames.max())
    if most > max(MAX_FRAMES, int(lengths.max())):
        raise UserError(f"that would be {most:,} frames, and {MAX_FRAMES:,} at most are made; ask for fewer")
    step = last / xp.clip(frames - 1, 1, None)[..., None]
    number = xp.arange(most, device=device(poses.keypoints))
    real = number < frames[..., None]  # (..., T')
    position = xp.where(real, number * step, 0.0)
    position = xp.minimum(position, xp.astype(last, position.dtype))
    before = xp.astype(xp.floor(position + 1e-6), xp.int64)  # a whole frame is met despite rounding
    after = xp.minimum(before + 1, last)
    weight = xp.astype(xp.clip(position - before, 0.0, 1.0), poses.keypoints.dtype)[..., None]  # (..., T', 1)

    K = poses.skeleton.num_keypoints
    before, after = (xp.broadcast_to(index[..., None], (*index.shape, K)) for index in (before, after))
    visible = poses.visible
    both = take_frames(visible, before) & take_frames(visible, after)  # (..., T', K)
    nearest = xp.where(weight < 0.5, before, after)
    confidence = xp.where(visible, poses.confidence, xp.zeros_like(poses.confidence))
    keypoints = xp.where(visible[..., None], poses.keypoints, xp.zeros_like(poses.keypoints))

    def interpolated(values: Array, weight: Array, both: Array) -> Array:
        mean = (1 - weight) * take_frames(values, before) + weight * take_frames(values, after)
        return xp.where(both, mean, take_frames(values, nearest))

    confidence = interpolated(confidence, weight, both)
    confidence = xp.where(real[..., None], confidence, xp.zeros_like(confidence))
    poses = with_values(poses, interpolated(keypoints, weight[..., None], both[..., None]), confidence)
    return poses if isinstance(poses, PoseSequence) else replace(poses, mask=real)
