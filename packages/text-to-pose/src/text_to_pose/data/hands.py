"""Hands of clips: which one signs, and its shape."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pose_core.transforms import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from pose_core import PoseSequence
    from pose_core.data import Clip
    from pose_core.skeleton import Side

MIN_HAND_SHARE = 0.05  # of a clip's frames: a hand visible in fewer says nothing about who signs with it
DOMINANCE = 2.0  # times as often as the other hand: a clip that shows one hand that much more is signed with it


def dominant_hands(clips: Sequence[Clip], sequences: Sequence[PoseSequence]) -> dict[str, Side]:
    """The hand that is visible more often in the clips of each language: people sign left-handed, too."""
    shares = defaultdict(lambda: [0.0, 0.0])
    for clip, sequence in zip(clips, sequences, strict=True):
        shares[clip.signed_language][0] += sequence.hand_share("left")
        shares[clip.signed_language][1] += sequence.hand_share("right")
    return {language: "left" if left > right else "right" for language, (left, right) in shares.items()}


def hand_shape(sequence: PoseSequence, side: Side) -> tuple[np.ndarray, np.ndarray] | None:
    """A hand relative to its wrist, in the frames where that is visible: (T', 21, D) in shoulder widths, and (T', 21).

    The second array is its confidence. None where no frame shows the hand.
    """
    hand = sequence.skeleton.hand(side)
    visible = sequence.confidence[:, hand[:1]].any(axis=1)
    if not visible.any():
        return None
    points = sequence.keypoints[visible][:, hand]
    return points - points[:, :1], sequence.confidence[visible][:, hand]


def dominant_hand(sequence: PoseSequence) -> Side | None:
    """The hand that a person signs with: the one visible much more often; None where the clip does not tell."""
    sequence = clean(sequence)
    left, right = sequence.hand_share("left"), sequence.hand_share("right")
    if max(left, right) < MIN_HAND_SHARE or max(left, right) < DOMINANCE * min(left, right):
        return None
    return "left" if left > right else "right"
