"""Habits of a pose estimator: jitter, hands that it loses, depth that it guesses, and how sure it says it is.

Figures are measured on clips that MediaPipe Holistic estimated (benchmarks/estimator_habits.py); lengths are in
shoulder widths, speeds in shoulder widths per frame at 25 frames per second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_core import PoseSequence, Skeleton
    from pose_core.skeleton import Side

    Array = NDArray[np.float64]

SIDES: tuple[Side, Side] = ("left", "right")
SEEN = (0.05, 0.25, 0.5, 0.75, 0.95)  # quantiles of the confidences below


@dataclass(frozen=True)
class Habits:
    """How far an estimator errs.

    Attributes:
        torso, elbow, wrist, hand: standard deviation of the jitter of a point that is held.
        moving: by how much jitter grows where the wrist moves at `fast`.
        fast: that speed.
        spread: standard deviation of the logarithm of a clip's jitter, and of its losses: cameras differ.
        tails: degrees of freedom of Student's t: one value in ten is beyond four robust standard deviations.
        memory: correlation of a frame's jitter with the next one's.
        shared: share of a hand's jitter that all its points have in common.
        hand_depth, body_depth: jitter of z over that of x and y.
        depth_error: standard deviation of the logarithm of the depth of a clip's hands: too flat or too deep.
        loss: share of frames in which a hand is lost first, where it is held high and apart from the other.
        loss_moving, loss_low, loss_near: by how much that grows at `fast`, a shoulder width below the shoulders, and
            beside the other hand.
        gap: mean number of frames that a lost hand is missing.
        elbow_confidence, wrist_confidence, hip_confidence: values at the quantiles `SEEN`, of points in the picture.
    """

    torso: float = 0.0012
    elbow: float = 0.0024
    wrist: float = 0.0042
    hand: float = 0.0024
    moving: float = 3.0
    fast: float = 0.1
    spread: float = 0.5
    tails: float = 3.0
    memory: float = 0.45
    shared: float = 0.6
    hand_depth: float = 0.9
    body_depth: float = 12.0
    depth_error: float = 0.4
    loss: float = 0.004
    loss_moving: float = 4.0
    loss_low: float = 8.0
    loss_near: float = 4.0
    gap: float = 3.0
    elbow_confidence: tuple[float, ...] = (0.43, 0.90, 0.98, 0.99, 1.0)
    wrist_confidence: tuple[float, ...] = (0.18, 0.76, 0.98, 0.995, 1.0)
    hip_confidence: tuple[float, ...] = (0.01, 0.09, 0.55, 0.75, 0.93)


MEDIAPIPE = Habits()


def estimated(sequence: PoseSequence, rng: np.random.Generator, habits: Habits = MEDIAPIPE) -> PoseSequence:
    """A sequence as an estimator would have found it.

    Args:
        sequence: T frames in pixels, as `signing.layouts.seen` gives them; z in picture widths.
        rng: decides everything.
        habits: of the estimator.

    Raises:
        UserError: the skeleton has no shoulders, or they lie on one point.
    """
    parts = _parts(sequence.skeleton)
    unit = _shoulder_width(sequence)
    speeds = {side: _speed(sequence, parts.wrists[side]) / unit for side in SIDES}
    quality = float(np.exp(habits.spread * rng.standard_normal()))
    keypoints = sequence.keypoints.astype(np.float64)
    keypoints += _jitter(sequence, parts, speeds, rng, habits) * (quality * unit * _per_coordinate(sequence))
    for side in SIDES:
        hand = parts.hands[side]
        if hand and keypoints.shape[-1] > 2:
            keypoints[:, hand, 2] *= np.exp(habits.depth_error * rng.standard_normal())
    confidence = sequence.confidence.astype(np.float64)
    for points, quantiles in (
        (parts.elbows, habits.elbow_confidence),
        (tuple(parts.wrists.values()), habits.wrist_confidence),
        (parts.hips, habits.hip_confidence),
    ):
        for point in points:
            confidence[:, point] *= np.interp(rng.uniform(), SEEN, quantiles)
    for side in SIDES:
        if parts.hands[side]:
            lost = _lost(sequence, parts, side, speeds[side], unit, quality, rng, habits)
            confidence[np.ix_(np.flatnonzero(lost), np.array(parts.hands[side]))] = 0.0
    visible = confidence > 0
    return replace(
        sequence,
        keypoints=(keypoints * visible[..., None]).astype(np.float32),
        confidence=confidence.astype(np.float32),
    )


@dataclass(frozen=True)
class _Parts:
    """Indices of points of a skeleton; the hands' own wrist is the first of theirs."""

    shoulders: tuple[int, int]
    hips: tuple[int, ...]
    elbows: tuple[int, ...]
    wrists: dict[Side, int]
    hands: dict[Side, list[int]]


@cache
def _parts(skeleton: Skeleton) -> _Parts:
    wrists: dict[Side, int] = {}
    for side in SIDES:
        wrist = skeleton.wrist(side)
        if wrist is None:
            raise UserError(f"the skeleton has no {side} wrist: an estimator's habits go by how fast that moves")
        wrists[side] = wrist
    elbows = tuple(k for side in SIDES if (k := skeleton.elbow(side)) is not None)
    hands = {side: list(skeleton.hand(side)) for side in SIDES}
    left, right = skeleton.shoulders()
    return _Parts((left, right), tuple(skeleton.hips()), elbows, wrists, hands)


def _shoulder_width(sequence: PoseSequence) -> float:
    left, right = _parts(sequence.skeleton).shoulders
    width = float(np.median(np.linalg.norm(sequence.keypoints[:, left, :2] - sequence.keypoints[:, right, :2], axis=1)))
    if not width > 0:
        raise UserError("the shoulders lie on one point: how far an estimator errs cannot be said")
    return width


def _speed(sequence: PoseSequence, point: int) -> Array:
    """Speed (T,) of a point over two frames, in pixels per frame at 25 frames per second."""
    place = np.pad(sequence.keypoints[:, point, :2].astype(np.float64), ((1, 1), (0, 0)), mode="edge")
    speed: Array = np.linalg.norm(place[2:] - place[:-2], axis=-1) / 2 * (sequence.fps / 25.0)
    return speed


def _per_coordinate(sequence: PoseSequence) -> Array:
    """(D,) units of a pixel: z is in picture widths."""
    width = sequence.size[0] or 1
    return np.array([1.0, 1.0, 1.0 / width])[: sequence.keypoints.shape[-1]]


def _jitter(
    sequence: PoseSequence, parts: _Parts, speeds: dict[Side, Array], rng: np.random.Generator, habits: Habits
) -> Array:
    """(T, K, D) in shoulder widths, z as deep as it is wide."""
    T, K, D = sequence.keypoints.shape
    amplitude = np.full((T, K), habits.torso)
    depth = np.full(K, habits.body_depth)
    noise = _correlated(rng, (T, K, D), habits)
    amplitude[:, list(parts.elbows)] = habits.elbow
    for side in SIDES:
        grows = 1 + (habits.moving - 1) * np.minimum(speeds[side] / habits.fast, 1.0)
        hand = parts.hands[side]
        amplitude[:, parts.wrists[side]] = habits.wrist * grows
        amplitude[:, hand] = habits.hand * grows[:, None]
        depth[hand] = habits.hand_depth
        common = _correlated(rng, (T, 1, D), habits)
        noise[:, hand] = np.sqrt(1 - habits.shared) * noise[:, hand] + np.sqrt(habits.shared) * common
    jitter = noise * amplitude[..., None]
    jitter[..., 2:] *= depth[:, None]
    return jitter


def _correlated(rng: np.random.Generator, shape: tuple[int, ...], habits: Habits) -> Array:
    """Noise of unit variance: its innovations have heavy tails, and each frame remembers the one before."""
    innovations = rng.standard_t(habits.tails, shape) / np.sqrt(habits.tails / (habits.tails - 2))
    innovations[1:] *= np.sqrt(1 - habits.memory**2)
    for t in range(1, shape[0]):
        innovations[t] += habits.memory * innovations[t - 1]
    return innovations


def _lost(
    sequence: PoseSequence,
    parts: _Parts,
    side: Side,
    speed: Array,
    unit: float,
    quality: float,
    rng: np.random.Generator,
    habits: Habits,
) -> NDArray[np.bool_]:
    """(T,) where a hand is lost: it begins by chance, more often where the hand is fast, low or near the other one."""
    left, right = parts.shoulders
    middle = sequence.keypoints[:, [left, right], 1].mean(axis=1)
    below = (sequence.keypoints[:, parts.wrists[side], 1] - middle) / unit
    wrists = [sequence.keypoints[:, parts.wrists[each], :2] for each in SIDES]
    apart = np.linalg.norm(wrists[0] - wrists[1], axis=-1) / unit
    chance = habits.loss * quality**2
    chance = chance * (1 + (habits.loss_moving - 1) * np.minimum(speed / habits.fast, 1.0))
    chance = chance * (1 + (habits.loss_low - 1) * np.clip(below, 0.0, 1.5) ** 2)
    chance = chance * (1 + (habits.loss_near - 1) * np.clip(1 - apart / 0.5, 0.0, 1.0))
    begins = rng.uniform(size=len(sequence)) < chance * (25.0 / sequence.fps)
    lengths = rng.geometric(min(1.0, 25.0 / sequence.fps / habits.gap), size=len(sequence))
    lost = np.zeros(len(sequence), bool)
    for first in np.flatnonzero(begins):
        lost[first : first + lengths[first]] = True
    return lost
