"""Texts as pose sequences: signs are generated one after the other and joined."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_core import PoseSequence, concatenate
from pose_core.rendering import Caption
from pose_core.transforms import Placement, correct_wrists, denormalize, flip
from pose_core.transforms.normalization import DEFAULT_SIZE
from text_to_pose.lengths import MIN_SIGN_FRAMES, predicted_lengths, shared_lengths
from text_to_pose.motion.anchoring import MAX_ANCHOR_SPEED, anchored
from text_to_pose.motion.limits import limit_hands, limit_motion
from text_to_pose.motion.proportions import with_proportions
from text_to_pose.motion.steady_body import steady_body
from text_to_pose.sampling import Sampling
from text_to_pose.start_frames import StartFrames
from text_to_pose.text.spelling import WORD_SPACE
from text_to_pose.text.tokenizer import TextBatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pose_core.skeleton import Side
    from text_to_pose.model import TextToPose
    from text_to_pose.nn.denoiser import Condition
    from text_to_pose.signing.anatomy.body import Body

PAUSE = 0.4  # seconds between words, in which the hands rest where they are


@torch.inference_mode()
def generate_signs(
    model: TextToPose,
    signs: Sequence[tuple[str, str]],
    start: StartFrames,
    *,
    sampling: Sampling | None = None,
    lengths: Sequence[int] | None = None,
) -> list[PoseSequence]:
    """Generates signs in batches; each is the same whatever it is batched with.

    Args:
        model: the network.
        signs: B pairs of text (a letter, or what else the model takes) and signed language.
        start: B start frames; each sequence begins with its own.
        sampling: how they are sampled.
        lengths: B numbers of frames, at least 2; predicted when None.

    Returns:
        B sequences (T, K, D) in shoulder widths. The language's dominant hand is visible in every frame; the other hand
        in all frames or in none.

    Raises:
        UserError: a language or a text the model does not know.
    """
    sampling = sampling or Sampling()
    condition = encode_signs(model, signs, start)
    if lengths is None:
        frames = predicted_lengths(model, condition, seed=sampling.seed if sampling.sample_length else None)
    else:
        frames = torch.tensor(lengths, device=model.device).clamp(min=MIN_SIGN_FRAMES)
    generated: dict[int, PoseSequence] = {}
    for rows in frames.argsort().split(sampling.batch_size):  # of similar length, so that little is padded
        batch, batch_frames = condition[rows], frames[rows]
        mask = torch.arange(int(batch_frames.max()), device=model.device) < batch_frames[:, None]
        *_, last = sampling.steps(model, batch, mask)
        features = _anchor(model, last.features, batch.start, batch.start_visible)
        keypoints, presence = model.decode(features), torch.sigmoid(last.presence)
        for i, row in enumerate(rows.tolist()):
            real = slice(0, int(frames[row]))
            generated[row] = _sequence(model, keypoints[i, real].cpu().numpy(), presence[i, real], signs[row][1])
    return [generated[row] for row in range(len(signs))]


def encode_signs(model: TextToPose, signs: Sequence[tuple[str, str]], start: StartFrames) -> Condition:
    """The condition that signs are generated from."""
    text = TextBatch.of([model.tokenizer.tokenize(*sign) for sign in signs]).to(model.device)
    condition, _ = model.encode(text, start.keypoints.to(model.device), start.confidence.to(model.device))
    return condition


@dataclass(frozen=True)
class SignedText:
    """A generated text.

    Attributes:
        sequence: (T, K, D) in pixels of a 512 x 512 picture.
        captions: its signs and the frames of each, in order; pauses between words belong to none.
    """

    sequence: PoseSequence
    captions: tuple[Caption, ...]


def generate_texts(
    model: TextToPose,
    texts: Sequence[Sequence[str]],
    signed_language: str,
    *,
    start: StartFrames | None = None,
    body: Body | None = None,
    dominant_hand: Side | None = None,
    sampling: Sampling | None = None,
    frames: int | None = None,
) -> list[PoseSequence]:
    """The sequences of `sign_texts`, without their captions."""
    signed = sign_texts(
        model,
        texts,
        signed_language,
        start=start,
        body=body,
        dominant_hand=dominant_hand,
        sampling=sampling,
        frames=frames,
    )
    return [text.sequence for text in signed]


def sign_texts(
    model: TextToPose,
    texts: Sequence[Sequence[str]],
    signed_language: str,
    *,
    start: StartFrames | None = None,
    body: Body | None = None,
    dominant_hand: Side | None = None,
    sampling: Sampling | None = None,
    frames: int | None = None,
) -> list[SignedText]:
    """Generates texts sign by sign, each from the last frame of the one before it; all texts in one batch.

    Of that frame the model is shown torso and wrists. Fingers and elbows are predicted anew: errors of one sign would
    add up over the next ones, and after ten letters no hand would be readable.

    Torso and scale are those of the first frame throughout, hands and arms end in one wrist, and from one frame to the
    next no keypoint moves farther than any did in the language's clips.

    A start frame of the user's says whose body signs and from where. The signs are generated on the model's own body
    for the language and then retargeted: bodies, cameras and depths unlike those it was trained on would distort every
    hand shape. A model that signs in depth has learned from many bodies and cameras: it is shown whole start frames,
    the user's too, and what it signs is given the lengths of the person's bones.

    Args:
        model: the network.
        texts: the signs of each text, see `TextTokenizer.units`; `WORD_SPACE` between words is a pause.
        signed_language: ISO 639-3 code.
        start: one start frame, of all texts; the model's own for the language when None.
        body: of the person in the start frame, for a model that signs in depth; as predicted when None.
        dominant_hand: the hand to sign with; that of the model's clips of the language when None. For the other hand
            everything is generated mirrored.
        sampling: how signs are sampled.
        frames: length of each text, shared by its signs according to the variance of each one's length; the predicted
            lengths when None.

    Returns:
        B texts.

    Raises:
        UserError: a language or a text the model does not know, or fewer frames than a text needs.
    """
    model.tokenizer.check_language(signed_language)
    hand = model.config.dominant_hands.get(signed_language)
    mirrored = dominant_hand not in (None, hand)
    bundled = StartFrames.bundled(model, [signed_language])
    lengths = [_share_frames(model, signs, signed_language, bundled, frames) for signs in texts] if frames else None
    if start is not None and mirrored:
        start = start.flipped(model.skeleton)
    drafts = [_Draft(model, signs, hand) for signs in texts]
    first = start if start is not None and model.signs_in_depth else bundled
    for position in range(max(map(len, texts), default=0)):
        rows = [row for row, draft in enumerate(drafts) if draft.takes_sign(position)]
        if not rows:
            continue
        sequences = generate_signs(
            model,
            [(texts[row][position], signed_language) for row in rows],
            StartFrames.concatenate([drafts[row].start_frame(first) for row in rows]),
            sampling=sampling,
            lengths=[lengths[row][position] for row in rows] if lengths is not None else None,
        )
        for row, sequence in zip(rows, sequences, strict=True):
            drafts[row].append(texts[row][position], sequence)
    max_step = model.config.max_step.get(signed_language, math.inf)
    return [draft.finish(start, body, max_step, mirrored=mirrored) for draft in drafts]


class _Draft:
    """A text while it is generated, sign by sign.

    Args:
        model: the network.
        signs: of the text, with `WORD_SPACE` between words.
        hand: the dominant hand of the language.
    """

    def __init__(self, model: TextToPose, signs: Sequence[str], hand: Side | None) -> None:
        self.model, self.signs, self.hand = model, signs, hand
        self.sequences: list[PoseSequence] = []
        self.captions: list[Caption] = []

    def takes_sign(self, position: int) -> bool:
        """Whether a sign is to be generated at this position of the text; a pause is appended here."""
        if position >= len(self.signs):
            return False
        if self.signs[position] != WORD_SPACE:
            return True
        if self.sequences:
            self.sequences.append(self.sequences[-1].hold_frame(-1, pause_frames(self.model)))
        return False

    def start_frame(self, first: StartFrames) -> StartFrames:
        """Start frame of the next sign: `first`, then torso and wrists of the last frame, or all of it."""
        if not self.sequences:
            return first
        last = StartFrames.last_of(self.sequences[-1:])
        return last if self.model.signs_in_depth else last.torso_and_wrists(self.model.skeleton)

    def append(self, sign: str, sequence: PoseSequence) -> None:
        """Joins a sign, whose first frame is the last one of the sign before it and is left out."""
        if self.model.signs_in_depth:
            sequence = sequence[1:] if self.sequences else sequence
        elif self.sequences:
            sequence = _begin_at(self.model, sequence, self.sequences[-1][-1:])
            sequence = steady_body(sequence, self.sequences[0], self.hand, MAX_ANCHOR_SPEED)[1:]
        else:
            sequence = steady_body(sequence, sequence, self.hand, MAX_ANCHOR_SPEED)
        first = sum(map(len, self.sequences))
        self.captions.append(Caption(sign, first, first + len(sequence)))
        self.sequences.append(sequence)

    def finish(self, start: StartFrames | None, body: Body | None, max_step: float, *, mirrored: bool) -> SignedText:
        """The whole text: retargeted to the body of a start frame if there is one, within speed limits, in pixels."""
        sequence = concatenate(self.sequences)
        if self.model.signs_in_depth:
            if body is not None:
                network = self.model.config.network
                sequence = with_proportions(
                    sequence, body, hand_depth=network.hand_depth, body_depth=network.body_depth
                )
        elif start is not None:
            own = replace(sequence[:1], keypoints=start.keypoints.numpy(), confidence=start.confidence.numpy())
            own = correct_wrists(own)
            sequence = _begin_at(self.model, steady_body(sequence, own, self.hand, MAX_ANCHOR_SPEED), own)
        sequence = replace(sequence, keypoints=limit_motion(sequence.keypoints, max_step, self.model.skeleton))
        return SignedText(placed(flip(sequence) if mirrored else sequence), tuple(self.captions))


def _begin_at(model: TextToPose, sequence: PoseSequence, frame: PoseSequence) -> PoseSequence:
    """The sequence, anchored at a frame (a sequence of one)."""
    features, start = (model.features(torch.from_numpy(each.keypoints).to(model.device)) for each in (sequence, frame))
    visible = torch.from_numpy(frame.confidence > 0).to(model.device)
    keypoints = model.decode(_anchor(model, features[None], start, visible))[0].cpu().numpy()
    return replace(sequence, keypoints=keypoints * (sequence.confidence > 0)[..., None])


def _anchor(model: TextToPose, features: Tensor, start: Tensor, visible: Tensor) -> Tensor:
    return anchored(features, start, visible, wrists=model.features.wrists, is_root=model.features.is_root)


def pause_frames(model: TextToPose) -> int:
    """Frames of the pause between two words."""
    return round(PAUSE * model.config.fps)


def placed(sequence: PoseSequence) -> PoseSequence:
    """A generated sequence in pixels of a picture of `DEFAULT_SIZE`."""
    return denormalize(sequence, Placement.default(DEFAULT_SIZE, sequence.skeleton.num_dims))


def _share_frames(
    model: TextToPose, signs: Sequence[str], signed_language: str, start: StartFrames, frames: int
) -> list[int]:
    """Frames of each sign of a text, `frames` together: two successive signs share one frame; 0 for a pause."""
    spelled = [sign for sign in signs if sign != WORD_SPACE]
    pauses = len(signs) - len(spelled)
    with torch.inference_mode():
        condition = encode_signs(model, [(sign, signed_language) for sign in spelled], start.repeated(len(spelled)))
        lengths = iter(shared_lengths(model, condition, frames - pauses * pause_frames(model) + len(spelled) - 1))
    return [0 if sign == WORD_SPACE else next(lengths) for sign in signs]


def _sequence(model: TextToPose, keypoints: np.ndarray, presence: Tensor, signed_language: str) -> PoseSequence:
    """A sequence of keypoints (T, K, D) and probabilities (T, K); hands are visible entirely or not at all.

    They are always or never, but of a model that signs in depth, which knows hands that come up from below the picture.
    """
    visible = presence if model.signs_in_depth else presence.mean(dim=0).expand(len(presence), -1).clone()  # (T, K)
    for side in ("left", "right"):
        hand = model.skeleton.hand(side)
        if hand:
            always = side == model.config.dominant_hands.get(signed_language) and not model.signs_in_depth
            visible[:, hand] = 1.0 if always else visible[:, hand].mean(dim=1, keepdim=True)
    confidence = (visible > 0.5).float().cpu().numpy()
    if model.signs_in_depth:
        keypoints = _hidden_hands_on_arms(keypoints, confidence, model)
    keypoints = limit_hands(keypoints, model.skeleton)
    keypoints = limit_motion(keypoints, model.config.max_step.get(signed_language, math.inf), model.skeleton)
    # Two predictions of one wrist never quite agree; the hand's is the better one.
    return correct_wrists(
        PoseSequence(keypoints * (confidence > 0)[..., None], confidence, model.config.fps, model.skeleton)
    )


def _hidden_hands_on_arms(keypoints: np.ndarray, confidence: np.ndarray, model: TextToPose) -> np.ndarray:
    """Keypoints (T, K, D) whose hands are at their arm's wrist where they are missing: nothing says where they are."""
    keypoints = keypoints.copy()
    for (wrist, arm), side in zip(model.features.wrists, model.features.hands, strict=True):
        hidden = confidence[:, wrist] == 0
        hand = [wrist, *model.features.hands[side]]
        keypoints[np.ix_(np.flatnonzero(hidden), np.array(hand))] += (
            keypoints[hidden, arm] - keypoints[hidden, wrist]
        )[:, None]
    return keypoints
