"""`.pose` files of every version: read as `pose_format` reads them, written so that it reads them, never misread."""

import io
import struct
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pose_format import Pose

from pose_core import Skeleton, UserError, read, write
from pose_core.commands.conversion import convert_files
from pose_core.formats import READERS, WRITERS, read_blocks
from pose_core.formats import pose as pose_file
from pose_core.inputs import find_inputs
from pose_core.jobs import JobOptions
from pose_core.transforms import clean
from pose_core.writing import write_poses


def file_bytes(sequence, version, people=1):
    """A file as the format's documentation has it; `people` copies of one person, each 10 pixels further right."""
    buffer = io.BytesIO()
    sequence.skeleton.to_header(sequence.size).write(buffer)
    content = struct.pack("<f", version) + buffer.getvalue()[4:]
    shifts = [10 * person for person in range(people)]
    if version == 0.0:
        content += struct.pack("<HH", round(sequence.fps), len(sequence))
        for keypoints, confidence in zip(sequence.keypoints, sequence.confidence, strict=True):
            content += struct.pack("<H", people)
            for person, shift in enumerate(shifts):
                values = np.concatenate([keypoints + shift, confidence[:, None]], axis=-1)
                content += struct.pack("<h", person) + values.astype("<f4").tobytes()
        return content
    head = ("<HHH", round(sequence.fps)) if version == 0.1 else ("<fIH", sequence.fps)
    content += struct.pack(*head, len(sequence), people)
    keypoints = np.stack([sequence.keypoints + shift for shift in shifts], axis=1)
    confidence = np.stack([sequence.confidence] * people, axis=1)
    return content + keypoints.astype("<f4").tobytes() + confidence.astype("<f4").tobytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.pose"


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_round_trip(tiny, tmp_path_factory, data):
    frames = data.draw(st.integers(1, 4))
    inside = st.floats(-99, 199, width=32)
    sequence = replace(
        tiny,
        keypoints=data.draw(hnp.arrays(np.float32, (frames, 3, 2), elements=inside)),
        confidence=data.draw(hnp.arrays(np.float32, (frames, 3), elements=st.floats(0.015625, 1, width=32))),
        fps=data.draw(st.floats(1, 120, width=32)),
    )
    path = tmp_path_factory.mktemp("round") / "a.pose"
    write(sequence, path)
    back = read(path)
    np.testing.assert_array_equal(back.keypoints, sequence.keypoints)
    np.testing.assert_array_equal(back.confidence, sequence.confidence)
    assert (back.fps, back.size, back.skeleton) == (sequence.fps, sequence.size, sequence.skeleton)


@pytest.mark.parametrize("version", [0.0, 0.1, 0.2])
def test_every_version(holistic, openpose, path, version):
    for sequence in (holistic, openpose):
        path.write_bytes(file_bytes(sequence, version))
        back = read(path)
        np.testing.assert_array_equal(back.keypoints, sequence.keypoints)
        np.testing.assert_array_equal(back.confidence, sequence.confidence)
        assert (back.fps, back.size, back.skeleton) == (sequence.fps, sequence.size, sequence.skeleton)


@pytest.mark.parametrize("version", [0.1, 0.2])
def test_written_files_are_read_by_pose_format(holistic, path, version):
    pose_file.write(holistic, path, version=version)
    pose = Pose.read(path.read_bytes())
    np.testing.assert_array_equal(pose.body.data.data[:, 0], holistic.keypoints)
    np.testing.assert_array_equal(pose.body.confidence[:, 0], holistic.confidence)
    assert pose.body.fps == holistic.fps
    assert round(pose.header.version, 3) == version
    assert Skeleton.from_header(pose.header) == holistic.skeleton


@pytest.mark.parametrize("version", [0.1, 0.2])
def test_one_of_several_people(holistic, path, version):
    path.write_bytes(file_bytes(holistic, version, people=3))
    second, seen = read(path, person=1), holistic.confidence > 0
    np.testing.assert_array_equal(second.keypoints[seen], holistic.keypoints[seen] + 10)
    for person in (3, -1):
        with pytest.raises(UserError, match=rf"a\.pose: has 3 person.*no person {person}"):
            read(path, person=person)


def test_frames_without_a_person(tiny, path):
    content = file_bytes(tiny, 0.0)
    frame = 2 + 2 + 3 * 3 * 4  # people, id, 3 points of x, y, confidence
    path.write_bytes(content[:-frame] + struct.pack("<H", 0))
    assert (read(path).confidence > 0).all(axis=1).tolist() == [True, False]


@pytest.mark.parametrize("version", [0.0, 0.1, 0.2])
@pytest.mark.parametrize("people", [1, 2])
def test_files_cut_anywhere_are_refused(tiny, path, version, people):
    content = file_bytes(tiny, version, people)
    for end in range(len(content)):
        path.write_bytes(content[:end])
        with pytest.raises(UserError, match=r"a\.pose: "):
            read(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(UserError, match=r"a\.pose: "):
        read(path)


@settings(max_examples=150, deadline=None)
@given(version=st.sampled_from([0.0, 0.1, 0.2]), damage=st.lists(st.tuples(st.integers(0), st.binary(max_size=3))))
def test_files_damaged_anywhere_are_read_or_refused(tiny, tmp_path_factory, version, damage):
    content = bytearray(file_bytes(tiny, version, people=2))
    for place, piece in damage:
        place %= len(content)
        content[place : place + len(piece)] = piece
    path = tmp_path_factory.getbasetemp() / "damaged.pose"
    path.write_bytes(content)
    try:
        sequence = read(path)
    except UserError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
    else:
        sequence = clean(sequence)
        assert np.isfinite(sequence.keypoints).all()
        assert ((sequence.confidence >= 0) & (sequence.confidence <= 1)).all()


@pytest.mark.parametrize("version", [0.0, 0.1, 0.2])
def test_a_header_without_points_is_refused_at_once(tiny, path, version):
    empty = struct.pack("<f4H", version, 100, 100, 0, 1) + struct.pack("<H1sH3s3H", 1, b"E", 3, b"XYC", 0, 0, 0)
    path.write_bytes(empty + b"\xff\xff" * 500_000)
    with pytest.raises(UserError, match="no points"):
        read(path)


def test_values_are_read_as_they_are(holistic, path):
    keypoints, confidence = holistic.keypoints.copy(), holistic.confidence.copy()
    confidence[0, :3] = [-16, 8.8, np.nan]
    keypoints[0, 3:6, 0] = np.nan, np.inf, 6400
    write(replace(holistic, keypoints=keypoints, confidence=confidence), path)
    back = read(path)
    np.testing.assert_array_equal(back.keypoints, keypoints)
    np.testing.assert_array_equal(back.confidence, confidence)


@pytest.mark.parametrize("version", [0.1, 0.2])
def test_files_are_written_as_they_were_byte_for_byte(holistic, tmp_path, path, version):
    path.write_bytes(file_bytes(holistic, version))
    write(read(path), tmp_path / "b.pose", pose_version=version)
    assert (tmp_path / "b.pose").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("version", [0.0, 0.1, 0.2])
@pytest.mark.parametrize("person", [0, 1])
def test_a_frame_range_equals_the_slice_of_the_whole(holistic, path, version, person):
    path.write_bytes(file_bytes(holistic, version, people=2))
    whole = read(path, person=person)
    for start, end, frames in (
        (3, 7, slice(3, 7)),
        (0.08, 0.2, slice(2, 5)),
        (None, 5, slice(5)),
        (10, 99, slice(10, 12)),
    ):
        part = read(path, person=person, start=start, end=end)
        np.testing.assert_array_equal(part.keypoints, whole.keypoints[frames])
        np.testing.assert_array_equal(part.confidence, whole.confidence[frames])
    for start, end in ((12, None), (5, 5), (-1, 3), (9.0, None), (float("nan"), None), (1e308, None), (10**400, None)):
        with pytest.raises(UserError, match=r"a\.pose: |no place in a file"):
            read(path, start=start, end=end)
        with pytest.raises(UserError, match=r"a\.pose: |no place in a file"):
            list(read_blocks(path, start=start, end=end))
    assert len(read(path, end=1e308)) == len(read(path, end=10**400)) == 12


def test_a_frame_range_reads_only_its_part(holistic, path, monkeypatch):
    write(holistic.hold_frame(0, 2000), path)
    counts = []
    real = np.fromfile
    monkeypatch.setattr(np, "fromfile", lambda file, dtype, count: counts.append(count) or real(file, dtype, count))
    assert len(read(path, start=500, end=510)) == 10
    assert sum(counts) == 10 * 54 * 4


def test_unreadable_files_are_refused(tiny, tmp_path, path):
    with pytest.raises(UserError, match=r"a\.pose: no such file"):
        read(path)
    with pytest.raises(UserError, match="not a file"):
        read(tmp_path)
    (tmp_path / "a.bvx").write_bytes(b"")
    with pytest.raises(UserError, match=r"unknown pose format '\.bvx'; known: \.pose, \.npz, \.csv"):
        read(tmp_path / "a.bvx")
    for content, complaint in (
        (b"", "a.pose: empty file"),
        (b"no pose at all, but some text", "a.pose: not a .pose file"),
        (file_bytes(tiny, 0.2)[:2], "cut short after 2 bytes"),
        (file_bytes(tiny, 0.2)[:40], "cut short after 40 bytes"),
        (file_bytes(tiny[:0], 0.2), "no frames"),
        (struct.pack("<f", 0.2) + b"\xff" * (1 << 21), "damaged .pose file"),
        (file_bytes(replace(tiny, fps=0.1), 0.1), "frames per second"),
        (struct.pack("<f", 0.7) + file_bytes(tiny, 0.2)[4:], "version 0.7"),
    ):
        path.write_bytes(content)
        with pytest.raises(UserError, match=complaint):
            read(path)


def test_unwritable_poses_are_refused(tiny, tmp_path, path):
    write(tiny, path)
    with pytest.raises(UserError, match="exists"):
        write(tiny, path)
    write(tiny, path, overwrite=True)
    for place in (tmp_path / "missing" / "a.pose", path / "a.pose"):
        with pytest.raises(UserError, match="no folder"):
            write(tiny, place)
    with pytest.raises(UserError, match="unknown pose format"):
        write(tiny, tmp_path / "a.txt")
    with pytest.raises(UserError, match="whole frame rates"):
        pose_file.write(replace(tiny, fps=29.97), tmp_path / "b.pose", version=0.1)
    with pytest.raises(UserError, match="b.pose: .*65,535"):
        write(replace(tiny, size=(70_000, 100, 0)), tmp_path / "b.pose")
    component = replace(tiny.skeleton.components[0], name="Körper")
    with pytest.raises(UserError, match="b.pose: .*Körper"):
        write(replace(tiny, skeleton=Skeleton((component,))), tmp_path / "b.pose")
    assert [p.name for p in tmp_path.iterdir()] == ["a.pose"]


def test_real_files_are_read_as_pose_format_reads_them(data_dir, path):
    for file in sorted((data_dir / "formats").glob("*.pose")):
        sequence, pose = read(file), Pose.read(file.read_bytes())
        np.testing.assert_array_equal(sequence.keypoints, pose.body.data.data[:, 0].astype(np.float32))
        np.testing.assert_array_equal(sequence.confidence, pose.body.confidence[:, 0].astype(np.float32))
        assert sequence.fps == pose.body.fps
        version = pose_file.describe(file).version
        write(sequence, path, overwrite=True, pose_version=version or 0.2)
        if version:
            assert path.read_bytes() == file.read_bytes()


def test_a_format_may_be_written_only_or_read_only(holistic, monkeypatch, tmp_path):
    def write_bvh(sequence, path, *, overwrite):
        path.write_text(f"{len(sequence)} frames")

    monkeypatch.setitem(WRITERS, ".bvh", SimpleNamespace(write=write_bvh))
    monkeypatch.setitem(READERS, ".c3d", SimpleNamespace(read=lambda path, *, fps: holistic))
    folder = tmp_path / "clips"
    folder.mkdir()
    write(holistic, folder / "one.pose")
    (folder / "two.c3d").touch()
    convert_files([str(folder)], tmp_path / "out", {}, JobOptions(), format="bvh")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"one.bvh", "two.bvh"}
    convert_files([str(folder / "one.pose")], folder / "three.bvh", {}, JobOptions())
    write_poses(holistic, folder / "four.bvh")
    assert (folder / "three.bvh").read_text() == (folder / "four.bvh").read_text() == f"{len(holistic)} frames"
    assert [each.below.name for each in find_inputs([folder], READERS)] == ["one.pose", "two.c3d"]
    with pytest.raises(UserError, match=r"three.bvh: unknown pose format '.bvh'; known: .pose, .npz, .csv, .c3d, .npy"):
        read(folder / "three.bvh")
    with pytest.raises(UserError, match=r"a.c3d: unknown pose format '.c3d'; known: .pose, .npz, .csv, .bvh"):
        write(holistic, tmp_path / "a.c3d")
