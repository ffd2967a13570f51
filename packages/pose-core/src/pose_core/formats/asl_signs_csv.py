"""CSVs of the Kaggle competition asl-signs: `frame,row_id,type,landmark_index,x,y,z`, MediaPipe's 543 points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.errors import UserError, reason
from pose_core.rates import stated_rate
from pose_core.sequence import PoseSequence
from pose_core.skeleton import known_skeleton

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("frame", "type", "landmark_index", "x", "y")
_TYPES = {
    "pose": "POSE_LANDMARKS",
    "face": "FACE_LANDMARKS",
    "left_hand": "LEFT_HAND_LANDMARKS",
    "right_hand": "RIGHT_HAND_LANDMARKS",
}
SPARSEST = 200  # keypoints of the result for each row; where there are more, a frame's number is wrong, unless
_LARGEST = 1e30  # of a coordinate; float32 has no larger ones to spare
LEAST = 1_000_000  # keypoints is more than there are: nothing that costs memory


@dataclass(frozen=True)
class _Row:
    frame: int
    keypoint: int
    xyz: list[float]


def read_rows(reader: Any, columns: list[str], path: Path, *, fps: float | None) -> PoseSequence:
    """The sequence of the rows that follow the header, in any order; y points down.

    Raises:
        UserError: a row that is no such landmark, or no rows; the message names the line.
    """
    skeleton = known_skeleton(543, 3)
    parts = {kind: skeleton.slice_of(component) for kind, component in _TYPES.items()}
    rows = [
        _row(dict(zip(columns, values, strict=False)), parts, f"{path}, line {reader.line_num}")
        for values in reader
        if values
    ]
    if not rows:
        raise UserError(f"{path}: has no rows; drop it from the data")
    first, last = min(row.frame for row in rows), max(row.frame for row in rows)
    if (last - first + 1) * 543 > max(LEAST, SPARSEST * len(rows)):
        raise UserError(f"{path}: frames run from {first} to {last} in {len(rows)} rows; mend the frame numbers")
    keypoints = np.zeros((last - first + 1, 543, 3), np.float32)
    confidence = np.zeros(keypoints.shape[:2], np.float32)
    for row in rows:
        if all(abs(value) < _LARGEST for value in row.xyz):  # false of NaN
            keypoints[row.frame - first, row.keypoint] = row.xyz
            confidence[row.frame - first, row.keypoint] = 1.0
    return PoseSequence(keypoints, confidence, stated_rate(None, fps, path), skeleton)


def _row(values: dict[str, str], parts: dict[str, slice], line: str) -> _Row:
    """The landmark of a row's cells, by column; `line` is what messages call the row."""
    try:
        frame, index = int(values["frame"]), int(values["landmark_index"])
        part = parts[values["type"].strip()]
        xyz = [float(values[axis] or "nan") for axis in "xy"] + [float(values.get("z", "0") or "nan")]
    except (ValueError, LookupError) as error:
        short = next((f"ends before its {name}" for name in COLUMNS if name not in values), None)
        raise UserError(f"{line}: {short or reason(error)}; mend or drop the row") from error
    if not 0 <= index < part.stop - part.start or abs(frame) > 2**40:
        raise UserError(f"{line}: no landmark {index} of frame {frame}; drop the row")
    return _Row(frame, part.start + index, xyz)
