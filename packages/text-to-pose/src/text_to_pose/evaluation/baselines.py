"""Baselines of an evaluation: a still frame, and the same letter of another language."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import PoseSequence
    from pose_core.data import Clip
    from text_to_pose.evaluation.references import References


def other_clip(clips: Sequence[Clip], i: int) -> int | None:
    """Another clip of the language of clip `i`, whose first frame is the start frame: of the train split if any is.

    Not the same for each clip of a language; None where the language has no other.
    """
    others = [j for j, clip in enumerate(clips) if clip.signed_language == clips[i].signed_language and j != i]
    candidates = [j for j in others if clips[j].split == "train"] or others
    return candidates[i % len(candidates)] if candidates else None


def still(references: References, i: int, start: int | None) -> PoseSequence | None:
    """The first frame of clip `start`, as long as the median clip of the language of clip `i`; None without a start."""
    if start is None:
        return None
    language = references.clips[i].signed_language
    lengths = [
        len(sequence)
        for j, (clip, sequence) in enumerate(zip(references.clips, references.sequences, strict=True))
        if clip.signed_language == language and j != i
    ]
    return references.sequences[start].hold_frame(0, int(np.median(lengths)))


def copied(references: References, i: int) -> PoseSequence | None:
    """A clip of the letter of clip `i` from another language; None where no other language has it."""
    clips, letters = references.clips, references.letters
    same = [
        j
        for j, clip in enumerate(clips)
        if letters[j] == letters[i] and clip.signed_language != clips[i].signed_language
    ]
    return references.sequences[same[i % len(same)]] if same else None
