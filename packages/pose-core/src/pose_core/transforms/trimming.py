"""Frames at either end in which nobody is visible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence


def trim_unseen(sequence: PoseSequence) -> PoseSequence:
    """Trims frames without a visible keypoint at both ends.

    Raises:
        UserError: nobody is visible in any frame.
    """
    seen = np.flatnonzero((sequence.confidence > 0).any(axis=1))
    if not len(seen):
        raise UserError("nobody is seen in any frame")
    return sequence[seen[0] : seen[-1] + 1]
