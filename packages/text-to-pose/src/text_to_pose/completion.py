"""What a model makes of a sequence of which parts are missing, put on the body that was seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

import numpy as np
import torch

from pose_core.metrics.plausibility import BONE_LENGTHS
from pose_core.skeleton import Side
from pose_core.transforms import attach_hands, stretch
from pose_core.transforms.arms import WRIST_GAP, palm_size
from pose_core.transforms.gaps import Gaps
from text_to_pose.text.tokenizer import TextBatch

if TYPE_CHECKING:
    from pose_core import PoseSequence
    from text_to_pose.model import TextToPose
    from text_to_pose.sampling import Sampling

# Seconds that a keypoint may be missing and still be interpolated, and a hand whose arm is seen: up to there the model
# does no better with the text (benchmarks/correction.py).
LONGEST_LINE = 0.5
LONGEST_LINE_ON_ARM = 0.9
SIDES: tuple[Side, ...] = get_args(Side)


@dataclass(frozen=True)
class Known:
    """What is known of a sequence.

    Attributes:
        features: (1, T, K, D), see `HandFeatures`.
        seen: (1, T, K) bool, which of them count.
    """

    features: torch.Tensor
    seen: torch.Tensor


def generate_missing(
    model: TextToPose,
    seen: PoseSequence,
    filled: PoseSequence,
    *,
    text: str | None,
    signed_language: str,
    ends: bool,
    sampling: Sampling,
) -> PoseSequence:
    """Fills in what is missing for long, as the model signs the text from what is known.

    Args:
        seen: (T, K, D) in shoulder widths, on the model's skeleton.
        filled: the same with gaps interpolated; what is short enough of those stays.
        text: None replaces no gap.
        ends: make what is missing before a keypoint was seen first, and after it was last, too.

    Returns:
        `filled` with what the model made: hands on their arms, palms no larger than seen ones, arms no longer than real
        ones. A hand that the text is signed with is made even if it is never seen; one without an arm stays missing.

    Raises:
        UserError: a text the model does not know.
    """
    tokens = model.tokenizer.tokenize(text, signed_language)
    trusted = _trusted(seen, filled) if text is not None else filled.confidence > 0
    missing = ~trusted & _wanted(model, seen, filled, signed_language if text is not None else None, ends=ends)
    if not missing.any():
        return filled
    known = replace(filled, confidence=np.where(trusted, filled.confidence, 0).astype(np.float32))
    made = _made(model, known, TextBatch.of([tokens]).to(model.device), sampling)
    keypoints = np.where(missing[..., None], made.keypoints, filled.keypoints)
    confidence = np.where(missing, 1, filled.confidence)
    return _on_body(replace(filled, keypoints=keypoints, confidence=confidence.astype(np.float32)), seen, missing)


def _trusted(seen: PoseSequence, filled: PoseSequence) -> np.ndarray:
    """(T, K) bool: what was seen, and interpolated points of gaps that are no longer than the model needs to win."""
    there = seen.confidence > 0
    gaps = Gaps.between(there)
    seconds = np.where(gaps.inside & (filled.confidence > 0), (gaps.after - gaps.before - 1) / seen.fps, np.inf)
    trusted = there | (seconds <= LONGEST_LINE)
    for side in SIDES:
        hand, wrist = seen.skeleton.hand(side), seen.skeleton.wrist(side)
        if hand and wrist is not None:
            trusted[:, hand] |= trusted[:, [wrist]] & (seconds[:, hand] <= LONGEST_LINE_ON_ARM)
    return trusted


def _wanted(
    model: TextToPose, seen: PoseSequence, filled: PoseSequence, signed_language: str | None, *, ends: bool
) -> np.ndarray:
    """(T, K) bool: where the model may fill in; everywhere in the hand that signs a text and is never seen."""
    wanted = filled.confidence > 0
    there = seen.confidence > 0
    at_ends = ~Gaps.between(there).inside if ends else np.zeros_like(there)
    hands = {side: hand for side in SIDES if (hand := seen.skeleton.hand(side))}
    for side, hand in hands.items():
        if there[:, hand].any():
            wanted[:, hand] |= at_ends[:, hand]
        elif side == model.config.dominant_hands.get(signed_language or ""):
            wanted[:, hand] = True
    fingers = [k for hand in hands.values() for k in hand]
    body = [k for k in range(seen.skeleton.num_keypoints) if k not in fingers]
    wanted[:, body] |= at_ends[:, body] & there[:, body].any(axis=0)  # hips outside the picture stay there
    return wanted


@torch.inference_mode()
def _made(model: TextToPose, known: PoseSequence, text: TextBatch, sampling: Sampling) -> PoseSequence:
    """The whole sequence as the model makes it, moved onto the known keypoints; confidence means nothing."""
    slow = stretch(known, max(2, round(len(known) * model.config.fps / known.fps)))
    first = int(np.flatnonzero((slow.confidence > 0).any(axis=1))[0])
    condition, _ = model.encode(
        text,
        torch.from_numpy(slow.keypoints[first : first + 1]).to(model.device),
        torch.from_numpy(slow.confidence[first : first + 1]).to(model.device),
    )
    keypoints = torch.from_numpy(slow.keypoints)[None].to(model.device)
    seen = torch.from_numpy(slow.confidence > 0)[None].to(model.device)
    known_features, known_visible = model.features(keypoints), model.features.confidence(seen) > 0
    features = sampling.inpaint(model, condition, known_features, known_visible)
    # The residual at known keypoints is also the error around them.
    made = model.decode(_bent(features, Known(known_features, known_visible)))
    made = replace(slow, keypoints=made[0].float().cpu().numpy(), confidence=np.ones_like(slow.confidence))
    made = stretch(made, len(known))
    return replace(made, keypoints=made.keypoints + _spread(known.keypoints - made.keypoints, known.confidence > 0))


def _bent(features: torch.Tensor, known: Known) -> torch.Tensor:
    """Features moved onto the known ones, and between two of those by as much as lies between."""
    rest = (known.features - features)[0].float().cpu().numpy()
    return features + torch.from_numpy(_spread(rest, known.seen[0].cpu().numpy())).to(features)[None]


def _spread(rest: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Differences (T, K, D) known at some frames (T, K), on the line between those; held at the ends, 0 where none."""
    spread = np.zeros_like(rest)
    frames = np.arange(len(rest))
    for k in np.flatnonzero(seen.any(axis=0)):
        at = np.flatnonzero(seen[:, k])
        for d in range(rest.shape[-1]):
            spread[:, k, d] = np.interp(frames, at, rest[at, k, d])
    return spread


def _on_body(poses: PoseSequence, seen: PoseSequence, made: np.ndarray) -> PoseSequence:
    """The poses with what a model made (T, K) put on the body: hands on arms, neither too large."""
    keypoints, confidence = poses.keypoints.copy(), poses.confidence.copy()
    skeleton = poses.skeleton
    for side, shoulder in zip(SIDES, skeleton.shoulders(), strict=True):
        elbow, wrist, hand = skeleton.elbow(side), skeleton.wrist(side), skeleton.hand(side)
        if wrist is not None and hand:
            # Of the two wrists the model knows the hand's better.
            both = made[:, wrist] & made[:, hand[0]]
            keypoints[both, wrist, :2] = keypoints[both, hand[0], :2]
        for bone, parent, point in (("upper_arm", shoulder, elbow), ("forearm", elbow, wrist)):
            if parent is not None and point is not None:
                frames = made[:, point] & (confidence[:, parent] > 0)
                _shorten(keypoints, seen, parent, point, frames, BONE_LENGTHS[bone])
        if hand:
            _shrink_palm(keypoints, seen, made, hand)
            without_arm = made[:, hand] & (True if wrist is None else ~(confidence[:, [wrist]] > 0))
            confidence[:, hand] = np.where(without_arm, 0, confidence[:, hand])
    on_arms = attach_hands(replace(poses, keypoints=keypoints, confidence=confidence), within=WRIST_GAP)
    return replace(on_arms, keypoints=np.where(made[..., None], on_arms.keypoints, keypoints))


def _shorten(
    keypoints: np.ndarray, seen: PoseSequence, parent: int, point: int, frames: np.ndarray, longest: float
) -> None:
    """Makes a limb no longer in the picture than real clips have it, or than it was seen, in frames (T,); in place."""
    both = (seen.confidence[:, parent] > 0) & (seen.confidence[:, point] > 0)
    vectors = seen.keypoints[:, point, :2] - seen.keypoints[:, parent, :2]
    longest = np.linalg.norm(vectors[both], axis=-1).max(initial=longest)
    vectors = keypoints[frames, point] - keypoints[frames, parent]
    length = np.linalg.norm(vectors[:, :2], axis=-1, keepdims=True)
    share = np.minimum(1, longest / np.maximum(length, 1e-6))
    keypoints[frames, point] = keypoints[frames, parent] + share * vectors


def _shrink_palm(keypoints: np.ndarray, seen: PoseSequence, made: np.ndarray, hand: list[int]) -> None:
    """Makes palms no larger than they were ever seen, on either hand, in frames that were made; in place."""
    there = seen.confidence > 0
    sizes = [palm_size(seen.keypoints, there, seen.skeleton.hand(side)) for side in SIDES if seen.skeleton.hand(side)]
    own = palm_size(seen.keypoints, there, hand).max()
    largest = own if own > 0 else max(size.max() for size in sizes)
    if not largest > 0:
        return
    now = palm_size(keypoints, np.ones_like(there), hand)[..., None]  # (T, 1, 1)
    share = np.minimum(1, largest / np.maximum(now, 1e-6))
    whole = np.all(made[:, hand], axis=1)
    points = keypoints[:, hand[:1]] + share * (keypoints[:, hand] - keypoints[:, hand[:1]])
    keypoints[:, hand] = np.where(whole[:, None, None], points, keypoints[:, hand])
