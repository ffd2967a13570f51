"""Whether a pose is a body: hands on wrists, sizes that stay, shoulders that stay level, joints that bend as joints do.

`body_measures` measures it, `plausibility` knows what real clips have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core.metrics.body_measures import BodyMeasures, measure_body
from pose_core.metrics.plausibility import Problem, find_problems

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence

MAX_IN_SUMMARY = 3


class Anatomy(BodyMeasures):
    """The measures of one sequence (see `BodyMeasures`), and those that are implausible."""

    def problems(self) -> list[Problem]:
        """Implausible measures, in the order of this class's attributes; [] if there are none."""
        return find_problems(self)

    def summary(self) -> str | None:
        """One line that says what is off, or None; of many problems the first three and how many more there are."""
        problems = [str(problem) for problem in self.problems()]
        more = [f"{len(problems) - MAX_IN_SUMMARY} more, see `pose-core check`"] if problems[MAX_IN_SUMMARY:] else []
        return "; ".join([*problems[:MAX_IN_SUMMARY], *more]) or None


def anatomy(sequence: PoseSequence, *, reference: PoseSequence | None = None) -> Anatomy:
    """Measures of a sequence that hold for every body.

    Args:
        sequence: (T, K, 2 or 3), T >= 0, in pixels or normalized, on any skeleton; what is not there is NaN.
        reference: another sequence of the same person, whose palms and bones are the measure: `palm_size` and
            `bone_change` are over its medians, both in their own shoulder widths. Where it lacks one, the sequence's
            own median serves.
    """
    return Anatomy(**vars(measure_body(sequence, reference=reference)))
