"""How close what a model makes is to what it saw, by part of the body and by place in the chunks."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pose_core.transforms.arrays import seen

if TYPE_CHECKING:
    from ht_vae.codec import DecodedSequence
    from pose_core import PoseSequence, Skeleton

CLOSE = (0.1, 0.2)  # shoulder widths from where a keypoint is right
NEAR = 2  # frames on either side of a chunk's border that are at the seam
SUMS = 7  # of `Errors`


@dataclass(frozen=True)
class Errors:
    """Errors over keypoints that were seen, in shoulder widths; NaN where none was.

    Attributes:
        mpjpe: mean distance of a keypoint.
        rmse: root mean squared error of a coordinate.
        pck_01, pck_02: share of keypoints that are held to be seen and within 0.1 or 0.2; a missing one is a miss.
        velocity: mean length of the error of a keypoint's step from a frame to the next.
        bone: mean absolute error of a limb's length.
        presence: share of keypoints, seen or not, of which the model says rightly whether they are.
    """

    mpjpe: float
    rmse: float
    pck_01: float
    pck_02: float
    velocity: float
    bone: float
    presence: float


@dataclass(frozen=True)
class Seams:
    """Errors of frames near the borders of chunks and of all others.

    Attributes:
        at, elsewhere: mean distance of a keypoint within `NEAR` frames of a border, and of the others.
        ratio: of the two; 1 where no seam shows.
        step_at, step_elsewhere, step_ratio: the same of the error of keypoints' steps from frame to frame.
    """

    at: float
    elsewhere: float
    ratio: float
    step_at: float
    step_elsewhere: float
    step_ratio: float


@dataclass
class ClipErrors:
    """The errors of a clip, or of several together, as sums.

    Attributes:
        parts: name -> (7, 2), sums and how many numbers they are of, in the order of `Errors`.
        seams: (4, 2), distances and steps at seams, then elsewhere.
        frames: (T,) mean distance of each frame's keypoints, NaN where none is seen; of several clips, empty.
    """

    parts: dict[str, np.ndarray] = field(default_factory=dict)
    seams: np.ndarray = field(default_factory=lambda: np.zeros((4, 2)))
    frames: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def add(self, other: ClipErrors) -> None:
        """Counts another clip in."""
        for name, sums in other.parts.items():
            self.parts[name] = self.parts.get(name, np.zeros((SUMS, 2))) + sums
        self.seams = self.seams + other.seams

    def total(self, part: str = "all") -> Errors:
        """The errors of a part."""
        distance, square, *others = (_mean(sums) for sums in self.parts[part])
        return Errors(distance, math.sqrt(square), *others)

    def seam(self) -> Seams:
        """The errors at seams beside those elsewhere."""
        at, step_at, elsewhere, step_elsewhere = (_mean(sums) for sums in self.seams)
        return Seams(at, elsewhere, _ratio(at, elsewhere), step_at, step_elsewhere, _ratio(step_at, step_elsewhere))


def errors_of(original: PoseSequence, made: DecodedSequence, chunk_size: int = 0) -> ClipErrors:
    """The errors of one clip.

    Args:
        original: (T, K, D) in shoulder widths.
        made: of it, as long.
        chunk_size: frames of a chunk; 0: no seams are looked at.
    """
    there = seen(original)  # (T, K)
    held = made.seen.confidence > 0
    target = np.where(there[..., None], original.keypoints, 0).astype(np.float64)
    error = np.where(there[..., None], made.placed.keypoints - target, 0)  # (T, K, D)
    distance = np.linalg.norm(error, axis=-1)
    both = there[1:] & there[:-1]
    step = np.linalg.norm(np.diff(error, axis=0), axis=-1)  # (T - 1, K)
    limbs = original.skeleton.limbs
    ends = there[:, limbs].all(axis=-1)  # (T, E)
    bone = np.abs(_lengths(made.placed.keypoints, limbs) - _lengths(target, limbs))
    parts = {}
    for name, points in part_points(original.skeleton).items():
        limb = np.isin(limbs, points).all(axis=1)
        here, far = there[:, points], distance[:, points]
        right = held[:, points] == here
        sums = [
            (far, here),
            ((error[:, points] ** 2).mean(axis=-1), here),
            *((held[:, points] & (far <= close), here) for close in CLOSE),
            (step[:, points], both[:, points]),
            (bone[:, limb], ends[:, limb]),
            (right, np.ones_like(right)),
        ]
        parts[name] = np.array([_summed(*pair) for pair in sums])
    count = there.sum(axis=1)
    frames = np.divide(distance.sum(axis=1), count, out=np.full(len(count), np.nan), where=count > 0)
    seams = np.zeros((4, 2))
    if chunk_size:
        near = at_seams(len(original), chunk_size)
        steps = near[1:] & near[:-1]
        chosen = [(distance[at], there[at], step[to], both[to]) for at, to in ((near, steps), (~near, ~steps))]
        seams = np.array([_summed(*pair) for d, t, s, b in chosen for pair in ((d, t), (s, b))])
    return ClipErrors(parts, seams, frames)


def at_seams(frames: int, chunk_size: int) -> np.ndarray:
    """(T,) True within `NEAR` frames of a border between two chunks; the first and the last frame are no border."""
    place = np.arange(frames)
    border = np.round(place / chunk_size) * chunk_size  # the nearest, of which the frame `border` is the first behind
    near = (place >= border - NEAR) & (place < border + NEAR)
    return near & (border > 0) & (border < frames)


def part_points(skeleton: Skeleton) -> dict[str, list[int]]:
    """Array positions of "all", of both "hands" where there are any, and of each part of the skeleton."""
    parts = {"all": list(range(skeleton.num_keypoints)), "hands": skeleton.hand("left") + skeleton.hand("right")}
    parts |= {name: skeleton.part(name) for name in skeleton.parts()}
    return {name: points for name, points in parts.items() if points}


def _lengths(keypoints: np.ndarray, limbs: np.ndarray) -> np.ndarray:
    """Lengths (T, E) of limbs (E, 2) of keypoints (T, K, D)."""
    return np.linalg.norm(keypoints[:, limbs[:, 0]] - keypoints[:, limbs[:, 1]].astype(np.float64), axis=-1)


def _summed(values: np.ndarray, where: np.ndarray) -> tuple[float, float]:
    return float(values[where].sum(dtype=np.float64)), float(where.sum())


def _mean(sums: np.ndarray) -> float:
    total, count = sums.tolist()
    return total / count if count else math.nan


def _ratio(a: float, b: float) -> float:
    return a / b if b > 0 else math.nan
