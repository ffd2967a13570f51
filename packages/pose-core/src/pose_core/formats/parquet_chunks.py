"""Parquet files read in batches of rows, by pyarrow (`pip install 'pose-core[parquet]'`)."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.errors import UserError, reason
from pose_core.formats.table_chunks import Chunk, Words

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

_CELLS = 1 << 22  # read at once; each batch of rows takes time for each column, of which there may be thousands
_BUFFER = 1 << 16  # bytes of a column's stream in memory
# Rows: a file that states more, and more than that times its bytes, is damaged, and would take hours to prove it.
_LEAST, _SPARSEST = 1_000_000, 100
_LARGEST_NAMES = 1 << 24  # bytes of a text in the file's metadata
_MOST_COLUMNS = 1 << 16
_EXACT = 1e16  # number that is written with all its digits


@dataclass(frozen=True)
class _Place:
    """Where a chunk is: its row group, its number among the batches of that, and its first row in the file."""

    group: int
    batch: int
    row: int


class ParquetTable:
    """A `ChunkedTable` of a Parquet file.

    Raises:
        UserError: pyarrow is not installed, or it is no Parquet file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.places: list[_Place] = []  # of the chunks read so far
        self.ended = False  # those are all
        self.lock = RLock()  # a reader of pyarrow's is one thread's at a time
        self._selected: dict[tuple[tuple[int, ...], tuple[int, ...]], ParquetChunks] = {}
        try:
            import pyarrow.parquet as pq
        except ImportError:
            raise UserError(f"{path}: reading .parquet needs pyarrow: pip install 'pose-core[parquet]'") from None
        with self.reading():
            self.file = pq.ParquetFile(
                path,
                buffer_size=_BUFFER,
                pre_buffer=False,
                page_checksum_verification=True,
                thrift_string_size_limit=_LARGEST_NAMES,
                thrift_container_size_limit=_MOST_COLUMNS,
            )
            self._schema = self.file.schema_arrow  # which is made anew whenever it is asked for
            self.columns: list[str] = list(self._schema.names)
            rows = self.file.metadata.num_rows
        if not 0 <= rows <= max(_LEAST, _SPARSEST * path.stat().st_size):
            raise UserError(f"{path}: states {rows:,} rows, more than it can hold; export or copy it again")

    def select(self, numbers: Sequence[int], texts: Sequence[int] = ()) -> ParquetChunks:
        """See `ChunkedTable.select`.

        Raises:
            UserError: a column holds something else.
        """
        import pyarrow.types as kinds

        known = self._selected.get((tuple(numbers), tuple(texts)))
        if known is not None:
            return known
        for i in (*numbers, *texts):
            kind = self._kind(i)
            number = kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_null(kind)
            if not (number or (i in texts and _is_text(kind))):
                wanted = "text" if i in texts else "numbers"
                raise UserError(f"{self.path}: the column {self.columns[i]} holds {kind}; {wanted} expected")
        chunks = self._selected[tuple(numbers), tuple(texts)] = ParquetChunks(self, tuple(numbers), tuple(texts))
        return chunks

    def place(self, number: int, row: int) -> str:
        """See `ChunkedTable.place`; rows are counted from 0, as pandas does."""
        return f"{self.path}, row {self.places[number].row + row}"

    def _kind(self, column: int) -> Any:
        kind = self._schema.field(column).type
        return getattr(kind, "value_type", kind) if str(kind).startswith("dictionary") else kind

    @contextmanager
    def reading(self) -> Generator[None]:
        """Turns pyarrow's errors into a `UserError`."""
        import pyarrow as pa

        try:
            yield
        except (pa.ArrowException, OSError, MemoryError, ValueError, TypeError, LookupError, RuntimeError) as error:
            raise UserError(f"{self.path}: not a whole .parquet file ({reason(error)}); export or copy it again") from (
                error
            )


class ParquetChunks:
    """The chunks of a Parquet file; see `Chunks`. Asked for in order, each row is decoded once."""

    def __init__(self, table: ParquetTable, numbers: tuple[int, ...], texts: tuple[int, ...]) -> None:
        self.table, self.numbers, self.texts = table, numbers, texts
        self._number = 0  # of the chunk that comes next from
        self._batches = self._at(0)
        self._latest: tuple[int, Chunk] | None = None

    def chunk(self, number: int) -> Chunk | None:
        """See `Chunks.chunk`. Those before it have been read."""
        with self.table.lock:
            if self._latest is None or self._latest[0] != number:
                chunk = self._read(number)
                if chunk is None:
                    return None
                self._latest = number, chunk
            return self._latest[1]

    def _read(self, number: int) -> Chunk | None:
        places = self.table.places
        if self.table.ended and number >= len(places):
            return None
        with self.table.reading():
            if number != self._number:
                self._batches = self._at(number)
            self._number = -1  # nowhere, if this fails: the batches would look as if they were at their end
            following = next(self._batches, None)
            if following is None:
                self.table.ended = True
                return None
            place, batch = following
            if number == len(places):
                places.append(place)
            chunk = Chunk(place.row, len(batch), *self._columns(batch))
            self._number = number + 1
            return chunk

    def _at(self, number: int) -> Iterator[tuple[_Place, Any]]:
        """The batches from a chunk on: one of those read so far, or the one after them."""
        places = self.table.places
        if number < len(places):
            return self._from(places[number])
        return itertools.islice(self._from(places[-1]), 1, None) if places else self._from(_Place(0, 0, 0))

    def _from(self, start: _Place) -> Iterator[tuple[_Place, Any]]:
        """The batches from a place on."""
        row = start.row
        names = [self.table.columns[i] for i in (*self.numbers, *self.texts)]
        size = max(64, _CELLS // max(1, len(self.table.columns)))  # whatever the columns: chunks are the same of all
        for group in range(start.group, self.table.file.metadata.num_row_groups):
            batches = self.table.file.iter_batches(size, row_groups=[group], columns=names, use_threads=False)
            for number, batch in enumerate(batches):
                if (group > start.group or number >= start.batch) and len(batch):
                    yield _Place(group, number, row), batch
                    row += len(batch)

    def _columns(self, batch: Any) -> tuple[dict[int, Any], dict[int, Words]]:
        import pyarrow as pa

        columns = dict(zip(batch.schema.names, batch.columns, strict=True))

        def column(i: int) -> Any:
            values = columns[self.table.columns[i]]
            return values.dictionary_decode() if isinstance(values, pa.DictionaryArray) else values

        numbers = {i: _numbers(column(i)) for i in self.numbers}
        return numbers, {i: _words(column(i)) for i in self.texts}


def _numbers(column: Any) -> np.ndarray:
    """(N,) of a column of numbers, NaN where there is none."""
    if column.null_count == len(column):  # of pyarrow's type null, too, which is none of numpy's
        return np.full(len(column), np.nan)
    return column.to_numpy(zero_copy_only=False)


def _is_text(kind: Any) -> bool:
    """Whether a column holds text, or bytes, as which some programs write it."""
    import pyarrow.types as kinds

    return any(
        is_kind(kind)
        for is_kind in (
            kinds.is_string,
            kinds.is_large_string,
            kinds.is_string_view,
            kinds.is_binary,
            kinds.is_large_binary,
            kinds.is_binary_view,
        )
    )


def _words(column: Any) -> Words:
    import pyarrow as pa

    plain = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary(), pa.float16(): pa.float32()}
    if column.type in plain:  # of those that pyarrow makes no dictionary of
        column = column.cast(plain[column.type])
    encoded = column.dictionary_encode(null_encoding="encode")
    # Numbers with a fraction as NumPy's, which says 1.1 of float32; others are exact as Python's only.
    exact = not pa.types.is_floating(column.type)
    words = encoded.dictionary.to_pylist() if exact else encoded.dictionary.to_numpy(zero_copy_only=False)
    return Words.stripped(encoded.indices.to_numpy(zero_copy_only=False), map(_word, words))


def _word(value: Any) -> str:
    """A cell as text: "7" of 7 and of 7.0, "" of none."""
    if value is None or value != value:
        return ""
    if isinstance(value, np.floating) and value.is_integer() and abs(value) < _EXACT:
        return f"{value:.0f}" if value else "0"  # not -0
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
