"""`read_blocks`: piece by piece what `read` returns, reported once; and `convert`, which goes through it."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest

from pose_core import UserError, read, write
from pose_core.commands.conversion import convert_files
from pose_core.formats import pose as pose_file
from pose_core.formats import read_blocks
from pose_core.jobs import JobOptions
from pose_core.notices import InputWarning
from pose_core.sequence import concatenate


def said_of(action):
    """What an action returns, and the texts of its warnings, sorted."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        result = action()
    return result, sorted(str(each.message) for each in said)


def several_people(sequence, path):
    """A version 0.2 file of three copies of one person, each 10 pixels further right."""
    pose_file.write(sequence, path)
    content = path.read_bytes()
    body = sequence.keypoints.nbytes + sequence.confidence.nbytes
    keypoints = np.stack([sequence.keypoints + 10 * person for person in range(3)], axis=1)
    confidence = np.stack([sequence.confidence * (1 + person % 2) for person in range(3)], axis=1)
    head = content[: -body - 2] + (3).to_bytes(2, "little")
    path.write_bytes(head + keypoints.astype("<f4").tobytes() + confidence.astype("<f4").tobytes())


@pytest.fixture
def files(holistic, openpose, tmp_path):
    """A file of every kind, and options to read each with."""
    write(holistic, tmp_path / "a.pose")
    write(replace(holistic, fps=500.0), tmp_path / "fast.pose")
    pose_file.write(holistic, tmp_path / "old.pose", version=0.1)
    several_people(holistic, tmp_path / "people.pose")
    write(holistic, tmp_path / "a.npz")
    write(holistic, tmp_path / "a.csv")
    shares = holistic.keypoints / np.array([640, 480, 640], np.float32)
    np.save(tmp_path / "a.npy", np.concatenate([shares, holistic.confidence[..., None]], axis=-1))
    folder = tmp_path / "json"
    folder.mkdir()
    for frame, points in enumerate(np.concatenate([openpose.keypoints, np.ones((5, 137, 1))], axis=-1)):
        people = [{"pose_keypoints_2d": points[:25].ravel().tolist()}]
        (folder / f"a_{frame:012d}_keypoints.json").write_text(json.dumps({"people": people}))
    return {
        tmp_path / "a.pose": {},
        tmp_path / "fast.pose": {},
        tmp_path / "old.pose": {"min_confidence": 0.95},
        tmp_path / "people.pose": {"min_confidence": 0.5},
        tmp_path / "a.npz": {"start": 2, "end": 0.4},
        tmp_path / "a.csv": {"fps": 30.0, "y_up": True},
        tmp_path / "a.npy": {"size": (1280, 720), "start": 1},
        folder: {},
    }


@pytest.mark.parametrize("frames", [1, 5, 1024])
def test_pieces_are_the_whole_and_reported_once(files, frames):
    for path, options in files.items():
        whole, said = said_of(lambda: read(path, **options))  # noqa: B023
        pieces, said_of_pieces = said_of(lambda: list(read_blocks(path, frames=frames, **options)))  # noqa: B023
        assert [len(piece) for piece in pieces[:-1]] == [frames] * (len(pieces) - 1)
        joined = concatenate(pieces)
        np.testing.assert_array_equal(joined.keypoints, whole.keypoints)
        np.testing.assert_array_equal(joined.confidence, whole.confidence)
        assert (joined.fps, joined.size, joined.skeleton) == (whole.fps, whole.size, whole.skeleton)
        assert said_of_pieces == said


def test_convert_writes_the_bytes_of_the_whole(files, tmp_path):
    for number, (path, options) in enumerate(files.items()):
        _, said = said_of(lambda: write(read(path, **options), tmp_path / "whole.pose", overwrite=True))  # noqa: B023
        output = tmp_path / f"{number}.pose"
        _, said_of_pieces = said_of(lambda: convert_files([str(path)], output, options, JobOptions()))  # noqa: B023
        assert output.read_bytes() == (tmp_path / "whole.pose").read_bytes()
        assert said_of_pieces == said


def test_several_people_of_a_file_read_in_pieces(files, tmp_path):
    path = tmp_path / "people.pose"
    for person in (0, 2):
        joined = concatenate(list(read_blocks(path, frames=5, person=person)))
        np.testing.assert_array_equal(joined.keypoints, read(path, person=person).keypoints)
    with pytest.raises(UserError, match="no person 3"):
        next(read_blocks(path, person=3))
    with pytest.warns(InputWarning, match="scores run to 1.8"):
        list(read_blocks(path, person=1))


def test_wrong_arguments_are_refused(files, tmp_path):
    for options, complaint in (
        ({"frames": 0}, "0 frames per piece"),
        ({"start": 99}, "frame 99"),
        ({"axes": "xyz"}, "names its columns itself"),
        ({"size": (0, 10)}, "a picture of 0 x 10"),
    ):
        with pytest.raises(UserError, match=complaint):
            next(read_blocks(tmp_path / "a.pose", **options))
    with pytest.raises(UserError, match="no such file"):
        next(read_blocks(tmp_path / "b.pose"))


def test_a_file_that_changes_meanwhile_is_refused(holistic, tmp_path):
    path = tmp_path / "a.pose"
    write(holistic, path)
    pieces = read_blocks(path, frames=5)
    next(pieces)
    write(holistic[:4], path, overwrite=True)
    with pytest.raises(UserError, match=r"a\.pose: has changed while it was read"):
        next(pieces)
