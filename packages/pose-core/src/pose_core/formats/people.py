"""Choice of a person in files with several, by visibility and size; swaps between slots are followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.notices import notify
from pose_core.texts import counted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MOST = 16  # people of a file that are counted; a file with more has crowds in it, or is damaged
_PREFER = 1.1  # a person is preferred to an earlier one if visible this many times more
# Two people swap slots where that shortens their distance from one frame to the next to this share of it ...
_SHORTER = 0.55
_FAR = 0.2  # ... and they would have moved by more than this many sizes otherwise.


@dataclass(frozen=True)
class People:
    """The people of a file, followed across swaps of slots.

    Attributes:
        slots: (T, P) slot of person p in frame t of the file.
        seen: (P,) share of the T frames in which any keypoint of that person is visible.
        size: (P,) how far the visible keypoints spread, mean of the frames, in the file's units.
        changes: frames in which people swap slots.
    """

    slots: np.ndarray
    seen: np.ndarray
    size: np.ndarray
    changes: tuple[int, ...] = ()

    def __len__(self) -> int:
        return self.slots.shape[1]

    def choose(self) -> int:
        """The person who is visible most often and largest; of people who are so alike, the first."""
        score = self.seen * self.size
        return int(np.flatnonzero(score * _PREFER >= score.max())[0])

    def take(self, person: int | None, path: Path) -> int:
        """The person asked for, or the default one; warns which it is, and of swaps.

        Raises:
            UserError: there is no such person.
        """
        if person is not None and not 0 <= person < len(self):
            raise UserError(f"has {counted(len(self), 'person')}, counted from 0; there is no person {person}")
        chosen = self.choose() if person is None else person
        if person is None and len(self) > 1:
            notify(
                path,
                f"{len(self)} people; taking person {chosen} (seen in {self.seen[chosen]:.0%} of frames); "
                "--person chooses",
                kind="several people, one of them taken",
            )
        moves = [t for t in self.changes if self.slots[t, chosen] != self.slots[t - 1, chosen]]
        if moves:
            notify(
                path,
                f"people change places in the file, first in frame {moves[0]}; person {chosen} is followed",
                kind="people who change places in the file",
            )
        return chosen


def find_people(blocks: Iterable[tuple[np.ndarray, np.ndarray]], *, min_confidence: float = 0.0) -> People:
    """The people of consecutive blocks of frames.

    Args:
        blocks: keypoints (T', P, K, D) and confidence (T', P, K), as a file has them.
        min_confidence: what scores less is not visible.
    """
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    changes: list[tuple[int, int, int]] = []
    before: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    frames = 0
    for keypoints, confidence in blocks:
        xy = keypoints[..., :2]
        visible: np.ndarray = (confidence > 0) & (confidence >= min_confidence) & np.isfinite(xy).all(axis=-1)
        xy = np.where(visible[..., None], xy, 0.0).astype(np.float64)
        size = _spread(xy, visible)
        parts.append((np.any(visible, axis=-1), size))
        first = before or (xy[:1], visible[:1], size[:1])
        joined = tuple(np.concatenate([a, b]) for a, b in zip(first, (xy, visible, size), strict=True))
        changes += [(frames + t - 1, p, q) for t, p, q in _changes(*joined)]
        before = xy[-1:], visible[-1:], size[-1:]
        frames += len(xy)
    seen, size = (np.concatenate(column) for column in zip(*parts, strict=True))  # (T, P)
    slots = np.empty(seen.shape, np.int64)
    current, begun = np.arange(seen.shape[1]), 0
    for t, p, q in changes:  # who stood at p and q stands at q and p from frame t on
        slots[begun:t] = current
        current, begun = np.where(current == p, q, np.where(current == q, p, current)), t
    slots[begun:] = current
    seen, size = (np.take_along_axis(values, slots, axis=1) for values in (seen, size))
    mean_size = (seen * size).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return People(slots, seen.mean(axis=0), mean_size, tuple(dict.fromkeys(t for t, _, _ in changes)))


def one_person(
    poses: np.ndarray, confidence: np.ndarray | None, person: int | None, path: Path, *, min_confidence: float = 0.0
) -> tuple[np.ndarray, np.ndarray | None]:
    """(T, K, D) and (T, K) of poses (T, people, K, D) and confidence (T, people, K); arguments as of `read`.

    Raises:
        UserError: there is no such person, or the shapes are others.
    """
    if not poses.shape[1]:
        raise UserError(f"poses are {poses.shape}, without a person")
    if confidence is not None and confidence.shape != poses.shape[:3]:
        raise UserError(f"poses are {poses.shape} and confidence is {confidence.shape}; (T, people, K) expected")
    if person is not None and not 0 <= person < poses.shape[1]:
        raise UserError(f"has {counted(poses.shape[1], 'person')}, counted from 0; there is no person {person}")
    slots = np.zeros(len(poses), np.int64)
    if poses.shape[1] > 1 and len(poses):
        seen = confidence if confidence is not None else np.any(poses[..., :2] != 0, axis=-1)
        people = find_people([(poses[:, :MOST], seen[:, :MOST])], min_confidence=min_confidence)
        if person is None or person < len(people):
            slots = people.slots[:, people.take(person, path)]
        else:
            slots += person
    frames = np.arange(len(poses))
    return poses[frames, slots], None if confidence is None else confidence[frames, slots]


def _spread(xy: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """(T, P) root mean square distance of the visible keypoints from their middle."""
    count = np.maximum(visible.sum(axis=-1), 1)[..., None]
    middle = xy.sum(axis=-2) / count
    square = (np.where(visible[..., None], xy - middle[..., None, :], 0.0) ** 2).sum(axis=(-2, -1))
    return np.sqrt(square / count[..., 0])


def _changes(xy: np.ndarray, visible: np.ndarray, size: np.ndarray) -> list[tuple[int, int, int]]:
    """(t, p, q) where the people in slots p and q of frame t - 1 are in q and p of frame t."""
    people = xy.shape[1]
    if people < 2 or len(xy) < 2:
        return []
    distances = np.ones((len(xy) - 1, people, people))  # in body sizes; 1 where the two cannot be compared
    for p in range(people):
        for q in range(people):
            both = visible[:-1, p] & visible[1:, q]
            count = both.sum(axis=-1)
            distance = np.linalg.norm(np.where(both[..., None], xy[1:, q] - xy[:-1, p], 0.0), axis=-1).sum(axis=-1)
            known = (count > 0) & (size[:-1, p] > 0)
            distances[known, p, q] = distance[known] / count[known] / size[:-1, p][known]
    found = []
    for p in range(people):
        for q in range(p + 1, people):
            stay, change = distances[:, p, p] + distances[:, q, q], distances[:, p, q] + distances[:, q, p]
            found += [(int(t) + 1, p, q) for t in np.flatnonzero((stay > _FAR) & (change < _SHORTER * stay))]
    return sorted(found)
