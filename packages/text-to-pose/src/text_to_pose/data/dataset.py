"""Training data: prepared clips, with a start frame and a variant of their text drawn anew each time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from pose_core.data import PoseBatch, collate
from pose_core.transforms import stretch
from text_to_pose.text.letters import BORROWED
from text_to_pose.text.tokenizer import TextBatch, Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import PoseSequence
    from pose_core.data import Clip, ShardSample
    from text_to_pose.config import ObjectiveConfig
    from text_to_pose.data.handshape_augmentation import HandshapeAugmentation
    from text_to_pose.text.tokenizer import TextTokenizer


@dataclass(frozen=True)
class TrainingBatch:
    """A batch of one training step.

    Attributes:
        target: B clean sequences.
        text: their texts, or parts of them.
        start_keypoints: (B, K, D) start frames, in shoulder widths.
        start_confidence: (B, K).
        labels: the texts for people.
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
    """A sequence, its text or a part of it, its start frame, (K, D) and (K,), and the text for people."""

    sequence: PoseSequence
    text: Tokens
    start_keypoints: np.ndarray
    start_confidence: np.ndarray
    label: str


class TextDataset(Dataset):
    """Clips with a text and a start frame each.

    In training the start frame is half the time (`own_start_share`) the clip's own first one, else a frame of another
    clip of the language: its first one, or any; then the clip begins where its arms are nearest to that frame, as a
    letter in the middle of a word does. Otherwise it is always the first frame of another clip of the language, the
    same every time.

    Args:
        clips, sequences: the clips, prepared.
        tokenizer: of their texts.
        start_clips, start_sequences: where start frames of other clips come from; may hold the same clips.
        objective: draw start frames and lengths at random, and show parts of texts only; None for neither.
        augmentation: gives some clips the hand shapes of letters that their language lacks; a clip whose hand was
            borrowed is another clip of its language each time.
        with_text: False leaves every text out.
        own_start: without an objective, too, the start frame is the clip's own first one.
        depth: by how much z is smaller than x and y, which noise on start frames then is, too.
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
        augmentation: HandshapeAugmentation | None = None,
        with_text: bool = True,
        own_start: bool = False,
        depth: float = 1.0,
    ) -> None:
        self.clips, self.sequences = clips, sequences
        self.own_start, self.depth = own_start, depth
        self.tokenizer = tokenizer
        self.objective = objective
        self.augmentation = augmentation
        self.with_text = with_text
        self.texts = [self._variants(clip.text, clip.signed_language) for clip in clips]
        self.start_sequences: dict[str, list[PoseSequence]] = defaultdict(list)  # by language
        self.start_indices: dict[Clip, int] = {}  # of clips in their language's list
        for clip, sequence in zip(start_clips, start_sequences, strict=True):
            of_language = self.start_sequences[clip.signed_language]
            self.start_indices.setdefault(clip, len(of_language))
            of_language.append(sequence)

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, index: int) -> Item:
        return self._item(self.clips[index], self.sequences[index], self.texts[index], index)

    def of(self, sample: ShardSample) -> Item:
        """An item of a prepared clip that is not among the data set's, to train on."""
        clip = sample.clip
        return self._item(clip, sample.sequence, self._variants(clip.text, clip.signed_language), 0)

    def _item(self, clip: Clip, sequence: PoseSequence, variants: list[Tokens], index: int) -> Item:
        candidates = self._start_candidates(clip)
        if self.objective is None:
            start = candidates(index % len(candidates)) if len(candidates) and not self.own_start else sequence
            frame, text = 0, variants[0]
        else:
            if clip.origin == BORROWED:
                sequence = self._lent_hand(clip, sequence, candidates)
            elif uniform() < self.objective.borrowed_letter_share:
                sequence, variants = self._with_borrowed_letter(clip, sequence, variants)
            sequence, start, frame = self._draw_start(sequence, candidates, self.objective.own_start_share)
            if uniform() < 0.3:
                sequence = stretch(sequence, max(1, round(len(sequence) * (0.85 + 0.35 * uniform()))))
            text = self._draw_text(variants, self.objective)
        label = f"{clip.signed_language} {clip.text}"[:40]
        return Item(sequence, text, self._with_noise(start.keypoints[frame]), start.confidence[frame], label)

    def _with_noise(self, keypoints: np.ndarray) -> np.ndarray:
        """A start frame (K, D), in training as far beside as an estimator might see it."""
        if self.objective is None or not self.objective.start_noise:
            return keypoints
        noise = self.objective.start_noise * torch.randn(keypoints.shape).numpy()
        noise[:, 2:] /= self.depth
        return keypoints + noise

    def _start_candidates(self, clip: Clip) -> _Others:
        sequences = self.start_sequences.get(clip.signed_language, [])
        return _Others(sequences, self.start_indices.get(clip, len(sequences)))

    def _draw_start(
        self, sequence: PoseSequence, candidates: _Others, own_share: float
    ) -> tuple[PoseSequence, PoseSequence, int]:
        """The sequence, maybe without its beginning; the clip of its start frame; and which frame of that."""
        kind = uniform()
        if not len(candidates) or kind >= 1 - own_share:
            return sequence, sequence, 0
        start = candidates(int(uniform() * len(candidates)))
        if kind >= (1 - own_share) / 2:
            return sequence, start, 0
        frame = int(uniform() * len(start))
        return sequence[_nearest_frame(sequence, start, frame) :], start, frame

    def _with_borrowed_letter(
        self, clip: Clip, sequence: PoseSequence, variants: list[Tokens]
    ) -> tuple[PoseSequence, list[Tokens]]:
        """The clip with the hand shape of a letter its language lacks, if there is one, and that letter."""
        language = clip.signed_language
        letter = self.augmentation.draw(language) if self.augmentation is not None else None
        if self.augmentation is None or letter is None:
            return sequence, variants
        return self.augmentation.apply(sequence, language, letter), self._variants(letter, language)

    def _lent_hand(self, clip: Clip, sequence: PoseSequence, candidates: _Others) -> PoseSequence:
        """Another clip of the language with the hand shape that this clip's letter was given.

        How the language's signer moves to the letter is not known. The same movement every time would be learned as
        if it were.
        """
        language, letter = clip.signed_language, clip.text
        if self.augmentation is None or not len(candidates) or not self.augmentation.lends(language, letter):
            return sequence
        other = candidates(int(uniform() * len(candidates)))
        return self.augmentation.apply(other, language, letter)

    def _variants(self, text: str, signed_language: str) -> list[Tokens]:
        """A text; of a letter with known SignWriting also the letter alone, and the SignWriting alone."""
        if not self.with_text:
            return [self.tokenizer.tokenize(None, "")]
        whole = self.tokenizer.tokenize(text, signed_language)
        if self.tokenizer.kind != "letters" or len(whole.ids) == 1:
            return [whole]
        alone = self.tokenizer.tokenize(text, signed_language, signwriting=False)
        return [whole, alone, Tokens(whole.ids, whole.language)]

    def _draw_text(self, variants: list[Tokens], objective: ObjectiveConfig) -> Tokens:
        if uniform() < objective.text_dropout:
            return self.tokenizer.tokenize(None, "")
        whole, *parts = variants
        kind = uniform()
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


@dataclass(frozen=True)
class _Others:
    """Sequences without the one at `excluded`, if that is one of them."""

    sequences: Sequence[PoseSequence]
    excluded: int

    def __len__(self) -> int:
        return len(self.sequences) - (self.excluded < len(self.sequences))

    def __call__(self, number: int) -> PoseSequence:
        return self.sequences[number + (number >= self.excluded)]


def uniform() -> float:
    """A number in [0, 1) from torch's generator, which the training seed sets and its checkpoints keep."""
    return torch.rand(()).item()


def _nearest_frame(sequence: PoseSequence, other: PoseSequence, frame: int) -> int:
    """The frame in the first half of `sequence` whose body is nearest to `other`'s at `frame`."""
    half = sequence[: (len(sequence) + 1) // 2]
    fingers = [i for side in ("left", "right") for i in sequence.skeleton.hand(side)[1:]]
    body = [i for i in range(sequence.skeleton.num_keypoints) if i not in fingers]
    visible = (half.confidence[:, body] > 0) & (other.confidence[frame, body] > 0)  # (T', K')
    distance = np.linalg.norm(half.keypoints[:, body] - other.keypoints[frame, body], axis=-1)
    mean = (distance * visible).sum(axis=1) / visible.sum(axis=1).clip(min=1)
    return int(np.where(visible.any(axis=1), mean, np.inf).argmin())
