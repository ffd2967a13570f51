"""Two pose files, or two folders of them, by every metric: `pose-core compare`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core import metrics
from pose_core.errors import UserError
from pose_core.formats import FORMATS, read
from pose_core.transforms import clean, normalize, resample

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pose_core.sequence import PoseSequence

PCK_THRESHOLDS = (0.1, 0.2, 0.5)  # shoulder widths


@dataclass(frozen=True)
class Comparison:
    """A prediction beside its reference.

    Attributes:
        reference, prediction: the files.
        keypoints: how many the two have in common; only these are compared.
        unit: "shoulder widths", or "file units" where the skeleton has no shoulders.
        scores: metric -> value; NaN where there is none (frame-by-frame metrics of clips of different length).
    """

    reference: Path
    prediction: Path
    keypoints: int
    unit: str
    scores: dict[str, float]


def compare_files(reference: Path, prediction: Path) -> Comparison:
    """All metrics of one pair.

    Both are cleaned, normalized each by its own shoulders, and brought to the reference's frame rate. Depth is left out
    where one of them has none.

    Raises:
        UserError: a file cannot be read, or the two share no keypoint.
    """
    files = (prediction, reference)
    clips = [clean(read(path)) for path in files]
    names = set(clips[0].skeleton.keypoints) & set(clips[1].skeleton.keypoints)
    if not names:
        raise UserError(f"{prediction} and {reference} share no keypoint; convert one to the other's layout")
    dims = min(clip.skeleton.num_dims for clip in clips)  # of a flat pose there is no depth to be compared
    shared = clips[1].skeleton.select([i for i, name in enumerate(clips[1].skeleton.keypoints) if name in names])
    clips = [clip.on_skeleton(shared.with_dims(dims)) for clip in clips]
    clips[0] = resample(clips[0], clips[1].fps)
    unit = "file units"
    if _has_shoulders(clips[1]):
        clips = [_normalized(clip, path) for clip, path in zip(clips, files, strict=True)]
        unit = "shoulder widths"
    return Comparison(reference, prediction, len(names), unit, _scores(*clips, normalized=unit != "file units"))


def compare_folders(reference: Path, prediction: Path, progress: Callable[[str], None]) -> list[Comparison]:
    """Every file of the prediction folder beside the file of the same name, but for the suffix, in the other.

    Raises:
        UserError: no two files have one name.
    """
    files = [_pose_files(folder) for folder in (reference, prediction)]
    shared = sorted(files[0].keys() & files[1].keys())
    if not shared:
        raise UserError(f"{prediction} and {reference} have no file name in common; pairs are told by their names")
    alone = len(files[0].keys() ^ files[1].keys())
    if alone:
        progress(f"{alone} files are in one of the folders only and are left out")
    return [compare_files(files[0][name], files[1][name]) for name in shared]


def mean_scores(comparisons: list[Comparison]) -> dict[str, float]:
    """Mean of each metric over the pairs that have it; NaN where none has."""
    means = {}
    for name in comparisons[0].scores:
        values = [c.scores[name] for c in comparisons if math.isfinite(c.scores[name])]
        means[name] = float(np.mean(values)) if values else math.nan
    return means


def _scores(hypothesis: PoseSequence, reference: PoseSequence, *, normalized: bool) -> dict[str, float]:
    scores = dict.fromkeys(("mse", "mae", "rmse"), math.nan)
    pck = dict.fromkeys(PCK_THRESHOLDS, math.nan)
    if len(hypothesis) == len(reference):
        scores = {name: getattr(metrics, name)(hypothesis, reference) for name in scores}
        if normalized:
            pck = metrics.pck(hypothesis, reference, PCK_THRESHOLDS)
    return {
        **scores,
        **{f"pck@{threshold:g}": value for threshold, value in pck.items()},
        "dtw_mje": metrics.dtw_mje(hypothesis, reference),
        "ndtw_mje": metrics.ndtw_mje(hypothesis, reference),
        "acceleration_ratio": metrics.acceleration_ratio(hypothesis, reference),
    }


def _has_shoulders(clip: PoseSequence) -> bool:
    try:
        clip.skeleton.shoulders()
    except UserError:
        return False
    return True


def _normalized(clip: PoseSequence, path: Path) -> PoseSequence:
    try:
        return normalize(clip)[0]
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _pose_files(folder: Path) -> dict[str, Path]:
    """Files by their path in the folder without suffix."""
    files = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in FORMATS and path.is_file())
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in files}
