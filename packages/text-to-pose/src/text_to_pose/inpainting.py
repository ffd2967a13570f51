"""Inpainting: fills in missing keypoints of a sequence and leaves visible ones as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from pose_core import UserError
from pose_core.skeleton import Side
from pose_core.transforms import denormalize, fill_arms, hold_hands, normalize
from pose_core.transforms.arms import HAND_POINTS, MIDDLE_KNUCKLE
from pose_core.transforms.temporal import last_visible, next_visible
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
    """Fills in missing keypoints of body and hands.

    A keypoint that is visible before and after is interpolated: arms keep their length, hands are attached to their
    arm's wrist, keep their size and rotate from the shape before to the shape after (`pose_core.transforms.fill_arms`).
    If the text is given, the model generates longer gaps, and the dominant hand if it is visible in no frame. What
    would lie outside the picture stays missing.

    Args:
        model: may be None unless a text is given or the ends are to be generated.
        sequence: (T, K, D) in pixels, at any frame rate, on any skeleton with shoulders. What a model generates goes to
            the keypoints it shares with the model's skeleton.
        text: what is signed, if known; its signed language then has to be given, too.
        signed_language: ISO 639-3 code.
        ends: what is done before a keypoint's first and after its last visible frame: "missing" leaves it missing;
            "hold" keeps hands in their nearest visible shape, on the wrist of their arm, and arms on their shoulder;
            "generate" lets the model generate them.
        max_gap: longest gap to fill, in seconds.
        sampling: how a model is sampled.

    Returns:
        The same sequence; filled keypoints have a confidence of `FILLED`, and visible ones are what they were, bit for
        bit. What is still missing and was no number has confidence 0 and coordinates 0.

    Raises:
        UserError: nobody is visible, the pose cannot be normalized, or a text the model does not know.
    """
    body = body_and_hands(sequence)
    if not body.visible.any():
        raise UserError("nobody is seen in any frame; there is nothing to go by")
    normalized, placement = normalize(body)
    max_frames = None if max_gap is None else int(min(max_gap * body.fps + 1e-6, len(body)))
    filled = fill_arms(normalized, max_frames=max_frames)
    if needs_model(text, ends):
        if model is None:
            raise ValueError("a text, or ends that are generated, need a model")
        filled = _generate(model, normalized, filled, text, signed_language, ends, sampling)
    if ends == "hold":
        filled = _hold_ends(filled)
    filled = denormalize(filled, placement)
    return _merge(sequence, _within_view(filled, body))


def _generate(
    model: TextToPose,
    normalized: PoseSequence,
    filled: PoseSequence,
    text: str | None,
    signed_language: str,
    ends: Ends,
    sampling: Sampling | None,
) -> PoseSequence:
    """`filled` with what the model generates for the keypoints it has."""
    from text_to_pose.completion import generate_missing
    from text_to_pose.sampling import Sampling

    generated = generate_missing(
        model,
        normalized.on_skeleton(model.skeleton),
        filled.on_skeleton(model.skeleton),
        text=text,
        signed_language=signed_language,
        ends=ends == "generate",
        sampling=sampling or Sampling(),
    )
    keypoints, confidence = filled.keypoints.copy(), filled.confidence.copy()
    index = {name: k for k, name in enumerate(filled.skeleton.keypoints)}
    for k, name in enumerate(generated.skeleton.keypoints):
        if name in index:
            target = index[name]
            new = ~normalized.visible[:, target]
            keypoints[new, target, : generated.keypoints.shape[-1]] = generated.keypoints[new, k]
            confidence[new, target] = generated.confidence[new, k]
    return replace(filled, keypoints=keypoints, confidence=confidence)


def _hold_ends(poses: PoseSequence) -> PoseSequence:
    """The poses with each keypoint held before its first visible frame and after its last."""
    visible = poses.visible
    before_first, after_last = last_visible(visible) < 0, next_visible(visible) >= len(poses)
    forward, backward = _hold(poses), _reversed(_hold(_reversed(poses)))
    keypoints, confidence = poses.keypoints, poses.confidence
    for held, end in ((forward, after_last & ~before_first), (backward, before_first & ~after_last)):
        keypoints = np.where(end[..., None], held.keypoints, keypoints)
        confidence = np.where(end, held.confidence, confidence)
    return replace(poses, keypoints=keypoints, confidence=confidence)


def _hold(poses: PoseSequence) -> PoseSequence:
    """The poses with the last visible ones held: arms relative to shoulder and elbow, then hands on their arms."""
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
        missing = np.flatnonzero((confidence[:, k] == 0) & (last[:, k] >= 0))
        before = last[missing, k]
        keypoints[missing, k], confidence[missing, k] = keypoints[before, k], confidence[before, k]
        if k in parents:
            both = (confidence[missing, parents[k]] > 0) & (confidence[before, parents[k]] > 0)
            displacement = keypoints[missing, parents[k]] - keypoints[before, parents[k]]
            keypoints[missing, k] += displacement * both[:, None]
    return hold_hands(replace(poses, keypoints=keypoints, confidence=confidence))


def _reversed(poses: PoseSequence) -> PoseSequence:
    return replace(poses, keypoints=poses.keypoints[::-1].copy(), confidence=poses.confidence[::-1].copy())


def _within_view(filled: PoseSequence, original: PoseSequence) -> PoseSequence:
    """`filled`, (T, K, D) in pixels, without filled keypoints outside the picture; of a hand, all or none."""
    skeleton = filled.skeleton
    hands = {side: hand for side in SIDES if (hand := skeleton.hand(side))}
    fingers = [k for hand in hands.values() for k in hand]
    body = [k for k in range(skeleton.num_keypoints) if k not in fingers]
    confidence = filled.confidence.copy()
    new = filled.visible & ~original.visible
    for points in (body, *hands.values()):
        low, high = _view(original, body if points is body else fingers)
        outside = ((filled.keypoints[:, points, :2] < low) | (filled.keypoints[:, points, :2] > high)).any(axis=-1)
        if points is not body:  # an estimator finds no hand whose palm is out of the picture
            palm = [0, MIDDLE_KNUCKLE] if len(points) == HAND_POINTS else [0]
            outside = np.asarray(outside)[:, palm].any(axis=1, keepdims=True)
        confidence[:, points] = np.where(new[:, points] & outside, 0, confidence[:, points])
    return replace(filled, confidence=confidence)


def _view(original: PoseSequence, points: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest x and y in view: those of the picture, and of visible points outside of it."""
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    visible = original.keypoints[:, points, :2][original.visible[:, points]]
    if len(visible):
        low, high = np.quantile(visible, (0.01, 0.99), axis=0)
    size = np.asarray(original.size[:2], np.float64)
    if not (size > 1).all():  # normalized files state 0 or 1
        return np.full(2, -np.inf), np.full(2, np.inf)
    return np.minimum(low, 0), np.maximum(high, size)


def _merge(sequence: PoseSequence, filled: PoseSequence) -> PoseSequence:
    """`sequence` with the keypoints of `filled` that it lacks; what is missing then is a number of confidence 0."""
    visible = sequence.visible
    keypoints, confidence = sequence.keypoints.copy(), sequence.confidence.copy()
    not_finite = ~visible & ~(np.isfinite(keypoints).all(axis=-1) & np.isfinite(confidence))
    keypoints[not_finite], confidence[not_finite] = 0, 0
    index = {name: k for k, name in enumerate(sequence.skeleton.keypoints)}
    for k, name in enumerate(filled.skeleton.keypoints):
        target = index[name]
        # What cleaning had dropped is visible, if badly: it stays what it is.
        frames = (filled.confidence[:, k] > 0) & ~visible[:, target]
        keypoints[frames, target] = filled.keypoints[frames, k]
        confidence[frames, target] = FILLED
    return replace(sequence, keypoints=keypoints, confidence=confidence)
