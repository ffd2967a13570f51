"""Comparison of pose files, or folders of them, by all metrics: `pose-core compare`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.errors import UserError, naming
from pose_core.formats import READERS, read
from pose_core.inputs import find_inputs
from pose_core.metrics import AccelerationSum, pooled_acceleration_ratio
from pose_core.metrics.finite import finite_mean
from pose_core.metrics.parts import METRICS, NEITHER, PARTS, PartScores, compared_share, part_scores
from pose_core.progress import progress
from pose_core.texts import counted
from pose_core.transforms import FaceChoice, Placement, clean, distinct_keypoints, normalize, resample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pose_core.sequence import PoseSequence
    from pose_core.skeleton import Skeleton


@dataclass(frozen=True)
class Shift:
    """Difference in position and scale between prediction and reference, which normalization removes.

    Attributes:
        moved: distance of the shoulders' middle from the reference's in the picture, in the reference's shoulder
            widths.
        scaled: its shoulder width over the reference's.
    """

    moved: float
    scaled: float


@dataclass(frozen=True)
class Comparison:
    """A prediction beside its reference.

    Attributes:
        reference, prediction: the files.
        keypoints: number of keypoints in common, without duplicates; only these are compared.
        compared: share of the reference's visible keypoints, without duplicates, that the prediction has; unlike that
            of `parts`, of all keypoints of the reference's skeleton, the `lacking` ones included.
        unit: "shoulder widths", or "file units" where the skeleton has no shoulders.
        scores: metric -> value over all keypoints, NaN where there is none; `parts["all"].scores`.
        parts: part of the pose -> its scores, in the order of `metrics.parts.PARTS`.
        shift: see `Shift`; None in file units.
        lacking: keypoints of the reference that the prediction's skeleton does not have.
    """

    reference: Path
    prediction: Path
    keypoints: int
    compared: float
    unit: str
    scores: dict[str, float]
    parts: dict[str, PartScores]
    shift: Shift | None
    lacking: int


def compare_files(reference: Path, prediction: Path, *, face: FaceChoice = "contour", **reading: Any) -> Comparison:
    """All metrics of one pair.

    Both are cleaned, normalized by their own shoulders, and resampled to the reference's frame rate. Depth is left out
    where one of them has none. Duplicate keypoints are left out (`transforms.distinct_keypoints`).

    Args:
        reference, prediction: pose files.
        face: what of the face counts, see `transforms.distinct_keypoints`.
        reading: arguments of `read`, for both.

    Raises:
        UserError: a file cannot be read, or the two share no keypoint.
    """
    files = (prediction, reference)
    hypothesis, target = (clean(read(path, **reading)) for path in files)
    target = distinct_keypoints(target, face=face)
    shared = _shared(hypothesis.skeleton, target.skeleton, files)
    hypothesis = resample(hypothesis, target.fps)
    compared = compared_share(hypothesis, target)
    lacking = target.skeleton.num_keypoints - shared.num_keypoints
    clips = [hypothesis.on_skeleton(shared), target.on_skeleton(shared)]
    unit, shift = "file units", None
    if _has_shoulders(shared):
        unit = "shoulder widths"
        normalized = [_normalized(clip, path) for clip, path in zip(clips, files, strict=True)]
        clips = [clip for clip, _ in normalized]
        shift = _shift(*(placement for _, placement in normalized))
    parts = part_scores(*clips, normalized=shift is not None)
    scores = parts["all"].scores
    return Comparison(reference, prediction, shared.num_keypoints, compared, unit, scores, parts, shift, lacking)


def compare_folders(
    reference: Path, prediction: Path, say: Callable[[str], None], *, face: FaceChoice = "contour", **reading: Any
) -> tuple[list[Comparison], list[str]]:
    """Compares files of the same name, except for the suffix, in two folders.

    Where no two files have one, the last dotted part of the predictions' names is left out: `a.reconstructed.pose` is
    the prediction of `a.pose`.

    Returns:
        The comparisons, and of each pair that cannot be compared why.

    Raises:
        UserError: no two files have one name, or no pair can be compared.
    """
    files = [_pose_files(folder, say) for folder in (reference, prediction)]
    if files[0].keys().isdisjoint(files[1]):
        shortened = {Path(name).with_suffix("").as_posix(): path for name, path in files[1].items()}
        files[1] = shortened if len(shortened) == len(files[1]) else files[1]
    shared = sorted(files[0].keys() & files[1].keys())
    if not shared:
        raise UserError(f"{prediction} and {reference} have no file name in common; pairs are told by their names")
    alone = len(files[0].keys() ^ files[1].keys())
    if alone:
        say(f"in one of the folders only, and left out: {counted(alone, 'file')}")
    comparisons, failures = [], []
    with progress(len(shared), "comparing") as step:
        for name in shared:
            step(name)
            try:
                comparisons.append(compare_files(files[0][name], files[1][name], face=face, **reading))
            except UserError as error:
                failures.append(str(error))
    if not comparisons:
        others = f" (and {len(failures) - 1} others likewise)" if len(failures) > 1 else ""
        raise UserError(f"{failures[0]}{others}")
    return comparisons, failures


def mean_parts(comparisons: list[Comparison]) -> dict[str, PartScores]:
    """Per part, the mean of each metric over the pairs that have it; NaN where none has, with the reason of the first
    that shows the part.

    The acceleration ratio is that of the means (`pose_core.metrics.pooled_acceleration_ratio`).
    """
    means = {}
    for part in PARTS:
        found = [comparison.parts[part] for comparison in comparisons if part in comparison.parts]
        if not found:
            continue
        scores = {name: finite_mean([scores.scores[name] for scores in found]) for name in METRICS}
        accelerations = [scores.accelerations for scores in found]
        scores["acceleration_ratio"] = pooled_acceleration_ratio(accelerations)
        first = next((scores for scores in found if not scores.absent), found[0])
        reasons = {name: first.reasons[name] for name, value in scores.items() if math.isnan(value)}
        keypoints = max(scores.keypoints for scores in found)
        compared = finite_mean([scores.compared for scores in found])
        hypotheses, references = zip(*accelerations, strict=True)
        sums = sum(hypotheses, AccelerationSum()), sum(references, AccelerationSum())
        means[part] = PartScores(keypoints, compared, scores, reasons, sums)
    return means


def mean_scores(comparisons: list[Comparison]) -> dict[str, float]:
    """Mean of each metric over the pairs that have it; NaN where none has."""
    return mean_parts(comparisons)["all"].scores


def lines(comparisons: list[Comparison]) -> list[str]:
    """For people: a table with one line per part that is visible in a file, and notes."""
    means = mean_parts(comparisons)
    parts = {part: scores for part, scores in means.items() if part == "all" or not scores.absent}
    rows = [["", "keypoints", "in both", *METRICS]]
    for part, scores in parts.items():
        values = [_cell(scores.scores[name], ".4f") for name in METRICS]
        rows.append([part.replace("_", " "), str(scores.keypoints), _cell(scores.compared, ".1%"), *values])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    units = " and ".join(sorted({comparison.unit for comparison in comparisons}))
    found = [f"{counted(len(comparisons), 'pair')}, in {units}"]
    for row in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
        found.append("  ".join([f"  {row[0]:{widths[0]}}", *cells]))
    unseen = [part.replace("_", " ") for part in means if part not in parts]
    left_out = [f"  left out, {NEITHER} file: {', '.join(unseen)}"] if unseen else []
    return [*found, *left_out, *_notes(comparisons, parts)]


def _cell(value: float, spec: str) -> str:
    return "none" if math.isnan(value) else format(value, spec)


def _notes(comparisons: list[Comparison], parts: dict[str, PartScores]) -> list[str]:
    notes = [*_reasons(parts)]
    if not math.isnan(parts["all"].scores["ndtw_mje"]):
        notes.append("ndtw_mje: summed over frames, as Ham2Pose's, so that longer clips have more")
    if len(comparisons) > 1 and not math.isnan(parts["all"].scores["acceleration_ratio"]):
        notes.append("acceleration_ratio: mean acceleration of all predictions over that of all references")
    shifts = [comparison.shift for comparison in comparisons if comparison.shift is not None]
    if shifts:
        moved, scaled = (finite_mean([getattr(shift, name) for shift in shifts]) for name in ("moved", "scaled"))
        notes.append(f"removed by normalization: moved by {moved:.4f} shoulder widths, scaled by {scaled:.4f}")
    return [f"  {note}" for note in [*notes, *_shares(comparisons, parts)]]


def _shares(comparisons: list[Comparison], parts: dict[str, PartScores]) -> Iterator[str]:
    """Lines on what of the reference the prediction does not show, or has no keypoints for."""
    if any(scores.compared < 1 for scores in parts.values()):
        yield (
            "in both: share of what the reference shows that the prediction shows, too; distances are of that alone, "
            "but pck and ndtw_mje count what is missing as errors"
        )
    lacking = max(comparison.lacking for comparison in comparisons)
    if lacking:
        shown = _cell(finite_mean([comparison.compared for comparison in comparisons]), ".1%")
        which = f"{counted(lacking, 'keypoint')} that the prediction's skeleton lacks"
        yield f"left out: {which}; it has {shown} of all that the reference shows"


def _reasons(parts: dict[str, PartScores]) -> Iterator[str]:
    """Lines on metrics that have no value: parts and reason, one line per reason."""
    lacking: dict[tuple[str, tuple[str, ...]], list[str]] = {}  # reason and metrics -> parts
    for part, scores in parts.items():
        for why in dict.fromkeys(scores.reasons.values()):
            names = tuple(name for name in METRICS if scores.reasons.get(name) == why)
            lacking.setdefault((why, names), []).append(part.replace("_", " "))
    for (why, names), of in lacking.items():
        what = "everything" if len(names) == len(METRICS) else ", ".join(names)
        where = "" if len(of) == len(parts) else f" of {', '.join(of)}"
        yield f"none: {what}{where}: {why}"


def _shared(hypothesis: Skeleton, reference: Skeleton, files: tuple[Path, Path]) -> Skeleton:
    """The keypoints of the reference that the hypothesis has, in as many dimensions as both have."""
    names = {*hypothesis.keypoints}
    indices = [i for i, name in enumerate(reference.keypoints) if name in names]
    if not indices:
        raise UserError(
            f"{files[0]} and {files[1]} share no keypoint; map both to one layout, as --layout holistic_178 does"
        )
    return reference.select(indices).with_dims(min(hypothesis.num_dims, reference.num_dims))


def _has_shoulders(skeleton: Skeleton) -> bool:
    try:
        skeleton.shoulders()
    except UserError:
        return False
    return True


def _normalized(clip: PoseSequence, path: Path) -> tuple[PoseSequence, Placement]:
    with naming(path):
        return normalize(clip)


def _shift(hypothesis: Placement, reference: Placement) -> Shift:
    moved = np.subtract(hypothesis.center[:2], reference.center[:2])
    return Shift(float(np.linalg.norm(moved)) / float(reference.scale), float(hypothesis.scale / reference.scale))


def _pose_files(folder: Path, say: Callable[[str], None]) -> dict[str, Path]:
    """Files by their path in the folder without suffix."""
    try:
        found = find_inputs([folder], READERS)
    except UserError:  # there are none
        return {}
    files: dict[str, Path] = {}
    for each in found:
        first = files.setdefault(each.below.with_suffix("").as_posix(), each.path)
        if first != each.path:
            say(f"{each.path}: left out; {first.name} has the same name")
    return files
