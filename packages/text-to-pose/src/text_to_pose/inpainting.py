"""Broken poses mended: what is missing filled in, what was seen left as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from pose_core import UserError
from pose_core.skeleton import Side
from pose_core.transforms import denormalize, fill_arms, hold_hands, normalize
from pose_core.transforms.arms import HAND_POINTS, MIDDLE_KNUCKLE
from pose_core.transforms.arrays import seen
from pose_core.transforms.temporal import last_visible
from text_to_pose.data.preprocessing import body_and_hands

if TYPE_CHECKING:
    from pose_core import PoseSequence
    from text_to_pose.model import TextToPose
    from text_to_pose.sampling import Sampling

FILLED = 0.5  # confidence of a keypoint that was filled in
SIDES: tuple[Side, ...] = get_args(Side)
Ends = Literal["missing", "hold", "generate"]


def needs_model(text: str | None, ends: Ends) -> bool:
    """Whether `correct` needs a model."""
    return text is not None or ends == "generate"


def correct(
    model: TextToPose | None,
    sequence: PoseSequence,
    *,
    text: str | None = None,
    signed_language: str = "",
    ends: Ends = "missing",
    max_gap: float | None = None,
    sampling: Sampling | None = None,
) -> PoseSequence:
    """Fills in keypoints of body and hands where a sequence misses them.

    A keypoint that was seen before and after is interpolated: arms keep their length, hands hang on their arm's wrist,
    keep the size they had and turn from the shape before to the shape after (`pose_core.transforms.fill_arms`). If the
    text is given, the model makes longer gaps, and the hand that signs if it is seen in no frame. What would lie
    outside the picture stays missing.

    Args:
        model: may be None unless a text is given or the ends are to be generated.
        sequence: (T, K, D) in pixels, at any frame rate, on any skeleton with shoulders. What a model makes goes to the
            keypoints it shares with the model's skeleton.
        text: what is signed, if known; its signed language then has to be given, too.
        ends: what is done before a keypoint was first seen, and after it was last: "missing" leaves it; "hold" keeps
            hands as they were next seen, on the wrist of their arm, and arms on their shoulder; "generate" lets the
            model make them.
        max_gap: leave gaps of more seconds between two sightings as they are.

    Returns:
        The same sequence; filled keypoints have a confidence of `FILLED`, and what was seen is what it was, bit for
        bit. What is still missing and was no number has confidence 0 and lies at 0.

    Raises:
        UserError: nobody is seen, the pose cannot be normalized, or a text the model does not know.
    """
    body = body_and_hands(sequence)
    if not (body.confidence > 0).any():
        raise UserError("nobody is seen in any frame; there is nothing to go by")
    normalized, placement = normalize(body)
    max_frames = None if max_gap is None else int(min(max_gap * body.fps + 1e-6, len(body)))
    filled = fill_arms(normalized, max_frames=max_frames)
    if needs_model(text, ends):
        if model is None:
            raise ValueError("a text, or ends that are generated, need a model")
        filled = _generated(model, normalized, filled, text, signed_language, ends, sampling)
    if ends == "hold":
        filled = _held(filled)
    filled = denormalize(filled, placement)
    return _filled_in(sequence, _within_view(filled, body))


def _generated(
    model: TextToPose,
    normalized: PoseSequence,
    filled: PoseSequence,
    text: str | None,
    signed_language: str,
    ends: Ends,
    sampling: Sampling | None,
) -> PoseSequence:
    """`filled` with what the model makes at the keypoints it knows."""
    from text_to_pose.completion import generate_missing
    from text_to_pose.sampling import Sampling

    made = generate_missing(
        model,
        normalized.on_skeleton(model.skeleton),
        filled.on_skeleton(model.skeleton),
        text=text,
        signed_language=signed_language,
        ends=ends == "generate",
        sampling=sampling or Sampling(),
    )
    keypoints, confidence = filled.keypoints.copy(), filled.confidence.copy()
    position = {name: k for k, name in enumerate(filled.skeleton.keypoints)}
    for k, name in enumerate(made.skeleton.keypoints):
        if name in position:
            at = position[name]
            new = ~(normalized.confidence[:, at] > 0)
            keypoints[new, at, : made.keypoints.shape[-1]] = made.keypoints[new, k]
            confidence[new, at] = made.confidence[new, k]
    return replace(filled, keypoints=keypoints, confidence=confidence)


def _held(poses: PoseSequence) -> PoseSequence:
    """The poses with their ends held: before each keypoint's first sighting and after its last."""
    there = poses.confidence > 0
    forward, backward = _carried(poses), _reversed(_carried(_reversed(poses)))
    seen_so_far = np.maximum.accumulate(there, axis=0)
    seen_later = np.maximum.accumulate(there[::-1], axis=0)[::-1]
    keypoints, confidence = poses.keypoints, poses.confidence
    for held, end in ((forward, ~seen_later & seen_so_far), (backward, ~seen_so_far & seen_later)):
        keypoints = np.where(end[..., None], held.keypoints, keypoints)
        confidence = np.where(end, held.confidence, confidence)
    return replace(poses, keypoints=keypoints, confidence=confidence)


def _carried(poses: PoseSequence) -> PoseSequence:
    """The poses with what was seen before: arms as they hung on shoulder and elbow, then hands on their arms."""
    skeleton = poses.skeleton
    parents: dict[int, int] = {}
    hands: list[int] = []
    for side, shoulder in zip(SIDES, skeleton.shoulders(), strict=True):
        elbow, wrist = skeleton.elbow(side), skeleton.wrist(side)
        hands += [k for k in skeleton.hand(side) if k != wrist]
        if elbow is not None:
            parents[elbow] = shoulder
            if wrist is not None:
                parents[wrist] = elbow
    keypoints, confidence = poses.keypoints.copy(), poses.confidence.copy()
    last = last_visible(confidence > 0)
    rest = [k for k in range(skeleton.num_keypoints) if k not in hands and k not in parents]
    for k in (*rest, *parents):
        lost = np.flatnonzero((confidence[:, k] == 0) & (last[:, k] >= 0))
        before = last[lost, k]
        keypoints[lost, k], confidence[lost, k] = keypoints[before, k], confidence[before, k]
        if k in parents:
            both = (confidence[lost, parents[k]] > 0) & (confidence[before, parents[k]] > 0)
            way = keypoints[lost, parents[k]] - keypoints[before, parents[k]]
            keypoints[lost, k] += way * both[:, None]
    return hold_hands(replace(poses, keypoints=keypoints, confidence=confidence))


def _reversed(poses: PoseSequence) -> PoseSequence:
    return replace(poses, keypoints=poses.keypoints[::-1].copy(), confidence=poses.confidence[::-1].copy())


def _within_view(filled: PoseSequence, known: PoseSequence) -> PoseSequence:
    """`filled`, (T, K, D) in pixels, without what was filled in outside the picture; of a hand, all or nothing."""
    skeleton = filled.skeleton
    hands = {side: hand for side in SIDES if (hand := skeleton.hand(side))}
    fingers = [k for hand in hands.values() for k in hand]
    body = [k for k in range(skeleton.num_keypoints) if k not in fingers]
    confidence = filled.confidence.copy()
    new = (confidence > 0) & ~(known.confidence > 0)
    for points in (body, *hands.values()):
        low, high = _view(known, body if points is body else fingers)
        outside = ((filled.keypoints[:, points, :2] < low) | (filled.keypoints[:, points, :2] > high)).any(axis=-1)
        if points is not body:  # an estimator finds no hand whose palm is out of the picture
            palm = [0, MIDDLE_KNUCKLE] if len(points) == HAND_POINTS else [0]
            outside = np.asarray(outside)[:, palm].any(axis=1, keepdims=True)
        confidence[:, points] = np.where(new[:, points] & outside, 0, confidence[:, points])
    return replace(filled, confidence=confidence)


def _view(known: PoseSequence, points: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest x and y that can be seen: the picture's, and of points seen outside of it."""
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    seen_points = known.keypoints[:, points, :2][known.confidence[:, points] > 0]
    if len(seen_points):
        low, high = np.quantile(seen_points, (0.01, 0.99), axis=0)
    size = np.asarray(known.size[:2], np.float64)
    if not (size > 1).all():  # normalized files state 0 or 1
        return np.full(2, -np.inf), np.full(2, np.inf)
    return np.minimum(low, 0), np.maximum(high, size)


def _filled_in(sequence: PoseSequence, filled: PoseSequence) -> PoseSequence:
    """`sequence` with those keypoints of `filled` that it misses; what is missing then is a number of confidence 0."""
    there = seen(sequence)
    keypoints, confidence = sequence.keypoints.copy(), sequence.confidence.copy()
    nothing = ~there & ~(np.isfinite(keypoints).all(axis=-1) & np.isfinite(confidence))
    keypoints[nothing], confidence[nothing] = 0, 0
    position = {name: k for k, name in enumerate(sequence.skeleton.keypoints)}
    for k, name in enumerate(filled.skeleton.keypoints):
        at = position[name]
        # What cleaning had dropped was seen, if badly: it stays what it is.
        frames = (filled.confidence[:, k] > 0) & ~there[:, at]
        keypoints[frames, at] = filled.keypoints[frames, k]
        confidence[frames, at] = FILLED
    return replace(sequence, keypoints=keypoints, confidence=confidence)
