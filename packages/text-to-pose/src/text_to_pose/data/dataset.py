"""Clips as the model trains on them: prepared once, a start frame drawn anew each time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from pose_core.data import PoseBatch, collate
from pose_core.transforms import (
    stretch,
)
from text_to_pose.text.tokenizer import TextBatch, Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import PoseSequence
    from pose_core.data import Clip, ShardSample
    from text_to_pose.config import ObjectiveConfig
    from text_to_pose.data.handshape_augmentation import Transplants
    from text_to_pose.text.tokenizer import TextTokenizer


@dataclass(frozen=True)
class TrainingBatch:
    """What one training step sees.

    Attributes:
        target: the clean sequences, B of them.
        text: their texts, or parts of them.
        start_keypoints: (B, K, D) in shoulder widths.
        start_confidence: (B, K).
        labels: the texts as a person reads them.
    """

    target: PoseBatch
    text: TextBatch
    start_keypoints: torch.Tensor
    start_confidence: torch.Tensor
    labels: list[str]

    @property
    def num_frames(self) -> torch.Tensor:
        """() real frames."""
        return self.target.num_frames

    def to(self, device: torch.device | str) -> TrainingBatch:
        """The batch on another device; Lightning calls it."""
        return TrainingBatch(
            self.target.to(device),
            self.text.to(device),
            self.start_keypoints.to(device),
            self.start_confidence.to(device),
            self.labels,
        )


class Item(NamedTuple):
    """A sequence, its text or a part of it, the frame to begin from, (K, D) and (K,), and the text to be read."""

    sequence: PoseSequence
    text: Tokens
    start_keypoints: np.ndarray
    start_confidence: np.ndarray
    label: str


class TextDataset(Dataset):
    """Texts with a start frame each.

    In training the start frame is half the time the clip's own first one, else a frame of another clip of the language:
    its first one, or any, and then the clip begins where its arms are nearest to that frame, as a letter in the middle
    of a word does. Otherwise it is always the first frame of another clip of the language, the same every time.

    Args:
        clips, sequences: the clips, prepared.
        start_clips, start_sequences: where start frames of other clips come from; may hold the same clips.
        objective: draw start frames and lengths at random, and show parts of texts only; None for neither.
        transplants: makes some clips those of letters their language was not taught.
        with_text: False leaves every text out.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        sequences: Sequence[PoseSequence],
        tokenizer: TextTokenizer,
        *,
        start_clips: Sequence[Clip],
        start_sequences: Sequence[PoseSequence],
        objective: ObjectiveConfig | None,
        transplants: Transplants | None = None,
        with_text: bool = True,
    ) -> None:
        self.clips, self.sequences = clips, sequences
        self.tokenizer = tokenizer
        self.objective = objective
        self.transplants = transplants
        self.with_text = with_text
        self.texts = [self._views(clip) for clip in clips]
        self.starts: dict[str, list[PoseSequence]] = defaultdict(list)
        self.places: dict[Clip, int] = {}  # of clips in their language's list
        for clip, sequence in zip(start_clips, start_sequences, strict=True):
            starts = self.starts[clip.signed_language]
            self.places.setdefault(clip, len(starts))
            starts.append(sequence)

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, index: int) -> Item:
        return self._item(self.clips[index], self.sequences[index], self.texts[index], index)

    def of(self, sample: ShardSample) -> Item:
        """A prepared clip that is not among the data set's, as one of its items to train on."""
        return self._item(sample.clip, sample.sequence, self._views(sample.clip), 0)

    def _item(self, clip: Clip, sequence: PoseSequence, views: list[Tokens], index: int) -> Item:
        starts = self.starts.get(clip.signed_language, [])
        own = self.places.get(clip, len(starts))
        others = len(starts) - (own < len(starts))

        def other(number: int) -> PoseSequence:
            return starts[number + (number >= own)]

        if self.objective is not None and draw() < self.objective.borrowed_letter_share:
            sequence, views = self._untaught(clip, sequence, views)
        start, frame, text = sequence, 0, views[0]
        if self.objective is not None:
            kind = draw()
            if others and kind < 0.5:
                start = other(int(draw() * others))
                if kind < 0.25:
                    frame = int(draw() * len(start))
                    sequence = sequence[_nearest_frame(sequence, start, frame) :]
            if draw() < 0.3:
                sequence = stretch(sequence, max(1, round(len(sequence) * (0.85 + 0.35 * draw()))))
            text = self._view(views, self.objective)
        elif others:
            start = other(index % others)
        label = f"{clip.signed_language} {clip.text}"[:40]
        return Item(sequence, text, start.keypoints[frame], start.confidence[frame], label)

    def _untaught(self, clip: Clip, sequence: PoseSequence, views: list[Tokens]) -> tuple[PoseSequence, list[Tokens]]:
        """The clip with the hand of a letter its language was not taught, if there is one, and that letter."""
        language = clip.signed_language
        letter = self.transplants.draw(language) if self.transplants is not None else None
        if self.transplants is None or letter is None:
            return sequence, views
        return self.transplants.apply(sequence, language, letter), _views(self.tokenizer, letter, language)

    def _views(self, clip: Clip) -> list[Tokens]:
        if not self.with_text:
            return [self.tokenizer.tokenize(None, "")]
        return _views(self.tokenizer, clip.text, clip.signed_language)

    def _view(self, views: list[Tokens], objective: ObjectiveConfig) -> Tokens:
        if draw() < objective.text_dropout:
            return self.tokenizer.tokenize(None, "")
        whole, *parts = views
        kind = draw()
        if not parts or kind >= objective.signwriting_dropout + objective.signwriting_only:
            return whole
        return parts[kind < objective.signwriting_only]

    def collate(self, items: Sequence[Item]) -> TrainingBatch:
        """Items to a padded batch."""
        sequences, texts, keypoints, confidence, labels = zip(*items, strict=True)
        return TrainingBatch(
            collate(sequences),
            TextBatch.of(texts),
            torch.from_numpy(np.stack(keypoints)),
            torch.from_numpy(np.stack(confidence)),
            list(labels),
        )


def _views(tokenizer: TextTokenizer, text: str, signed_language: str) -> list[Tokens]:
    """A text; of a letter with known SignWriting also the letter alone, and the SignWriting alone."""
    whole = tokenizer.tokenize(text, signed_language)
    if tokenizer.kind != "letters" or len(whole.ids) == 1:
        return [whole]
    return [
        whole,
        tokenizer.tokenize(text, signed_language, signwriting=False),
        Tokens(whole.ids, whole.language),
    ]


def draw() -> float:
    """A number in [0, 1) from torch's generator, which the training seed sets and its checkpoints keep."""
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
