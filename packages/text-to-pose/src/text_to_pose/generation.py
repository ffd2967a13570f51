"""Letters and words as pose sequences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_core import PoseSequence, concatenate
from pose_core.transforms import Placement, denormalize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from text_to_pose.model import Condition, TextToPose

SIZE = (512, 512, 0)  # picture that generated poses are placed in
MAX_SECONDS = 60  # a letter is never longer, whatever an odd start frame makes the model predict
LETTING_GO = 0.3  # shoulder widths a frame: how fast a sequence may leave its start frame for its own path


@dataclass(frozen=True)
class StartFrames:
    """Where sequences begin.

    Attributes:
        keypoints: (B, K, D) in shoulder widths.
        confidence: (B, K), 0 = missing; the model fills it in.
    """

    keypoints: Tensor
    confidence: Tensor

    @classmethod
    def last_of(cls, sequences: Sequence[PoseSequence]) -> StartFrames:
        """The last frames of normalized sequences."""
        return cls(
            torch.from_numpy(np.stack([s.keypoints[-1] for s in sequences])),
            torch.from_numpy(np.stack([s.confidence[-1] for s in sequences])),
        )

    @classmethod
    def bundled(cls, model: TextToPose, signed_languages: Sequence[str]) -> StartFrames:
        """The model's own start frames.

        Raises:
            UserError: a language the model does not know.
        """
        for language in set(signed_languages):
            model.tokenizer.check_language(language)
        rows = [model.languages.index(language) for language in signed_languages]
        return cls(model.start_keypoints[rows], model.start_confidence[rows])


@torch.inference_mode()
def generate_letters(
    model: TextToPose,
    letters: Sequence[tuple[str, str]],
    start: StartFrames,
    *,
    num_steps: int | None = None,
    batch_size: int = 64,
) -> list[PoseSequence]:
    """Generates letters, several at once; each is the same whatever it is batched with.

    Args:
        letters: B pairs of letter and signed language.
        start: B start frames; each sequence begins with its own.
        num_steps: refinements; the model's own number when None.

    Returns:
        B sequences (T, K, D) in shoulder widths, of the predicted lengths. The language's signing hand is present in
        every frame; any other hand in all frames or in none.

    Raises:
        UserError: a language or a character the model does not know.
    """
    tokens, token_mask = model.tokenizer.batch([model.tokenizer.tokenize(*letter) for letter in letters])
    condition, _ = model.condition(
        tokens.to(model.device),
        token_mask.to(model.device),
        start.keypoints.to(model.device),
        start.confidence.to(model.device),
    )
    log_frames, _ = model.length_predictor(condition)
    lengths = log_frames.clamp(max=math.log(MAX_SECONDS * model.config.fps)).exp().round().long().clamp(min=2)
    made: dict[int, PoseSequence] = {}
    for rows in lengths.argsort().split(batch_size):  # alike in length, so that little is padded
        keypoints, present = _refined(model, condition[rows], lengths[rows], num_steps or model.config.num_steps)
        for i, row in enumerate(rows.tolist()):
            frames = slice(0, int(lengths[row]))
            confidence = _confidence(model, present[i, frames], letters[row][1])
            x = keypoints[i, frames].cpu().numpy() * (confidence > 0)[..., None]
            made[row] = PoseSequence(x, confidence, model.config.fps, model.skeleton)
    return [made[row] for row in range(len(letters))]


def _refined(model: TextToPose, condition: Condition, lengths: Tensor, num_steps: int) -> tuple[Tensor, Tensor]:
    """Keypoints (B, T, K, D) in shoulder widths and probabilities (B, T, K) that they are there."""
    mask = torch.arange(int(lengths.max()), device=model.device) < lengths[:, None]
    *_, refined = model.refine(condition, mask, num_steps)
    features = _anchored(model, refined.features, condition)
    return model.features.inverse(features), torch.sigmoid(refined.presence)


def generate_words(
    model: TextToPose,
    words: Sequence[Sequence[str]],
    signed_language: str,
    *,
    num_steps: int | None = None,
    batch_size: int = 64,
) -> list[PoseSequence]:
    """Generates words letter by letter, each starting from the last frame of the one before it; all words at once.

    Args:
        words: the letters of each word, see `CharacterTokenizer.letters`.

    Returns:
        A sequence a word, in pixels of a 512 x 512 picture.

    Raises:
        UserError: a language or a letter the model does not know.
    """
    spelled: list[list[PoseSequence]] = [[] for _ in words]
    for position in range(max(map(len, words), default=0)):
        rows = [row for row, letters in enumerate(words) if position < len(letters)]
        if position == 0:
            start = StartFrames.bundled(model, [signed_language] * len(rows))
        else:
            start = StartFrames.last_of([spelled[row][-1] for row in rows])
        letters = [(words[row][position], signed_language) for row in rows]
        made = generate_letters(model, letters, start, num_steps=num_steps, batch_size=batch_size)
        for row, sequence in zip(rows, made, strict=True):
            # A later letter's first frame is the last one of the letter before it: it is there already.
            spelled[row].append(sequence if position == 0 else sequence[1:])
    return [placed(concatenate(sequences)) for sequences in spelled]


def placed(sequence: PoseSequence) -> PoseSequence:
    """A generated sequence in pixels of a picture of `SIZE`."""
    placement = Placement.default(SIZE, sequence.skeleton.num_dims)
    return denormalize(sequence, placement)


def _anchored(model: TextToPose, features: Tensor, condition: Condition) -> Tensor:
    """Lets features (B, T, K, D) begin exactly at their start frames, and let go of them within a few frames.

    How many depends on the way to go, so that a hand which is down when the next letter begins does not jump up.
    """
    gap = (condition.start - features[:, 0]) * condition.start_seen[..., None]  # (B, K, D)
    distance = gap.norm(dim=-1)[:, model.features.is_root].amax(dim=1)  # (B,) in shoulder widths
    frames = (distance * torch.pi / 2 / LETTING_GO).clamp(min=3)  # a cosine is steepest half way, by pi / 2
    t = torch.arange(features.shape[1], device=features.device)
    weight = 0.5 + 0.5 * torch.cos(torch.pi * (t / frames[:, None]).clamp(max=1))  # (B, T), 1 at the first frame
    return features + weight[:, :, None, None] * gap[:, None]


def _confidence(model: TextToPose, present: Tensor, signed_language: str) -> np.ndarray:
    """Confidence (T, K) of 0 or 1 from probabilities (T, K); a hand is there as a whole and all the time, or never."""
    mean = present.mean(dim=0)  # (K,)
    for side in ("left", "right"):
        hand = model.skeleton.hand(side)
        if hand:
            mean[hand] = 1.0 if side == model.config.signing_hands[signed_language] else mean[hand].mean()
    return (mean > 0.5).float().expand(len(present), -1).cpu().numpy().copy()
