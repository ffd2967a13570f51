"""Frames at either end in which nobody is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence


def trim_unseen(sequence: PoseSequence) -> PoseSequence:
    """Drops frames without one seen keypoint from the beginning and the end.

    Raises:
        UserError: nobody is seen in any frame.
    """
    seen = np.flatnonzero((sequence.confidence > 0).any(axis=1))
    if not len(seen):
        raise UserError("nobody is seen in any frame")
    return sequence[seen[0] : seen[-1] + 1]
