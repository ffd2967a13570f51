"""Measures of a body, frame by frame: gaps at wrists, palms, bones, shoulders, joints bent the wrong way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

import numpy as np

from pose_core.errors import UserError
from pose_core.metrics.finite import finite_median
from pose_core.skeleton.layouts import Side

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence

SIDES: tuple[Side, ...] = get_args(Side)
HAND_POINTS = 21  # wrist, then four joints a finger from the thumb on, in every layout

# Distances across the palm, and how long each is beside wrist to middle knuckle in a hand seen flat. A palm is as large
# as the largest of them says: turned away from the camera some are foreshortened, hardly ever all.
_PALM = ((0, 5, 1.0), (0, 9, 1.0), (0, 17, 0.93), (5, 17, 0.62))
_FINGERS = {"index_finger": 5, "middle_finger": 9, "ring_finger": 13, "pinky": 17}  # where each begins
_NAMES = ("thumb", *_FINGERS)
_HINGES = {"pip": 1, "dip": 2}  # positions in a finger

# Beyond this a joint reads as folded tightly, where the sign of the angle is chance: no finger bends so far back.
_FOLDED = 90.0
_HIGHEST_ELBOW_FLEXION = 150.0  # degrees; the forearm lies on the upper arm
# A hand's spread in z beside that in x and y is .04 to .8 in real clips whose z is in pixels, at most .001 where z is
# in picture widths (as MediaPipe gives it and older converters leave it).
_FLAT, _DEEP = 0.02, 1.5


@dataclass(frozen=True)
class BodyMeasures:
    """Measures of one sequence, frame by frame; NaN where a point that is needed is missing.

    Attributes:
        unit: shoulder width in the sequence's own unit (median over the clip, x and y); of a pose without shoulders
            the median palm; NaN where neither was visible.
        has_shoulders: whether `unit` is a shoulder width.
        wrist_gap: side -> (T,) distance of the hand's wrist from the arm's wrist in x and y, in units.
        palm_size: side -> (T,) size of the palm in x and y over its median in this clip, or in the reference.
        palm: side -> median size of the palm, in units; NaN where the hand was never visible.
        bone_length: name ("left_upper_arm", "left_forearm", "left_fingers", ...) -> (T,) length in x and y. Of arms in
            units, of the longest finger bone in median palms. Bones that point to the camera look shorter than they
            are, none looks longer, so the upper end means something, the lower end does not.
        finger_length: name ("left_thumb", "right_index_finger", ...) -> (T,) sum of the lengths of its bones, the
            thumb's from its second joint on, in x and y, in median palms.
        bone_change: `bone_length` over the median in this clip, or in the reference.
        shoulder_tilt: (T,) degrees by which the line from the right to the left shoulder is turned against the first
            frame that shows both, clockwise in the picture positive, -180 to 180.
        shoulder_width: (T,) in x and y, over that first frame's.
        shoulder_slope: (T,) degrees from 0 to 90 between the line of the shoulders and the horizontal.
        bent_wrong: joint ("left_index_finger_pip", "left_elbow", ...) -> (T,) degrees by which it is bent the way it
            cannot bend, 0 where it is bent as it can. Only where the z of the joint is known: empty of 2-D poses.
    """

    unit: float
    has_shoulders: bool
    wrist_gap: dict[Side, np.ndarray]
    palm_size: dict[Side, np.ndarray]
    palm: dict[Side, float]
    bone_length: dict[str, np.ndarray]
    finger_length: dict[str, np.ndarray]
    bone_change: dict[str, np.ndarray]
    shoulder_tilt: np.ndarray
    shoulder_width: np.ndarray
    shoulder_slope: np.ndarray
    bent_wrong: dict[str, np.ndarray]


def measure_body(sequence: PoseSequence, *, reference: PoseSequence | None = None) -> BodyMeasures:
    """Measures of a sequence; arguments as of `pose_core.metrics.anatomy`."""
    points = _visible(sequence)
    skeleton = sequence.skeleton
    tilt, width, shoulder_width, slope = _shoulders(sequence, points)
    palms = {side: _palm(points, skeleton.hand(side)) for side in SIDES}
    unit = finite_median(shoulder_width)
    has_shoulders = bool(unit > 0)
    if not has_shoulders:
        unit = finite_median(np.concatenate(list(palms.values())))
        unit = unit if unit > 0 else np.nan
    bones = _arm_bones(sequence, points, unit) if has_shoulders else {}
    fingers = {}
    for side in SIDES:
        if len(skeleton.hand(side)) == HAND_POINTS:
            lengths = _over(_finger_bones(points[:, skeleton.hand(side)]), finite_median(palms[side]))
            bones[f"{side}_fingers"] = _longest(lengths)
            fingers |= {f"{side}_{name}": length for name, length in zip(_NAMES, lengths.sum(axis=2).T, strict=True)}
    palm_medians = {side: finite_median(palms[side]) / unit for side in SIDES}
    measures = BodyMeasures(
        unit=unit,
        has_shoulders=has_shoulders,
        wrist_gap={side: _wrist_gap(sequence, points, side) / unit for side in SIDES},
        palm_size={side: _over(palms[side], finite_median(palms[side])) for side in SIDES},
        palm=palm_medians,
        bone_length=bones,
        finger_length=fingers,
        bone_change={name: _over(length, finite_median(length)) for name, length in bones.items()},
        shoulder_tilt=tilt,
        shoulder_width=width,
        shoulder_slope=slope,
        bent_wrong=_bent_wrong(sequence, points),
    )
    return measures if reference is None else _against(measures, measure_body(reference))


def _against(measures: BodyMeasures, reference: BodyMeasures) -> BodyMeasures:
    """The measures with palms and bones over the reference's medians."""
    if measures.has_shoulders != reference.has_shoulders:
        return measures  # in units that cannot be compared
    palms = {
        side: _over(size * measures.palm[side], reference.palm[side]) if reference.palm[side] > 0 else size
        for side, size in measures.palm_size.items()
    }
    medians = {name: finite_median(length) for name, length in reference.bone_length.items()}
    bones = {
        name: _over(measures.bone_length[name], medians[name]) if medians.get(name, 0.0) > 0 else change
        for name, change in measures.bone_change.items()
    }
    return replace(measures, palm_size=palms, bone_change=bones)


def _visible(sequence: PoseSequence) -> np.ndarray:
    """(T, K, D) float64, NaN where a keypoint is missing. z alone may be NaN: x and y serve without it."""
    points = sequence.keypoints.astype(np.float64)
    missing = ~((sequence.confidence > 0) & np.isfinite(points[..., :2]).all(axis=-1))
    points[missing] = np.nan
    points[~np.isfinite(points)] = np.nan
    return points


def _shoulders(sequence: PoseSequence, points: np.ndarray) -> tuple[np.ndarray, ...]:
    """(T,) tilt in degrees and width against the first frame that has both, width as it is, and slope in degrees."""
    try:
        left, right = sequence.skeleton.shoulders()
    except UserError:
        nothing = np.full(len(sequence), np.nan)
        return tuple(nothing.copy() for _ in range(4))
    across = points[:, left, :2] - points[:, right, :2]
    width = np.linalg.norm(across, axis=-1)
    width[~(width > 0)] = np.nan
    angle = np.degrees(np.arctan2(across[:, 1], across[:, 0]))
    measured = np.flatnonzero(np.isfinite(width))
    first = measured[0] if len(measured) else 0
    tilt = (angle - angle[first : first + 1].sum() + 180.0) % 360.0 - 180.0
    tilt[np.isnan(width)] = np.nan
    slope = np.degrees(np.arctan2(np.abs(across[:, 1]), np.abs(across[:, 0])))
    slope[np.isnan(width)] = np.nan
    return tilt, width / width[first : first + 1].sum(), width, slope


def _wrist_gap(sequence: PoseSequence, points: np.ndarray, side: Side) -> np.ndarray:
    """(T,) in the sequence's unit."""
    hand, wrist = sequence.skeleton.hand(side), sequence.skeleton.wrist(side)
    if not hand or wrist is None:
        return np.full(len(sequence), np.nan)
    return np.linalg.norm(points[:, hand[0], :2] - points[:, wrist, :2], axis=-1)


def _palm(points: np.ndarray, hand: list[int]) -> np.ndarray:
    """(T,) in the sequence's unit; NaN unless all of the palm's points are there."""
    if len(hand) != HAND_POINTS:
        return np.full(len(points), np.nan)
    lengths = [_length(points, hand[a], hand[b]) / usual for a, b, usual in _PALM]
    return np.max(lengths, axis=0)


def _arm_bones(sequence: PoseSequence, points: np.ndarray, unit: float) -> dict[str, np.ndarray]:
    bones = {}
    for side in SIDES:
        shoulder, elbow, wrist = _arm(sequence, side)
        for name, ends in (("upper_arm", (shoulder, elbow)), ("forearm", (elbow, wrist))):
            if None not in ends:
                bones[f"{side}_{name}"] = _length(points, *ends) / unit  # ty: ignore[invalid-argument-type]
    return bones


def _arm(sequence: PoseSequence, side: Side) -> tuple[int, int | None, int | None]:
    """Array positions of shoulder, elbow and wrist, of a skeleton that has shoulders."""
    skeleton = sequence.skeleton
    return skeleton.shoulders()[SIDES.index(side)], skeleton.elbow(side), skeleton.wrist(side)


def _finger_bones(hand: np.ndarray) -> np.ndarray:
    """(T, 5, 3) lengths of the bones of the fingers of a hand (T, 21, D), thumb first; NaN where one is missing."""
    joints = hand[:, 1:, :2].reshape(len(hand), 5, 4, 2)
    return np.linalg.norm(np.diff(joints, axis=2), axis=-1)


def _longest(lengths: np.ndarray) -> np.ndarray:
    """(T,) of the lengths (T, 5, 3) that are there."""
    longest = np.where(np.isfinite(lengths), lengths, -np.inf).max(axis=(1, 2))
    return np.where(longest >= 0, longest, np.nan)


def _bent_wrong(sequence: PoseSequence, points: np.ndarray) -> dict[str, np.ndarray]:
    bent: dict[str, np.ndarray] = {}
    if sequence.skeleton.num_dims != 3:
        return bent
    for side in SIDES:
        hand = sequence.skeleton.hand(side)
        if len(hand) == HAND_POINTS:
            deep = _with_depth(points[:, hand], sequence.size[0])
            if deep is not None:
                bent |= {f"{side}_{joint}": angle for joint, angle in _fingers_bent_wrong(deep, side).items()}
        try:
            arm = _arm(sequence, side)
        except UserError:
            continue
        if None not in arm:
            deep = _with_depth(points[:, list(arm)], sequence.size[0])  # ty: ignore[invalid-argument-type]
            if deep is not None:
                flexion = _angle(deep[:, 1] - deep[:, 0], deep[:, 2] - deep[:, 1])
                bent[f"{side}_elbow"] = np.maximum(flexion - _HIGHEST_ELBOW_FLEXION, 0.0)
    return bent


def _with_depth(points: np.ndarray, width: int) -> np.ndarray | None:
    """Points (T, N, 3) with z in the unit of x and y, or None where it is not known."""
    complete = points[np.isfinite(points).all(axis=(1, 2))]
    if not len(complete):
        return None
    spread = np.median(complete.std(axis=1), axis=0)  # (3,)
    depth = spread[2] / (spread[:2].sum() or np.nan)
    if depth > _FLAT:
        return points
    return points * [1.0, 1.0, width] if _FLAT < depth * width < _DEEP else None  # flat, or in a unit nothing tells


def _fingers_bent_wrong(hand: np.ndarray, side: Side) -> dict[str, np.ndarray]:
    """Joint -> (T,) degrees of hyperextension of a hand (T, 21, 3).

    Fingers bend about the line across the knuckles, towards the palm.
    """
    across = hand[:, 5] - hand[:, 17] if side == "right" else hand[:, 17] - hand[:, 5]
    across = _over(across, np.linalg.norm(across, axis=-1, keepdims=True))
    bent = {}
    for finger, start in _FINGERS.items():
        for joint, position in _HINGES.items():
            before = hand[:, start + position] - hand[:, start + position - 1]
            after = hand[:, start + position + 1] - hand[:, start + position]
            sine = (np.cross(before, after) * across).sum(axis=-1)
            flexion = np.degrees(np.arctan2(sine, (before * after).sum(axis=-1)))
            wrong = np.where(flexion > -_FOLDED, np.maximum(-flexion, 0.0), 0.0)
            bent[f"{finger}_{joint}"] = np.where(np.isfinite(flexion), wrong, np.nan)
    return bent


def _length(points: np.ndarray, a: int, b: int) -> np.ndarray:
    """(T,) distance of two keypoints in x and y."""
    return np.linalg.norm(points[:, a, :2] - points[:, b, :2], axis=-1)


def _angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(T,) degrees between vectors (T, 3)."""
    cross = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.degrees(np.arctan2(cross, (a * b).sum(axis=-1)))


def _over(values: np.ndarray, divisor: np.ndarray | float) -> np.ndarray:
    """The quotient, NaN where the divisor is 0."""
    divisor = np.asarray(divisor, np.float64)
    return values / np.where(divisor != 0, divisor, np.nan)
