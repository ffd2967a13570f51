"""Landmark tables in Parquet files; `landmark_rows` lists what is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core.formats import tables

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.formats.landmark_table import LandmarkFrames
    from pose_core.sequence import PoseSequence


def read(path: Path, *, fps: float | None = None) -> PoseSequence:
    """See `pose_core.formats.read`."""
    return tables.frames_of(path, fps=fps, whole=True)[:]


def blocks(path: Path, *, fps: float | None = None) -> LandmarkFrames:
    """The frames of a table, to be read piece by piece; arguments as of `read`."""
    return tables.frames_of(path, fps=fps, whole=False)
