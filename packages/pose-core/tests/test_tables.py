"""Landmark tables, long and wide: in any order, in pieces, of several clips, again and at once."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pose_core import UserError, read
from pose_core.commands.conversion import convert_files
from pose_core.formats import clips_of, read_blocks
from pose_core.jobs import JobOptions
from pose_core.notices import InputWarning
from pose_core.sequence import concatenate
from pose_core.testing_tables import LANDMARKS, LONG_HEADER, check_landmarks, fake_landmarks, long_rows

pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")


def wide_header():
    """Without the face, which makes 75 keypoints."""
    names = [f"{part}_{i}" for part in ("left_hand", "pose", "right_hand") for i in range(LANDMARKS[part])]
    return ["sequence_id", "frame", *(f"{axis}_{name}" for axis in "xyz" for name in names)]


def wide_rows(values, clip):
    order = [*range(501, 522), *range(33), *range(522, 543)]
    for frame, points in enumerate(values):
        numbers = [float(number) for axis in range(3) for number in points[order, axis]]
        yield [clip, frame, *("" if number != number else number for number in numbers)]


def test_long_tables_in_any_order(write_table):
    values = fake_landmarks(12)
    rows = list(long_rows(values))
    check_landmarks(read(write_table(LONG_HEADER, rows), fps=30.0), values)
    np.random.default_rng(0).shuffle(rows)
    path = write_table(LONG_HEADER, rows, "shuffled")
    check_landmarks(read(path, fps=30.0), values)
    check_landmarks(read(path, fps=30.0, start=3, end=7), values[3:7])
    with pytest.warns(InputWarning, match="states no frame rate; 25 frames per second assumed"):
        assert read(path).fps == 25


@pytest.mark.parametrize("shuffled", [False, True])
def test_long_tables_in_pieces(write_table, in_small_chunks, shuffled, tmp_path):
    values = fake_landmarks(11)
    rows = list(long_rows(values))
    if shuffled:
        np.random.default_rng(0).shuffle(rows)
    path = write_table(LONG_HEADER, rows)
    check_landmarks(read(path), values)
    check_landmarks(concatenate(list(read_blocks(path, frames=5))), values)
    check_landmarks(concatenate(list(read_blocks(path, frames=4, start=2, end=9))), values[2:9])
    convert_files([str(path)], tmp_path / "a.pose", {"size": (640, 480)}, JobOptions())
    back = read(tmp_path / "a.pose")
    check_landmarks(back, values * np.array([640, 480, 640], np.float32))
    assert back.size == (640, 480, 0)


def test_wide_tables_of_several_clips(write_table, in_small_chunks):
    clips = {"1816796431": fake_landmarks(9, 1), "7": fake_landmarks(5, 2), "1975433633": fake_landmarks(16, 3)}
    path = write_table(wide_header(), [row for name, values in clips.items() for row in wide_rows(values, int(name))])
    assert clips_of(path) == list(clips)
    for name, values in [*clips.items(), *reversed(clips.items())]:
        check_landmarks(read(path, clip=name), values)
        check_landmarks(concatenate(list(read_blocks(path, clip=name, frames=7))), values)
    with pytest.raises(UserError, match=r"holds 3 clips \(1816796431, 7, 1975433633\); name one with --clip.*unpack"):
        read(path)
    with pytest.raises(UserError, match=r"has no clip '181679643'; did you mean '1816796431'\?"):
        read(path, clip="181679643")
    with pytest.raises(UserError, match="no person 1"):
        read(path, clip="7", person=1)
    with pytest.raises(UserError, match="names its columns itself"):
        read(path, clip="7", axes="xyz")


def test_wide_tables_of_all_landmarks(write_table):
    values = fake_landmarks(2)
    names = [f"{part}_{i}" for part, points in LANDMARKS.items() for i in range(points)]
    rows = values.transpose(0, 2, 1).reshape(2, -1).tolist()
    path = write_table([f"{axis}_{name}" for axis in "xyz" for name in names], rows)
    check_landmarks(read(path), values)


def test_wide_tables_without_clips_or_frames(write_table, in_small_chunks):
    values = fake_landmarks(20)
    rows = [row[1:] for row in wide_rows(values, 0)]
    check_landmarks(read(write_table(wide_header()[1:], rows)), values)
    check_landmarks(read(write_table(wide_header()[2:], [row[1:] for row in rows], "b")), values)
    assert clips_of(write_table(wide_header()[1:], rows, "c")) == []
    single = write_table(wide_header(), wide_rows(values, 5), "d")
    check_landmarks(read(single), values)
    with pytest.raises(UserError, match="has no clip 'a'; it has 5"):
        read(single, clip="a")


def test_long_tables_of_several_clips(write_table, in_small_chunks):
    clips = {"a b": fake_landmarks(4, 1), "ä": fake_landmarks(6, 2)}
    rows = [[*row, name] for name, values in clips.items() for row in long_rows(values)]
    path = write_table([*LONG_HEADER, "sequence_id"], rows)
    assert clips_of(path) == list(clips)
    for name, values in clips.items():
        check_landmarks(read(path, clip=name), values)
    wrong = [[*row[:6], row[6], name] for *row, name in rows]
    wrong[-1][3] = 21
    with pytest.raises(UserError, match=r"(line 5431|row 5429): right_hand has no landmark 21; mend or drop the row"):
        read(write_table([*LONG_HEADER, "sequence_id"], wrong, "wrong"), clip="ä")


def test_clips_that_take_turns_in_a_table_without_frames(write_table, in_small_chunks):
    clips = {"1": fake_landmarks(60, 1), "2": fake_landmarks(40, 2)}
    rows = {name: list(wide_rows(values, int(name))) for name, values in clips.items()}
    turns = [row for pair in itertools.zip_longest(*rows.values()) for row in pair if row]
    path = write_table(wide_header()[:1] + wide_header()[2:], [[row[0], *row[2:]] for row in turns])
    for name, values in clips.items():
        check_landmarks(read(path, clip=name), values)
        check_landmarks(concatenate(list(read_blocks(path, clip=name, frames=7))), values)


FORMS = ("long", "wide", "clips")


def table_of(write_table, form):
    """A table, its clips by name (None: it is one)."""
    clips = {"7": fake_landmarks(9, 1), "8": fake_landmarks(6, 2)}
    if form == "long":
        return write_table(LONG_HEADER, list(long_rows(clips["7"])), form), {None: clips["7"]}
    if form == "wide":
        return write_table(wide_header()[1:], [row[1:] for row in wide_rows(clips["7"], 7)], form), {None: clips["7"]}
    rows = [[name, *row] for name, values in clips.items() for row in long_rows(values)]
    return write_table(["sequence_id", *LONG_HEADER], rows, form), clips


@pytest.mark.parametrize("form", FORMS)
def test_tables_may_be_read_again(write_table, form):
    path, clips = table_of(write_table, form)
    for name, values in [*clips.items()] * 2:
        check_landmarks(read(path, clip=name), values)
        check_landmarks(concatenate(list(read_blocks(path, clip=name, frames=4))), values)


@pytest.mark.parametrize("form", FORMS)
def test_tables_may_be_read_twice_at_once(write_table, in_small_chunks, form):
    path, clips = table_of(write_table, form)
    streams = {(name, i): read_blocks(path, clip=name, frames=1) for name in clips for i in range(2)}
    found = {which: [] for which in streams}
    for _ in range(9):
        for which, stream in streams.items():
            found[which] += [block for block in [next(stream, None)] if block is not None]
    for (name, _), pieces in found.items():
        check_landmarks(concatenate(pieces), clips[name])


@pytest.mark.parametrize("form", FORMS)
def test_tables_may_be_read_by_threads(write_table, in_small_chunks, form):
    path, clips = table_of(write_table, form)
    with ThreadPoolExecutor(4) as threads:
        jobs = [(values, threads.submit(read, path, clip=name)) for name, values in [*clips.items()] * 8]
    for values, job in jobs:
        check_landmarks(job.result(), values)


def test_clips_are_found_though_other_tables_were_read(write_table, in_small_chunks):
    path, clips = table_of(write_table, "clips")
    assert clips_of(path) == list(clips)
    for i in range(3):
        read(write_table(LONG_HEADER, list(long_rows(fake_landmarks(1))), f"other{i}"))
    check_landmarks(read(path, clip="8"), clips["8"])
