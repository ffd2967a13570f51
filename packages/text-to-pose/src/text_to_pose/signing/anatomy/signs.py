"""Which frames belong to which sign, so that what is decided for one of them leaves the others as they are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.vectors import smoothed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from text_to_pose.signing.motion import Motion
    from text_to_pose.signing.vectors import Array

_STILL = 1e-6
"""Metres, and parts of an axis, by which hands that stay differ from frame to frame."""


@dataclass(frozen=True, eq=False)
class Signs:
    """The signs of a motion of T frames; a motion that tells of none is one.

    Attributes:
        numbers: (T,) of the sign whose stroke it is, or in which hands stay after it; -1 before, between and after.
        weights: (signs, T) from 0 to 1, by how much frames are a sign's: 1 in its stroke, and less and
            less from there to the next one's.
    """

    numbers: NDArray[np.int64]
    weights: Array

    @classmethod
    def of(cls, motion: Motion) -> Signs:
        frames = np.arange(len(motion))
        spans = [span for span in motion.spans if span[0] < span[1]]
        numbers = np.full(len(frames), -1)
        hands = (motion.left, motion.right)
        states = np.concatenate([np.concatenate([hand.wrist, hand.rotation.reshape(-1, 9)], 1) for hand in hands], 1)
        for number, (begin, stop) in enumerate(spans):
            numbers[begin:stop] = number
            still = np.abs(states[stop:] - states[min(stop, len(frames) - 1)]).max(axis=1) < _STILL
            stays = stop + (len(still) if still.all() else int(still.argmin()))
            numbers[stop:stays] = np.where(numbers[stop:stays] < 0, number, numbers[stop:stays])
        if len(spans) < 2:
            return cls(numbers, np.ones((1, len(frames))))
        edges = [edge for begin, stop in spans for edge in (begin, stop - 1)]
        every = np.repeat(np.eye(len(spans)), 2, axis=1)
        return cls(numbers, np.stack([np.interp(frames, edges, each) for each in every]))

    def greatest(self, values: Array) -> Array:
        """Of values (T,) the greatest in each sign, (signs,)."""
        result: Array = np.where(self.weights >= 0.5, values, 0.0).max(axis=1)
        return result

    def factors(self, values: Array) -> Array:
        """Values of signs (signs,) frame by frame, (T,)."""
        result: Array = values @ self.weights
        return result

    def chosen(self, which: NDArray[np.bool_], first: Array, second: Array) -> Array:
        """The first (A, T, 3) for some signs, (signs,), and the second for the others."""
        if which.all():
            return first
        if not which.any():
            return second
        return second + self.factors(which.astype(np.float64))[:, None] * (first - second)


def smoothed_apart(values: Array, frames: float, parts: NDArray[np.int64] | None) -> Array:
    """Values (A, T, D) smoothed as `vectors.smoothed`, those of each part (T,) from it alone, as if it went on so."""
    count = values.shape[1]
    if parts is None or count < 2:
        return smoothed(values, frames)
    reach = int(np.ceil(3 * frames))
    offsets = np.arange(-reach, reach + 1)
    first, last = np.zeros(count, dtype=np.int64), np.full(count, count - 1)
    edges = [0, *(np.flatnonzero(np.diff(parts)) + 1).tolist(), count]
    for begin, stop in pairwise(edges):
        if parts[begin] >= 0:
            first[begin:stop], last[begin:stop] = begin, stop - 1
    near = np.minimum(np.maximum(np.arange(count)[:, None] + offsets, first[:, None]), last[:, None])
    weights = np.exp(-0.5 * (offsets / frames) ** 2)
    result: Array = (weights / weights.sum()) @ values[:, near]
    return result


def apart(parts: NDArray[np.int64] | None, frames: float) -> Array | None:
    """How far frames are from any sign, (T,): 0 in signs, 1 from so many frames on; None where there is no sign."""
    if parts is None or not (parts >= 0).any():
        return None
    times = np.flatnonzero(parts >= 0)
    every = np.arange(len(parts))
    after = times[np.minimum(np.searchsorted(times, every), len(times) - 1)]
    before = times[np.maximum(np.searchsorted(times, every, side="right") - 1, 0)]
    result: Array = np.minimum(np.minimum(np.abs(after - every), np.abs(every - before)) / frames, 1.0)
    return result
