"""Frames per second: what a file states, what the caller says, and what is assumed where neither does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pose_core.errors import UserError
from pose_core.notices import notify

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_FPS = 25.0
SLOWEST, FASTEST = 5.0, 250.0  # no camera that films signing is outside; a web video without a clock says 1000
_ASSUMED = "files that state no frame rate"
_UNLIKELY = "files with an unlikely frame rate"
_CURE = "--fps or a manifest's column fps says another"


def stated_rate(stated: float | None, given: float | None, path: Path) -> float:
    """Frames per second of a file that states `stated` (None: nothing), read by someone who says `given`.

    Raises:
        UserError: the rate is no positive number.
    """
    if given is not None:
        if not (math.isfinite(given) and given > 0):
            raise UserError(f"fps is {given}; it must be a positive number")
        return given
    if stated is None:
        notify(path, f"states no frame rate; {DEFAULT_FPS:g} frames per second assumed; {_CURE}", kind=_ASSUMED)
        return DEFAULT_FPS
    if not (math.isfinite(stated) and stated > 0):
        raise UserError(f"fps is {stated}, no possible number of frames a second; give its frame rate with --fps")
    if not SLOWEST <= stated <= FASTEST:
        notify(path, f"states {stated:g} frames per second, which is unlikely; {_CURE}", kind=_UNLIKELY)
    return float(stated)
