"""Preprocessing: a pose as its file has it, to a pose as encoders take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core.transforms import clean, drop_duplicates, drop_face, normalize, remove_legs, resample, trim_unseen

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence
    from pose_core.skeleton import Skeleton


def prepare(sequence: PoseSequence, fps: float, *, face: bool, skeleton: Skeleton | None = None) -> PoseSequence:
    """Cleans, reduces, trims, normalizes and resamples a sequence: (T, K, D) to (T', K', D) in shoulder widths.

    Args:
        sequence: as its file has it.
        fps: frames per second of the result.
        face: keep the face; legs are always dropped.
        skeleton: of the result; None: the sequence's own, less what is dropped.

    Raises:
        UserError: nobody is visible, the pose cannot be normalized, or has no keypoint of the skeleton.
    """
    body = remove_legs(drop_duplicates(clean(sequence)), keep_hips=True)
    if not face:
        body = drop_face(body)
    prepared = resample(normalize(trim_unseen(body))[0], fps)
    return prepared if skeleton is None else prepared.on_skeleton(skeleton)
