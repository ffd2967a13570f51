"""Scores of generated letters: of a clip, means over clips, and their confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RESAMPLES = 2000  # bootstrap samples; the ends of an interval then vary by a few hundredths of its width


@dataclass(frozen=True)
class ClipScore:
    """One generated letter beside its clip, the reference.

    Attributes:
        path: the clip's file.
        text, signed_language: what is signed in it.
        frames, reference_frames: of the letter and of the clip, at one frame rate.
        dtw_mje: shoulder widths, see `pose_core.metrics.dtw_mje`; NaN where the two share no keypoint.
        length_error: |frames - reference frames| / reference frames.
        acceleration: mean acceleration over the clip's; 0 is a still picture, far above 1 is jitter; NaN where either
            has none to measure.
        rank: number of clips of the language that have a hand shape nearer than the first of the right letter, by DTW
            on the shape of the dominant hand: 0 = the nearest one is right. None where the prediction, or every clip of
            the letter, shows no dominant hand.
        nearest: the letter of the nearest of these clips; None where the prediction shows no dominant hand.
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
        means = {name: float(np.mean(x)) if len(x) else float("nan") for name, x in _values(scores).items()}
        return cls(clips=len(scores), **means)


class Interval(NamedTuple):
    """The two ends of a confidence interval."""

    low: float
    high: float


def confidence_intervals(
    scores: Sequence[ClipScore], *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """Bootstrap percentile intervals of the means of `Score`: how far they vary with the choice of clips.

    Clips count as drawn independently; the variance between training runs is not in these intervals.

    Args:
        scores: of clips.
        level: share of the resampled means that lie within.
        resamples: how often as many clips are drawn, with replacement.
        seed: of the draws; the same seed gives the same intervals.

    Returns:
        An interval for each figure of `Score` but `clips`; NaN where that is NaN.
    """
    intervals = {}
    for name, values in _values(scores).items():
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


def _values(scores: Sequence[ClipScore]) -> dict[str, np.ndarray]:
    """For each figure of `Score` but `clips` the values of the clips that have one."""
    values = {
        "dtw_mje": [score.dtw_mje for score in scores],
        "length_error": [score.length_error for score in scores],
        "rank1": [score.rank is not None and score.rank < 1 for score in scores],
        "rank5": [score.rank is not None and score.rank < 5 for score in scores],
        "acceleration": [score.acceleration for score in scores],
    }
    arrays = {name: np.array(column, np.float64) for name, column in values.items()}
    return {name: column[np.isfinite(column)] for name, column in arrays.items()}
