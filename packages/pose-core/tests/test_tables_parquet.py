"""Landmark tables as Parquet: columns of any kind, and files that are damaged, no tables, or state too much."""

import sys

import numpy as np
import pytest

from pose_core import UserError, read
from pose_core.formats import clips_of, parquet_chunks
from pose_core.inputs import spooled
from pose_core.testing_tables import LONG_HEADER, check_landmarks, fake_landmarks, long_rows, write_parquet

pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")


@pytest.mark.parametrize("kind", ["string_view", "large_string", "binary", "large_binary", "binary_view"])
def test_text_of_any_kind_in_parquet(tmp_path, kind):
    values, kind = fake_landmarks(3), getattr(pa, kind)()
    path = write_parquet(tmp_path / "a.parquet", LONG_HEADER, long_rows(values))
    table = parquet.read_table(path)
    table = table.set_column(2, "type", table["type"].cast(kind))
    parquet.write_table(table, path)
    assert clips_of(path) == []
    check_landmarks(read(path), values)
    parquet.write_table(table.append_column("sequence_id", pa.array(["a"] * len(table)).cast(kind)), path)
    check_landmarks(read(path, clip=None), values)
    assert clips_of(path) == ["a"]


@pytest.mark.parametrize(
    ("numbers", "names"),
    [
        ([2**53, 2**53 + 1], ["9007199254740992", "9007199254740993"]),
        ([1.0000001, 1.0000002], ["1.0000001", "1.0000002"]),
        ([2**53 + 1, None], ["9007199254740993", "clip"]),
        ([3.0, -0.0], ["3", "0"]),
        ([1e300, float("nan")], ["1e+300", "clip"]),
    ],
)
def test_numbers_of_clips_are_kept_apart(tmp_path, numbers, names):
    clips = [fake_landmarks(2, 1), fake_landmarks(3, 2)]
    rows = [[number, *row] for number, values in zip(numbers, clips, strict=True) for row in long_rows(values)]
    path = write_parquet(tmp_path / "a.parquet", ["sequence_id", *LONG_HEADER], rows)
    assert clips_of(path) == names
    for name, values in zip(names, clips, strict=True):
        check_landmarks(read(path, clip=name), values)


def test_standard_input_may_be_parquet(tmp_path, monkeypatch):
    values = fake_landmarks(3)
    path = write_parquet(tmp_path / "a.parquet", LONG_HEADER, long_rows(values))
    with path.open("rb") as file:
        monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": file, "isatty": lambda self: False})())
        check_landmarks(read(spooled(tmp_path)), values)


def test_parquet_that_is_none_is_refused(tmp_path):
    values = fake_landmarks(3)
    path = write_parquet(tmp_path / "a.parquet", LONG_HEADER, long_rows(values))
    content = path.read_bytes()
    for damaged in (content[:-9], content[:100], b"", b"PAR1", b"x" * 99):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"a\.parquet") as error:
            read(path)
        assert "\n" not in str(error.value)
    path.write_bytes(content.replace(b"landmark_index", b"landmark\xffindex"))
    with pytest.raises(UserError, match=r"a\.parquet"):
        read(path)
    write_parquet(path, LONG_HEADER, [[*row[:4], str(row[4]), *row[5:]] for row in long_rows(values)])
    with pytest.raises(UserError, match="the column x holds string; numbers expected"):
        read(path)
    write_parquet(path, LONG_HEADER, [[*row[:2], 1, *row[3:]] for row in long_rows(values)])
    with pytest.raises(UserError, match="row 0: type '1' is not known; known: pose, face"):
        read(path)


def test_a_damaged_parquet_is_refused_each_time(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", LONG_HEADER, list(long_rows(fake_landmarks(9))))
    damaged = bytearray(path.read_bytes())
    damaged[100:200] = bytes(100)
    path.write_bytes(damaged)
    for _ in range(3):
        with pytest.raises(UserError, match="not a whole .parquet file"):
            read(path)


def test_parquet_that_states_more_than_it_can_hold_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    rows = 400_000
    constant = {"type": ["pose"] * rows, "landmark_index": np.zeros(rows, np.int8), "x": np.zeros(rows)}
    table = pa.table({"frame": np.arange(rows), **constant, "y": np.zeros(rows)})
    delta = {"frame": "DELTA_BINARY_PACKED"}
    parquet.write_table(table, path, compression="zstd", use_dictionary=["type"], column_encoding=delta)
    assert path.stat().st_size < 100_000
    with pytest.raises(UserError, match="frames run from 0 to 399999 in 400000 rows; mend the frame numbers"):
        read(path)
    monkeypatch.setattr(parquet_chunks, "_LEAST", 1000)
    monkeypatch.setattr(parquet_chunks, "_SPARSEST", 1)
    table = table.slice(0, 399_999)
    parquet.write_table(table, path, compression="zstd", use_dictionary=["type"], column_encoding=delta)
    with pytest.raises(UserError, match="states 399,999 rows, more than it can hold; export or copy it again"):
        read(path)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        UserError, match=r"a\.parquet: reading \.parquet needs pyarrow: pip install 'pose-core\[parquet\]'"
    ):
        read(tmp_path / "a.parquet")
