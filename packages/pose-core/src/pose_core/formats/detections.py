"""Tracking: detections per frame linked to people across frames."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.formats.people import People
from pose_core.notices import notify
from pose_core.sequence import PoseSequence

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.formats.detection_store import DetectionStore
    from pose_core.skeleton import Skeleton

_JUMP = 1.0  # sizes a person may move from one frame to the next ...
_JUMP_LATER = 0.2  # ... and more with every frame in which the person is not detected, up to
_LONGEST_JUMP = 3.0
_RECENT = 32  # people among whom a detected one is looked for; others have long left the picture
_TOGETHER = 64  # frames whose detections are read at once
_EMPTY = 200  # frames for each that is there; where there are more, a frame's number is wrong, unless
_LEAST = 10_000  # frames is more than there are


@dataclass(frozen=True)
class DetectedClip:
    """People that an estimator detected in a video.

    Attributes:
        store: the detections, in the order of the file.
        frames: (N,) the frame of each detection, from 0.
        owners: (N,) the person of each.
        length: T.
        count: of people.
    """

    store: DetectionStore
    frames: np.ndarray
    owners: np.ndarray
    length: int
    count: int

    @cached_property
    def people(self) -> People:
        """The people, numbered as they first appear."""
        visible, sizes = self.store.statistics
        seen = np.bincount(self.owners[visible], minlength=self.count)
        size = np.bincount(self.owners, np.where(visible, sizes, 0.0), minlength=self.count)
        slots = np.broadcast_to(np.arange(self.count), (self.length, self.count))
        return People(slots, seen / self.length, size / np.maximum(seen, 1))

    def take(self, person: int | None, path: Path) -> int:
        """See `People.take`."""
        return self.people.take(person, path) if self.count > 1 or person else 0


class DetectedFrames:
    """One person's frames, read piece by piece; a `FrameSource`.

    Args:
        person: of those of the clip.
    """

    def __init__(
        self, clip: DetectedClip, person: int, fps: float, skeleton: Skeleton, size: tuple[int, int, int]
    ) -> None:
        self.fps = fps
        self._clip, self._skeleton, self._size = clip, skeleton, size
        places = np.flatnonzero(clip.owners == person)
        order = np.argsort(clip.frames[places], kind="stable")
        self._places = places[order]
        self._frames = clip.frames[self._places]

    def __len__(self) -> int:
        return self._clip.length

    def __getitem__(self, frames: slice) -> PoseSequence:
        first, last, _ = frames.indices(len(self))
        among = slice(*np.searchsorted(self._frames, [first, last]))
        K, D = self._skeleton.num_keypoints, self._skeleton.num_dims
        keypoints = np.zeros((last - first, K, D), np.float32)
        confidence = np.zeros((last - first, K), np.float32)
        for found, rows in self._clip.store.rows_at(self._places[among]):
            at = self._frames[among][found] - first
            at = slice(at[0], at[-1] + 1) if at[-1] - at[0] + 1 == len(at) else at  # a copy in a row is twice as fast
            keypoints[at], confidence[at] = rows[..., :-1], rows[..., -1]
        return PoseSequence(keypoints, confidence, self.fps, self._skeleton, self._size)


def link_detections(store: DetectionStore, path: Path, *, first: int | None = None) -> DetectedClip:
    """Links detections of numbered frames, in any order, to people.

    Args:
        store: with its frames.
        first: the number of the clip's first frame, if another than the lowest.

    Raises:
        UserError: no frames, one number twice, or numbers that leave out nearly everything.
    """
    numbers = store.numbers()
    if not len(numbers):
        raise UserError(f"{path}: has no frames; drop it from the data")
    first = int(numbers[0] if first is None else first)
    length, there = int(numbers[-1]) - first + 1, len(numbers)
    if length > max(_LEAST, _EMPTY * there):
        raise UserError(f"{path}: frames run from {first} to {numbers[-1]}, and {there} are there; mend their numbers")
    if length > there:
        notify(
            path,
            f"{length - there} of {length} frames are not there, and are missing",
            kind="clips that lack frames",
        )
    frames = store.frames() - first
    order = np.argsort(frames, kind="stable")
    owners = np.empty(len(frames), np.int64)
    owners[order] = _owners(store, frames, order)
    count = int(owners.max(initial=0)) + 1
    return DetectedClip(store, frames, owners, length, count)


def _owners(store: DetectionStore, frames: np.ndarray, order: np.ndarray) -> np.ndarray:
    """(N,) person of each detection, in the order of the frames: by the estimator's numbers, or by position."""
    ordered = frames[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))  # of each frame with people
    names = store.names()[order]
    named = np.unique(np.stack([ordered, names], axis=1), axis=0)
    if len(names) and names.min() >= 0 and len(named) == len(names):
        _, begun, which = np.unique(names, return_index=True, return_inverse=True)
        return np.argsort(np.argsort(begun))[which.reshape(-1)]
    if len(starts) == len(ordered):
        return np.zeros(len(ordered), np.int64)
    return _by_position(store, ordered, order, starts)


def _by_position(store: DetectionStore, frames: np.ndarray, order: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The people by distance: each detection is the person nearest in its last visible frame, in body sizes."""
    last: dict[int, tuple[int, int, np.ndarray, np.ndarray]] = {}  # person -> frame, place, xy, weight; the latest last
    owners = np.empty(len(frames), np.int64)
    visible, sizes = store.statistics
    count = 0
    bounds = [*starts.tolist(), len(frames)]
    for f, (begin, end) in enumerate(itertools.pairwise(bounds)):
        if f % _TOGETHER == 0:
            offset = begin
            block = store.take(order[begin : bounds[min(f + _TOGETHER, len(starts))]])
            block_xy, block_weights = block[..., :2].astype(np.float64), store.weights(block)
        number, places = int(frames[begin]), order[begin:end]
        xy, weights = block_xy[begin - offset : end - offset], block_weights[begin - offset : end - offset]
        row = [-1] * len(places)
        if last:
            for person, i in _nearest(last, number, xy, weights, sizes, places):
                if row[i] < 0 and person not in row:
                    row[i] = person
        for i, place in enumerate(places.tolist()):
            if row[i] < 0:
                row[i], count = count, count + 1
            if visible[place]:
                last.pop(row[i], None)
                last[row[i]] = (number, place, xy[i], weights[i])
        for person in list(last)[:-_RECENT]:
            del last[person]
        owners[begin:end] = row
    return owners


def _nearest(
    last: dict[int, tuple[int, int, np.ndarray, np.ndarray]],
    number: int,
    xy: np.ndarray,
    weights: np.ndarray,
    sizes: np.ndarray,
    places: np.ndarray,
) -> list[tuple[int, int]]:
    """Pairs of a person and a detection that may be the same, the nearest first."""
    people = list(last)
    seen, before_places, before, weights_before = (np.array(each) for each in zip(*last.values(), strict=True))
    weight = np.minimum(weights_before[:, None], weights[None])  # (P, N, K)
    both = weight > 0
    moved = np.where(both[..., None], xy[None] - before[:, None], 0.0)
    total = weight.sum(axis=-1)
    distance = (weight * np.hypot(moved[..., 0], moved[..., 1])).sum(axis=-1) / np.where(total > 0, total, 1.0)
    size = np.maximum(sizes[before_places][:, None], sizes[places][None])
    known = (total > 0) & (size > 0)
    distance = np.where(known, distance / np.where(known, size, 1.0), np.inf)
    limit = np.minimum(_JUMP + _JUMP_LATER * (number - seen - 1), _LONGEST_JUMP)
    pairs = [(distance[p, i], people[p], i) for p, i in zip(*np.nonzero(distance < limit[:, None]), strict=True)]
    return [(person, int(i)) for _, person, i in sorted(pairs)]
