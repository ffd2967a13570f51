"""Keypoints that are missing for a while: interpolated, or a hand held where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core.sequence import PoseSequence
from pose_core.transforms.arrays import Array, copied, last_seen, namespace, next_seen, seen, take_frames, with_values

if TYPE_CHECKING:
    from pose_core.transforms.arrays import Poses


def fill_gaps(poses: Poses, *, max_frames: int | None = None) -> Poses:
    """Places missing keypoints on the line between the frames before and after in which they were seen.

    Args:
        poses: keypoints (..., T, K, D).
        max_frames: leave gaps of more frames as they are.

    Returns:
        The poses; a filled keypoint's confidence is interpolated likewise. What is missing from the beginning, to the
        end, or throughout stays missing.
    """
    xp = namespace(poses)
    there = seen(poses)
    T = there.shape[-2]
    before, after = last_seen(there), next_seen(there)  # (..., T, K)
    gap = ~there & (before >= 0) & (after < T)
    if max_frames is not None:
        gap = gap & (after - before - 1 <= max_frames)
    now = xp.arange(T, device=there.device)[:, None]
    weight = (now - before) / xp.clip(after - before, 1, None)
    weight = xp.astype(weight, poses.keypoints.dtype)
    before, after = xp.clip(before, 0, None), xp.clip(after, None, T - 1)
    confidence = xp.where(there, poses.confidence, xp.zeros_like(poses.confidence))

    def between(values: Array, weight: Array, gap: Array) -> Array:
        mean = (1 - weight) * take_frames(values, before) + weight * take_frames(values, after)
        return xp.where(gap, mean, values)

    keypoints = between(poses.keypoints, weight[..., None], gap[..., None])
    return with_values(poses, keypoints, between(confidence, weight, gap))


def hold_hands(poses: Poses, *, max_frames: int | None = None) -> Poses:
    """Shows a hand that is lost as it was last seen, carried along by the body's wrist where that is seen.

    Args:
        poses: keypoints (..., T, K, D).
        max_frames: hold a hand no longer than that.

    Returns:
        The poses; a held hand has the confidence it had. A hand not yet seen stays missing.
    """
    xp = namespace(poses)
    there = seen(poses)
    now = xp.arange(there.shape[-2], device=there.device)[:, None]
    keypoints = copied(poses.keypoints)
    confidence = xp.where(there, poses.confidence, xp.zeros_like(poses.confidence))
    for side in ("left", "right"):
        hand = poses.skeleton.hand(side)
        if not hand:
            continue
        shown = xp.any(there[..., hand], axis=-1, keepdims=True)  # (..., T, 1)
        last = last_seen(shown)
        held = ~shown & (last >= 0)
        if max_frames is not None:
            held = held & (now - last <= max_frames)
        if not isinstance(poses, PoseSequence):
            held = held & poses.mask[..., None]
        last = xp.clip(last, 0, None)
        index = xp.broadcast_to(last, (*last.shape[:-1], len(hand)))
        points = take_frames(poses.keypoints[..., hand, :], index)
        wrist = poses.skeleton.wrist(side)
        if wrist is not None:
            place, visible = poses.keypoints[..., wrist : wrist + 1, :], there[..., wrist : wrist + 1]
            carried = visible & take_frames(visible, last)
            way = place - take_frames(place, last)
            points = points + xp.where(carried[..., None], way, xp.zeros_like(way))
        keypoints[..., hand, :] = xp.where(held[..., None], points, keypoints[..., hand, :])
        confidence[..., hand] = xp.where(held, take_frames(confidence[..., hand], index), confidence[..., hand])
    return with_values(poses, keypoints, confidence)
