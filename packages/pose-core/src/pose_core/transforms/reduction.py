"""Leaving out what a signing model does not need."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence


def remove_legs(sequence: PoseSequence, *, keep_hips: bool = False) -> PoseSequence:
    """Drops knees, ankles and feet, and the hips unless `keep_hips`, as `pose_format.utils.generic.pose_hide_legs`."""
    drop = set(sequence.skeleton.legs())
    if not keep_hips:
        drop |= set(sequence.skeleton.hips())
    return _without(sequence, drop)


def drop_face(sequence: PoseSequence) -> PoseSequence:
    """Drops the face components."""
    return _without(sequence, set(sequence.skeleton.face()))


def drop_duplicates(sequence: PoseSequence) -> PoseSequence:
    """Drops components that repeat the body in other units, such as MediaPipe's world landmarks in metres."""
    return _without(sequence, set(sequence.skeleton.duplicates()))


def _without(sequence: PoseSequence, drop: set[int]) -> PoseSequence:
    return sequence.select([i for i in range(sequence.skeleton.num_keypoints) if i not in drop]) if drop else sequence
