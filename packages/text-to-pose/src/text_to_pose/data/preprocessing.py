"""Clips as the model sees them: which keypoints, in which units, at which frame rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core.transforms import clean, drop_duplicates, drop_face, normalize, remove_legs, resample, trim_unseen

if TYPE_CHECKING:
    from pose_core import PoseSequence, Skeleton


def prepare(sequence: PoseSequence, fps: float, skeleton: Skeleton | None = None) -> PoseSequence:
    """A clip in the model's terms: hands and body, shoulder widths, its frame rate, no empty frames at either end.

    Args:
        skeleton: the model's; None keeps the hands and body that the clip has.

    Raises:
        UserError: nobody is seen, or the pose cannot be normalized.
    """
    body = body_and_hands(sequence)
    if skeleton is not None:
        body = body.on_skeleton(skeleton)
    normalized, _ = normalize(trim_unseen(body))
    return resample(normalized, fps)


def body_and_hands(sequence: PoseSequence) -> PoseSequence:
    """What a model sees of a clip, in the clip's own pixels and frames; wild points are missing in it."""
    return remove_legs(drop_face(drop_duplicates(clean(sequence))), keep_hips=True)
