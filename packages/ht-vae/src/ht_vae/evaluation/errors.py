"""Reconstruction errors, by part of the body and near the borders of chunks."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ht_vae.codec import DecodedSequence
    from pose_core import PoseSequence, Skeleton

PCK_THRESHOLDS = (0.1, 0.2)  # shoulder widths
SEAM_FRAMES = 2  # on either side of a chunk's border
NUM_SUMS = 7  # fields of `Errors`


@dataclass(frozen=True)
class Errors:
    """Errors over visible keypoints, in shoulder widths; NaN where none is visible.

    Attributes:
        mpjpe: mean per-joint position error, the mean distance of a keypoint.
        rmse: root mean squared error of a coordinate.
        pck_01, pck_02: share of keypoints predicted visible and within 0.1 or 0.2; a missing one is a miss.
        velocity: mean length of the error of a keypoint's displacement between frames.
        bone: mean absolute error of a limb's length.
        presence: accuracy of predicted visibility, over all keypoints.
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
    """Errors of frames near the borders of chunks, and of all others.

    Attributes:
        at, elsewhere: mean distance of a keypoint within `SEAM_FRAMES` of a border, and elsewhere.
        ratio: of the two; 1 where no seam shows.
        step_at, step_elsewhere, step_ratio: the same for the error of displacements between frames.
    """

    at: float
    elsewhere: float
    ratio: float
    step_at: float
    step_elsewhere: float
    step_ratio: float


@dataclass
class ClipErrors:
    """Errors of a clip, or of several together, as sums.

    Attributes:
        parts: name -> (7, 2), sums and how many numbers they are over, in the order of `Errors`.
        seams: (4, 2), distances and displacements at seams, then elsewhere.
        frames: (T,) mean distance of each frame's keypoints, NaN where none is visible; of several clips, empty.
    """

    parts: dict[str, np.ndarray] = field(default_factory=dict)
    seams: np.ndarray = field(default_factory=lambda: np.zeros((4, 2)))
    frames: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def add(self, other: ClipErrors) -> None:
        """Adds another clip's sums."""
        for name, sums in other.parts.items():
            self.parts[name] = self.parts.get(name, np.zeros((NUM_SUMS, 2))) + sums
        self.seams = self.seams + other.seams

    def total(self, part: str = "all") -> Errors:
        """The errors of a part."""
        distance, square, *others = (_mean(sums) for sums in self.parts[part])
        return Errors(distance, math.sqrt(square), *others)

    def seam(self) -> Seams:
        """The errors at seams and elsewhere."""
        at, step_at, elsewhere, step_elsewhere = (_mean(sums) for sums in self.seams)
        return Seams(at, elsewhere, _ratio(at, elsewhere), step_at, step_elsewhere, _ratio(step_at, step_elsewhere))


def clip_errors(original: PoseSequence, decoded: DecodedSequence, chunk_size: int = 0) -> ClipErrors:
    """The errors of one clip.

    Args:
        original: (T, K, D) in shoulder widths.
        decoded: its reconstruction, of as many frames.
        chunk_size: frames per chunk; 0: no seams.
    """
    visible, predicted = original.visible, decoded.sequence.confidence > 0  # (T, K)
    target = np.where(visible[..., None], original.keypoints, 0).astype(np.float64)
    error = np.where(visible[..., None], decoded.dense.keypoints - target, 0)  # (T, K, D)
    distance = np.linalg.norm(error, axis=-1)
    both = visible[1:] & visible[:-1]
    step = np.linalg.norm(np.diff(error, axis=0), axis=-1)  # (T - 1, K)
    limbs = original.skeleton.limbs
    limb_visible = visible[:, limbs[:, 0]] & visible[:, limbs[:, 1]]  # (T, E)
    bone = np.abs(_lengths(decoded.dense.keypoints, limbs) - _lengths(target, limbs))
    parts = {}
    for name, points in part_points(original.skeleton).items():
        limb = np.isin(limbs, points).all(axis=1)
        counted, distances = visible[:, points], distance[:, points]
        correct = predicted[:, points] == counted
        sums = [
            (distances, counted),
            ((error[:, points] ** 2).mean(axis=-1), counted),
            *((predicted[:, points] & (distances <= threshold), counted) for threshold in PCK_THRESHOLDS),
            (step[:, points], both[:, points]),
            (bone[:, limb], limb_visible[:, limb]),
            (correct, np.ones_like(correct)),
        ]
        parts[name] = np.array([_sum(*pair) for pair in sums])
    count = visible.sum(axis=1)
    frames = np.divide(distance.sum(axis=1), count, out=np.full(len(count), np.nan), where=count > 0)
    seams = np.zeros((4, 2))
    if chunk_size:
        near = at_seams(len(original), chunk_size)
        near_steps = near[1:] & near[:-1]
        pairs = [
            (values[rows], where[rows])
            for rows_of in ((near, near_steps), (~near, ~near_steps))
            for (values, where), rows in zip(((distance, visible), (step, both)), rows_of, strict=True)
        ]
        seams = np.array([_sum(*pair) for pair in pairs])
    return ClipErrors(parts, seams, frames)


def at_seams(frames: int, chunk_size: int) -> np.ndarray:
    """(T,) True within `SEAM_FRAMES` of a border between two chunks; the first and the last frame are no border."""
    index = np.arange(frames)
    border = np.round(index / chunk_size) * chunk_size  # the nearest; frame `border` is the first after it
    near = (index >= border - SEAM_FRAMES) & (index < border + SEAM_FRAMES)
    return near & (border > 0) & (border < frames)


def part_points(skeleton: Skeleton) -> dict[str, list[int]]:
    """Keypoint indices of "all", of both "hands" where there are any, and of each part of the skeleton."""
    parts = {"all": list(range(skeleton.num_keypoints)), "hands": skeleton.hand("left") + skeleton.hand("right")}
    parts |= {name: skeleton.part(name) for name in skeleton.parts()}
    return {name: points for name, points in parts.items() if points}


def _lengths(keypoints: np.ndarray, limbs: np.ndarray) -> np.ndarray:
    """Lengths (T, E) of limbs (E, 2) of keypoints (T, K, D)."""
    return np.linalg.norm(keypoints[:, limbs[:, 0]] - keypoints[:, limbs[:, 1]].astype(np.float64), axis=-1)


def _sum(values: np.ndarray, where: np.ndarray) -> tuple[float, float]:
    """The sum of values where `where` is True, and how many they are."""
    return float(values[where].sum(dtype=np.float64)), float(where.sum())


def _mean(sums: np.ndarray) -> float:
    total, count = sums.tolist()
    return total / count if count else math.nan


def _ratio(a: float, b: float) -> float:
    return a / b if b > 0 else math.nan
