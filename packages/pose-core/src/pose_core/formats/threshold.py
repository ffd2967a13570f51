"""The lowest confidence that counts, and what is said of a file's scores."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core.notices import notify

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.formats.frame_source import FrameSource
    from pose_core.sequence import PoseSequence

_HIGHEST = 1.05  # of a confidence, with room for rounding; RTMPose scores up to 10


@dataclass
class Threshold:
    """Keypoints that score less than `lowest` have confidence 0; applied to all parts of a file, then reported once."""

    lowest: float
    path: Path
    _highest: float = field(default=0.0, init=False)  # of the scores so far
    _dropped: bool = field(default=False, init=False)  # whether any keypoint scored too little
    _kept: bool = field(default=False, init=False)  # whether any scored enough

    def apply(self, sequence: PoseSequence) -> PoseSequence:
        """The sequence without keypoints of a lower score; what `report` says is of these parts."""
        confidence = sequence.confidence
        if self.lowest <= 0:
            highest = confidence.max(initial=self._highest)
            if not np.isfinite(highest):  # looked for only then: it takes a multiple of the time
                highest = np.max(confidence, initial=self._highest, where=np.isfinite(confidence))
            self._highest = highest
            return sequence
        low = (confidence > 0) & (confidence < self.lowest)
        self._kept = self._kept or not (low | ~(confidence > 0)).all()
        if not low.any():
            return sequence
        self._dropped = True
        return replace(sequence, confidence=np.where(low, np.float32(0), confidence))

    def report(self) -> None:
        """Warns of a threshold above every score, or of scores that exceed 1 and none."""
        if self._dropped and not self._kept:
            notify(
                self.path,
                f"no keypoint scores {self.lowest:g} or more; all are missing",
                kind="files without a score",
            )
        if self.lowest <= 0 and self._highest > _HIGHEST:
            notify(
                self.path,
                f"scores run to {self._highest:.3g}; those above 1 count as 1, and none is too low to count; "
                "--min-confidence sets a threshold",
                kind="files whose scores exceed 1",
            )


@dataclass(frozen=True)
class ThresholdedFrames:
    """A part of a clip, a `FrameSource` of its own, without keypoints that score too little."""

    frames: FrameSource
    part: slice
    threshold: Threshold

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.frames.fps

    def __len__(self) -> int:
        return self.part.stop - self.part.start

    def __getitem__(self, frames: slice) -> PoseSequence:
        first, last, _ = frames.indices(len(self))
        return self.threshold.apply(self.frames[self.part.start + first : self.part.start + last])
