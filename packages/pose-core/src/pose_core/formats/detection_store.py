"""Detections of a whole clip in little memory: short clips in it, long ones in a temporary file."""

from __future__ import annotations

import os
import tempfile
import weakref
from array import array
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_ROWS = 256  # detections that are kept, written and read together
_MOST_FRAMES = 5_000_000  # two days; what has more is text that repeats itself
_IN_MEMORY = 64 << 20  # bytes of detections; the rest goes to a file


class Detection(NamedTuple):
    """One person in one frame: values (K, D + 1), the last the score; `name` is the estimator's own number, or None."""

    values: np.ndarray
    name: int | None = None


class DetectionStore:
    """Detections as they are added, N in all, and what is needed of them to link people.

    Args:
        path: of the file they are from, for messages.
        min_confidence: what scores less is not visible.
    """

    def __init__(self, path: Path, *, min_confidence: float = 0.0) -> None:
        self._path, self._min_confidence = path, min_confidence
        self._numbers, self._frames, self._names = array("q"), array("q"), array("q")
        self._pending: list[np.ndarray] = []
        self._chunks: list[np.ndarray] = []
        self._file = None
        self._in_file = 0  # chunks
        self.shape: tuple[int, int] | None = None  # K, D + 1
        self._repeated = False

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, number: int, people: Sequence[Detection], *, again: bool = False) -> None:
        """Adds the people of a frame, all of the same keypoints.

        Args:
            again: of a frame that may have been added before, some of its people.

        Raises:
            UserError: people of other keypoints than those before, or no end of frames.
        """
        if not again or not self._numbers or self._numbers[-1] != number:
            self._numbers.append(number)
            if len(self._numbers) > _MOST_FRAMES:
                raise UserError(f"{self._path}: has more than {_MOST_FRAMES:,} frames; it is damaged, or no clip")
        self._repeated = self._repeated or again
        for detection in people:
            if detection.values.shape != self.shape:
                if self.shape is not None:
                    raise UserError(
                        f"{self._path}: frame {number} has people of other keypoints than the frames before it"
                    )
                self.shape = (detection.values.shape[0], detection.values.shape[1])
            self._frames.append(number)
            self._names.append(-1 if detection.name is None else detection.name)
            self._pending.append(detection.values)
        if len(self._pending) >= _ROWS:
            self._flush()

    def finish(self) -> None:
        """After the last frame."""
        while self._pending:
            self._flush()

    @cached_property
    def statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether any keypoint of each detection is visible (N,), and sizes (N,).

        A size is the root mean square distance of the visible keypoints from their middle, weighted by their scores.
        """
        measured = [self._measured(self._chunk(i)) for i in range(-(-len(self) // _ROWS))]
        columns = zip(*measured, strict=True) if measured else ((np.zeros(0, bool),), (np.zeros(0),))
        visible, sizes = (np.concatenate(column) for column in columns)
        return visible, sizes

    def numbers(self) -> np.ndarray:
        """The numbers of the frames, with and without people, in order.

        Raises:
            UserError: one of them is there twice.
        """
        numbers = np.sort(np.frombuffer(self._numbers, np.int64)) if self._numbers else np.zeros(0, np.int64)
        twice = numbers[1:][numbers[1:] == numbers[:-1]]
        if len(twice) and not self._repeated:
            raise UserError(f"{self._path}: frame {twice[0]} is there twice; keep each clip apart")
        return np.unique(numbers)

    def frames(self) -> np.ndarray:
        """(N,) the number of each detection's frame."""
        return np.array(self._frames, np.int64)

    def names(self) -> np.ndarray:
        """(N,) the estimator's number of each detection's person, -1 where it has none."""
        return np.array(self._names, np.int64)

    def weights(self, rows: np.ndarray) -> np.ndarray:
        """(N, K) weights of keypoints (N, K, D + 1): the score, 0 where not visible."""
        score = rows[..., -1]
        visible = (score > 0) & (score >= self._min_confidence)
        for i in range(rows.shape[-1]):
            visible &= np.isfinite(rows[..., i])
        return np.where(visible, score, 0.0).astype(np.float64)

    def rows_at(self, places: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Detections by their places, (n,) in any order: which of `places`, and their rows (n', K, D + 1), in turn."""
        chunk_of = places // _ROWS
        cuts = np.flatnonzero(np.diff(chunk_of)) + 1
        for found in np.split(np.arange(len(places)), cuts):
            if len(found):
                chunk, at = self._chunk(int(chunk_of[found[0]])), places[found] % _ROWS
                yield found, chunk if len(at) == len(chunk) and (np.diff(at) == 1).all() else chunk[at]

    def take(self, places: np.ndarray) -> np.ndarray:
        """The rows (n, K, D + 1) at some places."""
        return np.concatenate([rows for _, rows in self.rows_at(places)])

    def _flush(self) -> None:
        rows = np.stack(self._pending[:_ROWS])
        del self._pending[:_ROWS]
        if self._file is None and (len(self._chunks) + 1) * rows.nbytes <= _IN_MEMORY:
            self._chunks.append(rows)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the store
            weakref.finalize(self, self._file.close)
            for chunk in self._chunks:
                self._file.write(chunk.tobytes())
            self._in_file = len(self._chunks)
            self._chunks.clear()
        self._file.write(rows.tobytes())
        self._in_file += 1

    def _measured(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether any keypoint of each detection is visible (n,), and the sizes (n,)."""
        weight = self.weights(rows)
        total = weight.sum(axis=1)
        share = weight / np.where(total > 0, total, 1.0)[:, None]
        xy = np.where(share[..., None] > 0, rows[..., :2], 0.0).astype(np.float64)
        middle = np.einsum("nk,nkd->nd", share, xy)
        xy -= middle[:, None]
        return total > 0, np.sqrt(np.einsum("nk,nkd->n", share, xy**2))

    def _chunk(self, number: int) -> np.ndarray:
        if self._file is None:
            return self._chunks[number]
        K, width = self.shape or (0, 0)
        size = 4 * _ROWS * K * width
        self._file.flush()
        if hasattr(os, "pread"):  # processes that were forked share the file's position
            content = os.pread(self._file.fileno(), size, number * size)
        else:
            self._file.seek(number * size)
            content = self._file.read(size)
        return np.frombuffer(content, np.float32).reshape(-1, K, width)
