"""The range of frames to read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pose_core.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

_ROUNDING = 1e-6  # of a frame: 0.28 s at 25 fps is frame 7, whatever the product says behind the point
_FURTHEST = 2**53  # frame, past any file; what is larger may be no number any more once it is multiplied


@dataclass(frozen=True)
class FrameRange:
    """Frames from `start` up to `end`: whole numbers are frames, floats seconds."""

    start: float | None = None
    end: float | None = None

    def frames(self, length: int, fps: float, path: Path) -> slice:
        """The slice of a file of `length` frames at `fps`; frames that begin within the range belong to it.

        Raises:
            UserError: there are none.
        """
        start = _frame(self.start, fps, math.floor) if self.start is not None else 0
        end = min(_frame(self.end, fps, math.ceil), length) if self.end is not None else length
        if start < 0 or end < 0:
            raise UserError(f"{path}: frames are counted from 0; start and end cannot be negative")
        if start >= length:
            raise UserError(
                f"{path}: has {length} frames ({length / fps:.2f} s); frame {start} ({start / fps:.2f} s) is past them"
            )
        if start >= end:
            raise UserError(f"{path}: nothing lies between frame {start} and frame {end}; name an end after the start")
        return slice(start, end)


def _frame(position: float, fps: float, rounding) -> int:
    if isinstance(position, int):
        return max(-_FURTHEST, min(position, _FURTHEST))
    if not math.isfinite(position):
        raise UserError(f"{position} s is no place in a file; name frames or seconds")
    frame = position * fps + (_ROUNDING if rounding is math.floor else -_ROUNDING)
    return rounding(max(-_FURTHEST, min(frame, _FURTHEST)))
