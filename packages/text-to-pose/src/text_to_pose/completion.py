"""Generates missing parts of a sequence with a model, and fits them to the body that is visible."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import numpy as np
import torch

from pose_core.metrics.plausibility import BONE_LENGTHS
from pose_core.skeleton import Side
from pose_core.transforms import attach_hands, stretch
from pose_core.transforms.arms import WRIST_GAP, palm_size
from pose_core.transforms.gaps import Gaps
from pose_core.transforms.temporal import gap_frames, interpolate_frames
from text_to_pose.text.tokenizer import TextBatch

if TYPE_CHECKING:
    from torch import Tensor

    from pose_core import PoseSequence
    from text_to_pose.model import TextToPose
    from text_to_pose.sampling import Sampling

# Longest gaps in seconds that are interpolated: of a keypoint, and of a hand whose arm is visible. In those the model
# does no better with the text (benchmarks/correction.py).
MAX_GAP = 0.5
MAX_GAP_ON_ARM = 0.9
SIDES: tuple[Side, ...] = get_args(Side)


def generate_missing(
    model: TextToPose,
    original: PoseSequence,
    interpolated: PoseSequence,
    *,
    text: str | None,
    signed_language: str,
    ends: bool,
    sampling: Sampling,
) -> PoseSequence:
    """Generates what is missing for long, conditioned on the text and on the visible keypoints.

    Args:
        model: the network.
        original: (T, K, D) in shoulder widths, on the model's skeleton.
        interpolated: the same with gaps interpolated; short gaps stay so.
        text: None replaces no gap.
        signed_language: ISO 639-3 code.
        ends: generate frames before a keypoint's first and after its last visible one, too.
        sampling: how they are sampled.

    Returns:
        `interpolated` with the generated keypoints: hands on their arms, palms no larger than visible ones, arms no
        longer than real ones. The dominant hand of the text is generated even if it is never visible; one without an
        arm stays missing.

    Raises:
        UserError: a text the model does not know.
    """
    tokens = model.tokenizer.tokenize(text, signed_language)
    known = _known(original, interpolated) if text is not None else interpolated.visible
    dominant = model.config.dominant_hands.get(signed_language) if text is not None else None
    missing = ~known & _to_generate(original, interpolated, dominant, ends=ends)
    if not missing.any():
        return interpolated
    condition = replace(interpolated, confidence=np.where(known, interpolated.confidence, 0).astype(np.float32))
    generated = _inpaint(model, condition, TextBatch.of([tokens]).to(model.device), sampling)
    keypoints = np.where(missing[..., None], generated.keypoints, interpolated.keypoints)
    confidence = np.where(missing, 1, interpolated.confidence).astype(np.float32)
    return _fit_to_body(replace(interpolated, keypoints=keypoints, confidence=confidence), original, missing)


def _known(original: PoseSequence, interpolated: PoseSequence) -> np.ndarray:
    """(T, K) bool: visible keypoints, and interpolated ones of gaps that are too short for the model to do better."""
    visible = original.visible
    gaps = gap_frames(visible)
    seconds = np.where((gaps > 0) & interpolated.visible, gaps / original.fps, np.inf)
    known = visible | (seconds <= MAX_GAP)
    for side in SIDES:
        hand, wrist = original.skeleton.hand(side), original.skeleton.wrist(side)
        if hand and wrist is not None:
            known[:, hand] |= known[:, [wrist]] & (seconds[:, hand] <= MAX_GAP_ON_ARM)
    return known


def _to_generate(
    original: PoseSequence, interpolated: PoseSequence, dominant_hand: Side | None, *, ends: bool
) -> np.ndarray:
    """(T, K) bool: where the model may generate; everywhere in a dominant hand that is never visible."""
    mask = interpolated.visible
    visible = original.visible
    at_ends = ~Gaps.between(visible).inside if ends else np.zeros_like(visible)
    hands = {side: hand for side in SIDES if (hand := original.skeleton.hand(side))}
    for side, hand in hands.items():
        if visible[:, hand].any():
            mask[:, hand] |= at_ends[:, hand]
        elif side == dominant_hand:
            mask[:, hand] = True
    fingers = [k for hand in hands.values() for k in hand]
    body = [k for k in range(original.skeleton.num_keypoints) if k not in fingers]
    mask[:, body] |= at_ends[:, body] & visible[:, body].any(axis=0)  # hips outside the picture stay there
    return mask


@torch.inference_mode()
def _inpaint(model: TextToPose, known: PoseSequence, text: TextBatch, sampling: Sampling) -> PoseSequence:
    """The whole sequence as the model generates it, moved onto the known keypoints; its confidence means nothing."""
    scaled = stretch(known, max(2, round(len(known) * model.config.fps / known.fps)))
    first = int(np.flatnonzero(scaled.visible.any(axis=1))[0])
    keypoints, confidence = torch.from_numpy(scaled.keypoints), torch.from_numpy(scaled.confidence)
    start = slice(first, first + 1)
    condition, _ = model.encode(text, keypoints[start].to(model.device), confidence[start].to(model.device))
    features = model.features(keypoints[None].to(model.device))
    visible = model.features.confidence((confidence > 0)[None].to(model.device)) > 0
    generated = model.decode(
        _without_residual(sampling.inpaint(model, condition, features, visible), features, visible)
    )
    sequence = replace(scaled, keypoints=generated[0].float().cpu().numpy(), confidence=np.ones_like(scaled.confidence))
    sequence = stretch(sequence, len(known))
    residual = interpolate_frames(known.keypoints - sequence.keypoints, known.visible)
    return replace(sequence, keypoints=sequence.keypoints + residual)


def _without_residual(generated: Tensor, known: Tensor, visible: Tensor) -> Tensor:
    """Generated features (1, T, K, D) moved onto the known ones, and in between by the interpolated residual.

    The residual at known keypoints is also the error around them.
    """
    residual = (known - generated)[0].float().cpu().numpy()
    interpolated = interpolate_frames(residual, visible[0].cpu().numpy())
    return generated + torch.from_numpy(interpolated).to(generated)[None]


def _fit_to_body(poses: PoseSequence, original: PoseSequence, generated: np.ndarray) -> PoseSequence:
    """The poses with their generated keypoints (T, K) on the body: hands on arms, neither too large."""
    keypoints, confidence = poses.keypoints.copy(), poses.confidence.copy()
    skeleton = poses.skeleton
    for side, shoulder in zip(SIDES, skeleton.shoulders(), strict=True):
        elbow, wrist, hand = skeleton.elbow(side), skeleton.wrist(side), skeleton.hand(side)
        if wrist is not None and hand:
            # Of the two wrists the model predicts the hand's better.
            both = generated[:, wrist] & generated[:, hand[0]]
            keypoints[both, wrist, :2] = keypoints[both, hand[0], :2]
        for bone, parent, point in (("upper_arm", shoulder, elbow), ("forearm", elbow, wrist)):
            if parent is not None and point is not None:
                frames = generated[:, point] & (confidence[:, parent] > 0)
                _shorten(keypoints, original, parent, point, frames, BONE_LENGTHS[bone])
        if hand:
            _shrink_palm(keypoints, original, generated, hand)
            without_arm = generated[:, hand] & (True if wrist is None else ~(confidence[:, [wrist]] > 0))
            confidence[:, hand] = np.where(without_arm, 0, confidence[:, hand])
    on_arms = attach_hands(replace(poses, keypoints=keypoints, confidence=confidence), within=WRIST_GAP)
    return replace(on_arms, keypoints=np.where(generated[..., None], on_arms.keypoints, keypoints))


def _shorten(
    keypoints: np.ndarray, original: PoseSequence, parent: int, point: int, frames: np.ndarray, longest: float
) -> None:
    """Limits a limb in frames (T,), in the picture, to its longest in real clips or in this one; in place."""
    both = original.visible[:, parent] & original.visible[:, point]
    vectors = original.keypoints[:, point, :2] - original.keypoints[:, parent, :2]
    longest = np.linalg.norm(vectors[both], axis=-1).max(initial=longest)
    vectors = keypoints[frames, point] - keypoints[frames, parent]
    length = np.linalg.norm(vectors[:, :2], axis=-1, keepdims=True)
    scale = np.minimum(1, longest / np.maximum(length, 1e-6))
    keypoints[frames, point] = keypoints[frames, parent] + scale * vectors


def _shrink_palm(keypoints: np.ndarray, original: PoseSequence, generated: np.ndarray, hand: list[int]) -> None:
    """Limits generated palms to the largest visible size of this hand, else of either hand; in place."""
    visible, skeleton = original.visible, original.skeleton
    sizes = [palm_size(original.keypoints, visible, other) for side in SIDES if (other := skeleton.hand(side))]
    own = palm_size(original.keypoints, visible, hand).max()
    largest = own if own > 0 else max(size.max() for size in sizes)
    if not largest > 0:
        return
    size = palm_size(keypoints, np.ones_like(visible), hand)[..., None]  # (T, 1, 1)
    scale = np.minimum(1, largest / np.maximum(size, 1e-6))
    complete = np.all(generated[:, hand], axis=1)
    points = keypoints[:, hand[:1]] + scale * (keypoints[:, hand] - keypoints[:, hand[:1]])
    keypoints[:, hand] = np.where(complete[:, None, None], points, keypoints[:, hand])
