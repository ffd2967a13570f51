"""Clips as the model sees them: which keypoints, in which units, at which frame rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core.transforms import clean, drop_duplicates, drop_face, normalize, remove_legs, resample, trim_unseen

if TYPE_CHECKING:
    from pose_core import PoseSequence, Skeleton


def prepare(sequence: PoseSequence, fps: float, skeleton: Skeleton | None = None) -> PoseSequence:
    """Preprocesses a clip for the model: hands and body, in shoulder widths, resampled, no empty frames at either end.

    Args:
        sequence: in pixels.
        fps: the model's frame rate.
        skeleton: the model's; None keeps the hands and body that the clip has.

    Raises:
        UserError: nobody is visible, or the pose cannot be normalized.
    """
    body = body_and_hands(sequence)
    if skeleton is not None:
        body = body.on_skeleton(skeleton)
    normalized, _ = normalize(trim_unseen(body))
    return resample(normalized, fps)


def body_and_hands(sequence: PoseSequence) -> PoseSequence:
    """Body and hands of a clip, in its own pixels and frames; `clean` has removed outliers."""
    return remove_legs(drop_face(drop_duplicates(clean(sequence))), keep_hips=True)
