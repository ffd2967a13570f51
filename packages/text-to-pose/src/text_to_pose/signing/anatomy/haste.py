"""Points that would go too fast give way to each other in time, first in each sign, then around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.vectors import lengths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from text_to_pose.signing.vectors import Array

_ROUNDS = 60
_SLOWER = 0.97
"""To which share of the greatest speed they are slowed."""


def slowed(
    points: Array,
    longest: Array,
    parts: NDArray[np.int64] | None = None,
    free: Array | None = None,
    kept: Callable[[Array], Array] | None = None,
) -> Array:
    """Points (A, T, 3) whose steps are no longer, (A, T - 1), as far as may be.

    Args:
        points: in metres.
        longest: metres.
        parts: (T,) which sign a frame belongs to, -1 between signs; what is between moves no sign. None: all is one.
        free: (A, T) 0 to 1, how freely each moves. None: all do.
        kept: moves points back to where they may be.
    """
    for these, moving in stages(parts, points.shape[1]):
        weight = moving if free is None else free * moving
        both = np.maximum(weight[..., :-1] + weight[..., 1:], 1e-9)[..., None]
        share_before, share_after = weight[..., :-1, None] / both, weight[..., 1:, None] / both
        for _ in range(_ROUNDS):
            steps = points[:, 1:] - points[:, :-1]
            length = lengths(steps)
            over = np.where((length > longest) & these, 1 - _SLOWER * longest / np.maximum(length, 1e-9), 0.0)
            if not over.any():
                break
            back = over[..., None] * steps
            points = points.copy()
            points[:, :-1] += share_before * back
            points[:, 1:] -= share_after * back
            if kept is not None:
                points = kept(points)
    return points


def stages(parts: NDArray[np.int64] | None, frames: int) -> Iterator[tuple[NDArray[np.bool_], Array]]:
    """Which steps (T - 1,) are looked at, and by which weight (T,) frames move."""
    if parts is None or not (parts >= 0).any():
        yield np.ones(frames - 1, dtype=bool), np.ones(frames)
        return
    within, around = parts >= 0, parts < 0
    yield within[1:] & (parts[1:] == parts[:-1]), within.astype(np.float64)
    yield around[1:] | around[:-1], around.astype(np.float64)
