"""Broken poses mended: what is missing filled in, what was seen left as it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_core import UserError
from pose_core.transforms import denormalize, fill_gaps, normalize, stretch
from text_to_pose.clips import body_and_hands
from text_to_pose.generation import Sampling
from text_to_pose.sampling import levels
from text_to_pose.tokenizer import TextBatch

if TYPE_CHECKING:
    from pose_core import PoseSequence
    from text_to_pose.model import Condition, TextToPose

FILLED = 0.5  # confidence of a keypoint that was filled in
BRIDGED = 0.5  # seconds that a keypoint may be unseen and still be put on a line: the model does no better there


@dataclass(frozen=True)
class Known:
    """What is known of a sequence.

    Attributes:
        features: (1, T, K, D), see `HandFeatures`.
        seen: (1, T, K) bool, which of them count.
    """

    features: torch.Tensor
    seen: torch.Tensor


@torch.inference_mode()
def correct(
    model: TextToPose,
    sequence: PoseSequence,
    *,
    text: str | None = None,
    signed_language: str = "",
    sampling: Sampling | None = None,
) -> PoseSequence:
    """Fills in the model's keypoints (body and hands) where a sequence misses them.

    A keypoint that is unseen for up to half a second is put on the line between before and after. For what is missing
    longer, at the beginning or at the end, the model makes the sequence from what is known of it, and what it makes is
    moved so that it meets the known keypoints. A hand that is seen in no frame stays missing, unless a text is given
    and it is the hand that signs it.

    Args:
        sequence: (T, K, D) in pixels, on any skeleton that shares keypoints with the model's, at any frame rate.
        text: what is signed, if known; its signed language then has to be given, too.

    Returns:
        The same sequence; filled keypoints have a confidence of `FILLED`, and everything else is what it was, bit for
        bit, keypoints that the model does not know among it.

    Raises:
        UserError: nobody is seen, the pose cannot be normalized, or a text the model does not know.
    """
    sampling = sampling or Sampling()
    body = body_and_hands(sequence).on_skeleton(model.skeleton)
    if not (body.confidence > 0).any():
        raise UserError("nobody is seen in any frame; there is nothing to go by")
    normalized, placement = normalize(body)
    bridged = fill_gaps(normalized, max_frames=round(BRIDGED * body.fps))
    known = stretch(bridged, max(2, round(len(body) * model.config.fps / body.fps)))
    text_batch = TextBatch.of([model.tokenizer.tokenize(text, signed_language)]).to(model.device)
    first = int(np.flatnonzero((known.confidence > 0).any(axis=1))[0])
    condition, _ = model.condition(
        text_batch,
        torch.from_numpy(known.keypoints[first : first + 1]).to(model.device),
        torch.from_numpy(known.confidence[first : first + 1]).to(model.device),
    )
    keypoints = torch.from_numpy(known.keypoints)[None].to(model.device)
    seen = torch.from_numpy(known.confidence > 0)[None].to(model.device)
    made = complete(model, condition, Known(model.features(keypoints), model.features.confidence(seen) > 0), sampling)
    made = replace(known, keypoints=made[0].float().cpu().numpy(), confidence=np.ones_like(known.confidence))
    filled = denormalize(_meeting(stretch(made, len(body)), bridged), placement)
    wanted = _wanted(model, normalized, signed_language if text is not None else None)
    return _filled_in(sequence, filled, (normalized.confidence == 0) & wanted)


def complete(model: TextToPose, condition: Condition, known: Known, sampling: Sampling) -> torch.Tensor:
    """Keypoints (1, T, K, D) in shoulder widths of a sequence of which some are known.

    Before each step, known keypoints are put where a sequence that leads to them would be by then.
    """
    mask = known.seen.new_ones(known.seen.shape[:2])
    guided = model.guided(condition, sampling.guidance)
    level = levels(sampling.schedule, sampling.num_steps or model.config.num_steps, mask.device)
    start = condition.start[:, None]
    goal = start.expand_as(known.features)
    for step in level[:-1]:
        goal = torch.where(known.seen[..., None], known.features, goal)
        goal = model.predict(start + step * (goal - start), mask, guided, step, noisy=False).features
    # What is left over at known keypoints is what the model gets wrong around them, too.
    return model.features.inverse(_bent(goal, known))


def _bent(features: torch.Tensor, known: Known) -> torch.Tensor:
    """Features moved onto the known ones, and between two of those by as much as lies between."""
    rest = (known.features - features)[0].float().cpu().numpy()
    return features + torch.from_numpy(_spread(rest, known.seen[0].cpu().numpy())).to(features)[None]


def _meeting(made: PoseSequence, known: PoseSequence) -> PoseSequence:
    """A sequence moved onto the known keypoints at their own frame rate."""
    return replace(made, keypoints=made.keypoints + _spread(known.keypoints - made.keypoints, known.confidence > 0))


def _spread(rest: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Differences (T, K, D) known at some frames (T, K), on the line between those; held at the ends, 0 where none."""
    spread = np.zeros_like(rest)
    frames = np.arange(len(rest))
    for k in np.flatnonzero(seen.any(axis=0)):
        at = np.flatnonzero(seen[:, k])
        for d in range(rest.shape[-1]):
            spread[:, k, d] = np.interp(frames, at, rest[at, k, d])
    return spread


def _wanted(model: TextToPose, known: PoseSequence, signed_language: str | None) -> np.ndarray:
    """(K,) bool: keypoints of a component that is seen in any frame, and of the hand that signs a text."""
    wanted = np.zeros(model.skeleton.num_keypoints, bool)
    seen = known.confidence.max(axis=0) > 0
    hands = {side: model.skeleton.hand(side) for side in ("left", "right")}
    body = [k for k in range(len(wanted)) if not any(k in hand for hand in hands.values())]
    wanted[body] = seen[body]  # hips outside the picture stay there
    for side, hand in hands.items():
        if hand and (seen[hand].any() or side == model.config.signing_hands.get(signed_language or "")):
            wanted[hand] = True
    return wanted


def _filled_in(sequence: PoseSequence, filled: PoseSequence, missing: np.ndarray) -> PoseSequence:
    """`sequence` with the keypoints of `filled` that are missing (T, K of `filled`) and that it has."""
    keypoints, confidence = sequence.keypoints.copy(), sequence.confidence.copy()
    position = {name: k for k, name in enumerate(sequence.skeleton.keypoints)}
    for k, name in enumerate(filled.skeleton.keypoints):
        there = position.get(name)
        if there is None:
            continue
        # What cleaning had dropped was seen, if badly: it stays what it is.
        frames = missing[:, k] & ~(sequence.confidence[:, there] > 0)
        keypoints[frames, there] = filled.keypoints[frames, k]
        confidence[frames, there] = FILLED
    return replace(sequence, keypoints=keypoints, confidence=confidence)
