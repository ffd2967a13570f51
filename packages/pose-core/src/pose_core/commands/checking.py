"""Anatomy checks of pose files: `pose-core check`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.formats import READERS, read
from pose_core.inputs import find_inputs, local_files
from pose_core.jobs import Job, JobRunner
from pose_core.metrics import Problem, anatomy, plausibility
from pose_core.metrics.body_measures import SIDES
from pose_core.metrics.plausibility import worst_frames
from pose_core.texts import counted
from pose_core.transforms import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from pose_core.jobs import JobOptions

_FINGERS = {f"{side} {finger.replace('_', ' ')}" for side in SIDES for finger in plausibility.FINGERS}


@dataclass(frozen=True)
class Measure:
    """One body measure of a file, over the frames that show it.

    Attributes:
        name: "left wrist gap".
        unit: of the figures.
        frames: how many show it.
        mean, upper, largest: `upper` is the 95th percentile.
        by: the figure that is judged: "95 %", "mean", "median", "growth" (the last fifth's median over the first's),
            "share > 45" (of the frames, those with more degrees).
        judged, limit: that figure, and what real clips stay below; None where that is not known.
        is_over: whether the judged figure is beyond the limit.
        worst: frames, worst first, counted from 0.
    """

    name: str
    unit: str
    frames: int
    mean: float
    upper: float
    largest: float
    by: str
    judged: float
    limit: float | None
    is_over: bool
    worst: list[int]

    @property
    def is_common(self) -> bool:
        """Whether tables always show it; measures of fingers are shown only beyond their limit."""
        return self.name not in _FINGERS and not self.name.endswith(plausibility.BENT)


@dataclass(frozen=True)
class FileCheck:
    """Result of checking one file.

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
        found = counted(len(self.problems), "problem") if self.problems else "no problems"
        yield f"{self.file}: {self.frames} frames, {found if self.measures else 'nothing to measure'}"
        for problem in self.problems:
            yield f"  ! {problem.text}; frames {_numbers(problem.frames)}"
        if details and self.measures:
            yield from _rows([measure for measure in self.measures if measure.is_over or measure.is_common])


def _rows(measures: list[Measure]) -> Iterator[str]:
    """A table of measures."""
    names = [f"{measure.name}, {measure.unit}" for measure in measures]
    width = max(map(len, names), default=0)
    yield f"    {'':{width}}    mean    95 %    most  judged  real <  judged by    worst frames"
    for name, measure in zip(names, measures, strict=True):
        figures = (measure.mean, measure.upper, measure.largest, measure.judged, measure.limit)
        cells = "".join(f"{'-':>8}" if figure is None else f"{figure:8.2f}" for figure in figures)
        mark = "!" if measure.is_over else " "
        yield f"  {mark} {name:{width}}{cells}  {measure.by:<11}  {_numbers(measure.worst)}"


def check_files(
    inputs: Sequence[str | Path], options: JobOptions, tell: Callable[[Iterable[str]], None], **reading: Any
) -> JobRunner[FileCheck]:
    """Checks files, each told as soon as it is done.

    Args:
        inputs: see `find_inputs`.
        options: of them only what concerns files that fail; nothing is written.
        tell: takes a file's lines, with details where it is the only one.
        reading: see `check_file`.

    Raises:
        UserError: a file that cannot be read, unless the batch keeps going.
    """
    found = find_inputs(inputs, READERS)
    with local_files(found) as paths:
        jobs = [Job(path, path, given.name) for path, given in zip(paths, found, strict=True)]
        batch: JobRunner[FileCheck] = JobRunner(jobs, options, "checking", to_stdout=True)

        def check(job: Job) -> FileCheck:
            checked = check_file(job.source, job.name, **reading)
            tell(checked.lines(details=len(found) == 1))
            return checked

        batch.run(check)
    return batch


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
    return FileCheck(
        name or str(path), len(sequence), report.problems(), [_measure(each) for each in plausibility.judge(report)]
    )


def _measure(judgement: plausibility.Judgement) -> Measure:
    values = judgement.values
    shown = values[np.isfinite(values)]
    return Measure(
        name=judgement.name,
        unit=judgement.unit,
        frames=len(shown),
        mean=float(shown.mean()),
        upper=float(np.percentile(shown, plausibility.PERCENTILE)),
        largest=float(shown.max()),
        by=judgement.by,
        judged=judgement.value,
        limit=judgement.limit,
        is_over=judgement.is_over,
        worst=worst_frames(values) if shown.max() > 0 else [],
    )


def _numbers(frames: list[int]) -> str:
    return ", ".join(map(str, frames))
