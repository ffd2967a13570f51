"""Landmark tables as clips: rows of any order put together, or, sorted by frame, piece by piece in constant memory."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.formats.table_chunks import RowError
from pose_core.notices import notify
from pose_core.rates import stated_rate
from pose_core.sequence import PoseSequence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core.formats.landmark_rows import RowLayout, Rows
    from pose_core.formats.table_chunks import Chunk, ChunkedTable

IN_MEMORY = 1 << 21  # rows that are kept, of 28 bytes or so each; those of a longer table are read twice
SPARSEST = 200  # keypoints of the result for each row; where there are more, a frame's number is wrong, unless
LEAST = 1_000_000  # keypoints is more than there are: nothing that costs memory
EMPTIEST = 125  # keypoints of the result for each byte, however well a file is packed, beyond 16 times as many
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class _Span:
    """Number of a chunk, its first and last frame, and how many rows it has."""

    chunk: int
    first: int
    last: int
    rows: int


@dataclass(frozen=True)
class TableClip:
    """One of several clips in a table: the rows with one value in a column.

    Attributes:
        name: that value.
        column: position of the column.
        first_chunk, last_chunk: numbers of the chunks that hold its rows.
    """

    name: str
    column: int
    first_chunk: int
    last_chunk: int

    def rows(self, chunk: Chunk) -> np.ndarray:
        """Positions of the clip's rows in a chunk."""
        names = chunk.texts[self.column]
        return np.flatnonzero(names.codes == names.words.index(self.name)) if self.name in names.words else _NONE


def find_clips(table: ChunkedTable, column: int) -> list[TableClip]:
    """The clips of a table by a column of their names, in the order of the file."""
    chunks = table.select([], [column])
    found: dict[str, TableClip] = {}
    for number in itertools.count():
        chunk = chunks.chunk(number)
        if chunk is None:
            return list(found.values())
        for name in chunk.texts[column].words:
            first = found[name].first_chunk if name in found else number
            found[name] = TableClip(name, column, first, number)
    raise AssertionError


class LandmarkFrames:
    """The frames of a table, a `FrameSource`: first to last of those that its rows number.

    A landmark without a row in a frame, or without numbers in it, is missing there; of repeated rows the last counts.
    Rows may have any order; those of a long table that are not sorted by frame are all put together at once.

    Args:
        table: the file.
        layout: of its rows.
        fps: frames per second; None: assumed, with a warning.
        clip: which of the clips in the table; None: the table is one.
        in_memory: rows that are kept; the default keeps memory constant.

    Raises:
        UserError: rows that are no landmarks, none at all, or frame numbers that leave out nearly everything.
    """

    def __init__(
        self,
        table: ChunkedTable,
        layout: RowLayout,
        *,
        fps: float | None,
        clip: TableClip | None = None,
        in_memory: int = IN_MEMORY,
    ) -> None:
        self._table, self._layout, self._clip = table, layout, clip
        self._begins: dict[int, int] = {}  # number of the clip's rows before each chunk
        self._kept: dict[int, Rows] = {}
        self._latest: tuple[int, Rows] | None = None
        self._spans = self._scan(in_memory)
        path, rows = table.path, sum(span.rows for span in self._spans)
        if not rows:
            raise UserError(f"{path}: has no rows; drop it from the data")
        try:
            self.skeleton, self._positions, silent = layout.finish()
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
        self._silent = silent
        self._first = min(span.first for span in self._spans)
        self._length = max(span.last for span in self._spans) - self._first + 1
        K = self.skeleton.num_keypoints
        most = min(
            max(LEAST, SPARSEST * rows * (K if layout.whole_frames else 1)),
            max(16 * LEAST, EMPTIEST * path.stat().st_size),
        )
        if self._length * K > most:
            raise UserError(
                f"{path}: frames run from {self._first} to {self._first + self._length - 1} in {rows} rows; "
                "mend the frame numbers"
            )
        if silent.any():
            parts = dict.fromkeys(self.skeleton.keypoints[k][0] for k in self._positions[silent].tolist() if k >= 0)
            notify(
                path,
                f"no visibility is above 0 in {', '.join(parts)}: every landmark there that has numbers is visible",
                kind="tables whose visibility says nothing of some parts",
            )
        self.fps = stated_rate(None, fps, path)
        self._whole: PoseSequence | None = None

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, frames: slice) -> PoseSequence:
        start, stop, _ = frames.indices(self._length)
        if self._whole is None and not self._kept and not self._is_sorted():
            self._whole = self._assembled(0, self._length)
        return self._assembled(start, stop) if self._whole is None else self._whole[start:stop]

    def _scan(self, in_memory: int) -> list[_Span]:
        """Goes through the table once: keeps its rows, or if there are too many only where the frames are."""
        spans: list[_Span] = []
        kept = 0  # landmarks
        axes = self._layout.axes
        number, end = (self._clip.first_chunk, self._clip.last_chunk) if self._clip else (0, None)
        begin = number
        while end is None or number <= end:
            decoded = self._decoded(number, axes)
            if decoded is None:
                break
            kept += decoded.present.size
            if axes and kept > in_memory:  # from the beginning, without coordinates
                self._kept.clear()
                spans, kept, number, axes = [], 0, begin, ()
                continue
            if axes:
                self._kept[number] = decoded
            if len(decoded.frames):
                span = _Span(number, int(decoded.frames.min()), int(decoded.frames.max()), len(decoded.frames))
                if self._layout.in_order and spans and span.first < spans[-1].last:
                    place = self._table.place(number, 0)
                    raise UserError(
                        f"{place}: frame {span.first} stands after frame {spans[-1].last}; sort the rows by frame"
                    )
                spans.append(span)
            number += 1
        return spans

    def _is_sorted(self) -> bool:
        return all(a.last <= b.first for a, b in itertools.pairwise(self._spans))

    def _assembled(self, start: int, stop: int) -> PoseSequence:
        """Frames `start` to `stop`, counted from the first."""
        K, D = self.skeleton.num_keypoints, self.skeleton.num_dims
        try:
            keypoints = np.zeros(((stop - start) * K, D), np.float32)
            confidence = np.zeros(len(keypoints), np.float32)
        except MemoryError as error:
            raise UserError(
                f"{self._table.path}: {stop - start:,} frames fill the memory; read a part, or convert them to .pose"
            ) from error
        first = self._first + start
        for span in self._spans:
            if span.last < first or span.first >= self._first + stop:
                continue
            rows = self._rows(span.chunk)
            frames, codes, values, score = rows.frames - first, rows.codes, rows.values, rows.confidence
            if self._silent.any():
                score = np.where(self._silent[codes], rows.present, score)
            if span.first < first or span.last >= self._first + stop:
                inside = ((frames >= 0) & (frames < stop - start)).reshape(-1)
                frames, values, score = frames[inside], values[inside], score[inside]
                codes = codes[inside] if codes.ndim == 1 else codes
            if codes.size == K and codes.ndim == 2:  # all of them, in their order
                keypoints.reshape(-1, K, D)[frames[:, 0]] = values
                confidence.reshape(-1, K)[frames[:, 0]] = score
                continue
            places = frames * K + self._positions[codes]
            keypoints[places] = values
            confidence[places] = score
        keypoints = keypoints.reshape(-1, K, D)
        if self._layout.y_up:
            keypoints[..., 1] *= -1
        return PoseSequence(keypoints, confidence.reshape(-1, K), self.fps, self.skeleton)

    def _rows(self, number: int) -> Rows:
        """The rows of a chunk, of those kept, or read again."""
        if number in self._kept:
            return self._kept[number]
        if self._latest is None or self._latest[0] != number:
            rows = self._decoded(number, self._layout.axes)
            if rows is None:
                raise UserError(f"{self._table.path}: has changed while it was read; read it again")
            self._latest = number, rows
        return self._latest[1]

    def _decoded(self, number: int, axes: Sequence[int]) -> Rows | None:
        """The landmarks of a chunk, those of the clip; None past the last chunk."""
        numbers, texts = [*self._layout.keys, *axes], list(self._layout.texts)
        if self._clip is not None:
            texts.append(self._clip.column)
        chunk = self._table.select(numbers, texts).chunk(number)
        if chunk is None:
            return None
        rows = None
        if self._clip is not None:
            rows = self._clip.rows(chunk)
            first = self._begins.setdefault(number, 0)
            self._begins[number + 1] = first + len(rows)
            chunk = replace(chunk.take(rows), first_row=first)
        try:
            return self._layout.decode(chunk, axes)
        except RowError as error:
            place = self._table.place(number, error.row if rows is None else int(rows[error.row]))
            raise UserError(f"{place}: {error.problem}; mend or drop the row") from error
