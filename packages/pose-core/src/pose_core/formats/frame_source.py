"""Frames of a clip that need not be in memory: what readers give that read piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence


class FrameSource(Protocol):
    """One person's frames, in memory or not: a `PoseSequence` is one, and so is what `blocks` of a reader returns.

    A reader's `blocks(path, **options)` takes the options of its `read` but for the range of frames, and reports what
    has to be assumed about the file, once. Slices of frames are asked for in any order, mostly one after the other.
    """

    @property
    def fps(self) -> float:
        """Frames per second."""
        ...

    def __len__(self) -> int:
        """T, the number of frames."""
        ...

    def __getitem__(self, frames: slice, /) -> PoseSequence:
        """The frames of a slice without a step."""
        ...
