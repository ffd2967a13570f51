"""All metrics, for the whole pose and per part: hands, hands relative to their wrists, body, face."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core.metrics.distances import PCK_THRESHOLDS, mae, mse, pck, rmse
from pose_core.metrics.dtw import dtw_mje
from pose_core.metrics.motion import AccelerationSum, pooled_acceleration_ratio
from pose_core.metrics.ndtw import ndtw_mje
from pose_core.metrics.visibility import require_one_skeleton
from pose_core.transforms import hands_from_wrists

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pose_core.sequence import PoseSequence

PARTS = ("all", "hands", "hands_from_wrists", "body", "face")
_FRAME_BY_FRAME = {"mse": mse, "mae": mae, "rmse": rmse}
_PCK = tuple(f"pck@{threshold:g}" for threshold in PCK_THRESHOLDS)
NEITHER = "visible in neither"
METRICS = (*_FRAME_BY_FRAME, *_PCK, "dtw_mje", "ndtw_mje", "acceleration_ratio")


@dataclass(frozen=True)
class PartScores:
    """The metrics of one part of the pose.

    Attributes:
        keypoints: of the part.
        compared: share of the reference's visible keypoints, over all frames, that the hypothesis has, too; the
            distances are of these alone. Of clips of different length the frames at the same share of the duration
            stand beside each other. NaN where the reference shows none.
        scores: metric -> value, NaN where there is none. DTW-MJE aligns the frames that show the part.
        reasons: metric without a value -> why.
        accelerations: of the hypothesis and of the reference, for the ratio over several clips
            (`pooled_acceleration_ratio`).
    """

    keypoints: int
    compared: float
    scores: dict[str, float]
    reasons: dict[str, str]
    accelerations: tuple[AccelerationSum, AccelerationSum]

    @property
    def absent(self) -> bool:
        """Whether neither side shows the part: there is nothing to score."""
        return all(self.reasons.get(name) == NEITHER for name in METRICS)


def part_scores(hypothesis: PoseSequence, reference: PoseSequence, *, normalized: bool) -> dict[str, PartScores]:
    """Scores of each of `PARTS` that the skeleton has; of a layout that is not known, of "all".

    Args:
        hypothesis, reference: (T, K, D) and (T', K, D) on one skeleton, at one frame rate, in one unit.
        normalized: in shoulder widths, the unit of PCK.

    Raises:
        UserError: skeletons differ, or a sequence has no frames.
    """
    require_one_skeleton(hypothesis, reference)
    return {
        name: _scores(x, y, normalized=normalized)
        for (name, x), (_, y) in zip(_parts(hypothesis), _parts(reference), strict=True)
    }


def compared_share(hypothesis: PoseSequence, reference: PoseSequence) -> float:
    """Share of the reference's visible keypoints that the hypothesis has, matched by name; see `PartScores`.

    Args:
        hypothesis, reference: (T, K, D) and (T', K', D).
    """
    visible = reference.visible
    if not visible.any() or not len(hypothesis):
        return math.nan
    position = {name: i for i, name in enumerate(hypothesis.skeleton.keypoints)}
    also = np.zeros_like(visible)
    frames = (np.arange(len(reference)) + 0.5) * len(hypothesis) / len(reference)
    theirs = hypothesis.visible[frames.astype(int)]
    for k, name in enumerate(reference.skeleton.keypoints):
        if name in position:
            also[:, k] = theirs[:, position[name]]
    return float(also[visible].mean())


def _parts(sequence: PoseSequence) -> Iterator[tuple[str, PoseSequence]]:
    skeleton = sequence.skeleton
    yield "all", sequence
    if skeleton.layout is None:
        return
    hands = [*skeleton.hand("left"), *skeleton.hand("right")]
    if hands:
        yield "hands", sequence.select(hands)
        if any(len(skeleton.hand(side)) > 1 for side in ("left", "right")):
            yield "hands_from_wrists", hands_from_wrists(sequence)
    body = [*({*skeleton.part("body")} - {*hands})]
    if body:
        yield "body", sequence.select(body)
    if skeleton.face():
        yield "face", sequence.select(skeleton.face())


def _shown(sequence: PoseSequence) -> PoseSequence:
    """The frames that show anything of a sequence that is visible at times.

    `dtw_mje` has frames that share no keypoint cost as much as the worst pair; of a hand that is out of the picture for
    half of a clip that would be the whole figure, and not 0 for a clip beside itself. The share compared says it.
    """
    frames = sequence.visible.any(axis=1)
    return replace(sequence, keypoints=sequence.keypoints[frames], confidence=sequence.confidence[frames])


def _scores(hypothesis: PoseSequence, reference: PoseSequence, *, normalized: bool) -> PartScores:
    scores, reasons = dict.fromkeys(METRICS, math.nan), dict[str, str]()
    frame_by_frame = (*_FRAME_BY_FRAME, *_PCK)
    predicted = bool(hypothesis.visible.any())
    accelerations = AccelerationSum.of(hypothesis), AccelerationSum.of(reference)
    if not reference.visible.any():
        why = "not visible in the reference, in the prediction it is"
        reasons = dict.fromkeys(METRICS, why if predicted else NEITHER)
    else:
        if len(hypothesis) == len(reference):
            scores |= {name: metric(hypothesis, reference) for name, metric in _FRAME_BY_FRAME.items()}
            scores |= (
                dict(zip(_PCK, pck(hypothesis, reference, PCK_THRESHOLDS).values(), strict=True)) if normalized else {}
            )
        scores["dtw_mje"] = dtw_mje(_shown(hypothesis), _shown(reference)) if predicted else math.nan
        scores["ndtw_mje"] = ndtw_mje(hypothesis, reference)
        scores["acceleration_ratio"] = pooled_acceleration_ratio([accelerations])
        # What each metric may lack; of several reasons the last one that holds is the nearest.
        reasons = dict.fromkeys(METRICS, "nothing is visible in both")
        reasons |= dict.fromkeys(_FRAME_BY_FRAME, "nothing is visible in both in the same frame")
        reasons |= dict.fromkeys(_PCK, "there are no shoulders to measure by")
        steady = accelerations[1].mean == 0
        few = "too few frames in a row show the same keypoint"
        reasons["acceleration_ratio"] = "the reference does not accelerate" if steady else few
        if len(hypothesis) != len(reference):
            lengths = f"the lengths differ: {len(hypothesis)} frames, the reference has {len(reference)}"
            reasons |= dict.fromkeys(frame_by_frame, lengths)
        if not predicted:
            reasons = dict.fromkeys(METRICS, "not visible in the prediction")
        reasons = {name: reasons[name] for name in METRICS if math.isnan(scores[name])}
    compared = compared_share(hypothesis, reference)
    return PartScores(reference.skeleton.num_keypoints, compared, scores, reasons, accelerations)
