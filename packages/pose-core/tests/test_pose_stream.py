"""`.pose` files written piece by piece: the bytes of the whole, or no file."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core import UserError, read, write
from pose_core.formats import pose_stream
from pose_core.formats.pose_stream import PoseWriter


def written_in_pieces(sequence, path, ends, **options):
    with PoseWriter(path, sequence.skeleton, sequence.fps, size=sequence.size, **options) as writer:
        for start, end in zip([0, *ends], [*ends, len(sequence)], strict=True):
            piece = sequence[start:end]
            writer.append(piece.keypoints, piece.confidence)
    assert writer.frames == len(sequence)
    return path.read_bytes()


@given(ends=st.lists(st.integers(0, 12)).map(sorted), in_memory=st.sampled_from([0, 100, 1 << 22]))
def test_pieces_are_the_bytes_of_the_whole(holistic, tmp_path_factory, ends, in_memory):
    folder = tmp_path_factory.mktemp("pieces")
    write(holistic, folder / "whole.pose")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pose_stream, "_IN_MEMORY", in_memory)  # the confidences wait in a file
        assert written_in_pieces(holistic, folder / "a.pose", ends) == (folder / "whole.pose").read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == ["a.pose", "whole.pose"]


def test_two_dimensions_float64_and_version_0_1(openpose, tmp_path):
    doubled = replace(openpose, keypoints=openpose.keypoints.astype(np.float64))
    for version in (0.2, 0.1):
        write(openpose, tmp_path / f"{version}.pose", pose_version=version)
        for sequence in (openpose, doubled):
            path = tmp_path / "a.pose"
            content = written_in_pieces(sequence, path, [2, 3], version=version, overwrite=True)
            assert content == (tmp_path / f"{version}.pose").read_bytes()
    np.testing.assert_array_equal(read(tmp_path / "a.pose").keypoints, openpose.keypoints)


def test_memory_stays_constant(holistic, tmp_path):
    keypoints, confidence = np.tile(holistic.keypoints, (50, 1, 1)), np.tile(holistic.confidence, (50, 1))
    tracemalloc.start()
    with PoseWriter(tmp_path / "a.pose", holistic.skeleton, 25.0) as writer:
        for _ in range(100):
            writer.append(keypoints, confidence)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "a.pose").stat().st_size > 50_000_000
    assert peak < 16_000_000
    assert len(read(tmp_path / "a.pose")) == 60_000


def test_no_file_is_left_by_an_error(tiny, tmp_path):
    path = tmp_path / "a.pose"
    for error in (KeyError("the block's"), OSError("another file's"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as raised, PoseWriter(path, tiny.skeleton, 25.0) as writer:
            writer.append(tiny.keypoints, tiny.confidence)
            raise error
        assert raised.value is error
        assert not list(tmp_path.iterdir())
    with pytest.raises(UserError, match=r"a\.pose: the pose has no frames"), PoseWriter(path, tiny.skeleton, 25.0):
        pass
    with (
        pytest.raises(UserError, match=r"a\.pose: keypoints are \(2, 2, 2\)"),
        PoseWriter(path, tiny.skeleton, 25.0) as writer,
    ):
        writer.append(tiny.keypoints[:, 1:], tiny.confidence)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_reported(tiny, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.pose"
    with (
        pytest.raises(UserError, match=r"a\.pose: cannot be written \(No space left on device\); free some space"),
        PoseWriter(path, tiny.skeleton, 25.0) as writer,
    ):
        monkeypatch.setattr(writer, "_confidences", type("Full", (), {"write": full, "seek": full}))
        writer.append(tiny.keypoints, tiny.confidence)
    with (
        pytest.raises(UserError, match=r"a\.pose: cannot be written \(No space left on device\)"),
        PoseWriter(path, tiny.skeleton, 25.0) as writer,
    ):
        writer.append(tiny.keypoints, tiny.confidence)
        monkeypatch.setattr(pose_stream.shutil, "copyfileobj", full)
    assert not list(tmp_path.iterdir())


def test_an_existing_file_is_kept_unless_it_is_to_be_replaced(tiny, tmp_path):
    path = tmp_path / "a.pose"
    path.write_bytes(b"old")
    with pytest.raises(UserError, match=r"a\.pose: exists; use --overwrite"):
        written_in_pieces(tiny, path, [])
    with pytest.raises(KeyError), PoseWriter(path, tiny.skeleton, 25.0, overwrite=True):
        raise KeyError
    assert path.read_bytes() == b"old"
    written_in_pieces(tiny, path, [1], overwrite=True)
    assert len(read(path)) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fps": 0}, "fps is 0; it must be a number"),
        ({"fps": float("nan")}, "fps is nan"),
        ({"version": 0.3}, r"version 0\.3 cannot be written"),
        ({"version": 0.1, "fps": 29.97}, "whole frame rates and 65,535 frames"),
        ({"size": (70_000, 1, 0)}, "numbers from 0 to 65,535 only"),
    ],
)
def test_what_is_refused_at_once(tiny, tmp_path, options, message):
    with pytest.raises(UserError, match=rf"a\.pose: .*{message}"):
        PoseWriter(tmp_path / "a.pose", tiny.skeleton, **{"fps": 25.0, **options})


def test_version_0_1_holds_65535_frames(tiny, tmp_path):
    keypoints, confidence = np.tile(tiny.keypoints, (40_000, 1, 1)), np.tile(tiny.confidence, (40_000, 1))
    with (
        pytest.raises(UserError, match="65,535 frames"),
        PoseWriter(tmp_path / "a.pose", tiny.skeleton, 25.0, version=0.1) as writer,
    ):
        writer.append(keypoints, confidence)
    assert not list(tmp_path.iterdir())
