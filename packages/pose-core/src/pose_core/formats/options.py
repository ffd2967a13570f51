"""Options for reading pose files."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pose_core.formats import read, read_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pose_core.sequence import PoseSequence


@dataclass(frozen=True)
class ReadOptions:
    """The arguments of `pose_core.read` that every command has as options."""

    person: int | None = None
    min_confidence: float = 0.0
    fps: float | None = None
    layout: str | None = None
    clip: str | None = None
    axes: str | None = None
    order: str | None = None
    size: tuple[int, int] | None = None
    y_up: bool = False

    def read(self, path: str | Path, *, start: float | None = None, end: float | None = None) -> PoseSequence:
        """`read` with these options."""
        return read(path, start=start, end=end, **asdict(self))

    def blocks(self, path: str | Path, frames: int) -> Iterator[PoseSequence]:
        """`read_blocks` with these options."""
        return read_blocks(path, frames=frames, **asdict(self))
