"""Tracking: detections per frame linked to people across frames."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.formats.people import People
from pose_core.notices import notify

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pose_core.skeleton import Skeleton

_JUMP = 1.0  # sizes a person may move from one frame to the next ...
_JUMP_LATER = 0.2  # ... and more with every frame in which the person is not detected, up to
_LONGEST_JUMP = 3.0
_RECENT = 32  # people among whom a detected one is looked for; others have long left the picture
_EMPTY = 200  # frames for each that is there; where there are more, a frame's number is wrong, unless
_LEAST = 10_000  # frames is more than there are


@dataclass(frozen=True)
class Detection:
    """One person in one frame: values (K, D + 1), the last the score; `name` is the estimator's own number, or None."""

    values: np.ndarray
    name: int | None = None


@dataclass(frozen=True)
class DetectedClip:
    """People that an estimator detected in a video.

    Attributes:
        skeleton: of the K keypoints.
        frames: (frame, person, values (K, D + 1)) of each detection; frames from 0.
        length: T.
        people: of the whole clip, numbered as they first appear.
    """

    skeleton: Skeleton
    frames: list[tuple[int, int, np.ndarray]]
    length: int
    people: People

    def arrays(self, person: int, frames: slice) -> tuple[np.ndarray, np.ndarray]:
        """Keypoints (T', K, D) and confidence (T', K) of a person; missing in frames without that person."""
        K, D = self.skeleton.num_keypoints, self.skeleton.num_dims
        values = np.zeros((frames.stop - frames.start, K, D + 1), np.float32)
        for frame, who, detected in self.frames:
            if who == person and frames.start <= frame < frames.stop:
                values[frame - frames.start] = detected
        return np.ascontiguousarray(values[..., :-1]), np.ascontiguousarray(values[..., -1])


def link_detections(
    detected: Iterable[tuple[int, list[Detection]]], skeleton: Skeleton, path: Path, *, min_confidence: float = 0.0
) -> DetectedClip:
    """Links detections of numbered frames, in any order, to people.

    Raises:
        UserError: no frames, one number twice, or numbers that leave out nearly everything.
    """
    frames = sorted(detected, key=lambda frame: frame[0])
    if not frames:
        raise UserError(f"{path}: has no frames; drop it from the data")
    numbers = [number for number, _ in frames]
    for a, b in itertools.pairwise(numbers):
        if a == b:
            raise UserError(f"{path}: frame {a} is there twice; keep each clip apart")
    first, length = numbers[0], numbers[-1] - numbers[0] + 1
    if length > max(_LEAST, _EMPTY * len(numbers)):
        raise UserError(
            f"{path}: frames run from {first} to {numbers[-1]}, and {len(numbers)} are there; mend their numbers"
        )
    if length > len(numbers):
        notify(
            path,
            f"{length - len(numbers)} of {length} frames are not there, and are missing",
            kind="clips that lack frames",
        )
    owners = _by_name(frames) or _by_position(frames, min_confidence)
    count = 1 + max((owner for row in owners for owner in row), default=0)
    shown, size = np.zeros(count), np.zeros(count)
    entries = []
    for (number, people), row in zip(frames, owners, strict=True):
        for detection, owner in zip(people, row, strict=True):
            entries.append((number - first, owner, detection.values))
            weight = _weight(detection.values, min_confidence)
            if weight.any():
                shown[owner] += 1
                size[owner] += _size(detection.values, weight)
    slots = np.broadcast_to(np.arange(count), (length, count))
    return DetectedClip(skeleton, entries, length, People(slots, shown / length, size / np.maximum(shown, 1)))


def _by_name(frames: list[tuple[int, list[Detection]]]) -> list[list[int]] | None:
    """The people by the estimator's numbers; None if it gives none."""
    order: dict[int, int] = {}
    owners = []
    for _, people in frames:
        names = [detection.name for detection in people if detection.name is not None]
        if len(set(names)) < len(people):
            return None
        owners.append([order.setdefault(name, len(order)) for name in names])
    return owners


def _by_position(frames: list[tuple[int, list[Detection]]], min_confidence: float) -> list[list[int]]:
    """The people by distance: each detection is the person nearest in its last visible frame, in body sizes."""
    if max(len(people) for _, people in frames) <= 1:
        return [[0] * len(people) for _, people in frames]
    last: dict[int, tuple[int, np.ndarray, np.ndarray]] = {}  # person -> frame, values, weight; the latest last
    count = 0
    owners = []
    for number, people in frames:
        weights = [_weight(detection.values, min_confidence) for detection in people]
        distances = []
        for person, (visible, values, weight) in list(last.items())[-_RECENT:]:
            limit = min(_JUMP + _JUMP_LATER * (number - visible - 1), _LONGEST_JUMP)
            for i, detection in enumerate(people):
                distance = _distance(values, weight, detection.values, weights[i])
                if distance < limit:
                    distances.append((distance, person, i))
        row = [-1] * len(people)
        for _, person, i in sorted(distances):
            if row[i] < 0 and person not in row:
                row[i] = person
        for i, detection in enumerate(people):
            if row[i] < 0:
                row[i], count = count, count + 1
            if weights[i].any():
                last.pop(row[i], None)
                last[row[i]] = (number, detection.values, weights[i])
        owners.append(row)
    return owners


def _weight(values: np.ndarray, min_confidence: float) -> np.ndarray:
    """(K,) weights of keypoints (K, D + 1): the score, 0 where not visible."""
    score = values[:, -1]
    visible = (score > 0) & (score >= min_confidence) & np.isfinite(values).all(axis=-1)
    return np.where(visible, score, 0.0).astype(np.float64)


def _size(values: np.ndarray, weight: np.ndarray) -> float:
    """Root mean square distance of the keypoints from their middle."""
    xy = np.where(weight[:, None] > 0, values[:, :2], 0.0).astype(np.float64)
    weight = weight / weight.sum()
    middle = weight @ xy
    return float(np.sqrt(weight @ ((xy - middle) ** 2).sum(axis=-1)))


def _distance(before: np.ndarray, weight_before: np.ndarray, now: np.ndarray, weight_now: np.ndarray) -> float:
    """Mean distance of the keypoints that both have, in body sizes; infinite where there are none."""
    weight = np.minimum(weight_before, weight_now)
    if not weight.any():
        return np.inf
    size = max(_size(before, weight_before), _size(now, weight_now))
    moved = np.where(weight[:, None] > 0, now[:, :2].astype(np.float64) - before[:, :2], 0.0)
    distance = float(weight @ np.linalg.norm(moved, axis=-1) / weight.sum())
    return distance / size if size > 0 else np.inf
