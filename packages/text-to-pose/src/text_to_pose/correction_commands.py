"""The work of `text-to-pose correct`: missing keypoints of files filled in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pose_core.formats import READERS
from pose_core.formats.options import ReadOptions
from pose_core.jobs import Job, JobOptions, JobRunner, planned
from pose_core.metrics import anatomy
from pose_core.transforms import clean
from pose_core.transforms.temporal import last_visible, next_visible
from pose_core.writing import WRITABLE, write_poses
from text_to_pose.inpainting import Ends, correct, needs_model
from text_to_pose.missing_keypoints import missing_because
from text_to_pose.model import load_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pose_core import PoseSequence
    from text_to_pose.model import TextToPose
    from text_to_pose.sampling import Sampling


@dataclass(frozen=True)
class CorrectedFile:
    """Summary of one corrected file; keypoints are counted per frame.

    Attributes:
        missing_because: reason -> number of keypoints missing for it, see `text_to_pose.missing_keypoints.REASONS`.
        rejected: filled keypoints that `pose_core.transforms.clean` would reject.
        anatomy: anatomical problems that the file did not have before, see `pose_core.metrics.anatomy`; or None.
    """

    file: str
    output: Path
    frames: int
    frames_touched: int
    filled: int
    missing: int
    missing_at_ends: int
    missing_because: dict[str, int]
    rejected: int
    anatomy: str | None


@dataclass(frozen=True)
class CorrectionOptions:
    """Options of `text-to-pose correct`, see its `--help`."""

    checkpoint: str
    sampling: Sampling
    text: str | None = None
    signed_language: str = ""
    ends: Ends = "missing"
    max_gap: float | None = None
    reading: ReadOptions = field(default_factory=ReadOptions)
    device: str = "auto"


def correct_files(
    inputs: Sequence[str | Path], output: Path, correction: CorrectionOptions, job_options: JobOptions | None = None
) -> JobRunner[CorrectedFile]:
    """Fills in missing keypoints of files and writes them to others. A model is loaded only where one is needed.

    Args:
        inputs: pose files, folders, glob patterns, or `-`; see `find_inputs`.
        output: a file for one input, a folder, or `-`.
        correction: of every file.
        job_options: what becomes of files that fail, and of those whose output exists.

    Raises:
        UserError: a file, text, model or output that cannot be used, unless the batch keeps going.
    """
    options = job_options or JobOptions()
    with planned(
        inputs, output, options, verb="correcting", suffixes=tuple(READERS), suffix=None, writable=WRITABLE
    ) as batch:
        if batch.jobs:
            needed = needs_model(correction.text, correction.ends)
            model = load_model(correction.checkpoint, correction.device) if needed else None
            batch.run(lambda job: _correct_file(model, job, correction, overwrite=options.overwrite))
    return batch


def _correct_file(
    model: TextToPose | None, job: Job, correction: CorrectionOptions, *, overwrite: bool
) -> CorrectedFile:
    original = correction.reading.read(job.source)
    corrected = correct(
        model,
        original,
        text=correction.text,
        signed_language=correction.signed_language,
        ends=correction.ends,
        max_gap=correction.max_gap,
        sampling=correction.sampling,
    )
    before, after = original.visible, corrected.visible
    filled = after & ~before
    at_ends = (last_visible(before) < 0) ^ (next_visible(before) >= len(before))  # visible on one side only
    write_poses(corrected, job.output, overwrite=overwrite)
    return CorrectedFile(
        file=job.name,
        output=job.output,
        frames=len(corrected),
        frames_touched=int(filled.any(axis=1).sum()),
        filled=int(filled.sum()),
        missing=int((~after).sum()),
        missing_at_ends=int((~after & at_ends).sum()),
        missing_because=missing_because(original, corrected, ends=correction.ends, max_gap=correction.max_gap),
        rejected=int((filled & ~clean(corrected).visible).sum()),
        anatomy=_new_problems(original, corrected),
    )


def _new_problems(original: PoseSequence, corrected: PoseSequence) -> str | None:
    """Anatomical problems of a corrected sequence that it did not have before, in one line."""
    before = {(problem.what, problem.side) for problem in anatomy(clean(original)).problems()}
    problems = anatomy(clean(corrected), reference=clean(original)).problems()
    return "; ".join(str(problem) for problem in problems if (problem.what, problem.side) not in before) or None
