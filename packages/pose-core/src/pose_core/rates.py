"""Frame rates: stated by a file, given by the caller, or assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core.errors import UserError
from pose_core.notices import notify

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_FPS = 25.0
LOWEST, HIGHEST = 0.001, 1e6  # what is outside is no frame rate at all, and overflows what counts frames
SLOWEST, FASTEST = 5.0, 250.0  # no camera that films signing is outside; a web video without a clock says 1000
ASSUMED = "files that state no frame rate"  # kind of the warning that it is assumed
_UNLIKELY = "files with an unlikely frame rate"
_CURE = "--fps or a manifest's column fps says another"


def stated_rate(stated: float | None, given: float | None, path: Path) -> float:
    """The frame rate: `given` by the caller, else `stated` by the file, else the default with a warning.

    Raises:
        UserError: the rate is not between `LOWEST` and `HIGHEST`.
    """
    if given is not None:
        return check_rate(given)
    if stated is None:
        notify(path, f"states no frame rate; {DEFAULT_FPS:g} frames per second assumed; {_CURE}", kind=ASSUMED)
        return DEFAULT_FPS
    if not _possible(stated):
        raise UserError(f"fps is {stated}, no possible number of frames per second; give its frame rate with --fps")
    if not SLOWEST <= stated <= FASTEST:
        notify(path, f"states {stated:g} frames per second, which is unlikely; {_CURE}", kind=_UNLIKELY)
    return float(stated)


def check_rate(fps: float) -> float:
    """Returns a valid frame rate.

    Raises:
        UserError: it is not between `LOWEST` and `HIGHEST`.
    """
    if not _possible(fps):
        raise UserError(f"fps is {fps}; it must be a number of frames per second, {LOWEST:g} to {HIGHEST:,.0f}")
    return fps


def _possible(fps: float) -> bool:
    return 0.9 * LOWEST < fps <= HIGHEST  # False for NaN; .pose files round to float32
