"""Landmark CSVs, one row per frame and landmark: `frame#,landmark_name,x,y[,z][,confidence]`, y up."""

from __future__ import annotations

import csv
import difflib
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pose_core.atomic_files import atomic_write
from pose_core.errors import UserError, reason
from pose_core.formats import asl_signs_csv
from pose_core.formats.asl_signs_csv import LEAST, SPARSEST
from pose_core.notices import notify
from pose_core.rates import DEFAULT_FPS, stated_rate
from pose_core.sequence import PoseSequence
from pose_core.skeleton import landmark_skeleton
from pose_core.skeleton.registry import BODY_LANDMARKS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

REQUIRED = ("frame#", "landmark_name", "x", "y")
LARGEST = 2**40  # number of a frame
LONGEST = 2**16  # characters of a line; what is longer is not read to its end


def read(path: Path, *, fps: float | None = None) -> PoseSequence:
    """See `pose_core.formats.read`.

    Further columns are left alone. Frames begin with the lowest number given; a landmark without a row in a frame, or
    without numbers in it, is missing there. Rows are in the order of their frames; of repeated ones the last counts. A
    name without a component is one of MediaPipe's body. y points up in these files and down here, but for those of
    asl-signs, see `asl_signs_csv`.
    """
    rows = _rows(path, fps)
    if isinstance(rows, PoseSequence):
        return rows
    dims = len(rows[0].coordinates)
    # Landmarks in the order they first appear in, a component's together.
    names = list(dict.fromkeys(row.landmark for row in rows))
    rank = {component: i for i, component in enumerate(dict.fromkeys(map(_component, names)))}
    names.sort(key=lambda name: rank[_component(name)])
    position = {name: i for i, name in enumerate(names)}
    first, last = min(row.frame for row in rows), max(row.frame for row in rows)
    if (last - first + 1) * len(names) > max(LEAST, SPARSEST * len(rows)):
        raise UserError(
            f"{path}: frames run from {first} to {last} with {len(names)} landmarks, and there are {len(rows)} rows; "
            "mend the frame numbers"
        )
    keypoints = np.zeros((last - first + 1, len(names), dims), np.float32)
    confidence = np.zeros(keypoints.shape[:2], np.float32)
    for row in rows:
        keypoints[row.frame - first, position[row.landmark]] = row.coordinates
        confidence[row.frame - first, position[row.landmark]] = row.confidence
    keypoints[..., 1] *= -1
    try:
        return PoseSequence(keypoints, confidence, stated_rate(None, fps, path), landmark_skeleton(names, dims))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def write(sequence: PoseSequence, path: Path, *, overwrite: bool = False) -> None:
    """See `pose_core.formats.write`. Points of other components than MediaPipe's body are named COMPONENT/POINT."""
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
        writer.writerow(("frame#", "landmark_name", *axes, "confidence"))
        for frame, (points, shares) in enumerate(zip(keypoints, sequence.confidence, strict=True)):
            for name, point, share in zip(names, points.tolist(), shares.tolist(), strict=True):
                writer.writerow((frame, name, *point, share))


class _Row(NamedTuple):
    frame: int
    landmark: str
    coordinates: list[float]  # x, y[, z] as in the file
    confidence: float


def _rows(path: Path, fps: float | None) -> list[_Row] | PoseSequence:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(_lines(file, path))
            try:
                columns = [column.strip() for column in next(reader, [])]
                if set(asl_signs_csv.COLUMNS) <= set(columns):
                    return asl_signs_csv.read_rows(reader, columns, path, fps=fps)
                rows = _rows_of(reader, columns, path)
            except csv.Error as error:
                location = f"{path}, line {reader.line_num}"
                raise UserError(f"{location}: not a readable UTF-8 CSV ({reason(error)})") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a readable UTF-8 CSV ({reason(error)})") from error
    if not rows:
        raise UserError(f"{path}: has no rows; drop it from the data")
    return rows


def _lines(file: TextIO, path: Path) -> Iterator[str]:
    """The lines of a file, of bounded length."""
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            raise UserError(f"{path}, line {number}: longer than {LONGEST:,} characters; mend or drop the row")
        yield line


def _rows_of(reader: Any, columns: list[str], path: Path) -> list[_Row]:  # csv names no type for its reader
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        separator = next((mark for mark in ";\t|" if mark in ",".join(columns)), None)
        if separator and all(column in ",".join(columns).split(separator) for column in REQUIRED):
            mark = {"\t": "tabs"}.get(separator, repr(separator))
            raise UserError(f"{path}: columns are separated by {mark}; save it with commas, and numbers with points")
        raise UserError(f"{path}: lacks the column(s) {', '.join(missing)}; it needs {', '.join(REQUIRED)}")
    axes = [axis for axis in ("x", "y", "z") if axis in columns]
    rows: list[_Row] = []
    for values in reader:
        if not values:
            continue
        location = f"{path}, line {reader.line_num}"
        row = _row(dict(zip(columns, values, strict=False)), axes, location)
        if rows and row.frame < rows[-1].frame:
            raise UserError(
                f"{location}: frame {row.frame} stands after frame {rows[-1].frame}; sort the rows by frame"
            )
        rows.append(row)
    return rows


def _row(values: dict[str, str], axes: list[str], location: str) -> _Row:
    try:
        number = float(values["frame#"])
        frame = int(number)
        coordinates = [float(values[axis]) if values[axis].strip() else math.nan for axis in axes]
        confidence = float(values.get("confidence") or 1.0)
        landmark = values["landmark_name"].strip()
    except KeyError as error:
        raise UserError(f"{location}: ends before its {error.args[0]}; mend or drop the row") from error
    except (ValueError, OverflowError) as error:
        raise UserError(f"{location}: {reason(error)}; mend or drop the row") from error
    if frame != number or abs(frame) > LARGEST:
        raise UserError(f"{location}: frame {values['frame#'][:40]} is no whole number; mend or drop the row")
    if not landmark:
        raise UserError(f"{location}: no landmark_name; mend or drop the row")
    if "/" not in landmark and landmark not in BODY_LANDMARKS:
        near = difflib.get_close_matches(landmark.upper(), BODY_LANDMARKS, n=1, cutoff=0)[0]
        raise UserError(
            f"{location}: unknown landmark {landmark[:40]!r}; did you mean {near}? Others are named COMPONENT/POINT"
        )
    if not all(map(math.isfinite, coordinates)):
        coordinates, confidence = [0.0] * len(coordinates), 0.0
    return _Row(frame, landmark, coordinates, confidence)


def _component(landmark: str) -> str:
    return landmark.rpartition("/")[0]
