"""Clips as the model trains on them: prepared once, a start frame drawn anew each time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import Dataset

from pose_core import UserError, read
from pose_core.data import PoseBatch, collate
from pose_core.transforms import (
    clean,
    drop_duplicates,
    drop_face,
    normalize,
    remove_legs,
    resample,
    stretch,
    trim_unseen,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import PoseSequence, Skeleton
    from pose_core.data import Clip
    from pose_core.skeleton import Side
    from text_to_pose.tokenizer import CharacterTokenizer


def prepare(sequence: PoseSequence, fps: float, skeleton: Skeleton | None = None) -> PoseSequence:
    """A clip in the model's terms: hands and body, shoulder widths, its frame rate, no empty frames at either end.

    Args:
        skeleton: the model's; None keeps the hands and body that the clip has.

    Raises:
        UserError: nobody is seen, or the pose cannot be normalized.
    """
    body = remove_legs(drop_face(drop_duplicates(clean(sequence))), keep_hips=True)
    if skeleton is not None:
        body = body.on_skeleton(skeleton)
    normalized, _ = normalize(trim_unseen(body))
    return resample(normalized, fps)


def read_prepared(clips: Sequence[Clip], fps: float, skeleton: Skeleton | None = None) -> list[PoseSequence]:
    """Reads and prepares clips; all take the first one's skeleton unless one is given.

    Raises:
        UserError: a clip cannot be used; the message names its file.
    """
    sequences = []
    for clip in clips:
        try:
            sequences.append(prepare(read(clip.path), fps, skeleton))
        except UserError as error:
            message = str(error)
            prefix = "" if message.startswith(str(clip.path)) else f"{clip.path}: "
            raise UserError(f"{prefix}{message}; mend the clip or remove its row from the manifest") from error
        skeleton = skeleton or sequences[-1].skeleton
    return sequences


def signing_hands(clips: Sequence[Clip], sequences: Sequence[PoseSequence]) -> dict[str, Side]:
    """The hand seen more in the clips of each language: people sign left-handed too."""
    shares = defaultdict(lambda: [0.0, 0.0])
    for clip, sequence in zip(clips, sequences, strict=True):
        shares[clip.signed_language][0] += sequence.hand_share("left")
        shares[clip.signed_language][1] += sequence.hand_share("right")
    return {language: "left" if left > right else "right" for language, (left, right) in shares.items()}


def mean_start_frame(sequences: Sequence[PoseSequence]) -> tuple[np.ndarray, np.ndarray]:
    """Mean first frame (K, D) of clips and its confidence (K,), 1 for a keypoint seen in most of them, else 0."""
    keypoints = np.stack([s.keypoints[0] for s in sequences])
    seen = np.stack([s.confidence[0] > 0 for s in sequences])
    mean = (keypoints * seen[..., None]).sum(axis=0) / seen.sum(axis=0).clip(min=1)[:, None]
    return mean.astype(np.float32), (seen.mean(axis=0) > 0.5).astype(np.float32)


@dataclass(frozen=True)
class TrainingBatch:
    """What one training step sees.

    Attributes:
        target: the clean sequences, B of them.
        tokens, token_mask: (B, L), see `CharacterTokenizer.batch`.
        start_keypoints: (B, K, D) in shoulder widths.
        start_confidence: (B, K).
    """

    target: PoseBatch
    tokens: torch.Tensor
    token_mask: torch.Tensor
    start_keypoints: torch.Tensor
    start_confidence: torch.Tensor

    def to(self, device: torch.device | str) -> TrainingBatch:
        """The batch on another device; Lightning calls it."""
        return TrainingBatch(
            self.target.to(device),
            self.tokens.to(device),
            self.token_mask.to(device),
            self.start_keypoints.to(device),
            self.start_confidence.to(device),
        )


class LetterDataset(Dataset):
    """Letters with a start frame each: (sequence, token ids, start keypoints (K, D), start confidence (K,)).

    In training the start frame is half the time the clip's own first one, else a frame of another clip of the language:
    its first one, or any, and then the clip begins where its arms are nearest to that frame, as a letter in the middle
    of a word does. Otherwise it is always the first frame of another clip of the language, the same every time.

    Args:
        clips, sequences: the clips, prepared.
        start_clips, start_sequences: where start frames of other clips come from; may hold the same clips.
        training: draw start frames and lengths at random.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        sequences: Sequence[PoseSequence],
        tokenizer: CharacterTokenizer,
        *,
        start_clips: Sequence[Clip],
        start_sequences: Sequence[PoseSequence],
        training: bool,
    ) -> None:
        self.sequences = sequences
        self.tokenizer = tokenizer
        self.training = training
        self.tokens = [tokenizer.tokenize(clip.text, clip.signed_language) for clip in clips]
        self.starts = [
            [
                start
                for other, start in zip(start_clips, start_sequences, strict=True)
                if other.signed_language == clip.signed_language and other.path != clip.path
            ]
            for clip in clips
        ]

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, index: int) -> tuple[PoseSequence, list[int], np.ndarray, np.ndarray]:
        sequence, others = self.sequences[index], self.starts[index]
        start, frame = sequence, 0
        if self.training:
            kind = _random()
            if others and kind < 0.5:
                start = others[int(_random() * len(others))]
                if kind < 0.25:
                    frame = int(_random() * len(start))
                    sequence = sequence[_nearest_frame(sequence, start, frame) :]
            if _random() < 0.3:
                sequence = stretch(sequence, max(1, round(len(sequence) * (0.85 + 0.35 * _random()))))
        elif others:
            start = others[index % len(others)]
        return sequence, self.tokens[index], start.keypoints[frame], start.confidence[frame]

    def collate(self, items: Sequence[tuple[PoseSequence, list[int], np.ndarray, np.ndarray]]) -> TrainingBatch:
        """Items to a padded batch."""
        sequences, tokens, keypoints, confidence = zip(*items, strict=True)
        return TrainingBatch(
            collate(sequences),
            *self.tokenizer.batch(tokens),
            torch.from_numpy(np.stack(keypoints)),
            torch.from_numpy(np.stack(confidence)),
        )


def _random() -> float:
    """From torch's generator, which the training seed sets and its checkpoints keep."""
    return torch.rand(()).item()


def _nearest_frame(sequence: PoseSequence, other: PoseSequence, frame: int) -> int:
    """The frame in the first half of `sequence` whose body is nearest to `other`'s at `frame`."""
    half = sequence[: (len(sequence) + 1) // 2]
    fingers = [i for side in ("left", "right") for i in sequence.skeleton.hand(side)[1:]]
    body = [i for i in range(sequence.skeleton.num_keypoints) if i not in fingers]
    seen = (half.confidence[:, body] > 0) & (other.confidence[frame, body] > 0)  # (T', K')
    distance = np.linalg.norm(half.keypoints[:, body] - other.keypoints[frame, body], axis=-1)
    mean = (distance * seen).sum(axis=1) / seen.sum(axis=1).clip(min=1)
    return int(np.where(seen.any(axis=1), mean, np.inf).argmin())
