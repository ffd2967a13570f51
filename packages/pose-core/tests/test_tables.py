"""Landmark tables, long and wide, CSV and Parquet: in any order, in pieces, several clips, and what is refused."""

import csv
import itertools
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pose_core import UserError, read
from pose_core.commands.conversion import convert_files
from pose_core.formats import clips_of, csv_chunks, landmark_table, parquet_chunks, read_blocks, tables
from pose_core.inputs import find_inputs, local_files, spooled
from pose_core.jobs import JobOptions
from pose_core.notices import InputWarning
from pose_core.sequence import concatenate

pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")

PARTS = {"pose": 33, "face": 468, "left_hand": 21, "right_hand": 21}
HEADER = ["frame", "row_id", "type", "landmark_index", "x", "y", "z"]


def landmarks(frames, seed=0):
    """(T, 543, 3) numbers of MediaPipe's, a left hand missing in some frames (NaN)."""
    random = np.random.default_rng(seed)
    values = random.uniform(0.1, 0.9, (frames, 543, 3)).astype(np.float32)
    values[random.random(frames) < 0.4, 501:522] = np.nan
    return values


def long_rows(values, first=20):
    """The rows of asl-signs: face, left hand, pose, right hand of each frame."""
    begins = dict(zip(PARTS, np.cumsum([0, *PARTS.values()]).tolist(), strict=False))
    for frame, points in enumerate(values.astype(object), first):
        for part in ("face", "left_hand", "pose", "right_hand"):
            for index in range(PARTS[part]):
                xyz = ["" if number != number else number for number in points[begins[part] + index]]
                yield [frame, f"{frame}-{part}-{index}", part, index, *xyz]


def wide_header():
    """Without the face, which makes 75 keypoints."""
    names = [f"{part}_{i}" for part in ("left_hand", "pose", "right_hand") for i in range(PARTS[part])]
    return ["sequence_id", "frame", *(f"{axis}_{name}" for axis in "xyz" for name in names)]


def wide_rows(values, clip):
    order = [*range(501, 522), *range(33), *range(522, 543)]
    for frame, points in enumerate(values):
        numbers = [float(number) for axis in range(3) for number in points[order, axis]]
        yield [clip, frame, *("" if number != number else number for number in numbers)]


def write_csv(path, header, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def write_parquet(path, header, rows, row_group_size=None):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {
        name: [None if cell == "" else cell for cell in column]
        for name, column in zip(header, zip(*rows, strict=True), strict=True)
    }
    parquet.write_table(pa.table(columns), path, row_group_size=row_group_size)
    return path


def parse_csv_by(monkeypatch, parser):
    """Has CSV read by pyarrow ("csv"), or by Python alone."""
    if parser == "csv":
        monkeypatch.setattr(csv_chunks, "_SMALL", 0)
    else:
        monkeypatch.setattr(csv_chunks.CsvChunks, "_by_pyarrow", lambda self, data: None)


@pytest.fixture(params=["csv", "python", "parquet"])
def write_table(request, monkeypatch, tmp_path):
    """Writes a table: CSV, as pyarrow reads it or as Python does, or Parquet."""
    if request.param == "parquet":
        return lambda header, rows, name="a": write_parquet(tmp_path / f"{name}.parquet", header, rows, 1000)
    parse_csv_by(monkeypatch, request.param)
    return lambda header, rows, name="a": write_csv(tmp_path / f"{name}.csv", header, rows)


@pytest.fixture
def in_small_chunks(monkeypatch):
    """Few rows in a chunk, and none kept in memory."""
    for module, name, number in (
        (csv_chunks, "CHUNK", 1 << 16),
        (parquet_chunks, "_CELLS", 10_000),
        (landmark_table, "IN_MEMORY", 100),
        (tables, "IN_MEMORY", 100),
        (tables, "_IN_MEMORY_WHOLE", 100),
    ):
        monkeypatch.setattr(module, name, number)


def check(sequence, values):
    if sequence.skeleton.num_keypoints == 75:
        values = np.delete(values, range(33, 501), axis=1)
    seen = np.isfinite(values).all(axis=-1)
    np.testing.assert_array_equal(sequence.keypoints, np.where(seen[..., None], values, 0))
    np.testing.assert_array_equal(sequence.confidence, seen)
    assert sequence.skeleton.layout.name == "holistic"


def test_long_tables_in_any_order(write_table):
    values = landmarks(12)
    rows = list(long_rows(values))
    check(read(write_table(HEADER, rows), fps=30.0), values)
    np.random.default_rng(0).shuffle(rows)
    path = write_table(HEADER, rows, "shuffled")
    check(read(path, fps=30.0), values)
    check(read(path, fps=30.0, start=3, end=7), values[3:7])
    with pytest.warns(InputWarning, match="states no frame rate; 25 frames per second assumed"):
        assert read(path).fps == 25


@pytest.mark.parametrize("shuffled", [False, True])
def test_long_tables_in_pieces(write_table, in_small_chunks, shuffled, tmp_path):
    values = landmarks(11)
    rows = list(long_rows(values))
    if shuffled:
        np.random.default_rng(0).shuffle(rows)
    path = write_table(HEADER, rows)
    check(read(path), values)
    check(concatenate(list(read_blocks(path, frames=5))), values)
    check(concatenate(list(read_blocks(path, frames=4, start=2, end=9))), values[2:9])
    convert_files([str(path)], tmp_path / "a.pose", {"size": (640, 480)}, JobOptions())
    back = read(tmp_path / "a.pose")
    check(back, values * np.array([640, 480, 640], np.float32))
    assert back.size == (640, 480, 0)


def test_wide_tables_of_several_clips(write_table, in_small_chunks):
    clips = {"1816796431": landmarks(9, 1), "7": landmarks(5, 2), "1975433633": landmarks(16, 3)}
    path = write_table(wide_header(), [row for name, values in clips.items() for row in wide_rows(values, int(name))])
    assert clips_of(path) == list(clips)
    for name, values in [*clips.items(), *reversed(clips.items())]:
        check(read(path, clip=name), values)
        check(concatenate(list(read_blocks(path, clip=name, frames=7))), values)
    with pytest.raises(UserError, match=r"holds 3 clips \(1816796431, 7, 1975433633\); name one with --clip.*unpack"):
        read(path)
    with pytest.raises(UserError, match=r"has no clip '181679643'; did you mean '1816796431'\?"):
        read(path, clip="181679643")
    with pytest.raises(UserError, match="no person 1"):
        read(path, clip="7", person=1)
    with pytest.raises(UserError, match="names its columns itself"):
        read(path, clip="7", axes="xyz")


def test_wide_tables_of_all_landmarks(tmp_path):
    pytest.importorskip("pyarrow")
    values = landmarks(2)
    names = [f"{part}_{i}" for part, points in PARTS.items() for i in range(points)]
    rows = values.transpose(0, 2, 1).reshape(2, -1).tolist()
    path = write_parquet(tmp_path / "a.parquet", [f"{axis}_{name}" for axis in "xyz" for name in names], rows)
    check(read(path), values)


def test_wide_tables_without_clips_or_frames(write_table, in_small_chunks):
    values = landmarks(20)
    rows = [row[1:] for row in wide_rows(values, 0)]
    check(read(write_table(wide_header()[1:], rows)), values)
    check(read(write_table(wide_header()[2:], [row[1:] for row in rows], "b")), values)
    assert clips_of(write_table(wide_header()[1:], rows, "c")) == []
    single = write_table(wide_header(), wide_rows(values, 5), "d")
    check(read(single), values)
    with pytest.raises(UserError, match="has no clip 'a'; it has 5"):
        read(single, clip="a")


def test_long_tables_of_several_clips(write_table, in_small_chunks):
    clips = {"a b": landmarks(4, 1), "ä": landmarks(6, 2)}
    rows = [[*row, name] for name, values in clips.items() for row in long_rows(values)]
    path = write_table([*HEADER, "sequence_id"], rows)
    assert clips_of(path) == list(clips)
    for name, values in clips.items():
        check(read(path, clip=name), values)
    wrong = [[*row[:6], row[6], name] for *row, name in rows]
    wrong[-1][3] = 21
    with pytest.raises(UserError, match=r"(line 5431|row 5429): right_hand has no landmark 21; mend or drop the row"):
        read(write_table([*HEADER, "sequence_id"], wrong, "wrong"), clip="ä")


FORMS = ("long", "wide", "clips")


def table_of(write_table, form):
    """A table, its clips by name (None: it is one)."""
    clips = {"7": landmarks(9, 1), "8": landmarks(6, 2)}
    if form == "long":
        return write_table(HEADER, list(long_rows(clips["7"])), form), {None: clips["7"]}
    if form == "wide":
        return write_table(wide_header()[1:], [row[1:] for row in wide_rows(clips["7"], 7)], form), {None: clips["7"]}
    rows = [[name, *row] for name, values in clips.items() for row in long_rows(values)]
    return write_table(["sequence_id", *HEADER], rows, form), clips


@pytest.mark.parametrize("form", FORMS)
def test_tables_may_be_read_again(write_table, form):
    path, clips = table_of(write_table, form)
    for name, values in [*clips.items()] * 2:
        check(read(path, clip=name), values)
        check(concatenate(list(read_blocks(path, clip=name, frames=4))), values)


@pytest.mark.parametrize("form", FORMS)
def test_tables_may_be_read_twice_at_once(write_table, in_small_chunks, form):
    path, clips = table_of(write_table, form)
    streams = {(name, i): read_blocks(path, clip=name, frames=1) for name in clips for i in range(2)}
    found = {which: [] for which in streams}
    for _ in range(9):
        for which, stream in streams.items():
            found[which] += [block for block in [next(stream, None)] if block is not None]
    for (name, _), pieces in found.items():
        check(concatenate(pieces), clips[name])


@pytest.mark.parametrize("form", FORMS)
def test_tables_may_be_read_by_threads(write_table, in_small_chunks, form):
    path, clips = table_of(write_table, form)
    with ThreadPoolExecutor(4) as threads:
        jobs = [(values, threads.submit(read, path, clip=name)) for name, values in [*clips.items()] * 8]
    for values, job in jobs:
        check(job.result(), values)


def test_clips_are_found_though_other_tables_were_read(write_table, in_small_chunks):
    path, clips = table_of(write_table, "clips")
    assert clips_of(path) == list(clips)
    for i in range(3):
        read(write_table(HEADER, list(long_rows(landmarks(1))), f"other{i}"))
    check(read(path, clip="8"), clips["8"])


def test_a_damaged_parquet_is_refused_each_time(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", HEADER, list(long_rows(landmarks(9))))
    damaged = bytearray(path.read_bytes())
    damaged[100:200] = bytes(100)
    path.write_bytes(damaged)
    for _ in range(3):
        with pytest.raises(UserError, match="not a whole .parquet file"):
            read(path)


def test_clips_whose_names_differ_in_blanks_are_one(write_table):
    values = landmarks(10)
    for blank in ("a ", " a", "a"):
        rows = [["a", *row] for row in long_rows(values[:5])] + [[blank, *row] for row in long_rows(values[5:], 25)]
        path = write_table(["sequence_id", *HEADER], rows, f"table-{blank}")
        assert clips_of(path) == ["a"]
        check(read(path), values)


def test_parts_whose_names_differ_in_blanks(write_table):
    values = landmarks(3)
    rows = [
        [frame, name, f" {part} " if i % 2 else part, *rest]
        for i, (frame, name, part, *rest) in enumerate(long_rows(values))
    ]
    check(read(write_table(HEADER, rows)), values)


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
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    clips = [landmarks(2, 1), landmarks(3, 2)]
    rows = [[number, *row] for number, values in zip(numbers, clips, strict=True) for row in long_rows(values)]
    columns = dict(zip(["sequence_id", *HEADER], zip(*rows, strict=True), strict=True))
    for axis in "xyz":
        columns[axis] = [None if cell == "" else cell for cell in columns[axis]]
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table(columns), path)
    assert clips_of(path) == names
    for name, values in zip(names, clips, strict=True):
        check(read(path, clip=name), values)


def test_clips_that_take_turns_in_a_table_without_frames(write_table, in_small_chunks):
    clips = {"1": landmarks(60, 1), "2": landmarks(40, 2)}
    rows = {name: list(wide_rows(values, int(name))) for name, values in clips.items()}
    turns = [row for pair in itertools.zip_longest(*rows.values()) for row in pair if row]
    path = write_table(wide_header()[:1] + wide_header()[2:], [[row[0], *row[2:]] for row in turns])
    for name, values in clips.items():
        check(read(path, clip=name), values)
        check(concatenate(list(read_blocks(path, clip=name, frames=7))), values)


@pytest.mark.parametrize("kind", ["string_view", "large_string", "binary", "large_binary", "binary_view"])
def test_text_of_any_kind_in_parquet(tmp_path, kind):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    values = landmarks(3)
    columns = dict(zip(HEADER, zip(*long_rows(values), strict=True), strict=True))
    for axis in "xyz":
        columns[axis] = [None if cell == "" else cell for cell in columns[axis]]
    part, kind = [*columns["type"]], getattr(pa, kind)()
    path = tmp_path / "a.parquet"
    columns["type"] = pa.array(part).cast(kind)
    parquet.write_table(pa.table(columns), path)
    assert clips_of(path) == []
    check(read(path), values)
    parquet.write_table(pa.table({**columns, "sequence_id": pa.array(["a"] * len(part)).cast(kind)}), path)
    check(read(path, clip=None), values)
    assert clips_of(path) == ["a"]


def test_names_of_columns_and_parts(write_table):
    rows = [
        [1, "Pose", 0, 0.5, 0.25, 0.75],
        [2, "LEFT_HAND_LANDMARKS", 20, 0.5, 0.25, 0.5],
        [2, "Right-Hand", 0, 0.125, 0.5, 1],
    ]
    sequence = read(write_table(["Frame_Number", "Landmark Type", "landmark", "X", "Y", "Visibility"], rows))
    assert sequence.keypoints.shape == (2, 75, 2)  # the face is in no row
    assert np.argwhere(sequence.confidence).tolist() == [[0, 0], [1, 53], [1, 54]]
    assert sequence.confidence[0, 0] == 0.75
    for header, complaint in (
        (
            ["frame_id", "frame_number", "type", "landmark", "x", "y"],
            "frame_id and frame_number may both be",
        ),
        (
            ["frame", "type", "landmark_index", "x", "z", "v"],
            r"lacks the column\(s\) y; it needs frame, type,",
        ),
        (
            ["a", "b", "c", "d", "e", "f"],
            r"lacks the column\(s\) frame#, landmark_name, x, y; .*, or frame",
        ),
        (["x_pose_0", "y_pose_0", "x_pose_1", "a", "b", "c"], "has no column y_pose_1 beside x_pose_1"),
        (["x_pose_0", "y_pose_0", "X_pose_0", "a", "b", "c"], "has the column X_pose_0 twice"),
        (["x_pose_33", "y_pose_33", "X_pose_0", "a", "b", "c"], "pose has no landmark 33"),
    ):
        with pytest.raises(UserError, match=complaint) as error:
            read(write_table(header, rows, "wrong"))
        assert "wrong." in str(error.value)


def test_visibility_that_says_nothing(write_table):
    rows = [
        [0, "pose", 0, 0.5, 0.5, 0.25],
        [0, "pose", 1, 0.5, 0.75, 0],
        [0, "face", 0, 0.5, 0.5, 0],
        [0, "left_hand", 0, "", "", 0],
    ]
    path = write_table(["frame", "type", "landmark_index", "x", "y", "visibility"], rows)
    with pytest.warns(InputWarning, match="no visibility is above 0 in FACE_LANDMARKS, LEFT_HAND_LANDMARKS: every"):
        sequence = read(path)
    assert sequence.confidence[0, [0, 1, 33, 501]].tolist() == [0.25, 0, 1, 0]


def test_irises_and_repeated_rows(write_table):
    header = ["frame", "type", "landmark_index", "x", "y", "z"]
    rows = [[5, "face", 477, 0.5, 0.25, 0.125], [7, "pose", 0, 0.5, 0.5, ""], [5, "face", 477, 0.75, 0.25, 0]]
    sequence = read(write_table(header, rows))
    assert sequence.keypoints.shape == (3, 553, 3)
    np.testing.assert_array_equal(sequence.keypoints[0, 33 + 477], [0.75, 0.25, 0])
    np.testing.assert_array_equal(sequence.keypoints[2, 0], [0.5, 0.5, 0])  # z is no number, and counts as 0
    assert sequence.confidence.sum() == 2


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ([1.5, "pose", 0, 0, 0], "frame 1.5 is no whole number"),
        (["", "pose", 0, 0, 0], "frame nan is no whole number"),
        ([1, "pose", 0.5, 0, 0], "landmark_index 0.5 is no whole number"),
        ([1, "foot", 0, 0, 0], "type 'foot' is not known; known: pose, face, left_hand, right_hand"),
        ([1, "", 0, 0, 0], "type '' is not known"),
        ([1, "left_hand", 21, 0, 0], "left_hand has no landmark 21"),
        ([1, "pose", -1, 0, 0], "pose has no landmark -1"),
    ],
)
def test_wrong_rows_are_named(write_table, in_small_chunks, row, complaint):
    rows = [[frame, "pose", index, 0.5, 0.5] for frame in range(100) for index in range(33)]
    path = write_table(["frame", "type", "landmark_index", "x", "y"], [*rows, row, rows[-1]])
    with pytest.raises(UserError, match=rf"a\.(csv, line 3302|parquet, row 3300): {complaint}.*; mend or drop the row"):
        read(path)


def test_wrong_cells_of_csv_are_named(tmp_path, monkeypatch, in_small_chunks):
    header = ["frame", "type", "landmark_index", "x", "y", "z"]
    rows = [[frame, "pose", index, 0.5, "NA", "nan"] for frame in range(300) for index in range(33)]
    for parser in ("csv", "python"):
        parse_csv_by(monkeypatch, parser)
        assert not read(write_csv(tmp_path / "a.csv", header, rows)).confidence.any()
        for row, complaint in (
            ([1, "pose", 0, "0,5", 0, 0], "x: could not convert string to float: '0,5'"),
            ([1, "pose", 0, 0.5], "ends before its y"),
            (["'1", "pose", 0, 0.5, 0, 0], "frame: could not convert"),
        ):
            path = write_csv(tmp_path / "a.csv", header, [*rows, row, rows[-1]])
            with pytest.raises(UserError, match=rf"a\.csv, line 9902: {complaint}"):
                read(path)
    path.write_bytes(path.read_bytes() + b"1,pose,\xff,0,0,0\n")
    with pytest.raises(UserError, match=r"a\.csv, line \d+: "):
        read(path)


def test_rows_with_blank_lines_and_quotes(tmp_path, monkeypatch):
    content = 'frame,type,landmark_index,x,y\r\n\r\n1,"pose",0,"0.5",0.5\r\n\r\n1, pose ,1, 0.5 ,0.5,further\r\n'
    for parser in ("csv", "python"):
        parse_csv_by(monkeypatch, parser)
        (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf" + content.encode())
        assert read(tmp_path / "a.csv").confidence[0, :3].tolist() == [1, 1, 0]
        (tmp_path / "a.csv").write_text(content + "1,pose,99,0,0\n")
        with pytest.raises(UserError, match="line 6: pose has no landmark 99"):
            read(tmp_path / "a.csv")


def test_parquet_that_is_none_is_refused(tmp_path):
    values = landmarks(3)
    path = write_parquet(tmp_path / "a.parquet", HEADER, long_rows(values))
    content = path.read_bytes()
    for damaged in (content[:-9], content[:100], b"", b"PAR1", b"x" * 99):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"a\.parquet") as error:
            read(path)
        assert "\n" not in str(error.value)
    path.write_bytes(content.replace(b"landmark_index", b"landmark\xffindex"))
    with pytest.raises(UserError, match=r"a\.parquet"):
        read(path)
    write_parquet(path, HEADER, [[*row[:4], str(row[4]), *row[5:]] for row in long_rows(values)])
    with pytest.raises(UserError, match="the column x holds string; numbers expected"):
        read(path)
    write_parquet(path, HEADER, [[*row[:2], 1, *row[3:]] for row in long_rows(values)])
    with pytest.raises(UserError, match="row 0: type '1' is not known; known: pose, face"):
        read(path)


def test_parquet_that_states_more_than_it_can_hold_is_refused(tmp_path, monkeypatch):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

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


def test_named_tables_in_pieces(in_small_chunks, tmp_path, monkeypatch):
    names = ["LEFT_SHOULDER", "NOSE", "HAND/a", "RIGHT_SHOULDER", "HAND/b"]
    random = np.random.default_rng(0)
    rows = [
        [frame, name, *random.normal(size=3).tolist()]
        for frame in range(400)
        for name in names[: 3 + 2 * (frame > 300)]
    ]
    for parser in ("csv", "python"):
        parse_csv_by(monkeypatch, parser)
        path = write_csv(tmp_path / "a.csv", ["frame#", "landmark_name", "x", "y", "confidence"], rows)
        whole = read(path)
        points = ["LEFT_SHOULDER", "NOSE", "RIGHT_SHOULDER", "a", "b"]
        assert [point for _, point in whole.skeleton.keypoints] == points
        assert whole.confidence[300].tolist()[2] == 0
        np.testing.assert_allclose(whole.keypoints[399, 4], [rows[-1][2], -rows[-1][3]], rtol=1e-6)
        joined = concatenate(list(read_blocks(path, frames=70)))
        np.testing.assert_array_equal(joined.keypoints, whole.keypoints)
        path = write_csv(path, ["frame#", "landmark_name", "x", "y", "confidence"], [*rows, [5, *rows[0][1:]]])
        with pytest.raises(UserError, match=rf"line {len(rows) + 2}: frame 5 stands after frame 399; sort the rows"):
            read(path)


def test_standard_input_may_be_parquet(tmp_path, monkeypatch):
    values = landmarks(3)
    path = write_parquet(tmp_path / "a.parquet", HEADER, long_rows(values))
    with path.open("rb") as file:
        monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": file, "isatty": lambda self: False})())
        check(read(spooled(tmp_path)), values)


def test_nothing_is_said_twice(tmp_path, in_small_chunks):
    path = write_csv(tmp_path / "a.csv", HEADER, long_rows(landmarks(30)))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        list(read_blocks(path, frames=5))
    assert sorted(str(each.message).removeprefix(f"{path}: ")[:25] for each in said) == [
        "normalized coordinates: x",
        "states no frame rate; 25 ",
    ]


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


def test_warnings_of_standard_input_call_it_so(tmp_path, monkeypatch):
    path = write_csv(tmp_path / "a.csv", HEADER, long_rows(landmarks(2)))
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


def _read_locally(inputs):
    with local_files(inputs) as paths:
        read(paths[0])
