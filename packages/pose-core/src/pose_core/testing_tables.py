"""For tests: tables of MediaPipe's landmarks, as data sets have them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pose_core.sequence import PoseSequence

LANDMARKS = {"pose": 33, "face": 468, "left_hand": 21, "right_hand": 21}  # points of each part, in order
LONG_HEADER = ("frame", "row_id", "type", "landmark_index", "x", "y", "z")


def fake_landmarks(frames: int, seed: int = 0) -> np.ndarray:
    """Shares of the picture (T, 543, 3), a left hand missing in some frames (NaN)."""
    random = np.random.default_rng(seed)
    values = random.uniform(0.1, 0.9, (frames, 543, 3)).astype(np.float32)
    values[random.random(frames) < 0.4, 501:522] = np.nan
    return values


def long_rows(values: np.ndarray, first: int = 20) -> Iterator[list[Any]]:
    """The rows of asl-signs, frames numbered from `first`: face, left hand, pose, right hand of each."""
    begins = dict(zip(LANDMARKS, np.cumsum([0, *LANDMARKS.values()]).tolist(), strict=False))
    for frame, points in enumerate(values.astype(object), first):
        for part in ("face", "left_hand", "pose", "right_hand"):
            for index in range(LANDMARKS[part]):
                xyz = ["" if number != number else number for number in points[begins[part] + index]]
                yield [frame, f"{frame}-{part}-{index}", part, index, *xyz]


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    """Writes a table as CSV."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def write_parquet(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]], *, group: int | None = None
) -> Path:
    """Writes a table as Parquet, in row groups of `group` rows; an empty text is no value."""
    import pyarrow as pa
    from pyarrow import parquet

    cells = ([None if cell == "" else cell for cell in column] for column in zip(*rows, strict=True))
    parquet.write_table(pa.table(dict(zip(header, cells, strict=True))), path, row_group_size=group)
    return path


def check_landmarks(sequence: PoseSequence, values: np.ndarray) -> None:
    """Asserts that poses are these landmarks (T, 543, 3), or all of them but the face."""
    if sequence.skeleton.num_keypoints == 75:
        values = np.delete(values, range(33, 501), axis=1)
    finite = np.isfinite(values)
    np.testing.assert_array_equal(sequence.keypoints, np.where(finite.all(axis=-1, keepdims=True), values, 0))
    np.testing.assert_array_equal(sequence.confidence, finite.all(axis=-1))
    assert sequence.skeleton.layout is not None
    assert sequence.skeleton.layout.name == "holistic"
