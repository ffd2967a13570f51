"""CSV files read in chunks of bytes: by pyarrow if it is there, else, and to tell what is wrong, by Python's `csv`."""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.errors import UserError, reason
from pose_core.formats.table_chunks import Chunk, RowError, Words
from pose_core.texts import encoding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LONGEST = 2**16  # characters of a line; what is longer is not read to its end
CHUNK = 1 << 22  # bytes read at once
_SMALL = 1 << 23  # bytes of a file that are parsed sooner than pyarrow is imported
MISSING = frozenset(("", "NA", "N/A", "<NA>", "null", "NULL", "None"))  # cells without a number, beside nan


@dataclass(frozen=True)
class _Start:
    """Where a chunk begins: byte and row of the file, both from 0."""

    byte: int
    row: int


class CsvTable:
    """A `ChunkedTable` of a UTF-8 CSV file with a header, delimited by commas.

    Raises:
        UserError: it cannot be read, or its header is no line of text.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        line = self._bytes(0, LONGEST + 1)
        if encoding(line) == "utf-16" or line[:2].count(b"\0") == 1:
            raise UserError(f"{path}: not a readable UTF-8 CSV (it is UTF-16); save it as UTF-8")
        end = line.find(b"\n") + 1 or len(line)
        if b"\r" in line[:end].rstrip(b"\r\n"):
            raise UserError(f"{path}: its lines end in CR alone; save it with line ends LF or CRLF")
        if end > LONGEST:
            raise UserError(f"{path}, line 1: longer than {LONGEST:,} characters; mend or drop the row")
        try:
            rows = list(csv.reader(io.StringIO(line[:end].decode("utf-8-sig"), newline="")))
        except UnicodeDecodeError as error:
            raise UserError(_in_another_encoding(f"{path}, line 1")) from error
        except csv.Error as error:
            raise UserError(f"{path}: not a readable UTF-8 CSV ({reason(error)})") from error
        self.columns = [column.strip() for column in rows[0]] if rows else []
        self._starts = [_Start(end, 0)]
        self._lock = Lock()  # of `_starts`

    def select(self, numbers: Sequence[int], texts: Sequence[int] = ()) -> CsvChunks:
        """See `ChunkedTable.select`."""
        return CsvChunks(self, tuple(numbers), tuple(texts))

    def place(self, number: int, row: int) -> str:
        """See `ChunkedTable.place`."""
        reader = csv.reader(io.StringIO(self.data(number).decode("utf-8", errors="replace"), newline=""))
        for values in reader:
            row -= bool(values)
            if row < 0:
                break
        return f"{self.path}, line {self.line(number) + reader.line_num - 1}"

    def row(self, number: int) -> int:
        """The first row of a chunk that has been read, from 0."""
        return self._starts[number].row

    def line(self, number: int) -> int:
        """The line that a chunk begins at, from 1: for messages, as the file is read up to there."""
        end = self._starts[number].byte
        return 1 + sum(self._bytes(begin, min(CHUNK, end - begin)).count(b"\n") for begin in range(0, end, CHUNK))

    def data(self, number: int) -> bytes:
        """The bytes of a chunk, whole lines; none past the last one. Chunks before it have been read."""
        start = self._starts[number]
        data = self._bytes(start.byte, CHUNK)
        if len(data) == CHUNK:
            data = data[: data.rfind(b"\n") + 1] or data
        begin = 0  # of a line
        while len(data) - begin > LONGEST:
            end = data.rfind(b"\n", begin, begin + LONGEST)
            if end < 0:
                line = self.line(number) + data.count(b"\n", 0, begin)
                raise UserError(f"{self.path}, line {line}: longer than {LONGEST:,} characters; mend or drop the row")
            begin = end + 1
        return data

    def read_on(self, number: int, data: bytes, rows: int) -> None:
        """Notes that a chunk holds so many rows, and where the next one begins."""
        with self._lock:
            if number == len(self._starts) - 1:
                start = self._starts[number]
                self._starts.append(_Start(start.byte + len(data), start.row + rows))

    def _bytes(self, begin: int, count: int) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(begin)
                return file.read(count)
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read ({error.strerror})") from error


@dataclass(frozen=True)
class CsvChunks:
    """The chunks of a CSV file; see `Chunks`."""

    table: CsvTable
    numbers: tuple[int, ...]
    texts: tuple[int, ...]

    def chunk(self, number: int) -> Chunk | None:
        """See `Chunks.chunk`."""
        data = self.table.data(number)
        if not data:
            return None
        quickly = self.table.size > _SMALL or "pyarrow.csv" in sys.modules
        numbers, texts = (quickly and self._by_pyarrow(data)) or self._by_python(data, number)
        rows = len(next(iter(numbers.values()))) if numbers else len(next(iter(texts.values())).codes)
        self.table.read_on(number, data, rows)
        return Chunk(self.table.row(number), rows, numbers, texts)

    def _by_pyarrow(self, data: bytes) -> tuple[dict[int, np.ndarray], dict[int, Words]] | None:
        """The columns; None if pyarrow is not installed, or finds a cell that it cannot read."""
        try:
            import pyarrow as pa
            from pyarrow import csv as arrow_csv
        except ImportError:
            return None
        wanted: dict[int, Any] = {
            **dict.fromkeys(self.numbers, pa.float64()),
            **dict.fromkeys(self.texts, pa.dictionary(pa.int32(), pa.utf8())),
        }
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(data),
                read_options=arrow_csv.ReadOptions(
                    use_threads=False,
                    block_size=len(data) + 1,
                    column_names=[str(i) for i in range(len(self.table.columns))],
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types={str(i): kind for i, kind in wanted.items()},
                    include_columns=[str(i) for i in wanted],
                    null_values=list(MISSING),
                    strings_can_be_null=False,
                ),
            )
        except (pa.ArrowException, OSError, ValueError):
            return None
        numbers, texts = {}, {}
        for i, column in zip(wanted, table.columns, strict=True):  # by name, each would be looked for
            if i in self.texts:
                encoded = column.unify_dictionaries().combine_chunks()
                texts[i] = Words.stripped(encoded.indices.to_numpy(), encoded.dictionary.to_pylist())
            else:
                numbers[i] = column.to_numpy()
        return numbers, texts

    def _by_python(self, data: bytes, number: int) -> tuple[dict[int, np.ndarray], dict[int, Words]]:
        """The columns.

        Raises:
            UserError: a row that ends early, a cell that is no number, or text that is no CSV; naming the line.
        """
        path = self.table.path
        try:
            reader = csv.reader(io.StringIO(data.decode("utf-8"), newline=""))
            rows = [values for values in reader if values]
        except UnicodeDecodeError as error:
            line = self.table.line(number) + data.count(b"\n", 0, error.start)
            raise UserError(_in_another_encoding(f"{path}, line {line}")) from error
        except csv.Error as error:
            line = self.table.line(number) + reader.line_num - 1
            raise UserError(f"{path}, line {line}: not a readable UTF-8 CSV ({reason(error)})") from error
        try:
            shortest = min(map(len, rows), default=len(self.table.columns))
            if short := [i for i in (*self.numbers, *self.texts) if i >= shortest]:
                row = next(r for r, values in enumerate(rows) if len(values) <= max(short))
                name = next(self.table.columns[i] for i in sorted(short) if i >= len(rows[row]))
                raise RowError(row, f"ends before its {name}")
            columns = list(zip(*rows, strict=False)) or [()] * len(self.table.columns)
            numbers = {i: _numbers(columns[i], self.table.columns[i]) for i in self.numbers}
            return numbers, {i: _words(columns[i]) for i in self.texts}
        except RowError as error:
            place = self.table.place(number, error.row)
            raise UserError(f"{place}: {error.problem}; mend or drop the row") from error


def _in_another_encoding(place: str) -> str:
    return f"{place}: not a readable UTF-8 CSV (the line is in another encoding, such as Latin-1); save it as UTF-8"


def _numbers(cells: Sequence[str], column: str) -> np.ndarray:
    """(N,) float64 of cells.

    Raises:
        RowError: a cell that holds something else.
    """
    try:
        return np.array(cells, np.float64)
    except ValueError:
        pass
    cells = ["nan" if cell in MISSING or cell.strip() in MISSING else cell for cell in cells]
    try:
        return np.array(cells, np.float64)
    except ValueError:
        for row, cell in enumerate(cells):
            try:
                float(cell)
            except ValueError as error:
                raise RowError(row, f"{column}: {reason(error)}") from error
        raise


def _words(cells: Sequence[str]) -> Words:
    codes: dict[str, int] = {}
    return Words.stripped(np.array([codes.setdefault(cell, len(codes)) for cell in cells], np.int32), codes)
