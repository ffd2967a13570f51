"""How well a model signs the letters of a manifest, beside two baselines on the same clips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from pose_core import UserError
from pose_core.data import read_manifest, read_prepared, split_name
from pose_core.data.audit import summary
from pose_core.metrics import acceleration_ratio, dtw, dtw_mje, frame_distances
from text_to_pose.data.hands import hand_shape, signing_hands
from text_to_pose.data.preprocessing import prepare
from text_to_pose.generation import generate_signs
from text_to_pose.sampling import Sampling
from text_to_pose.start_frames import StartFrames
from text_to_pose.text.letters import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pose_core import PoseSequence, Skeleton
    from pose_core.data import Clip
    from pose_core.skeleton import Side
    from text_to_pose.model import TextToPose
    from text_to_pose.text.tokenizer import TextTokenizer

RESAMPLES = 2000  # sets of clips drawn for an interval; its ends then move by a few hundredths of its width


@dataclass(frozen=True)
class ClipScore:
    """One generated letter beside its clip.

    Attributes:
        path: the clip's file.
        text, signed_language: what is signed in it.
        frames, reference_frames: of the letter and of the clip, at one frame rate.
        dtw_mje: shoulder widths, see `pose_core.metrics.dtw_mje`; NaN where the two share no keypoint.
        length_error: |frames - reference frames| / reference frames.
        acceleration: mean acceleration over the clip's; 0 is a still picture, far above 1 is jitter; NaN where either
            has none to measure.
        rank: how many clips of the language have a hand shape nearer than the first of the right letter, by DTW on the
            shape of the signing hand: 0 = the nearest one is right. None where what was made, or every clip of the
            letter, shows no signing hand.
        nearest: the letter of the nearest of these clips; None where what was made shows no signing hand.
    """

    path: Path
    text: str
    signed_language: str
    frames: int
    reference_frames: int
    dtw_mje: float
    length_error: float
    acceleration: float
    rank: int | None
    nearest: str | None


@dataclass(frozen=True)
class Score:
    """Means over clips; NaN where no clip could be scored.

    Attributes:
        clips: how many were scored.
        dtw_mje, length_error, acceleration: see `ClipScore`.
        rank1, rank5: share of clips whose letter is that of the nearest, or of one of the five nearest, clips of its
            language.
    """

    clips: int
    dtw_mje: float
    length_error: float
    rank1: float
    rank5: float
    acceleration: float

    @classmethod
    def of(cls, scores: Sequence[ClipScore]) -> Score:
        """The means of clips' scores."""
        means = {name: float(np.mean(x)) if len(x) else float("nan") for name, x in _figures(scores).items()}
        return cls(clips=len(scores), **means)


class Interval(NamedTuple):
    """The two ends of a confidence interval."""

    low: float
    high: float


def confidence_intervals(
    scores: Sequence[ClipScore], *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """How far the means of `Score` could lie elsewhere had other clips been scored: bootstrap percentile intervals.

    Clips count as drawn independently; what another training run would change is not in these intervals.

    Args:
        level: share of the resampled means that lie within.
        resamples: how often as many clips are drawn, with replacement.
        seed: of the draws; the same seed gives the same intervals.

    Returns:
        An interval for each figure of `Score` but `clips`; NaN where that is NaN.
    """
    intervals = {}
    for name, values in _figures(scores).items():
        if not len(values):
            intervals[name] = Interval(float("nan"), float("nan"))
            continue
        random = np.random.default_rng(seed)
        mean = values.mean()
        # Of deviations, so that rounding does not put equal values beside their mean.
        means = [(values - mean)[random.integers(len(values), size=len(values))].mean() for _ in range(resamples)]
        low, high = mean + np.quantile(means, ((1 - level) / 2, (1 + level) / 2))
        intervals[name] = Interval(float(low), float(high))
    return intervals


@dataclass(frozen=True)
class ManifestClips:
    """A manifest's clips, read and prepared, with what recognition needs of them.

    Attributes:
        clips: rows of the manifest.
        sequences: (T, K, D) each, in shoulder widths, all on one skeleton and at one frame rate.
        letters: what is signed, folded, so that spellings of one letter are equal.
        shapes: see `hand_shape`.
        hands: the signing hand of each language.
    """

    clips: list[Clip]
    sequences: list[PoseSequence]
    letters: list[str]
    shapes: list[tuple[np.ndarray, np.ndarray] | None]
    hands: dict[str, Side]

    def rows(self, split: str) -> list[int]:
        """Positions of the clips of a split."""
        return [i for i, clip in enumerate(self.clips) if clip.split == split_name(split)]


@dataclass(frozen=True, eq=False)
class Evaluation(Mapping[str, Score]):
    """What `evaluate` found: a `Score` by system, `evaluation["model"].dtw_mje`, and what it was computed from.

    Attributes:
        data, split: the manifest and the rows of it that were scored.
        sampling: how each letter was made, its `num_steps` known.
        everything: the manifest's clips.
        rows: positions in `everything` of the clips that were scored.
        sequences: what each system made of these clips, None where it has nothing.
        clip_scores: of each system, in the order of the rows, without those that it has nothing for.
    """

    data: Path
    split: str
    sampling: Sampling
    everything: ManifestClips
    rows: list[int]
    sequences: dict[str, list[PoseSequence | None]]
    clip_scores: dict[str, list[ClipScore]]

    def __getitem__(self, system: str) -> Score:
        return Score.of(self.clip_scores[system])

    def __iter__(self) -> Iterator[str]:
        return iter(self.clip_scores)

    def __len__(self) -> int:
        return len(self.clip_scores)

    @cached_property
    def intervals(self) -> dict[str, dict[str, Interval]]:
        """The 95 % `confidence_intervals` of each system."""
        return {system: confidence_intervals(scores) for system, scores in self.clip_scores.items()}


def evaluate(
    model: TextToPose,
    data: Path,
    split: str,
    *,
    sampling: Sampling | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> Evaluation:
    """Generates every letter of a split and compares it with the clip.

    Each starts from the first frame of another clip of its language (from the train split where it has one, and from
    the model's own start frame where the language has no other clip), and gets the length the model predicts.

    Args:
        data: manifest CSV. Recognition looks among all its clips of the language.
        split: which rows to score.
        sampling: how letters are made.
        progress: told what is being done.

    Returns:
        Scores of `model`, of `still` (the start frame held as long as the language's median clip) and of `copied` (a
        clip of the same letter from another language, left out where there is none).

    Raises:
        UserError: a manifest or clip that cannot be used, or a split without rows.
    """
    sampling = sampling or Sampling()
    sampling = replace(sampling, num_steps=sampling.num_steps or model.config.num_steps)
    fps, skeleton, tokenizer = model.config.fps, model.skeleton, model.tokenizer
    everything = read_manifest_clips(data, split, fps=fps, skeleton=skeleton, tokenizer=tokenizer, progress=progress)
    rows = everything.rows(split)
    starts = [other_clip(everything.clips, i) for i in rows]
    progress(f"generating {len(rows)} letters")
    sequences: dict[str, list[PoseSequence | None]] = {
        "model": [*_generate(model, everything, rows, starts, sampling)],
        "still": [held(everything, i, start) for i, start in zip(rows, starts, strict=True)],
        "copied": [copied(everything, i) for i in rows],
    }
    clip_scores = {}
    for system, made in sequences.items():
        progress(f"scoring {system}")
        clip_scores[system] = score(everything, rows, made)
    return Evaluation(data, split, sampling, everything, rows, sequences, clip_scores)


def read_manifest_clips(
    data: Path,
    split: str,
    *,
    fps: float,
    skeleton: Skeleton | None = None,
    tokenizer: TextTokenizer | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> ManifestClips:
    """Reads and prepares a manifest's clips, as a system that signs the letters of one split sees them.

    Args:
        data: manifest CSV.
        split: the rows that are to be signed; the others only lend their start frames and hand shapes.
        fps: frame rate of the system.
        skeleton: the system's; that of the first clip where None.
        tokenizer: refuses what the system was not taught; None takes every language and letter.
        progress: told what is being done.

    Raises:
        UserError: a manifest or clip that cannot be used, a split without rows, or a language, or a letter in the
            split, that the tokenizer does not know.
    """
    clips, split = read_manifest(data), split_name(split)
    if not any(clip.split == split for clip in clips):
        known = ", ".join(sorted({clip.split for clip in clips}))
        raise UserError(f"{data}: no clip has split {split}; it has {known}")
    if tokenizer is not None:
        problems = [_untaught(clip, tokenizer, signed=clip.split == split) for clip in clips]
        wrong = [f"{clip.path}: {why}" for clip, why in zip(clips, problems, strict=True) if why]
        if wrong:
            more = f" ({len(wrong)} of {len(clips)} rows)" if len(wrong) > 1 else ""
            raise UserError(f"{summary(wrong, 3)}; remove its row from {data}{more}")
    progress(f"reading {len(clips)} clips")
    sequences = read_prepared(clips, partial(prepare, fps=fps), skeleton)
    hands = signing_hands(clips, sequences)
    shapes = [
        hand_shape(sequence, hands[clip.signed_language]) for clip, sequence in zip(clips, sequences, strict=True)
    ]
    return ManifestClips(clips, sequences, [fold(clip.text, clip.signed_language) for clip in clips], shapes, hands)


def score(everything: ManifestClips, rows: Sequence[int], sequences: Sequence[PoseSequence | None]) -> list[ClipScore]:
    """Compares what any system made of some clips with these clips.

    Args:
        rows: positions of the clips in `everything`.
        sequences: one a row, (T, K, D) in shoulder widths, on the clips' skeleton and at their frame rate; None where
            the system has nothing.

    Returns:
        A score a sequence, in their order; none for None.
    """
    return [_clip_score(everything, i, made) for i, made in zip(rows, sequences, strict=True) if made is not None]


def other_clip(clips: Sequence[Clip], i: int) -> int | None:
    """Another clip of the language of clip `i`, whose first frame a system starts from: of the train split if any is.

    Not the same for each clip of a language; None where the language has no other.
    """
    others = [j for j, clip in enumerate(clips) if clip.signed_language == clips[i].signed_language and j != i]
    taught = [j for j in others if clips[j].split == "train"] or others
    return taught[i % len(taught)] if taught else None


def held(everything: ManifestClips, i: int, start: int | None) -> PoseSequence | None:
    """The first frame of clip `start`, as long as the median clip of the language of clip `i`; None without a start."""
    if start is None:
        return None
    language = everything.clips[i].signed_language
    lengths = [
        len(sequence)
        for j, (clip, sequence) in enumerate(zip(everything.clips, everything.sequences, strict=True))
        if clip.signed_language == language and j != i
    ]
    return everything.sequences[start].held(0, int(np.median(lengths)))


def copied(everything: ManifestClips, i: int) -> PoseSequence | None:
    """A clip of the letter of clip `i` from another language; None where no other language has it."""
    clips, letters = everything.clips, everything.letters
    same = [
        j
        for j, clip in enumerate(clips)
        if letters[j] == letters[i] and clip.signed_language != clips[i].signed_language
    ]
    return everything.sequences[same[i % len(same)]] if same else None


def _untaught(clip: Clip, tokenizer: TextTokenizer, *, signed: bool) -> str | None:
    """Why a clip cannot be used: an unknown language or, if it is to be signed, an unknown letter."""
    try:
        tokenizer.check_language(clip.signed_language)
        if signed:
            tokenizer.tokenize(clip.text, clip.signed_language)
    except UserError as error:
        return str(error)
    return None


def _generate(
    model: TextToPose,
    everything: ManifestClips,
    rows: Sequence[int],
    starts: Sequence[int | None],
    sampling: Sampling,
) -> list[PoseSequence]:
    letters = [(everything.clips[i].text, everything.clips[i].signed_language) for i in rows]
    bundled = StartFrames.bundled(model, [language for _, language in letters])
    keypoints, confidence = bundled.keypoints.clone(), bundled.confidence.clone()
    for row, start in enumerate(starts):
        if start is not None:
            keypoints[row] = torch.from_numpy(everything.sequences[start].keypoints[0])
            confidence[row] = torch.from_numpy(everything.sequences[start].confidence[0])
    return generate_signs(model, letters, StartFrames(keypoints, confidence), sampling=sampling)


def _clip_score(everything: ManifestClips, i: int, made: PoseSequence) -> ClipScore:
    clip, reference = everything.clips[i], everything.sequences[i]
    nearest = _nearest_clips(everything, i, made)
    right = (rank for rank, j in enumerate(nearest) if everything.letters[j] == everything.letters[i])
    return ClipScore(
        path=clip.path,
        text=clip.text,
        signed_language=clip.signed_language,
        frames=len(made),
        reference_frames=len(reference),
        dtw_mje=dtw_mje(made, reference),
        length_error=abs(len(made) - len(reference)) / len(reference),
        acceleration=acceleration_ratio(made, reference),
        rank=next(right, None),
        nearest=everything.clips[nearest[0]].text if nearest else None,
    )


def _nearest_clips(everything: ManifestClips, i: int, sequence: PoseSequence) -> list[int]:
    """The clips of clip `i`'s language that show a signing hand, nearest hand shape first; none if `sequence` does not.

    Of clips equally near, the letters count in their own order.
    """
    language = everything.clips[i].signed_language
    shape = hand_shape(sequence, everything.hands[language])
    if shape is None:
        return []
    candidates = [
        (dtw(frame_distances(*shape, *other)), everything.letters[j], j)
        for j, (clip, other) in enumerate(zip(everything.clips, everything.shapes, strict=True))
        if clip.signed_language == language and other is not None
    ]
    return [j for _, _, j in sorted(candidates)]


def _figures(scores: Sequence[ClipScore]) -> dict[str, np.ndarray]:
    """Each figure of `Score` but `clips`: the values of the clips that have one."""
    values = {
        "dtw_mje": [score.dtw_mje for score in scores],
        "length_error": [score.length_error for score in scores],
        "rank1": [score.rank is not None and score.rank < 1 for score in scores],
        "rank5": [score.rank is not None and score.rank < 5 for score in scores],
        "acceleration": [score.acceleration for score in scores],
    }
    arrays = {name: np.array(column, np.float64) for name, column in values.items()}
    return {name: column[np.isfinite(column)] for name, column in arrays.items()}
