"""Landmark CSVs: `frame#,landmark_name,x,y[,z][,confidence]`, y up, is written; `landmark_rows` lists what is read."""

from __future__ import annotations

import csv
from math import isnan
from typing import TYPE_CHECKING

from pose_core.atomic_files import atomic_write
from pose_core.formats import tables
from pose_core.formats.derived_columns import COLUMNS, derived_columns
from pose_core.notices import notify
from pose_core.rates import DEFAULT_FPS
from pose_core.skeleton.registry import BODY_LANDMARKS

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.formats.landmark_table import LandmarkFrames
    from pose_core.sequence import PoseSequence


def read(path: Path, *, fps: float | None = None) -> PoseSequence:
    """See `pose_core.formats.read`.

    Further columns are left alone. Frames begin with the lowest number given; a landmark without a row in a frame, or
    without numbers in it, is missing there; of repeated rows the last counts. With names of landmarks, rows are in the
    order of their frames, a name without a component is one of MediaPipe's body, and y points up in the file.
    """
    return tables.frames_of(path, fps=fps, whole=True)[:]


def blocks(path: Path, *, fps: float | None = None) -> LandmarkFrames:
    """The frames of a table, to be read piece by piece; arguments as of `read`."""
    return tables.frames_of(path, fps=fps, whole=False)


def write(sequence: PoseSequence, path: Path, *, overwrite: bool = False) -> None:
    """See `pose_core.formats.write`. Points of other components than MediaPipe's body are named COMPONENT/POINT.

    Bodies with hips in two dimensions have the columns of `derived_columns`, too, empty where they say nothing.
    """
    names = [
        point if component == "POSE_LANDMARKS" and point in BODY_LANDMARKS else f"{component}/{point}"
        for component, point in sequence.skeleton.keypoints
    ]
    axes = ("x", "y", "z")[: sequence.skeleton.num_dims]
    keypoints = sequence.keypoints.copy()
    keypoints[..., 1] *= -1
    if sequence.fps != DEFAULT_FPS:
        notify(
            path,
            f"a .csv states no frame rate: read it with --fps {sequence.fps:g}",
            kind="frame rates left out of .csv",
        )
    with (
        atomic_write(path, overwrite=overwrite) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        derived = derived_columns(sequence)
        writer.writerow(("frame#", "landmark_name", *axes, *(() if derived is None else COLUMNS), "confidence"))
        for frame, (points, shares) in enumerate(zip(keypoints, sequence.confidence, strict=True)):
            more = [()] * len(names) if derived is None else derived[frame].tolist()
            for name, point, beside, share in zip(names, points.tolist(), more, shares.tolist(), strict=True):
                known = ("" if isnan(value) else f"{value:.6f}" for value in beside)
                writer.writerow((frame, name, *point, *known, share))
