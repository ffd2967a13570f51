"""Whether pose files show a body: `pose-core check`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.formats import read
from pose_core.metrics import Anatomy, Problem, anatomy, plausibility
from pose_core.metrics.plausibility import worst_frames
from pose_core.transforms import clean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


BENT = " bent the wrong way"


@dataclass(frozen=True)
class Measure:
    """One measure of one file, over the frames that show it.

    Attributes:
        name: "left wrist gap".
        unit: of the figures.
        frames: how many show it.
        mean, upper, largest: `upper` is the 95th percentile.
        limit: what 19 of 20 real clips stay below with their 95th percentile; None where none is known.
        worst: frames, worst first, counted from 0.
    """

    name: str
    unit: str
    frames: int
    mean: float
    upper: float
    largest: float
    limit: float | None
    worst: list[int]


@dataclass(frozen=True)
class FileCheck:
    """What was found in one file.

    Attributes:
        file: its name.
        frames: how many it has.
        problems: what real clips do not have.
        measures: everything that was measured.
    """

    file: str
    frames: int
    problems: list[Problem]
    measures: list[Measure]

    def lines(self, *, details: bool = True) -> Iterator[str]:
        """For people: a line, then the problems; with `details` every measure beside what real clips have."""
        found = f"{len(self.problems)} problem(s)" if self.problems else "no problems"
        yield f"{self.file}: {self.frames} frames, {found if self.measures else 'nothing to measure'}"
        for problem in self.problems:
            yield f"  ! {problem.text}; frames {_numbers(problem.frames)}"
        if not details or not self.measures:
            return
        # Of the many joints those that bend further than real ones do.
        shown = [m for m in self.measures if not m.name.endswith(BENT) or m.largest > (m.limit or 0.0)]
        names = [f"{measure.name}, {measure.unit}" for measure in shown]
        width = max(map(len, names), default=0)
        yield f"  {'':{width}}    mean    95 %    most  real <   worst frames"
        for name, measure in zip(names, shown, strict=True):
            figures = (measure.mean, measure.upper, measure.largest, measure.limit)
            cells = "".join(f"{'-':>8}" if figure is None else f"{figure:8.2f}" for figure in figures)
            yield f"  {name:{width}}{cells}   {_numbers(measure.worst)}"


def check_file(path: Path, name: str | None = None, **reading: Any) -> FileCheck:
    """Reads, cleans and measures a file.

    Args:
        path: of the file.
        name: what the result calls it; its path by default.
        reading: how it is read, see `pose_core.read`.

    Raises:
        UserError: as `read`.
    """
    sequence = clean(read(path, **reading))
    report = anatomy(sequence)
    return FileCheck(name or str(path), len(sequence), report.problems(), [*_measures(report)])


def _measures(report: Anatomy) -> Iterator[Measure]:
    widths = "shoulder widths"
    for side in report.wrist_gap:
        if report.has_shoulders:
            yield from _measure(f"{side} wrist gap", widths, report.wrist_gap[side], plausibility.WRIST_GAP)
        yield from _measure(f"{side} palm", "of its median", report.palm_size[side], plausibility.PALM_SIZE)
    for name, length in report.bone_length.items():
        bone = name.split("_", 1)[1]
        unit = "palms" if bone == "fingers" else widths
        yield from _measure(name.replace("_", " "), unit, length, plausibility.BONE_LENGTHS[bone])
    tilt, change = np.abs(report.shoulder_tilt), np.abs(report.shoulder_width - 1.0)
    yield from _measure("shoulder tilt", "degrees", tilt, plausibility.SHOULDER_TILT)
    yield from _measure("change of shoulder width", "of the first", change, plausibility.SHOULDER_WIDTH)
    for joint, angle in report.bent_wrong.items():
        limit = None if joint.endswith("elbow") else plausibility.BENT_WRONG
        yield from _measure(f"{joint.replace('_', ' ')}{BENT}", "degrees", angle, limit)


def _measure(name: str, unit: str, values: np.ndarray, limit: float | None) -> Iterator[Measure]:
    """One measure of values (T,), none where all are NaN."""
    shown = values[np.isfinite(values)]
    if len(shown):
        upper = float(np.percentile(shown, plausibility.PERCENTILE))
        worst = worst_frames(values) if shown.max() > 0 else []
        yield Measure(name, unit, len(shown), float(shown.mean()), upper, float(shown.max()), limit, worst)


def _numbers(frames: list[int]) -> str:
    return ", ".join(map(str, frames))
