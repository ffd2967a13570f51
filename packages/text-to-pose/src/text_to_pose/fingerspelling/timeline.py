"""A time line of frames: what was put on it one after the other, at any time of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Visible = NDArray[np.bool_]


class Timeline:
    """Frames over time, in seconds from 0.

    Args:
        keypoints: (K, D), where it begins.
        visible: (K,)
    """

    def __init__(self, keypoints: Array, visible: Visible) -> None:
        self.keypoints, self.visible = keypoints, visible
        self.seconds = 0.0
        self._parts: list[tuple[float, Callable[[Array], Array], Visible]] = []  # when each ends

    def hold(self, seconds: float) -> None:
        """Stays at the last frame."""
        frame = self.keypoints
        self._add(seconds, lambda share: np.broadcast_to(frame, (len(share), *frame.shape)), self.visible)

    def go(self, way: Callable[[Array], Array], seconds: float, keypoints: Array, visible: Visible) -> None:
        """Goes on a way: a function of shares (n,) of its time, to a frame (K, D) and what is visible there (K,).

        On the way everything is visible that is so before it or after it.
        """
        self._add(seconds, way, self.visible | visible)
        self.keypoints, self.visible = keypoints, visible

    def play(self, frames: Array, seconds: float) -> None:
        """Plays frames (n, K, D) evenly, from the first, which the line is at."""

        def way(share: Array) -> Array:
            at = np.clip(share, 0, 1) * (len(frames) - 1)
            before = np.minimum(at.astype(int), len(frames) - 2)
            part = (at - before)[:, None, None]
            return (1 - part) * frames[before] + part * frames[before + 1]

        self._add(seconds, way, self.visible)
        self.keypoints = frames[-1]

    def _add(self, seconds: float, way: Callable[[Array], Array], visible: Visible) -> None:
        if seconds > 0:
            self.seconds += seconds
            self._parts.append((self.seconds, way, visible))

    def at(self, times: Array) -> tuple[Array, Visible]:
        """Keypoints (N, K, D) and what is visible (N, K) at times (N,) in seconds."""
        ends = np.array([end for end, _, _ in self._parts])
        part = np.minimum(np.searchsorted(ends, times), len(ends) - 1)
        keypoints = np.zeros((len(times), *self.keypoints.shape))
        visible = np.zeros((len(times), len(self.visible)), dtype=bool)
        for number in np.unique(part):
            rows = part == number
            begin = ends[number - 1] if number else 0.0
            keypoints[rows] = self._parts[number][1]((times[rows] - begin) / (ends[number] - begin))
            visible[rows] = self._parts[number][2]
        return keypoints, visible
