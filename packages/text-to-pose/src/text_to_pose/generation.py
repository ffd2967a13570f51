"""Texts as pose sequences."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from pose_core import PoseSequence, concatenate
from pose_core.rendering import Caption
from pose_core.transforms import Placement, correct_wrists, denormalize, flip
from text_to_pose.lengths import predicted_lengths, shared_lengths
from text_to_pose.motion.limits import limit_hands, limit_motion
from text_to_pose.motion.steady_body import steady_body
from text_to_pose.start_frames import StartFrames
from text_to_pose.text.tokenizer import WORD_SPACE, TextBatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from torch import Tensor

    from pose_core.skeleton import Side
    from text_to_pose.config import Sampler, Schedule
    from text_to_pose.model import Condition, Prediction, TextToPose

SIZE = (512, 512, 0)  # picture that generated poses are placed in
PAUSE = 0.4  # seconds between words, in which the hands rest where they are
MAX_ANCHOR_SPEED = 0.3  # shoulder widths a frame: how fast a sequence may leave its start frame for its own path


@dataclass(frozen=True)
class Sampling:
    """How sequences are made.

    Attributes:
        sampler: see `TextToPose.refine` and `TextToPose.diffuse`.
        num_steps: of the sampler; the model's own number when None.
        schedule: how far each step goes.
        guidance: how strongly the text is followed; 1 is what the model was trained for.
        sample_length: draw lengths from their predicted distribution rather than take its middle.
        seed: of diffusion's noise and of drawn lengths.
        batch_size: sequences at once.
    """

    sampler: Sampler = "refinement"
    num_steps: int | None = None
    schedule: Schedule = "linear"
    guidance: float = 1.0
    sample_length: bool = False
    seed: int = 0
    batch_size: int = 64

    def steps(self, model: TextToPose, condition: Condition, mask: Tensor) -> Iterator[Prediction]:
        """The sequences after every step."""
        num_steps = self.num_steps or model.config.num_steps
        if self.sampler == "diffusion":
            return model.diffuse(
                condition, mask, num_steps, schedule=self.schedule, guidance=self.guidance, seed=self.seed
            )
        return model.refine(condition, mask, num_steps, schedule=self.schedule, guidance=self.guidance)


@torch.inference_mode()
def generate_signs(
    model: TextToPose,
    signs: Sequence[tuple[str, str]],
    start: StartFrames,
    *,
    sampling: Sampling | None = None,
    lengths: Sequence[int] | None = None,
) -> list[PoseSequence]:
    """Generates signs, several at once; each is the same whatever it is batched with.

    Args:
        signs: B pairs of text (a letter, or what else the model takes) and signed language.
        start: B start frames; each sequence begins with its own.
        lengths: B numbers of frames, at least 2; predicted when None.

    Returns:
        B sequences (T, K, D) in shoulder widths. The language's signing hand is present in every frame; any other hand
        in all frames or in none.

    Raises:
        UserError: a language or a text the model does not know.
    """
    sampling = sampling or Sampling()
    condition = encode_signs(model, signs, start)
    if lengths is None:
        frames = predicted_lengths(model, condition, seed=sampling.seed if sampling.sample_length else None)
    else:
        frames = torch.tensor(lengths, device=model.device).clamp(min=2)
    made: dict[int, PoseSequence] = {}
    for rows in frames.argsort().split(sampling.batch_size):  # alike in length, so that little is padded
        keypoints, present = _sampled(model, condition[rows], frames[rows], sampling)
        for i, row in enumerate(rows.tolist()):
            part = slice(0, int(frames[row]))
            made[row] = _sequence(model, keypoints[i, part].cpu().numpy(), present[i, part], signs[row][1])
    return [made[row] for row in range(len(signs))]


def encode_signs(model: TextToPose, signs: Sequence[tuple[str, str]], start: StartFrames) -> Condition:
    """What signs are generated from."""
    text = TextBatch.of([model.tokenizer.tokenize(*sign) for sign in signs]).to(model.device)
    condition, _ = model.condition(text, start.keypoints.to(model.device), start.confidence.to(model.device))
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
    dominant_hand: Side | None = None,
    sampling: Sampling | None = None,
    frames: int | None = None,
) -> list[PoseSequence]:
    """The sequences of `sign_texts`, without their captions."""
    signed = sign_texts(
        model, texts, signed_language, start=start, dominant_hand=dominant_hand, sampling=sampling, frames=frames
    )
    return [text.sequence for text in signed]


def sign_texts(
    model: TextToPose,
    texts: Sequence[Sequence[str]],
    signed_language: str,
    *,
    start: StartFrames | None = None,
    dominant_hand: Side | None = None,
    sampling: Sampling | None = None,
    frames: int | None = None,
) -> list[SignedText]:
    """Generates texts sign by sign, each from the last frame of the one before it; all texts at once.

    Of that frame the model is shown where torso and wrists are. Fingers and elbows it predicts anew: what is a little
    off in one sign would be more so in the next, and after ten letters no hand would be readable.

    Torso and scale are the first frame's throughout, hands and arms end in one wrist, and from one frame to the next no
    keypoint moves farther than any did in the language's clips.

    A start frame of the user's says whose body signs and from where. The signs are generated on the model's own body
    of the language and then retargeted: bodies, cameras and depths unlike those it was trained on would leave their
    mark on every hand shape.

    Args:
        texts: the signs of each text, see `TextTokenizer.units`; `WORD_SPACE` between words is a pause.
        start: one start frame, of all texts; the model's own for the language when None.
        dominant_hand: the hand to sign with; the one that signs the language in the model's clips when None. For the
            other hand everything is generated in a mirror.
        frames: length of each text, shared by its signs according to how far each one's length may vary; the predicted
            lengths when None.

    Returns:
        B texts.

    Raises:
        UserError: a language or a text the model does not know, or fewer frames than a text needs.
    """
    model.tokenizer.check_language(signed_language)
    signing_hand = model.config.signing_hands.get(signed_language)
    mirrored = dominant_hand is not None and dominant_hand != signing_hand
    if start is not None and mirrored:
        start = start.flipped(model.skeleton)
    own = StartFrames.bundled(model, [signed_language])
    made: list[list[PoseSequence]] = [[] for _ in texts]
    captions: list[list[Caption]] = [[] for _ in texts]
    lengths = [_shared(model, signs, signed_language, own, frames) for signs in texts] if frames else None
    for position in range(max(map(len, texts), default=0)):
        for row, signs in enumerate(texts):
            if position < len(signs) and signs[position] == WORD_SPACE and made[row]:
                made[row].append(made[row][-1].held(-1, pause_frames(model)))
        rows = [row for row, signs in enumerate(texts) if position < len(signs) and signs[position] != WORD_SPACE]
        if not rows:
            continue
        begin = _joined(
            [StartFrames.last_of(made[row][-1:]).places(model.skeleton) if made[row] else own for row in rows]
        )
        sequences = generate_signs(
            model,
            [(texts[row][position], signed_language) for row in rows],
            begin,
            sampling=sampling,
            lengths=[lengths[row][position] for row in rows] if lengths is not None else None,
        )
        for row, sequence in zip(rows, sequences, strict=True):
            if made[row]:
                # Its first frame is the last one of the sign before it: it is there already.
                joined = _begin_at(model, sequence, made[row][-1][-1:])
                steady = steady_body(joined, made[row][0], signing_hand, MAX_ANCHOR_SPEED)[1:]
            else:
                steady = steady_body(sequence, sequence, signing_hand, MAX_ANCHOR_SPEED)
            first = sum(map(len, made[row]))
            captions[row].append(Caption(texts[row][position], first, first + len(steady)))
            made[row].append(steady)
    signed = []
    for row, signs in enumerate(made):
        sequence = concatenate(signs)
        if start is not None:
            sequence = _retargeted(model, sequence, start, signing_hand)
        slow = limit_motion(sequence.keypoints, model.config.fastest.get(signed_language, math.inf), model.skeleton)
        sequence = replace(sequence, keypoints=slow)
        signed.append(SignedText(placed(flip(sequence) if mirrored else sequence), tuple(captions[row])))
    return signed


def _retargeted(
    model: TextToPose, sequence: PoseSequence, start: StartFrames, signing_hand: Side | None
) -> PoseSequence:
    """A text on the body of a start frame, from whose pose it begins."""
    body = correct_wrists(replace(sequence[:1], keypoints=start.keypoints.numpy(), confidence=start.confidence.numpy()))
    return _begin_at(model, steady_body(sequence, body, signing_hand, MAX_ANCHOR_SPEED), body)


def _begin_at(model: TextToPose, sequence: PoseSequence, frame: PoseSequence) -> PoseSequence:
    """The sequence, made to begin at a frame (a sequence of one) and to let go of it within a few frames."""
    features, first = (model.features(torch.from_numpy(each.keypoints).to(model.device)) for each in (sequence, frame))
    visible = torch.from_numpy(frame.confidence > 0).to(model.device)
    keypoints = model.features.inverse(_anchored(model, features[None], first, visible))[0].cpu().numpy()
    return replace(sequence, keypoints=keypoints * (sequence.confidence > 0)[..., None])


def pause_frames(model: TextToPose) -> int:
    """Frames of the pause between two words."""
    return round(PAUSE * model.config.fps)


def placed(sequence: PoseSequence) -> PoseSequence:
    """A generated sequence in pixels of a picture of `SIZE`."""
    placement = Placement.default(SIZE, sequence.skeleton.num_dims)
    return denormalize(sequence, placement)


def _shared(
    model: TextToPose, signs: Sequence[str], signed_language: str, start: StartFrames, frames: int
) -> list[int]:
    """Frames of each sign of a text, in all as many as asked for: of two signs one frame is both's; 0 for a pause."""
    spoken = [sign for sign in signs if sign != WORD_SPACE]
    pauses = len(signs) - len(spoken)
    with torch.inference_mode():
        condition = encode_signs(model, [(sign, signed_language) for sign in spoken], start.repeated(len(spoken)))
        shared = iter(shared_lengths(model, condition, frames - pauses * pause_frames(model) + len(spoken) - 1))
    return [0 if sign == WORD_SPACE else next(shared) for sign in signs]


def _joined(frames: Sequence[StartFrames]) -> StartFrames:
    """Start frames of one row each as those of one batch."""
    return StartFrames(torch.cat([f.keypoints for f in frames]), torch.cat([f.confidence for f in frames]))


def _sampled(model: TextToPose, condition: Condition, lengths: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor]:
    """Keypoints (B, T, K, D) in shoulder widths and probabilities (B, T, K) that they are there."""
    mask = torch.arange(int(lengths.max()), device=model.device) < lengths[:, None]
    *_, made = sampling.steps(model, condition, mask)
    features = _anchored(model, made.features, condition.start, condition.start_seen)
    return model.features.inverse(features), torch.sigmoid(made.presence)


def _anchored(model: TextToPose, features: Tensor, start: Tensor, visible: Tensor) -> Tensor:
    """Lets features (B, T, K, D) begin exactly at their start frames, and let go of them within a few frames.

    The start frames are features (B, K, D), of which those visible (B, K) count.

    How many depends on the way to go, so that a hand which is down when the next letter begins does not jump up. A hand
    that the start frame lacks begins at the arm's wrist.
    """
    start, visible = start.clone(), visible.clone()
    for hand, arm in model.features.wrists:
        hangs = visible[:, arm] & ~visible[:, hand]
        start[hangs, hand] = start[hangs, arm]
        visible[:, hand] |= hangs
    gap = (start - features[:, 0]) * visible[..., None]  # (B, K, D)
    distance = gap.norm(dim=-1)[:, model.features.is_root].amax(dim=1)  # (B,) in shoulder widths
    frames = (distance * torch.pi / 2 / MAX_ANCHOR_SPEED).clamp(min=3)  # a cosine is steepest half way, by pi / 2
    t = torch.arange(features.shape[1], device=features.device)
    weight = 0.5 + 0.5 * torch.cos(torch.pi * (t / frames[:, None]).clamp(max=1))  # (B, T), 1 at the first frame
    return features + weight[:, :, None, None] * gap[:, None]


def _sequence(model: TextToPose, keypoints: np.ndarray, present: Tensor, signed_language: str) -> PoseSequence:
    """A sequence of keypoints (T, K, D) and probabilities (T, K); a hand is there as a whole and always, or never."""
    mean = present.mean(dim=0)  # (K,)
    for side in ("left", "right"):
        hand = model.skeleton.hand(side)
        if hand:
            signing = side == model.config.signing_hands.get(signed_language)
            mean[hand] = 1.0 if signing else mean[hand].mean()
    confidence = (mean > 0.5).float().expand(len(present), -1).cpu().numpy().copy()
    keypoints = limit_hands(keypoints, model.skeleton)
    keypoints = limit_motion(keypoints, model.config.fastest.get(signed_language, math.inf), model.skeleton)
    # Two predictions of one wrist never quite agree; the hand's is the better one.
    return correct_wrists(
        PoseSequence(keypoints * (confidence > 0)[..., None], confidence, model.config.fps, model.skeleton)
    )
