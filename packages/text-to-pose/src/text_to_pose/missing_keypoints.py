"""Why keypoints of a corrected sequence are still missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_core.transforms.temporal import gap_frames, last_visible, next_visible
from text_to_pose.data.preprocessing import body_and_hands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pose_core import PoseSequence
    from text_to_pose.inpainting import Ends

# Reason -> how it is said, after a number of keypoints.
REASONS = {
    "hand never visible": "of hands that are never visible",
    "point never visible": "of other points that are never visible",
    "ends": "before the first or after the last visible frame (see --ends)",
    "max gap": "in gaps longer than --max-gap",
    "outside": "outside the picture or on an arm that is not known",
    "face": "of the face and other points that are not filled in",
}


def missing_because(
    original: PoseSequence, corrected: PoseSequence, *, ends: Ends = "missing", max_gap: float | None = None
) -> dict[str, int]:
    """Number of keypoints (frames times points) that are still missing for each of `REASONS`, without those of none.

    A keypoint counts for the first of the masks below that it is in.

    Args:
        original: before `correct`.
        corrected: what it returned, given the same `ends` and `max_gap` (seconds).
        ends, max_gap: those given to `correct`.
    """
    remaining = ~corrected.visible
    found: dict[str, int] = {}
    for reason, mask in _masks(original, ends, max_gap):
        if number := int((remaining & mask).sum()):
            found[reason] = number
        remaining = remaining & ~mask
    return {reason: found[reason] for reason in REASONS if reason in found}


def _masks(original: PoseSequence, ends: Ends, max_gap: float | None) -> Iterator[tuple[str, np.ndarray]]:
    """Reasons and the keypoints they explain, broadcast to (T, K), in the order in which they are looked for."""
    visible, names = original.visible, original.skeleton.keypoints
    fillable = set(body_and_hands(original).skeleton.keypoints)
    yield "face", np.array([name not in fillable for name in names])
    hidden = np.zeros(len(names), bool)
    for side in ("left", "right"):
        hand = original.skeleton.hand(side)
        hidden[hand] = not visible[:, hand].any()
    yield "hand never visible", hidden
    yield "point never visible", np.broadcast_to(~visible.any(axis=0), visible.shape)
    if ends == "missing":
        yield "ends", (last_visible(visible) < 0) | (next_visible(visible) >= len(visible))
    if max_gap is not None:
        yield "max gap", gap_frames(visible) > max_gap * original.fps + 1e-6
    yield "outside", np.ones(len(names), bool)


def described(reasons: dict[str, int]) -> str:
    """For people: "12 still missing: 8 of hands that are never visible, 4 ..."."""
    if not reasons:
        return "none still missing"
    parts = ", ".join(f"{number:,} {REASONS[reason]}" for reason, number in reasons.items())
    return f"{sum(reasons.values()):,} still missing: {parts}"
