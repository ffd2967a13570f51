"""What the bodies of real clips have, and which measures of `anatomy` lie beyond it.

The limits are what about 19 of 20 real clips stay below: `benchmarks/anatomy.py` measures them over 2,648 clips of some
20 sign languages, filmed in studios, by phones and by webcams, estimated by MediaPipe and OpenPose. 7 % of these clips
exceed some limit, most often that of the wrist gap. A clip is judged by the 95th percentile of its frames rather than
its worst one, since every estimator loses a hand for a frame or two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pose_core.metrics.anatomy import Anatomy

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
BENT_WRONG = 45.0  # degrees of a finger's joint, in more than
BENT_WRONG_SHARE = 0.35  # of the frames that show the joint: 0, and 0 to .16 of a clip's finger joints


@dataclass(frozen=True)
class Problem:
    """Something that real clips do not have.

    Attributes:
        what: the measure, an attribute of `Anatomy` or a name in it: "wrist_gap", "left_index_finger_pip".
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


def find_problems(measures: Anatomy) -> list[Problem]:
    """See `Anatomy.problems`."""
    return [problem for find in _MEASURES for problem in find(measures)]


def _wrist_gaps(measures: Anatomy) -> Iterator[Problem]:
    if not measures.has_shoulders:
        return
    for side, gap in measures.wrist_gap.items():
        text = f"the {side} hand lies {{}} off its wrist"
        mean, upper = _mean(gap), _upper(gap)
        if mean > MEAN_WRIST_GAP:
            yield _problem("wrist_gap", side, gap, mean, MEAN_WRIST_GAP, "shoulder widths", f"{text} on average")
        elif upper > WRIST_GAP:
            yield _problem("wrist_gap", side, gap, upper, WRIST_GAP, "shoulder widths", f"{text} at times")


def _palms(measures: Anatomy) -> Iterator[Problem]:
    for side, size in measures.palm_size.items():
        if (value := _upper(size)) > PALM_SIZE:
            text = f"the {side} palm grows to {{}} its usual size"
            yield _problem("palm_size", side, size, value, PALM_SIZE, "times", text)
        if measures.has_shoulders and (palm := measures.palm[side]) > PALM:
            yield _problem("palm", side, size, palm, PALM, "shoulder widths", f"the {side} palm is {{}} long")


def _bones(measures: Anatomy) -> Iterator[Problem]:
    for name, length in measures.bone_length.items():
        side, bone = name.split("_", 1)
        text = f"the {side} {bone.replace('_', ' ')} is {{}} long"
        unit = "shoulder widths"
        if bone == "fingers":
            text, unit = f"a bone of the {side} fingers is {{}} long", "palms"
        if (value := _upper(length)) > BONE_LENGTHS[bone]:
            yield _problem("bone_length", side, length, value, BONE_LENGTHS[bone], unit, text)


def _shoulders(measures: Anatomy) -> Iterator[Problem]:
    tilt, change = np.abs(measures.shoulder_tilt), np.abs(measures.shoulder_width - 1.0)
    if (value := _upper(tilt)) > SHOULDER_TILT:
        yield _problem("shoulder_tilt", None, tilt, value, SHOULDER_TILT, "degrees", "the shoulders tilt by {}")
    if (value := _upper(change)) > SHOULDER_WIDTH:
        text = "the distance of the shoulders changes by {}"
        yield _problem("shoulder_width", None, change, value, SHOULDER_WIDTH, "of its length", text)


def _joints(measures: Anatomy) -> Iterator[Problem]:
    """Of fingers alone: estimated depth bends the elbows of real people too far for half of a clip."""
    for joint, angle in measures.bent_wrong.items():
        side, name = joint.split("_", 1)
        shown = angle[np.isfinite(angle)]
        if name != "elbow" and len(shown) and float((shown > BENT_WRONG).mean()) > BENT_WRONG_SHARE:
            text = f"the {side} {name.replace('_', ' ')} is bent {{}} the wrong way"
            yield _problem(joint, side, angle, _upper(angle), BENT_WRONG, "degrees", text)


_MEASURES = (_wrist_gaps, _palms, _bones, _shoulders, _joints)


def _problem(
    what: str, side: str | None, values: np.ndarray, value: float, limit: float, unit: str, text: str
) -> Problem:
    """A problem of values (T,), of which `value` sums up too much; `text` has a place for it."""
    return Problem(what, side, worst_frames(values), value, limit, unit, text.format(f"{_number(value, unit)} {unit}"))


def _number(value: float, unit: str) -> str:
    return f"{value:.0f}" if unit == "degrees" else f"{value:.2f}"


def _mean(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else np.nan


def _upper(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(np.percentile(values, PERCENTILE)) if len(values) else np.nan


def worst_frames(values: np.ndarray) -> list[int]:
    """Frames with the largest values (T,), largest first."""
    order = np.argsort(np.where(np.isfinite(values), -values, np.inf), kind="stable")
    return [int(frame) for frame in order[:WORST_FRAMES] if np.isfinite(values[frame])]
