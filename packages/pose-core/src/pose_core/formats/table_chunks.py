"""Tables read a chunk of rows at a time: what `csv_chunks` and `parquet_chunks` have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


class RowError(Exception):
    """A row of a chunk that cannot be read; the table names its place.

    Args:
        row: position in the chunk, from 0.
        problem: what is wrong with it.
    """

    def __init__(self, row: int, problem: str) -> None:
        super().__init__(problem)
        self.row = int(row)
        self.problem = problem


@dataclass(frozen=True)
class Words:
    """A column of text: `codes` (N,) are positions in `words`, the different texts."""

    codes: np.ndarray
    words: list[str]

    @classmethod
    def stripped(cls, codes: np.ndarray, words: Iterable[str]) -> Words:
        """Of words that may have blanks around them; those that differ in nothing else are one."""
        found: dict[str, int] = {}
        renumbered = [found.setdefault(word.strip(), len(found)) for word in words]
        return cls(codes if len(found) == len(renumbered) else np.array(renumbered, np.int32)[codes], list(found))


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of a table.

    Attributes:
        first_row: number of the first one in the table, from 0.
        rows: N.
        numbers: column -> (N,) of any kind of number, NaN where there is none.
        texts: column -> text.
    """

    first_row: int
    rows: int
    numbers: dict[int, np.ndarray]
    texts: dict[int, Words]

    def take(self, rows: np.ndarray) -> Chunk:
        """The rows at these positions."""
        begin = int(rows[0]) if len(rows) else 0
        consecutive = np.array_equal(rows, np.arange(begin, begin + len(rows)))  # as mostly, and then nothing is copied
        taken = slice(begin, begin + len(rows)) if consecutive else rows
        numbers = {i: values[taken] for i, values in self.numbers.items()}
        texts = {i: Words(text.codes[taken], text.words) for i, text in self.texts.items()}
        return Chunk(self.first_row + begin, len(rows), numbers, texts)


class Chunks(Protocol):
    """The chunks of a table, some of its columns."""

    def chunk(self, number: int) -> Chunk | None:
        """A chunk by its number, from 0; None past the last one.

        Raises:
            UserError: a row that is no such row; the message names its place.
        """
        ...


class ChunkedTable(Protocol):
    """A table whose rows are read a chunk at a time; columns are counted from 0."""

    path: Path
    columns: list[str]

    def select(self, numbers: Sequence[int], texts: Sequence[int] = ()) -> Chunks:
        """Chunks of these columns; a column of text may hold numbers, as they are written."""
        ...

    def place(self, number: int, row: int) -> str:
        """What messages call a row of a chunk: "a.csv, line 7"."""
        ...


def first_true(bad: np.ndarray) -> int:
    """Position of the first True, which there is."""
    return int(np.argmax(bad))
