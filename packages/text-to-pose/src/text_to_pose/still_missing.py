"""Why keypoints of a corrected sequence are still missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_core.transforms.arrays import seen
from text_to_pose.data.preprocessing import body_and_hands

if TYPE_CHECKING:
    from pose_core import PoseSequence
    from text_to_pose.inpainting import Ends

# Reason -> how it is said, after a number of keypoints.
REASONS = {
    "hand never visible": "of hands that are never visible",
    "point never visible": "of other points that are never visible",
    "ends": "before the first or after the last sighting (see --ends)",
    "max gap": "in gaps longer than --max-gap",
    "outside": "outside the picture or on an arm that is not known",
    "face": "of the face and other points that are not filled in",
}


def missing_because(
    sequence: PoseSequence, fixed: PoseSequence, *, ends: Ends = "missing", max_gap: float | None = None
) -> dict[str, int]:
    """How many keypoints (frames times points) are still missing for each of `REASONS`, without those of none.

    Args:
        sequence: before `correct`.
        fixed: what it returned, given the same `ends` and `max_gap` (seconds).
    """
    there, missing = seen(sequence), ~seen(fixed)
    left = missing.copy()
    found: dict[str, int] = {}

    def take(reason: str, where: np.ndarray) -> None:
        """Counts those of `where` that no reason before has."""
        nonlocal left
        if number := int((left & where).sum()):
            found[reason] = number
        left = left & ~where

    names = sequence.skeleton.keypoints
    fillable = set(body_and_hands(sequence).skeleton.keypoints)
    take("face", np.array([name not in fillable for name in names]))
    hidden = np.zeros(len(names), bool)
    for side in ("left", "right"):
        hand = sequence.skeleton.hand(side)
        hidden[hand] = not there[:, hand].any()
    take("hand never visible", hidden)
    take("point never visible", ~there.any(axis=0))
    seen_so_far, seen_later = np.maximum.accumulate(there, axis=0), np.maximum.accumulate(there[::-1], axis=0)[::-1]
    if ends == "missing":
        take("ends", ~(seen_so_far & seen_later))
    if max_gap is not None:
        take("max gap", _gap_lengths(there) > max_gap * sequence.fps + 1e-6)
    take("outside", np.ones_like(missing))
    return {reason: found[reason] for reason in REASONS if reason in found}


def described(reasons: dict[str, int]) -> str:
    """For people: "12 still missing: 8 of hands that are never visible, 4 ..."."""
    if not reasons:
        return "none still missing"
    parts = ", ".join(f"{number:,} {REASONS[reason]}" for reason, number in reasons.items())
    return f"{sum(reasons.values()):,} still missing: {parts}"


def _gap_lengths(there: np.ndarray) -> np.ndarray:
    """(T, K) frames between the sightings before and after; 0 where one of them is lacking."""
    T = len(there)
    frames = np.arange(T)[:, None]
    before = np.maximum.accumulate(np.where(there, frames, -1), axis=0)
    after = np.minimum.accumulate(np.where(there, frames, T)[::-1], axis=0)[::-1]
    return np.where((before >= 0) & (after < T), after - before - 1, 0)
