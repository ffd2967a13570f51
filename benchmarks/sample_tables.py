"""Landmark tables and arrays of MediaPipe's, made up, and what people read them with; see `sample_files.py`."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from usable import usable

from pose_core import PoseSequence, read
from pose_core.formats import clips_of

KINDS = {"face": 468, "left_hand": 21, "pose": 33, "right_hand": 21}
BEGINS = {"face": 33, "left_hand": 501, "pose": 0, "right_hand": 522}  # in MediaPipe's order
NAMES = [f"{axis}_{kind}_{i}" for axis in "xyz" for kind, count in KINDS.items() for i in range(count)]
_ORDER = np.concatenate([np.arange(BEGINS[kind], BEGINS[kind] + count) for kind, count in KINDS.items()])


def landmarks(frames: int) -> np.ndarray:
    """(T, 543, 3) of somebody who sways, x and y between 0 and 1, the left hand NaN in every third frame."""
    random = np.random.default_rng(543)
    points = random.uniform(0.2, 0.8, (543, 3)) - [0, 0, 0.5]
    time = np.arange(frames)[:, None, None] / 25
    values = points + 0.05 * np.sin(time + random.uniform(0, 6, (543, 3))) + random.normal(0, 0.001, (frames, 543, 3))
    values[::3, 501:522] = np.nan
    return values


def long_columns(frames: int) -> dict[str, np.ndarray]:
    kinds = np.concatenate([[kind] * count for kind, count in KINDS.items()])
    index = np.concatenate([np.arange(count) for count in KINDS.values()])
    x, y, z = landmarks(frames)[:, _ORDER].reshape(-1, 3).T
    frame, kind, number = np.repeat(np.arange(20, 20 + frames), 543), np.tile(kinds, frames), np.tile(index, frames)
    rows = [f"{a}-{b}-{c}" for a, b, c in zip(frame, kind, number, strict=True)]
    short = {"frame": frame.astype(np.int32), "row_id": np.array(rows), "type": kind}
    return {**short, "landmark_index": number.astype(np.int16), "x": x, "y": y, "z": z}


def make_asl_signs_csv(folder: Path, frames: int) -> Path:
    columns = long_columns(frames)
    with (folder / "sample.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in zip(*(column.tolist() for column in columns.values()), strict=True):
            writer.writerow("" if cell != cell else cell for cell in row)
    return folder / "sample.csv"


def make_asl_signs_parquet(folder: Path, frames: int) -> Path:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(long_columns(frames)), folder / "sample.parquet")
    return folder / "sample.parquet"


def obvious_asl_signs(path: Path) -> object:
    import pandas

    table = pandas.read_csv(path) if path.suffix == ".csv" else pandas.read_parquet(path)
    poses = np.full((table["frame"].nunique(), 543, 3), np.nan, np.float32)
    for t, (_, frame) in enumerate(table.groupby("frame")):
        for kind, begin in BEGINS.items():
            points = frame[frame["type"] == kind].sort_values("landmark_index")
            poses[t, begin : begin + len(points)] = points[["x", "y", "z"]].to_numpy()
    return usable(poses)


def obvious_reshaped(path: Path) -> object:
    """The competition's own way: right where every frame has all rows in their order, which it does not look at."""
    import pandas

    return usable(pandas.read_parquet(path, columns=["x", "y", "z"]).to_numpy(np.float32).reshape(-1, 543, 3))


def make_fingerspelling(folder: Path, frames: int) -> Path:
    """Two clips in wide form."""
    import pyarrow
    from pyarrow import parquet

    values = landmarks(frames)[:, _ORDER].transpose(0, 2, 1).reshape(frames, -1).astype(np.float32)
    half = frames // 2
    columns = {"frame": np.r_[np.arange(half), np.arange(frames - half)].astype(np.int16)}
    columns |= dict(zip(NAMES, values.T.copy(), strict=True))
    columns["sequence_id"] = np.where(np.arange(frames) < half, 1816796431, 1816825349)
    parquet.write_table(pyarrow.table(columns), folder / "sample.parquet")
    return folder / "sample.parquet"


def obvious_fingerspelling(path: Path) -> object:
    import pandas

    table = pandas.read_parquet(path)
    clips = {}
    for name, clip in table.groupby("sequence_id"):
        parts = [
            np.stack([clip[[f"{axis}_{kind}_{i}" for i in range(KINDS[kind])]].to_numpy() for axis in "xyz"], axis=-1)
            for kind in BEGINS
        ]
        clips[name] = usable(np.concatenate(parts, axis=1))
    return clips


def read_clips(path: Path) -> Iterator[PoseSequence]:
    for clip in clips_of(path):
        yield read(path, clip=clip)


def rows(frames: int) -> np.ndarray:
    """(T, 1662) as the tutorials' `extract_keypoints` makes it: zeros for what is missing."""
    values = np.nan_to_num(landmarks(frames))
    body = np.concatenate([values[:, :33], np.full((frames, 33, 1), 0.9)], axis=-1)
    return np.concatenate([body.reshape(frames, -1), values[:, 33:].reshape(frames, -1)], axis=1)


def make_rows(folder: Path, frames: int) -> Path:
    np.save(folder / "sample.npy", rows(frames))
    return folder / "sample.npy"


def obvious_rows(path: Path) -> object:
    return usable_rows(np.load(path))


def usable_rows(values: np.ndarray) -> object:
    body, rest = values[:, :132].reshape(-1, 33, 4), values[:, 132:].reshape(-1, 510, 3)
    return usable(np.concatenate([body[..., :3], rest], axis=1))


def make_frames(folder: Path, frames: int) -> Path:
    clip = folder / "sample"
    clip.mkdir()
    for number, frame in enumerate(rows(frames)):
        np.save(clip / f"{number}.npy", frame)
    return clip


def obvious_frames(path: Path) -> object:
    values = np.array([np.load(path / f"{number}.npy") for number in range(len(list(path.glob("*.npy"))))])
    return usable_rows(values)


def read_csv(path: Path) -> list[PoseSequence]:
    """Reads with pyarrow imported, as it is from the first larger file on."""
    import pyarrow.csv  # noqa: F401 - a small file alone would be read without it, more slowly

    return [read(path)]
