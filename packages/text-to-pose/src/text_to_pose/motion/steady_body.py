"""One body per text: the torso of the first frame throughout, arms of constant length, an idle arm at rest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pose_core import PoseSequence
    from pose_core.skeleton import Side

MIN_WIDTH = 0.05  # shoulder widths: shoulders closer than that in the picture have no direction
SCALES = (0.8, 1.25)  # within which the predicted shoulders may say how large the person was drawn
# Arms in shoulder widths. A picture foreshortens them, so the first frame's lengths are what they have at least. In the
# fingerspelling clips the longest upper arm of a clip is 0.83 to 1.06 (5th and 95th percentile). The other three
# numbers are chosen, not measured.
UPPER_ARM, FOREARM_SHARE = (0.83, 1.1), (0.85, 1.1)
PROJECTIONS = 8  # onto the two discs that an elbow has to lie in; the remaining error is below a thousandth


def steady_body(
    sequence: PoseSequence, reference: PoseSequence, dominant_hand: Side | None, max_step: float
) -> PoseSequence:
    """Retargets a sign to the body of its text.

    A model predicts each sign relative to its start frame, body included. Sign by sign the errors would add up to a
    body that leans, grows and loses its elbows. So only the hands are kept, and the arms within their reach.

    Args:
        sequence: (T, K, D) in shoulder widths; it begins with its start frame.
        reference: a sequence on the same skeleton, whose first frame has the body.
        dominant_hand: its arm signs even where no hand is visible.
        max_step: largest displacement of a resting arm from one frame to the next, in shoulder widths.
    """
    if not _has_shoulders(reference):
        return sequence
    steady = _steady_torso(sequence, reference)
    for side in ("left", "right"):
        hand = steady.skeleton.hand(side)
        if side == dominant_hand or (hand and steady.confidence[:, hand[0]].any()):
            steady = _arm_of_fixed_length(steady, reference, side)
        else:
            steady = _resting_arm(steady, reference, side, max_step)
    return steady


def _has_shoulders(reference: PoseSequence) -> bool:
    shoulders = list(reference.skeleton.shoulders())
    left, right = reference.keypoints[0, shoulders, :2]
    return bool((reference.confidence[0, shoulders] > 0).all() and np.linalg.norm(left - right) > MIN_WIDTH)


def _steady_torso(sequence: PoseSequence, reference: PoseSequence) -> PoseSequence:
    """Maps every frame in the picture by a similarity that brings its shoulders to those of the reference.

    With points z = x + iy, shoulders l and r, and reference shoulders L and R, it is
    z -> (L + R) / 2 + s (z - (l + r) / 2) with s = (L - R) / (l - r), whose argument rotates and whose absolute value,
    limited to `SCALES`, scales.
    """
    left, right = sequence.skeleton.shoulders()
    first, visible = reference.keypoints[0], reference.confidence[0] > 0
    points = sequence.keypoints[..., 0] + 1j * sequence.keypoints[..., 1]  # (T, K)
    target = first[:, 0] + 1j * first[:, 1]
    goal, predicted = target[left] - target[right], points[:, left] - points[:, right]
    predicted = np.where(np.abs(predicted) > MIN_WIDTH, predicted, goal)
    similarity = goal / predicted  # (T,)
    scale = np.abs(similarity).clip(*SCALES)
    similarity = similarity / np.abs(similarity) * scale
    middle = (points[:, left] + points[:, right]) / 2
    points = (target[left] + target[right]) / 2 + (points - middle[:, None]) * similarity[:, None]

    keypoints, confidence = sequence.keypoints.copy(), sequence.confidence.copy()
    keypoints[..., 0], keypoints[..., 1] = points.real, points.imag
    keypoints[..., 2:] *= scale[:, None, None]
    torso = [k for k in (left, right, *sequence.skeleton.hips()) if visible[k]]
    keypoints[:, torso], confidence[:, torso] = first[torso], reference.confidence[0, torso]
    return replace(sequence, keypoints=keypoints * (confidence > 0)[..., None], confidence=confidence)


def _arm(sequence: PoseSequence, side: Side) -> tuple[int, int, int] | None:
    """Indices of shoulder, elbow and wrist, or None where the skeleton lacks one."""
    elbow, wrist = sequence.skeleton.elbow(side), sequence.skeleton.wrist(side)
    if elbow is None or wrist is None:
        return None
    return dict(zip(("left", "right"), sequence.skeleton.shoulders(), strict=True))[side], elbow, wrist


def _arm_of_fixed_length(sequence: PoseSequence, reference: PoseSequence, side: Side) -> PoseSequence:
    """Limits upper arm and forearm to the reference's lengths; a wrist out of reach is pulled in, its hand with it."""
    arm = _arm(sequence, side)
    if arm is None:
        return sequence
    _, elbow, wrist = arm
    upper, lower = _arm_lengths(reference, arm)
    keypoints = sequence.keypoints.copy()
    S, E, W = (keypoints[:, k, :2].copy() for k in arm)  # (T, 2)
    reachable = within(W, S, upper + lower)
    hand = [k for k in sequence.skeleton.hand(side) if k != wrist]
    keypoints[:, [wrist, *hand], :2] += (reachable - W)[:, None]
    # An elbow lies within an upper arm of the shoulder and a forearm of the wrist: alternating projections onto the two
    # discs converge to a point in both.
    for _ in range(PROJECTIONS):
        E = within(within(E, S, upper), reachable, lower)
    keypoints[:, elbow, :2] = E
    return replace(sequence, keypoints=keypoints * (sequence.confidence > 0)[..., None])


def _arm_lengths(reference: PoseSequence, arm: tuple[int, int, int]) -> tuple[float, float]:
    """Lengths of upper arm and forearm in the reference's first frame, within the limits of real ones."""
    visible = reference.confidence[0, list(arm)] > 0
    S, E, W = reference.keypoints[0, list(arm), :2]
    upper = float(np.linalg.norm(E - S)) if visible[0] and visible[1] else 0.0
    lower = float(np.linalg.norm(W - E)) if visible[1] and visible[2] else 0.0
    upper = min(max(upper, UPPER_ARM[0]), UPPER_ARM[1])
    return upper, min(max(lower, upper * FOREARM_SHARE[0]), upper * FOREARM_SHARE[1])


def _resting_arm(sequence: PoseSequence, reference: PoseSequence, side: Side, max_step: float) -> PoseSequence:
    """Moves an arm along a raised cosine from its position in the first frame to that in the reference."""
    arm = _arm(sequence, side)
    if arm is None:
        return sequence
    keypoints, confidence = sequence.keypoints.copy(), sequence.confidence.copy()
    visible = [k for k in arm[1:] if reference.confidence[0, k] > 0]
    missing = [k for k in arm[1:] if k not in visible]
    displacement = keypoints[0, visible] - reference.keypoints[0, visible]  # (k, D)
    if not sequence.confidence[0, visible].all():  # it is not known where the arm comes from
        displacement = np.zeros_like(displacement)
    distance = np.linalg.norm(displacement, axis=-1).max(initial=0.0)
    frames = max(1.0, distance * np.pi / 2 / max_step)  # a cosine is steepest half way, by pi / 2
    weight = 0.5 + 0.5 * np.cos(np.pi * np.minimum(np.arange(len(keypoints)) / frames, 1))  # (T,), 1 at the first frame
    keypoints[:, visible] = reference.keypoints[0, visible] + weight[:, None, None] * displacement
    confidence[:, visible], confidence[:, missing] = reference.confidence[0, visible], 0
    return replace(sequence, keypoints=keypoints * (confidence > 0)[..., None], confidence=confidence)


def within(points: np.ndarray, center: np.ndarray, radius: float) -> np.ndarray:
    """Points (T, 2), each moved straight towards its center (T, 2) until it is at most `radius` away."""
    offset = points - center
    distance = np.linalg.norm(offset, axis=-1, keepdims=True)
    return center + offset * np.minimum(1.0, radius / np.maximum(distance, 1e-9))
