"""Tables of Hugging Face `datasets` with a clip in each row: `.parquet`, `.arrow`, and folders of `save_to_disk`.

Read by pyarrow (`pip install 'pose-core[parquet]'`); the library `datasets` is not needed.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.errors import UserError, reason
from pose_core.formats.clip_file import NAMES, ClipFile
from pose_core.formats.reading import reading
from pose_core.formats.rows import CONFIDENCE, POSES, kind_of
from pose_core.formats.tables import is_landmark_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

_AT_ONCE = 4  # rows of a Parquet file that are decoded together
_LARGEST = 1 << 31  # bytes of a row group, or of a row, unpacked
_SAVED = ("state.json", "dataset_dict.json")  # what `save_to_disk` writes, of a data set and of several splits


def is_saved_folder(path: Path) -> bool:
    """Whether a folder is a data set that `datasets` saved with `save_to_disk`."""
    return any((path / name).is_file() for name in _SAVED)


def holds_clips(path: Path) -> bool:
    """Whether a Parquet file has a clip in each row: one that does not may be a table of landmarks."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        return False
    try:
        if not any(map(_holds_poses, pq.read_schema(path))):
            return False
    except (OSError, ValueError, TypeError, MemoryError, pa.ArrowException):  # names may be no UTF-8
        return False
    try:
        return not is_landmark_table(path)  # whose text some programs write as bytes
    except UserError:
        return True


class ArrowClips(ClipFile):
    """The rows of tables; a few rows are in memory at a time."""

    def __init__(self, path: Path) -> None:
        self._damaged = _errors(path)
        names: list[str] = []
        self._tables: list[_Table] = []
        self._splits: list[str] = []
        with reading(path, self._damaged, self._damage):
            for file, split in _files(path):
                table = _ParquetTable(file) if file.suffix.lower() == ".parquet" else _ArrowTable(file)
                first = self._ends[-1] if self._tables else 0
                self._tables.append(table)
                self._splits.append(split)
                found = table.names()
                prefix = f"{split}/" if split and (path / _SAVED[1]).is_file() else ""
                names += [f"{prefix}{name}" for name in found or (f"{first + i:05}" for i in range(len(table)))]
        super().__init__(path, names)

    @property
    def _ends(self) -> list[int]:
        return list(accumulate(len(table) for table in self._tables))

    def row(self, index: int) -> Mapping[str, Any]:
        ends = self._ends
        number = bisect_right(ends, index)
        with reading(self.path, self._damaged, self._damage):
            row = self._tables[number].row(index - (ends[number - 1] if number else 0))
        split = self._splits[number]
        return {"split": split, **row} if split else row

    def _damage(self, error: Exception) -> str:
        return f"not a whole table ({reason(error)}); export or copy it again"


class _Table:
    """One file of rows."""

    path: Path
    schema: pa.Schema

    def __len__(self) -> int:
        raise NotImplementedError

    def row(self, index: int) -> dict[str, Any]:
        raise NotImplementedError

    def column(self, name: str) -> list[Any]:
        raise NotImplementedError

    def names(self) -> list[str]:
        """The clips' names, of the column that has them; none without one."""
        import pyarrow as pa

        if not any(_holds_poses(field) for field in self.schema):
            raise UserError(f"{self.path}: no column holds poses; it has {', '.join(self.schema.names)[:200]}")
        for name in NAMES:
            if name in self.schema.names:
                kind = self.schema.field(name).type
                if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind):
                    return [str(value) for value in self.column(name)]
        return []


class _ParquetTable(_Table):
    """A Parquet file: rows are decoded a few at a time, and read on from the last one."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self.path = path
        self._file = pq.ParquetFile(path)
        self.schema = self._file.schema_arrow
        groups = [self._file.metadata.row_group(i) for i in range(self._file.num_row_groups)]
        if any(group.total_byte_size > _LARGEST or group.total_byte_size < 0 for group in groups):
            raise UserError(f"{path}: has row groups of over {_LARGEST:,} bytes; write smaller ones")
        self._ends = list(accumulate(group.num_rows for group in groups))
        self._next, self._batches, self._group = 0, iter(()), -1
        self._batch: pa.RecordBatch | None = None

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def column(self, name: str) -> list[Any]:
        return self._file.read(columns=[name]).column(0).to_pylist()

    def row(self, index: int) -> dict[str, Any]:
        group = bisect_right(self._ends, index)
        begin = self._ends[group - 1] if group else 0
        first = self._next - (len(self._batch) if self._batch is not None else 0)
        if group != self._group or index < first:
            self._group, self._next, self._batch = group, begin, None
            self._batches: Iterator[pa.RecordBatch] = self._file.iter_batches(_AT_ONCE, row_groups=[group])
        while self._batch is None or index >= self._next:
            batch = next(self._batches, None)
            if batch is None:
                self._group = -1
                raise UserError(f"{self.path}: ends before row {index}; export or copy it again")
            self._batch, self._next = batch, self._next + len(batch)
        return _row(self._batch.slice(index - (self._next - len(self._batch)), 1))


class _ArrowTable(_Table):
    """An Arrow file, stream or file format, mapped into memory."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        self.path = path
        source = pa.memory_map(str(path))
        is_file = source.read(6) == b"ARROW1"
        source.seek(0)
        reader = pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
        self.schema = reader.schema
        self._table: pa.Table = reader.read_all()

    def __len__(self) -> int:
        return self._table.num_rows

    def column(self, name: str) -> list[Any]:
        column = self._table.column(name)
        column.validate(full=True)
        return column.to_pylist()

    def row(self, index: int) -> dict[str, Any]:
        (batch,) = self._table.slice(index, 1).to_batches()
        return _row(batch)


def _row(batch: pa.RecordBatch) -> dict[str, Any]:
    """The only row of a batch; numbers are arrays."""
    batch.validate(full=True)  # offsets beyond the data would be followed
    return {name: _value(column) for name, column in zip(batch.schema.names, batch.columns, strict=True)}


def _value(column: pa.Array) -> Any:
    """The only value of an array."""
    import pyarrow as pa

    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if column.null_count:
        return None
    if pa.types.is_struct(column.type):
        return {field.name: _value(child) for field, child in zip(column.type, column.flatten(), strict=True)}
    if _is_list(column.type):
        return _numbers(column)
    return column[0].as_py()


def _numbers(column: pa.Array) -> Any:
    """The only value of an array of lists: numbers as an array of as many axes, anything else as lists."""
    import pyarrow as pa

    shape: list[int] = []
    values = column
    while _is_list(values.type):
        lengths = np.unique(values.value_lengths().to_numpy(zero_copy_only=False))
        if len(lengths) != 1 or np.isnan(lengths[0]) or values.null_count:
            return column[0].as_py()  # lists of several lengths, or none
        shape.append(int(lengths[0]))
        values = values.flatten()
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type) or pa.types.is_boolean(values.type)):
        return column[0].as_py()
    array = values.to_numpy(zero_copy_only=False)  # NaN where there is none
    return array.reshape(shape) if array.dtype != object else column[0].as_py()


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _holds_poses(field: pa.Field) -> bool:
    """Whether a column can hold poses, by its kind, or else by its name."""
    import pyarrow as pa

    kind = field.type.storage_type if isinstance(field.type, pa.BaseExtensionType) else field.type
    if pa.types.is_struct(kind):
        names = [each.name for each in kind]
        return {"bytes", "path"} == set(names) or any(kind_of(name) in (*POSES, *CONFIDENCE) for name in names)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return True
    return (_is_list(kind) and _is_list(kind.value_type)) or kind_of(field.name) in POSES


def _files(path: Path) -> list[tuple[Path, str]]:
    """The files of a table, or of a folder of them, and the split of each.

    Raises:
        UserError: a folder that does not say which, or they are not there.
    """
    if not path.is_dir():
        return [(path, "")]
    if (path / _SAVED[1]).is_file():
        splits = _json(path / _SAVED[1]).get("splits")
        if not isinstance(splits, list):
            raise UserError(f"{path / _SAVED[1]}: names no splits; save the data set again")
        return [(file, str(split)) for split in splits for file, _ in _files(_inside(path, split))]
    state = _json(path / _SAVED[0])
    names = [each.get("filename") for each in state.get("_data_files") or [] if isinstance(each, dict)]
    files = [(_inside(path, name), str(state.get("_split") or "")) for name in names]
    if not files:
        raise UserError(f"{path / _SAVED[0]}: names no files; save the data set again")
    if state.get("_indices_data_files"):
        raise UserError(f"{path}: is a selection of rows; save `dataset.flatten_indices()`")
    return files


def _inside(folder: Path, name: Any) -> Path:
    path = folder / str(name)
    if not str(name) or "/" in str(name) or not path.exists():
        raise UserError(f"{folder}: has no {str(name)[:80]!r}; save the data set again")
    return path


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read ({reason(error)}); save the data set again") from error
    return value if isinstance(value, dict) else {}


def _errors(path: Path) -> tuple[type[Exception], ...]:
    """What pyarrow raises on bytes that are no table.

    Raises:
        UserError: it is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError:
        raise UserError(f"{path}: reading it needs pyarrow: pip install 'pose-core[parquet]'") from None
    return (pa.ArrowException, ValueError, TypeError, LookupError, MemoryError, OverflowError, RecursionError)
