"""One of several people in a video: all are detected first, on the disk, then linked from frame to frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core.errors import naming
from pose_core.formats.detection_store import Detection, DetectionStore
from pose_core.formats.detections import DetectedFrames, link_detections

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np

    from pose_core.sequence import PoseSequence
    from pose_core.skeleton import Skeleton

_PIECE = 256  # frames of the result at once


class SeveralPeople:
    """Collects the people of a video, frame by frame, and then gives the poses of one of them.

    Args:
        path: of the video, in messages.
        person: a number, in the order in which they appear; None: who is visible most often and largest.
    """

    def __init__(self, path: Path, person: int | None) -> None:
        self._path, self._person = path, person
        self._store, self._frames = DetectionStore(path), 0

    def add(self, people: np.ndarray, count: int) -> None:
        """Adds the people (P, K, D + 1) of a frame that stands for `count` of the result."""
        for _ in range(count):
            self._store.add(self._frames, [Detection(values) for values in people])
            self._frames += 1

    def poses(self, skeleton: Skeleton, fps: float) -> Iterator[PoseSequence]:
        """The poses of the chosen person, piece by piece, missing in frames without that person.

        Raises:
            UserError: there is no such person.
        """
        self._store.finish()
        with naming(self._path):
            clip = link_detections(self._store, self._path, first=0)
            person = clip.take(self._person, self._path)
        frames = DetectedFrames(clip, person, fps, skeleton, (0, 0, 0))
        for start in range(0, len(frames), _PIECE):
            yield frames[start : start + _PIECE]
