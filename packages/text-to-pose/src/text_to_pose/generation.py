"""Texts as pose sequences: signs are generated one after the other and joined. Needs no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core import PoseSequence, concatenate
from pose_core.rendering import Caption
from pose_core.transforms import Placement, correct_wrists, denormalize, flip
from pose_core.transforms.normalization import DEFAULT_SIZE
from text_to_pose.backends import as_network
from text_to_pose.fingerspelling.fluency import Fluency
from text_to_pose.fingerspelling.spelling import spell_fluently
from text_to_pose.fingerspelling.transitions import PICTURE_WIDTHS, Limits
from text_to_pose.lengths import MIN_SIGN_FRAMES, predicted_lengths, shared_lengths, too_short
from text_to_pose.motion.anchoring import MAX_ANCHOR_SPEED, anchored
from text_to_pose.motion.limits import limit_hands, limit_motion
from text_to_pose.motion.proportions import with_proportions
from text_to_pose.motion.steady_body import steady_body
from text_to_pose.network import frame_mask, probability
from text_to_pose.sampling import Sampling
from text_to_pose.start_frames import StartFrames
from text_to_pose.text.spelling import WORD_SPACE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core.skeleton import Side
    from text_to_pose.model import TextToPose
    from text_to_pose.network import Condition, Network
    from text_to_pose.signing.anatomy.body import Body

PAUSE = 0.4  # seconds between words, in which the hands rest where they are
FLUENT = Fluency()


def generate_signs(
    model: TextToPose | Network,
    signs: Sequence[tuple[str, str]],
    start: StartFrames,
    *,
    sampling: Sampling | None = None,
    lengths: Sequence[int] | None = None,
) -> list[PoseSequence]:
    """Generates signs in batches; each is the same whatever it is batched with.

    Args:
        model: a `TextToPose`, or one that is exported (`OnnxTextToPose`).
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
    network, sampling = as_network(model), sampling or Sampling()
    condition = encode_signs(network, signs, start)
    if lengths is None:
        seed = sampling.seed if sampling.sample_length else None
        frames = predicted_lengths(condition, network.config.fps, seed=seed)
    else:
        frames = np.maximum(lengths, MIN_SIGN_FRAMES)
    generated: dict[int, PoseSequence] = {}
    order = frames.argsort(kind="stable")  # in batches of similar length, so that little is padded
    for begin in range(0, len(order), sampling.batch_size):
        rows = order[begin : begin + sampling.batch_size]
        batch = condition[rows]
        prediction = network.sample(batch, frame_mask(frames[rows]), sampling)
        features = _anchor(network, prediction.features, batch.start, batch.start_seen)
        keypoints, presence = network.layout.keypoints(features), probability(prediction.presence)
        for i, row in enumerate(rows.tolist()):
            real = slice(0, int(frames[row]))
            generated[row] = _sequence(network, keypoints[i, real], presence[i, real], signs[row][1])
    return [generated[row] for row in range(len(signs))]


def encode_signs(model: TextToPose | Network, signs: Sequence[tuple[str, str]], start: StartFrames) -> Condition:
    """The condition that signs are generated from."""
    return as_network(model).condition(signs, start.keypoints, start.confidence)


@dataclass(frozen=True)
class SignedText:
    """A generated text.

    Attributes:
        sequence: (T, K, D) in pixels of a 512 x 512 picture.
        captions: its signs and the frames of each, in order; pauses between words belong to none.
        holds: if it is fluent, for each letter the first frame and the one after the last in which it is held.
    """

    sequence: PoseSequence
    captions: tuple[Caption, ...]
    holds: tuple[tuple[int, int], ...] = ()


def generate_texts(
    model: TextToPose | Network,
    texts: Sequence[Sequence[str]],
    signed_language: str,
    *,
    start: StartFrames | None = None,
    body: Body | None = None,
    dominant_hand: Side | None = None,
    fluency: Fluency | None = FLUENT,
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
        fluency=fluency,
        sampling=sampling,
        frames=frames,
    )
    return [text.sequence for text in signed]


def sign_texts(
    model: TextToPose | Network,
    texts: Sequence[Sequence[str]],
    signed_language: str,
    *,
    start: StartFrames | None = None,
    body: Body | None = None,
    dominant_hand: Side | None = None,
    fluency: Fluency | None = FLUENT,
    sampling: Sampling | None = None,
    frames: int | None = None,
) -> list[SignedText]:
    """Generates texts, all of them in one batch.

    Of the letters of fluent texts each is generated once, and they are joined to words (`spell_fluently`). Others are
    generated sign by sign, each from the last frame of the one before it. Of that frame the model is shown torso and
    wrists. Fingers and elbows are predicted anew: errors of one sign would add up over the next ones, and after ten
    letters no hand would be readable.

    Torso and scale are those of the first frame throughout, hands and arms end in one wrist, and from one frame to the
    next no keypoint moves farther than any did in the language's clips.

    A start frame of the user's says whose body signs and from where. The signs are generated on the model's own body
    for the language and then retargeted: bodies, cameras and depths unlike those it was trained on would distort every
    hand shape. A model that signs in depth has learned from many bodies and cameras: it is shown whole start frames,
    the user's too, and what it signs is given the lengths of the person's bones.

    Args:
        model: a `TextToPose`, or one that is exported (`OnnxTextToPose`).
        texts: the signs of each text, see `TextTokenizer.units`; `WORD_SPACE` between words is a pause.
        signed_language: ISO 639-3 code.
        start: one start frame, of all texts; the model's own for the language when None.
        body: of the person in the start frame, for a model that signs in depth; as predicted when None.
        dominant_hand: the hand to sign with; that of the model's clips of the language when None. For the other hand
            everything is generated mirrored.
        fluency: how letters are joined to words; None: in citation form, clip after clip, as a text of one sign and
            what is not spelled is in any case.
        sampling: how signs are sampled.
        frames: length of each text; one in citation form shares it among its signs according to the variance of each
            one's length. As predicted, or as the fluency says, when None.

    Returns:
        B texts.

    Raises:
        UserError: a language or a text the model does not know, or fewer frames than a text needs.
    """
    network = as_network(model)
    network.tokenizer.check_language(signed_language)
    hand = network.config.dominant_hands.get(signed_language)
    mirrored = dominant_hand not in (None, hand)
    bundled = StartFrames.bundled(network, [signed_language])
    if start is not None and mirrored:
        start = start.flipped(network.skeleton)
    drafts = [_Draft(network, signs, hand) for signs in texts]
    first = start if start is not None and network.signs_in_depth else bundled
    fluent = [draft for draft in drafts if fluency is not None and draft.is_word]
    if fluency is not None and fluent:
        _spell(fluent, signed_language, first, fluency, sampling, frames)
    lengths = [_share_frames(draft, signed_language, bundled, frames) for draft in drafts] if frames else None
    for position in range(max(map(len, texts), default=0)):
        rows = [row for row, draft in enumerate(drafts) if draft.takes_sign(position)]
        if not rows:
            continue
        sequences = generate_signs(
            network,
            [(texts[row][position], signed_language) for row in rows],
            StartFrames.concatenate([drafts[row].start_frame(first) for row in rows]),
            sampling=sampling,
            lengths=[lengths[row][position] for row in rows] if lengths is not None else None,
        )
        for row, sequence in zip(rows, sequences, strict=True):
            drafts[row].append(texts[row][position], sequence)
    max_step = network.config.max_step.get(signed_language, math.inf)
    return [draft.finish(start, body, max_step, mirrored=mirrored) for draft in drafts]


class _Draft:
    """A text while it is generated, sign by sign.

    Args:
        network: that generates it.
        signs: of the text, with `WORD_SPACE` between words.
        hand: the dominant hand of the language.
    """

    def __init__(self, network: Network, signs: Sequence[str], hand: Side | None) -> None:
        self.network, self.signs, self.hand = network, signs, hand
        self.sequences: list[PoseSequence] = []
        self.captions: list[Caption] = []
        self.holds: tuple[tuple[int, int], ...] = ()  # of a fluent text, which is generated as a whole

    @property
    def is_word(self) -> bool:
        """Whether its signs are letters, and there are several to join."""
        return self.network.config.text.kind == "letters" and sum(sign != WORD_SPACE for sign in self.signs) > 1

    def takes_sign(self, position: int) -> bool:
        """Whether a sign is to be generated at this position of the text; a pause is appended here."""
        if position >= len(self.signs) or self.holds:
            return False
        if self.signs[position] != WORD_SPACE:
            return True
        if self.sequences:
            self.sequences.append(self.sequences[-1].hold_frame(-1, pause_frames(self.network)))
        return False

    def start_frame(self, first: StartFrames) -> StartFrames:
        """Start frame of the next sign: `first`, then torso and wrists of the last frame, or all of it."""
        if not self.sequences:
            return first
        last = StartFrames.last_of(self.sequences[-1:])
        return last if self.network.signs_in_depth else last.torso_and_wrists(self.network.skeleton)

    def append(self, sign: str, sequence: PoseSequence) -> None:
        """Joins a sign, whose first frame is the last one of the sign before it and is left out."""
        if self.network.signs_in_depth:
            sequence = sequence[1:] if self.sequences else sequence
        elif self.sequences:
            sequence = _begin_at(self.network, sequence, self.sequences[-1][-1:])
            sequence = steady_body(sequence, self.sequences[0], self.hand, MAX_ANCHOR_SPEED)[1:]
        else:
            sequence = steady_body(sequence, sequence, self.hand, MAX_ANCHOR_SPEED)
        first = sum(map(len, self.sequences))
        self.captions.append(Caption(sign, first, first + len(sequence)))
        self.sequences.append(sequence)

    def finish(self, start: StartFrames | None, body: Body | None, max_step: float, *, mirrored: bool) -> SignedText:
        """The whole text: retargeted to the body of a start frame if there is one, within speed limits, in pixels."""
        sequence = concatenate(self.sequences)
        if self.network.signs_in_depth:
            if body is not None:
                sizes = self.network.config.network
                sequence = with_proportions(sequence, body, hand_depth=sizes.hand_depth, body_depth=sizes.body_depth)
        elif start is not None:
            own = replace(sequence[:1], keypoints=start.keypoints, confidence=start.confidence)
            own = correct_wrists(own)
            sequence = _begin_at(self.network, steady_body(sequence, own, self.hand, MAX_ANCHOR_SPEED), own)
            if self.holds:  # it ends where it began
                sequence = _reversed(_begin_at(self.network, _reversed(sequence), own))
        elif self.holds:
            sequence = steady_body(sequence, sequence, self.hand, MAX_ANCHOR_SPEED)
        # Otherwise a hand that becomes visible would start its motion at the origin, where missing keypoints lie
        keypoints = _hidden_hands_on_arms(sequence.keypoints, sequence.confidence, self.network)
        keypoints = limit_motion(keypoints, max_step, self.network.skeleton) * (sequence.confidence > 0)[..., None]
        sequence = replace(sequence, keypoints=keypoints)
        return SignedText(placed(flip(sequence) if mirrored else sequence), tuple(self.captions), self.holds)


def _spell(
    drafts: Sequence[_Draft],
    signed_language: str,
    start: StartFrames,
    fluency: Fluency,
    sampling: Sampling | None,
    frames: int | None,
) -> None:
    """Spells drafts fluently: each of their letters is generated once, from one start frame."""
    network, hand = drafts[0].network, drafts[0].hand or "right"
    letters = sorted({sign for draft in drafts for sign in draft.signs if sign != WORD_SPACE})
    signs = [(letter, signed_language) for letter in letters]
    clips = generate_signs(network, signs, start.repeated(len(letters)), sampling=sampling)
    if not network.signs_in_depth:
        clips = [steady_body(clip, clip, hand, MAX_ANCHOR_SPEED) for clip in clips]
    limits = Limits(
        network.config.max_step.get(signed_language, math.inf),
        network.config.fps,
        network.config.network.hand_depth if network.signs_in_depth else PICTURE_WIDTHS,
    )
    for draft in drafts:
        spelled = spell_fluently(
            draft.signs,
            dict(zip(letters, clips, strict=True)),
            fluency,
            dominant_hand=hand,
            limits=limits,
            frames=frames,
        )
        draft.sequences, draft.captions, draft.holds = [spelled.sequence], [*spelled.captions], spelled.holds


def _reversed(sequence: PoseSequence) -> PoseSequence:
    return replace(sequence, keypoints=sequence.keypoints[::-1].copy(), confidence=sequence.confidence[::-1].copy())


def _begin_at(network: Network, sequence: PoseSequence, frame: PoseSequence) -> PoseSequence:
    """The sequence, anchored at a frame (a sequence of one)."""
    features, start = (network.layout.features(each.keypoints) for each in (sequence, frame))
    keypoints = network.layout.keypoints(_anchor(network, features[None], start, frame.confidence > 0))[0]
    return replace(sequence, keypoints=keypoints * (sequence.confidence > 0)[..., None])


def _anchor(network: Network, features: np.ndarray, start: np.ndarray, visible: np.ndarray) -> np.ndarray:
    layout = network.layout
    return anchored(features, start, visible, wrists=layout.wrists, is_root=layout.is_root).astype(np.float32)


def pause_frames(network: Network) -> int:
    """Frames of the pause between two words."""
    return round(PAUSE * network.config.fps)


def placed(sequence: PoseSequence) -> PoseSequence:
    """A generated sequence in pixels of a picture of `DEFAULT_SIZE`."""
    return denormalize(sequence, Placement.default(DEFAULT_SIZE, sequence.skeleton.num_dims))


def _share_frames(draft: _Draft, signed_language: str, start: StartFrames, frames: int) -> list[int]:
    """Frames of each sign of a text, `frames` together: two successive signs share one frame; 0 for a pause.

    A fluent text has its frames already.
    """
    network, signs = draft.network, draft.signs
    if draft.holds:
        return [0] * len(signs)
    spelled = [sign for sign in signs if sign != WORD_SPACE]
    pauses = len(signs) - len(spelled)
    condition = encode_signs(network, [(sign, signed_language) for sign in spelled], start.repeated(len(spelled)))
    shared = len(spelled) - 1
    paused = pauses * pause_frames(network)
    needed = MIN_SIGN_FRAMES * len(spelled) - shared + paused
    if frames < needed:
        raise too_short(len(spelled), needed, network.config.fps)
    lengths = iter(shared_lengths(condition, frames - paused + shared))
    return [0 if sign == WORD_SPACE else next(lengths) for sign in signs]


def _sequence(network: Network, keypoints: np.ndarray, presence: np.ndarray, signed_language: str) -> PoseSequence:
    """A sequence of keypoints (T, K, D) and probabilities (T, K); hands are visible entirely or not at all.

    They are always or never, but of a model that signs in depth, which knows hands that come up from below the picture.
    """
    visible = presence if network.signs_in_depth else np.broadcast_to(presence.mean(axis=0), presence.shape).copy()
    for side in ("left", "right"):
        hand = network.skeleton.hand(side)
        if hand:
            always = side == network.config.dominant_hands.get(signed_language) and not network.signs_in_depth
            visible[:, hand] = 1.0 if always else visible[:, hand].mean(axis=1, keepdims=True)
    confidence = (visible > 0.5).astype(np.float32)
    if network.signs_in_depth:
        keypoints = _hidden_hands_on_arms(keypoints, confidence, network)
    keypoints = limit_hands(keypoints, network.skeleton)
    keypoints = limit_motion(keypoints, network.config.max_step.get(signed_language, math.inf), network.skeleton)
    # Two predictions of one wrist never quite agree; the hand's is the better one.
    return correct_wrists(
        PoseSequence(keypoints * (confidence > 0)[..., None], confidence, network.config.fps, network.skeleton)
    )


def _hidden_hands_on_arms(keypoints: np.ndarray, confidence: np.ndarray, network: Network) -> np.ndarray:
    """Keypoints (T, K, D) whose hands are at their arm's wrist where they are missing: nothing says where they are."""
    keypoints = keypoints.copy()
    for (wrist, arm), side in zip(network.layout.wrists, network.layout.hands, strict=True):
        hidden = confidence[:, wrist] == 0
        hand = [wrist, *network.layout.hands[side]]
        keypoints[np.ix_(np.flatnonzero(hidden), np.array(hand))] += (
            keypoints[hidden, arm] - keypoints[hidden, wrist]
        )[:, None]
    return keypoints
