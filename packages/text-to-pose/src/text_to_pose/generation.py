"""Texts as pose sequences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_core import PoseSequence, UserError, concatenate, read
from pose_core.transforms import Placement, denormalize
from text_to_pose.clips import prepare
from text_to_pose.lengths import predicted_lengths, shared_lengths
from text_to_pose.tokenizer import TextBatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import Tensor

    from text_to_pose.config import Sampler, Schedule
    from text_to_pose.model import Condition, Prediction, TextToPose

SIZE = (512, 512, 0)  # picture that generated poses are placed in
LETTING_GO = 0.3  # shoulder widths a frame: how fast a sequence may leave its start frame for its own path


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


@dataclass(frozen=True)
class StartFrames:
    """Where sequences begin.

    Attributes:
        keypoints: (B, K, D) in shoulder widths.
        confidence: (B, K), 0 = missing; the model fills it in.
    """

    keypoints: Tensor
    confidence: Tensor

    def __len__(self) -> int:
        return len(self.keypoints)

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
        return cls(model.start_keypoints[rows].cpu(), model.start_confidence[rows].cpu())

    @classmethod
    def read(cls, model: TextToPose, path: Path, frame: int | None = None) -> StartFrames:
        """A frame of a pose file; the first in which somebody is seen when None.

        Raises:
            UserError: a file or frame that cannot be used.
        """
        sequence = read(path)
        if frame is not None:
            if not 0 <= frame < len(sequence):
                raise UserError(f"{path}: has no frame {frame}; it has 0 to {len(sequence) - 1}")
            sequence = sequence[frame : frame + 1]
        try:
            return cls.last_of([prepare(sequence, sequence.fps, model.skeleton)[:1]])
        except UserError as error:
            place = f"{path}, frame {frame}" if frame is not None else f"{path}"
            raise UserError(f"{place}: {error}; start from another frame") from error

    def repeated(self, number: int) -> StartFrames:
        """One start frame for `number` sequences."""
        return StartFrames(self.keypoints.expand(number, -1, -1), self.confidence.expand(number, -1))


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


def generate_texts(
    model: TextToPose,
    texts: Sequence[Sequence[str]],
    signed_language: str,
    *,
    start: StartFrames | None = None,
    sampling: Sampling | None = None,
    frames: int | None = None,
) -> list[PoseSequence]:
    """Generates texts sign by sign, each from the last frame of the one before it; all texts at once.

    From one frame to the next no keypoint moves farther than any did in the language's clips.

    Args:
        texts: the signs of each text, see `TextTokenizer.units`.
        start: one start frame, of all texts; the model's own for the language when None.
        frames: length of each text, shared by its signs according to how far each one's length may vary; the predicted
            lengths when None.

    Returns:
        A sequence a text, in pixels of a 512 x 512 picture.

    Raises:
        UserError: a language or a text the model does not know, or fewer frames than a text needs.
    """
    start = start or StartFrames.bundled(model, [signed_language])
    made: list[list[PoseSequence]] = [[] for _ in texts]
    lengths = [_shared(model, signs, signed_language, start, frames) for signs in texts] if frames else None
    for position in range(max(map(len, texts), default=0)):
        rows = [row for row, signs in enumerate(texts) if position < len(signs)]
        begin = start.repeated(len(rows)) if position == 0 else StartFrames.last_of([made[row][-1] for row in rows])
        sequences = generate_signs(
            model,
            [(texts[row][position], signed_language) for row in rows],
            begin,
            sampling=sampling,
            lengths=[lengths[row][position] for row in rows] if lengths is not None else None,
        )
        for row, sequence in zip(rows, sequences, strict=True):
            # A later sign's first frame is the last one of the sign before it: it is there already.
            made[row].append(sequence if position == 0 else sequence[1:])
    return [placed(concatenate(sequences)) for sequences in made]


def placed(sequence: PoseSequence) -> PoseSequence:
    """A generated sequence in pixels of a picture of `SIZE`."""
    placement = Placement.default(SIZE, sequence.skeleton.num_dims)
    return denormalize(sequence, placement)


def _shared(
    model: TextToPose, signs: Sequence[str], signed_language: str, start: StartFrames, frames: int
) -> list[int]:
    """Frames of each sign of a text, in all as many as asked for: of two signs one frame is both's."""
    with torch.inference_mode():
        condition = encode_signs(model, [(sign, signed_language) for sign in signs], start.repeated(len(signs)))
        return shared_lengths(model, condition, frames + len(signs) - 1)


def _sampled(model: TextToPose, condition: Condition, lengths: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor]:
    """Keypoints (B, T, K, D) in shoulder widths and probabilities (B, T, K) that they are there."""
    mask = torch.arange(int(lengths.max()), device=model.device) < lengths[:, None]
    *_, made = sampling.steps(model, condition, mask)
    features = _anchored(model, made.features, condition)
    return model.features.inverse(features), torch.sigmoid(made.presence)


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


def _sequence(model: TextToPose, keypoints: np.ndarray, present: Tensor, signed_language: str) -> PoseSequence:
    """A sequence of keypoints (T, K, D) and probabilities (T, K); a hand is there as a whole and always, or never."""
    mean = present.mean(dim=0)  # (K,)
    for side in ("left", "right"):
        hand = model.skeleton.hand(side)
        if hand:
            signing = side == model.config.signing_hands.get(signed_language)
            mean[hand] = 1.0 if signing else mean[hand].mean()
    confidence = (mean > 0.5).float().expand(len(present), -1).cpu().numpy().copy()
    keypoints = limit_motion(keypoints, model.config.fastest.get(signed_language, math.inf))
    return PoseSequence(keypoints * (confidence > 0)[..., None], confidence, model.config.fps, model.skeleton)


def limit_motion(keypoints: np.ndarray, farthest: float) -> np.ndarray:
    """Keypoints (T, K, D) that follow the given ones, but move at most `farthest` from one frame to the next."""
    followed = keypoints.copy()
    for t in range(1, len(keypoints)):
        way = keypoints[t] - followed[t - 1]
        distance = np.linalg.norm(way, axis=-1, keepdims=True)
        followed[t] = followed[t - 1] + way * np.minimum(1.0, farthest / np.maximum(distance, 1e-9))
    return followed
