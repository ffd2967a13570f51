"""Clips as references: read from a manifest, and what recognition of their letters needs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError
from pose_core.data import ShardDataset, read_clips, read_prepared, split_name
from pose_core.data.audit import summary
from pose_core.data.packing import INDEX
from pose_core.metrics import acceleration_ratio, dtw, dtw_mje, frame_distances
from text_to_pose.data.hands import dominant_hands, hand_shape
from text_to_pose.data.preprocessing import prepare
from text_to_pose.evaluation.scores import ClipScore
from text_to_pose.text.letters import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pose_core import PoseSequence, Skeleton
    from pose_core.data import Clip
    from pose_core.skeleton import Side
    from text_to_pose.text.tokenizer import TextTokenizer


@dataclass(frozen=True)
class References:
    """A data set's clips, preprocessed.

    Attributes:
        clips: rows of the manifest.
        sequences: (T, K, D) each, in shoulder widths, all on one skeleton and at one frame rate.
        letters: what is signed, folded, so that spellings of one letter are equal.
        shapes: see `hand_shape`.
        hands: the dominant hand of each language.
    """

    clips: list[Clip]
    sequences: list[PoseSequence]
    letters: list[str]
    shapes: list[tuple[np.ndarray, np.ndarray] | None]
    hands: dict[str, Side]

    def rows(self, split: str) -> list[int]:
        """Indices of the clips of a split, or of all."""
        return [i for i, clip in enumerate(self.clips) if _in_split(clip, split)]

    def score(
        self, rows: Sequence[int], predictions: Sequence[PoseSequence | None], *, others: int | None = None
    ) -> list[ClipScore]:
        """Compares the predictions of any system for some clips with these clips.

        Args:
            rows: indices of the clips.
            predictions: one per row, (T, K, D) in shoulder widths, on the clips' skeleton and at their frame rate; None
                where the system has nothing.
            others: clips of other texts among which the right one is to be recognized, the same for every system; None:
                all of the language.

        Returns:
            One score per prediction, in their order; none for None.
        """
        return [
            self._score(i, prediction, others)
            for i, prediction in zip(rows, predictions, strict=True)
            if prediction is not None
        ]

    def _score(self, i: int, prediction: PoseSequence, others: int | None) -> ClipScore:
        clip, reference = self.clips[i], self.sequences[i]
        nearest = self._nearest(i, prediction, others)
        right = (rank for rank, j in enumerate(nearest) if self.letters[j] == self.letters[i])
        return ClipScore(
            path=clip.path,
            text=clip.text,
            signed_language=clip.signed_language,
            frames=len(prediction),
            reference_frames=len(reference),
            dtw_mje=dtw_mje(prediction, reference),
            length_error=abs(len(prediction) - len(reference)) / len(reference),
            acceleration=acceleration_ratio(prediction, reference),
            rank=next(right, None),
            nearest=self.clips[nearest[0]].text if nearest else None,
        )

    def _nearest(self, i: int, prediction: PoseSequence, others: int | None) -> list[int]:
        """Clips of the language of clip `i`, or some of them, that show a dominant hand, nearest hand shape first.

        None where the prediction shows no dominant hand. Of clips equally near, letters count in their own order.
        """
        language = self.clips[i].signed_language
        shape = hand_shape(prediction, self.hands[language])
        if shape is None:
            return []
        known = [
            j
            for j, (clip, other) in enumerate(zip(self.clips, self.shapes, strict=True))
            if clip.signed_language == language and other is not None
        ]
        if others is not None:
            right = [j for j in known if self.letters[j] == self.letters[i]]
            wrong = [j for j in known if self.letters[j] != self.letters[i]]
            chosen = np.random.default_rng(i).permutation(len(wrong))[:others]
            known = [*right, *(wrong[j] for j in chosen)]
        candidates = [
            (dtw(frame_distances(*shape, *other)), self.letters[j], j)
            for j in known
            if (other := self.shapes[j]) is not None
        ]
        return [j for _, _, j in sorted(candidates)]


def read_references(
    data: str | Path | Sequence[str | Path],
    split: str,
    *,
    fps: float,
    skeleton: Skeleton | None = None,
    tokenizer: TextTokenizer | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> References:
    """Reads and preprocesses the clips of one data set or several, for a system that signs the letters of one split.

    Args:
        data: manifest CSV, or several; or one folder of shards, of which that split alone is read.
        split: the rows that are to be signed, or "all"; the others only provide start frames and hand shapes.
        fps: frame rate of the system.
        skeleton: the system's; that of the first clip where None.
        tokenizer: of the system. Clips of languages that it does not have, and those of the split with letters that it
            does not have, are left out with a warning, as they are in training; None takes every clip.
        say: takes a line for people.

    Raises:
        UserError: a manifest or clip that cannot be used, or a split without rows, or with none that is not left out.
    """
    paths = [data] if isinstance(data, str | Path) else list(data)
    name = ", ".join(map(str, paths))
    if any((Path(path) / INDEX).is_file() for path in paths):
        return _of_shards(paths, split, fps=fps, skeleton=skeleton, tokenizer=tokenizer, say=say)
    clips = read_clips(*paths)
    if not any(_in_split(clip, split) for clip in clips):
        known = ", ".join(sorted({clip.split for clip in clips}))
        raise UserError(f"{name}: no clip has split {split_name(split)}; it has {known}")
    clips = _usable(clips, tokenizer, split, name)
    say(f"reading {len(clips)} clips")
    sequences = read_prepared(clips, partial(prepare, fps=fps), skeleton)
    return _references(clips, sequences)


def _of_shards(
    paths: Sequence[str | Path],
    split: str,
    *,
    fps: float,
    skeleton: Skeleton | None,
    tokenizer: TextTokenizer | None,
    say: Callable[[str], None],
) -> References:
    """The clips of one split of shards: those of the others would not fit in memory.

    Raises:
        UserError: other data besides, no such split, or one of which the tokenizer knows no text.
    """
    if len(paths) > 1:
        raise UserError(f"{paths[0]}: shards are evaluated alone; name one folder of shards, or manifests")
    shards = ShardDataset(paths[0], split, transform=partial(prepare, fps=fps, skeleton=skeleton))
    clips = shards.read_clips()
    usable = _usable(clips, tokenizer, "all", paths[0])
    say(f"reading {len(clips)} clips")
    kept = {*usable}
    samples = [sample for sample in shards if sample.clip in kept]
    return _references([sample.clip for sample in samples], [sample.sequence for sample in samples])


def _references(clips: list[Clip], sequences: list[PoseSequence]) -> References:
    hands = dominant_hands(clips, sequences)
    shapes = [
        hand_shape(sequence, hands[clip.signed_language]) for clip, sequence in zip(clips, sequences, strict=True)
    ]
    return References(clips, sequences, [fold(clip.text, clip.signed_language) for clip in clips], shapes, hands)


def _in_split(clip: Clip, split: str) -> bool:
    return split == "all" or clip.split == split_name(split)


def _usable(clips: list[Clip], tokenizer: TextTokenizer | None, split: str, data: str | Path) -> list[Clip]:
    """The clips that can be used; a warning says how many of the others there are, and which.

    Raises:
        UserError: none of the split is left.
    """
    if tokenizer is None:
        return clips
    problems = [_problem(clip, tokenizer, signed=_in_split(clip, split)) for clip in clips]
    wrong = [f"{clip.path}: {why}" for clip, why in zip(clips, problems, strict=True) if why]
    usable = [clip for clip, why in zip(clips, problems, strict=True) if not why]
    if not any(_in_split(clip, split) for clip in usable):
        raise UserError(f"{data}: {summary(wrong, 3)}; no clip is left: evaluate a model that knows these texts")
    if wrong:
        warnings.warn(f"{data}: {len(wrong)} of {len(clips)} clips are left out: {summary(wrong, 3)}", stacklevel=3)
    return usable


def _problem(clip: Clip, tokenizer: TextTokenizer, *, signed: bool) -> str | None:
    """Why a clip cannot be used: an unknown language or, if it is to be signed, an unknown letter."""
    try:
        tokenizer.check_language(clip.signed_language)
        if signed:
            tokenizer.tokenize(clip.text, clip.signed_language)
    except UserError as error:
        return str(error)
    return None
