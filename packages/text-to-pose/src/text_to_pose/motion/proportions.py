"""Generated motion on a person's own bones: arms and fingers of their lengths, hands where they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_core.sequence import PoseSequence
from text_to_pose.signing.hands.hand_model import BONES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_core.skeleton import Side
    from text_to_pose.signing.anatomy.body import Body

    Array = NDArray[np.float64]

_REACH = 0.999  # of a stretched arm: the elbow of one that is all straight could be anywhere about it


def with_proportions(
    sequence: PoseSequence, body: Body, *, hand_depth: float = 1.0, body_depth: float = 1.0
) -> PoseSequence:
    """Gives the bones of a sequence the lengths that a body has.

    A wrist that is in reach stays, and the elbow is where the arm's lengths let it be, nearest to where it was; one
    out of reach is pulled in, its hand with it. Fingers keep the directions of their bones.

    Args:
        sequence: (T, K, 3) in any unit, of a skeleton with arms; its shoulders say how large the person is in it.
        body: the person's.
        hand_depth: how much larger z of fingers is, from their wrist on, than the sequence says.
        body_depth: the same of shoulders, elbows and wrists.
    """
    keypoints = sequence.keypoints.astype(np.float64)
    scale = np.array([1.0, 1.0, body_depth])
    unit = _shoulder_width(sequence) / body.shoulder_width  # of the sequence, in metres
    lengths, upper, lower = unit * body.hand.lengths, unit * body.upper_arm, unit * body.forearm
    for side, shoulder in zip(("left", "right"), sequence.skeleton.shoulders(), strict=True):
        hand = list(sequence.skeleton.hand(side))
        if hand:
            fingers = _fingers(keypoints[:, hand], lengths, hand_depth)
        arm = _arm_points(sequence, side)
        if arm is not None:
            elbow, wrist = arm
            points = keypoints[:, [shoulder, elbow, wrist]] * scale
            moved_elbow, moved_wrist = _arm(*np.moveaxis(points, 1, 0), upper, lower)
            keypoints[:, elbow], keypoints[:, wrist] = moved_elbow / scale, moved_wrist / scale
            if hand:
                keypoints[:, hand[0]] += keypoints[:, wrist] - points[:, 2] / scale
        if hand:
            keypoints[:, hand[1:]] = keypoints[:, hand[:1]] + fingers
    visible = sequence.confidence > 0
    return PoseSequence(
        (keypoints * visible[..., None]).astype(np.float32),
        sequence.confidence,
        sequence.fps,
        sequence.skeleton,
        sequence.size,
    )


def _shoulder_width(sequence: PoseSequence) -> float:
    """Distance of the shoulders where they are seen first, before they rise; 1, as normalized, where they never are."""
    left, right = sequence.skeleton.shoulders()
    seen = np.flatnonzero((sequence.confidence[:, left] > 0) & (sequence.confidence[:, right] > 0))
    if not len(seen):
        return 1.0
    return float(np.linalg.norm((sequence.keypoints[seen[0], left] - sequence.keypoints[seen[0], right])[:2]))


def _arm_points(sequence: PoseSequence, side: Side) -> tuple[int, int] | None:
    elbow, wrist = sequence.skeleton.elbow(side), sequence.skeleton.wrist(side)
    return None if elbow is None or wrist is None else (elbow, wrist)


def _arm(shoulder: Array, elbow: Array, wrist: Array, upper: float, lower: float) -> tuple[Array, Array]:
    """Elbow and wrist, (T, 3) each, of an arm whose bones have these lengths."""
    along, distance = _direction(wrist - shoulder)
    reached = np.clip(distance, abs(upper - lower) + 1e-3, _REACH * (upper + lower))
    foot = (upper**2 - lower**2 + reached**2) / (2 * reached)  # of the elbow on the line from shoulder to wrist
    aside = elbow - shoulder
    outward, size = _direction(aside - (aside * along).sum(axis=-1, keepdims=True) * along)
    hanging = np.array([0.0, 1.0, 0.0]) - along[:, 1:2] * along  # an arm that was straight: the elbow hangs, y is down
    outward = np.where(size > 1e-3, outward, _direction(hanging)[0])
    height = np.sqrt(np.maximum(upper**2 - foot**2, 0.0))
    return shoulder + foot * along + height * outward, shoulder + reached * along


def _fingers(hand: Array, lengths: Array, depth: float) -> Array:
    """The points (T, 20, 3) of a hand (T, 21, 3) from its wrist on, with bones of these lengths (20,)."""
    scale = np.array([1.0, 1.0, depth])
    points = (hand - hand[:, :1]) * scale
    moved = np.zeros_like(points)
    for (first, second), length in zip(BONES, lengths, strict=True):
        moved[:, second] = moved[:, first] + length * _direction(points[:, second] - points[:, first])[0]
    return moved[:, 1:] / scale


def _direction(vectors: Array) -> tuple[Array, Array]:
    """Unit vectors and lengths (..., 1) of vectors (..., 3); those of no length stay so."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-9), lengths
