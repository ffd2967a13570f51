"""Plausible ranges of body measures, taken from real clips, and which measures exceed them.

The limits are what about 19 of 20 real clips stay below: `benchmarks/anatomy.py` measures them over 2,648 clips of some
20 sign languages, filmed in studios, by phones and by webcams, estimated by MediaPipe and OpenPose. 8 % of these clips
exceed some limit, most often that of the wrist gap. A clip is judged by the 95th percentile of its frames rather than
its worst one, since every estimator loses a hand for a frame or two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core.metrics.finite import finite_mean, finite_median, finite_percentile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pose_core.metrics.body_measures import BodyMeasures

PERCENTILE = 95.0
WORST_FRAMES = 5

# Behind each limit: the median of real clips, and the 95th percentile of them, as sources differ (fingerspelling filmed
# in studios to signs filmed by phones).
MEAN_WRIST_GAP = 0.22  # shoulder widths, mean of a clip: .05 to .11, and .10 to .23
WRIST_GAP = 0.35  # shoulder widths, 95th percentile of a clip: .09 to .19, and .17 to .33
PALM_SIZE = 1.5  # times the clip's median, 95th percentile of a clip: 1.04 to 1.16, and 1.25 to 1.44
PALM = 0.75  # shoulder widths, median of a clip: .26 to .43, and .32 to .58
BONE_LENGTHS = {  # 95th percentile of a clip
    "upper_arm": 1.3,  # shoulder widths: .82 to 1.09, and .94 to 1.22
    "forearm": 1.25,  # shoulder widths: .70 to .82, and .91 to 1.07
    "fingers": 1.0,  # palms: .43 to .53, and .58 to .69
}
SHOULDER_TILT = 9.0  # degrees, 95th percentile of a clip: 1.1 to 3.6, and 4.4 to 9.1
SHOULDER_WIDTH = 0.15  # part of the width by which it changes, 95th percentile of a clip: .02 to .07, and .06 to .15
# The shoulders' line to the horizontal in degrees, median of a clip: 2.4, and 8. Two clips of 2,648, filmed by a camera
# on its side, lie at 84 and 88; the next at 20.
TURNED = 60.0
FINGERS = {  # palms from knuckle to tip, median of a clip: .6 to .8, and .83 to 1.10
    "thumb": 1.25,
    "index_finger": 1.35,
    "middle_finger": 1.5,
    "ring_finger": 1.4,
    "pinky": 1.05,
}
# A finger deforms where it grows so many times and ends longer than `FINGERS`: unfolding alone gives the former in 10 %
# of real clips, never the latter.
FINGER_GROWTH = 1.5  # median of the last fifth of the frames that show it over the first fifth's: 1.0, and 1.5
SHORTEST_GROWTH = 10  # frames that show a finger, or its growth means nothing
BENT_WRONG = 45.0  # degrees of a finger's joint, in more than
BENT_WRONG_SHARE = 0.35  # of the frames that show the joint: 0, and 0 to .16 of a clip's finger joints
BENT = " bent the wrong way"
OVER_BENT_WRONG = f"share > {BENT_WRONG:.0f}"


@dataclass(frozen=True)
class Problem:
    """A measure outside the range of real clips.

    Attributes:
        what: the measure, an attribute of `BodyMeasures` or a name in it: "wrist_gap", "left_index_finger_pip".
        side: "left", "right", or None where it is of the whole body.
        frames: the worst ones, worst first, counted from 0.
        value: what was found.
        limit: the most that real clips have.
        unit: of value and limit: "shoulder widths", "degrees", ...
        text: what is wrong, with the value and its unit.
    """

    what: str
    side: str | None
    frames: list[int]
    value: float
    limit: float
    unit: str
    text: str

    def __str__(self) -> str:
        worst = f", worst in frame {self.frames[0]}" if self.frames else ""
        return f"{self.text} (real clips: up to {_number(self.limit, self.unit)}{worst})"


@dataclass(frozen=True)
class Judgement:
    """One measure of a clip beside its limit in real clips.

    Attributes:
        what, side: as of `Problem`.
        name: of what is measured, for people: "left wrist gap".
        values: (T,) frame by frame, NaN where it is not visible.
        unit: of the values.
        by: which figure of the values is judged: "95 %", "mean", "median", "growth", or a share of frames.
        value, limit: that figure, and the most that real clips have, or None where nothing is known of them.
        text: what is wrong if the value exceeds the limit.
        value_unit: of value and limit, where it is not that of the values.
    """

    what: str
    side: str | None
    name: str
    values: np.ndarray
    unit: str
    by: str
    value: float
    limit: float | None
    text: str
    value_unit: str | None = None

    @property
    def is_over(self) -> bool:
        return self.limit is not None and self.value > self.limit

    def problem(self) -> Problem:
        assert self.limit is not None
        unit = self.value_unit or self.unit
        text = self.text.format(f"{_number(self.value, unit)} {unit}")
        return Problem(self.what, self.side, worst_frames(self.values), self.value, self.limit, unit, text)


def find_problems(measures: BodyMeasures) -> list[Problem]:
    """See `Anatomy.problems`: of each measure the first judgement that is over its limit."""
    found: dict[str, Problem] = {}
    for judgement in judge(measures):
        if judgement.is_over and judgement.name not in found:
            found[judgement.name] = judgement.problem()
    return list(found.values())


def judge(measures: BodyMeasures) -> Iterator[Judgement]:
    """Everything that is judged and was visible, in the order of the attributes of `BodyMeasures`."""
    for find in _MEASURES:
        yield from (judgement for judgement in find(measures) if np.isfinite(judgement.values).any())


def _wrist_gaps(measures: BodyMeasures) -> Iterator[Judgement]:
    if not measures.has_shoulders:
        return
    for side, gap in measures.wrist_gap.items():
        text = f"the {side} hand lies {{}} off its wrist"
        of = ("wrist_gap", side, f"{side} wrist gap", gap, "shoulder widths")
        yield Judgement(*of, "mean", finite_mean(gap), MEAN_WRIST_GAP, f"{text} on average")
        yield Judgement(*of, "95 %", _upper(gap), WRIST_GAP, f"{text} at times")


def _palms(measures: BodyMeasures) -> Iterator[Judgement]:
    for side, size in measures.palm_size.items():
        text = f"the {side} palm grows to {{}} its usual size"
        of = ("palm_size", side, f"{side} palm against its median", size, "times")
        yield Judgement(*of, "95 %", _upper(size), PALM_SIZE, text)
        if measures.has_shoulders:
            palm = measures.palm[side]
            of = ("palm", side, f"{side} palm", size * palm, "shoulder widths")
            yield Judgement(*of, "median", palm, PALM, f"the {side} palm is {{}} long")


def _bones(measures: BodyMeasures) -> Iterator[Judgement]:
    for name, length in measures.bone_length.items():
        side, bone = name.split("_", 1)
        text, unit = f"the {side} {bone.replace('_', ' ')} is {{}} long", "shoulder widths"
        shown = f"{side} {bone.replace('_', ' ')}"
        if bone == "fingers":
            text, unit, shown = f"a bone of the {side} fingers is {{}} long", "palms", f"{side} fingers, longest bone"
        yield Judgement("bone_length", side, shown, length, unit, "95 %", _upper(length), BONE_LENGTHS[bone], text)


def _fingers(measures: BodyMeasures) -> Iterator[Judgement]:
    sizes = {str(side): size for side, size in measures.palm_size.items()}
    for name, length in measures.finger_length.items():
        side, finger = name.split("_", 1)
        # Relative to the palm: a hand larger as a whole is near the camera, or a fault of its palm.
        length = length / np.fmax(sizes[side], 1.0)
        limit, spoken = FINGERS[finger], name.replace("_", " ")
        of = ("finger_length", side, spoken, length, "palms")
        yield Judgement(*of, "median", finite_median(length), limit, f"the {spoken} is {{}} long")
        shown = length[np.isfinite(length)]
        fifth = len(shown) // 5
        if len(shown) < SHORTEST_GROWTH or not (first := finite_median(shown[:fifth])) > 0:
            continue
        last = finite_median(shown[-fifth:])
        if last > limit:
            text = f"the {spoken} grows to {{}} its length from the first to the last fifth"
            yield Judgement(*of, "growth", last / first, FINGER_GROWTH, text, "times")


def _shoulders(measures: BodyMeasures) -> Iterator[Judgement]:
    tilt, change = np.abs(measures.shoulder_tilt), np.abs(measures.shoulder_width - 1.0)
    of = ("shoulder_tilt", None, "shoulder tilt", tilt, "degrees")
    yield Judgement(*of, "95 %", _upper(tilt), SHOULDER_TILT, "the shoulders tilt by {}")
    of = ("shoulder_width", None, "change of shoulder width", change, "of its length")
    yield Judgement(*of, "95 %", _upper(change), SHOULDER_WIDTH, "the distance of the shoulders changes by {}")
    slope = measures.shoulder_slope
    of = ("shoulder_slope", None, "shoulders to the horizontal", slope, "degrees")
    text = (
        "the shoulders stand upright in the picture, at {}: was the video turned? "
        "`pose-core convert --rotate 90 IN OUT` (or 270) rotates the poses"
    )
    yield Judgement(*of, "median", finite_median(slope), TURNED, text)


def _joints(measures: BodyMeasures) -> Iterator[Judgement]:
    """Judges finger joints alone: estimated depth bends elbows of real people too far for half of a clip."""
    for joint, angle in measures.bent_wrong.items():
        side, name = joint.split("_", 1)
        limit = None if name == "elbow" else BENT_WRONG_SHARE
        shown = angle[np.isfinite(angle)]
        share = float((shown > BENT_WRONG).mean()) if len(shown) else np.nan
        spoken = joint.replace("_", " ")
        of = (joint, side, f"{spoken}{BENT}", angle, "degrees", OVER_BENT_WRONG, share, limit)
        text = f"the {spoken} is bent over {BENT_WRONG:.0f} degrees the wrong way in {{}} that show it"
        yield Judgement(*of, text, "of the frames")


_MEASURES = (_wrist_gaps, _palms, _bones, _fingers, _shoulders, _joints)


def _number(value: float, unit: str) -> str:
    return f"{value:.0f}" if unit == "degrees" else f"{value:.2f}"


def _upper(values: np.ndarray) -> float:
    return finite_percentile(values, PERCENTILE)


def worst_frames(values: np.ndarray) -> list[int]:
    """Frames with the largest values (T,), largest first."""
    order = np.argsort(np.where(np.isfinite(values), -values, np.inf), kind="stable")
    return [int(frame) for frame in order[:WORST_FRAMES] if np.isfinite(values[frame])]
