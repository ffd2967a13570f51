"""Landmark tables as CSV, parsed by pyarrow and by Python: cells, names, encodings, ends of lines, standard input."""

import sys
import warnings

import numpy as np
import pytest

from pose_core import UserError, read
from pose_core.commands.conversion import convert_files
from pose_core.formats import read_blocks
from pose_core.inputs import find_inputs, local_files
from pose_core.jobs import JobOptions
from pose_core.sequence import concatenate
from pose_core.testing_tables import LONG_HEADER, fake_landmarks, long_rows, write_csv

pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")
by_both_parsers = pytest.mark.parametrize("write_table", ["csv", "python"], indirect=True)


@by_both_parsers
def test_rows_with_blank_lines_and_quotes(write_table, tmp_path):
    content = 'frame,type,landmark_index,x,y\r\n\r\n1,"pose",0,"0.5",0.5\r\n\r\n1, pose ,1, 0.5 ,0.5,further\r\n'
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf" + content.encode())
    assert read(tmp_path / "a.csv").confidence[0, :3].tolist() == [1, 1, 0]
    (tmp_path / "a.csv").write_text(content + "1,pose,99,0,0\n")
    with pytest.raises(UserError, match="line 6: pose has no landmark 99"):
        read(tmp_path / "a.csv")


@by_both_parsers
def test_wrong_cells_of_csv_are_named(write_table, in_small_chunks):
    header = ["frame", "type", "landmark_index", "x", "y", "z"]
    rows = [[frame, "pose", index, 0.5, "NA", "nan"] for frame in range(300) for index in range(33)]
    assert not read(write_table(header, rows)).confidence.any()
    for row, complaint in (
        ([1, "pose", 0, "0,5", 0, 0], "x: could not convert string to float: '0,5'"),
        ([1, "pose", 0, 0.5], "ends before its y"),
        (["'1", "pose", 0, 0.5, 0, 0], "frame: could not convert"),
    ):
        path = write_table(header, [*rows, row, rows[-1]])
        with pytest.raises(UserError, match=rf"a\.csv, line 9902: {complaint}"):
            read(path)
    path.write_bytes(path.read_bytes() + b"1,pose,\xff,0,0,0\n")
    with pytest.raises(UserError, match=r"a\.csv, line \d+: "):
        read(path)


@by_both_parsers
def test_named_tables_in_pieces(write_table, in_small_chunks):
    names = ["LEFT_SHOULDER", "NOSE", "HAND/a", "RIGHT_SHOULDER", "HAND/b"]
    random = np.random.default_rng(0)
    rows = [
        [frame, name, *random.normal(size=3).tolist()]
        for frame in range(400)
        for name in names[: 3 + 2 * (frame > 300)]
    ]
    path = write_table(["frame#", "landmark_name", "x", "y", "confidence"], rows)
    whole = read(path)
    points = ["LEFT_SHOULDER", "NOSE", "RIGHT_SHOULDER", "a", "b"]
    assert [point for _, point in whole.skeleton.keypoints] == points
    assert whole.confidence[300].tolist()[2] == 0
    np.testing.assert_allclose(whole.keypoints[399, 4], [rows[-1][2], -rows[-1][3]], rtol=1e-6)
    joined = concatenate(list(read_blocks(path, frames=70)))
    np.testing.assert_array_equal(joined.keypoints, whole.keypoints)
    path = write_table(["frame#", "landmark_name", "x", "y", "confidence"], [*rows, [5, *rows[0][1:]]])
    with pytest.raises(UserError, match=rf"line {len(rows) + 2}: frame 5 stands after frame 399; sort the rows"):
        read(path)


@pytest.mark.parametrize(
    ("encoding", "problem"),
    [
        ("utf-16", r"a\.csv: not a readable UTF-8 CSV \(it is UTF-16\); save it as UTF-8"),
        ("utf-16-le", r"a\.csv: not a readable UTF-8 CSV \(it is UTF-16\); save it as UTF-8"),
        ("utf-16-be", r"a\.csv: not a readable UTF-8 CSV \(it is UTF-16\); save it as UTF-8"),
        ("latin-1", r"a\.csv, line 2: not a readable UTF-8 CSV \(.*such as Latin-1\); save it as UTF-8"),
    ],
)
def test_csv_in_another_encoding(tmp_path, encoding, problem):
    path = tmp_path / "a.csv"
    text = "frame,type,landmark_index,x,y\n0,posé,0,0.5,0.5\n"
    path.write_text(text, encoding=encoding)
    with pytest.raises(UserError, match=problem):
        read(path)
    path.write_text(text.replace("frame,", "framé,"), encoding=encoding)
    with pytest.raises(UserError, match="save it as UTF-8"):
        read(path)


@pytest.mark.parametrize("rows", [5, 5000])
def test_csv_whose_lines_end_in_cr_alone(tmp_path, rows):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\r".join([b"frame,type,landmark_index,x,y", *[b"0,pose,0,0.5,0.5"] * rows]))
    with pytest.raises(UserError, match=r"a\.csv: its lines end in CR alone; save it with line ends LF or CRLF"):
        read(path)


def test_nothing_is_said_twice(tmp_path, in_small_chunks):
    path = write_csv(tmp_path / "a.csv", LONG_HEADER, long_rows(fake_landmarks(30)))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        list(read_blocks(path, frames=5))
    assert sorted(str(each.message).removeprefix(f"{path}: ")[:25] for each in said) == [
        "normalized coordinates: x",
        "states no frame rate; 25 ",
    ]


def _read_locally(inputs):
    with local_files(inputs) as paths:
        read(paths[0])


def test_warnings_of_standard_input_call_it_so(tmp_path, monkeypatch):
    path = write_csv(tmp_path / "a.csv", LONG_HEADER, long_rows(fake_landmarks(2)))
    for run in (
        lambda: convert_files(["-"], tmp_path / "a.pose", {}, JobOptions(overwrite=True)),
        lambda: _read_locally(find_inputs(["-"], [".pose"])),
    ):
        with path.open() as file, warnings.catch_warnings(record=True) as said:
            monkeypatch.setattr(sys, "stdin", file)
            warnings.simplefilter("always")
            run()
        assert said
        assert all(str(each.message).startswith("standard input: ") for each in said)


def test_errors_of_standard_input_call_it_so(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_bytes(b"frame,type\r0,pose")
    with (tmp_path / "a.csv").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        with pytest.raises(UserError, match="^standard input: its lines end in CR alone"):
            _read_locally(find_inputs(["-"], [".pose"]))
