"""MediaPipe's arrays as scripts save them, from end to end: every shape, folders of frames, zeros that are missing."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from pose_core import UserError, read
from pose_core.cli import app
from pose_core.command_line import run
from pose_core.formats import is_clip_folder
from pose_core.inputs import find_inputs
from pose_core.notices import InputWarning

pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")

BODY, FACE, LEFT, RIGHT = slice(0, 33), slice(33, 501), slice(501, 522), slice(522, 543)


def landmarks(frames=6):
    """(T, 543, 4) x, y, z, visibility; the left hand is 0 in frame 2, and faces and hands have no visibility."""
    random = np.random.default_rng(0)
    values = random.uniform(0.2, 0.8, (frames, 543, 4))
    values[..., 2] -= 0.5
    values[:, 33:, 3] = 0
    values[2, LEFT] = 0
    return values


def row(values):
    """(T, 1662) as the tutorials' `extract_keypoints` makes it of each frame."""
    return np.concatenate(
        [values[:, BODY].reshape(len(values), -1), values[:, 33:, :3].reshape(len(values), -1)], axis=1
    )


def expected(values):
    """Confidence (T, K)."""
    seen = np.any(values != 0, axis=-1).astype(np.float32)
    seen[:, BODY] = values[:, BODY, 3]
    return seen


@pytest.fixture
def pose_core(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["pose-core", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            run(app, "pose-core")
        return ended.value.code, *capsys.readouterr()

    return call


V = landmarks()
SHAPES = {
    "1662": (row(V), V[..., :3], expected(V)),
    "258": (row(np.delete(V, FACE, axis=1)), np.delete(V, FACE, axis=1)[..., :3], expected(np.delete(V, FACE, axis=1))),
    "1629": (V[..., :3].reshape(6, -1), V[..., :3], np.any(V != 0, axis=-1)),
    "543x3": (V[..., :3], V[..., :3], np.any(V != 0, axis=-1)),
    "543x4": (V, V[..., :3], expected(V)),
    "132": (V[:, BODY].reshape(6, -1), V[:, BODY, :3], V[:, BODY, 3]),
    "33x4": (V[:, BODY], V[:, BODY, :3], V[:, BODY, 3]),
    "1404": (V[:, FACE, :3].reshape(6, -1), V[:, FACE, :3], np.ones((6, 468))),
    "126": (V[:, LEFT.start :, :3].reshape(6, -1), V[:, LEFT.start :, :3], expected(V)[:, LEFT.start :]),
    "42x3": (V[:, LEFT.start :, :3], V[:, LEFT.start :, :3], expected(V)[:, LEFT.start :]),
    "63": (V[:, LEFT, :3].reshape(6, -1), V[:, LEFT, :3], expected(V)[:, LEFT]),
    "21x3": (V[:, RIGHT, :3], V[:, RIGHT, :3], np.ones((6, 21))),
    "frame": (row(V)[2], V[2:3, :, :3], expected(V)[2:3]),
    "frame_543x3": (V[2, :, :3], V[2:3, :, :3], np.any(V != 0, axis=-1)[2:3]),
}


@pytest.mark.parametrize("name", list(SHAPES))
def test_every_shape_from_end_to_end(name, tmp_path, pose_core):
    array, keypoints, confidence = SHAPES[name]
    path = tmp_path / "a.npy"
    np.save(path, array)
    sequence = read(path)
    np.testing.assert_array_equal(sequence.keypoints, keypoints.astype(np.float32))
    np.testing.assert_array_equal(sequence.confidence, confidence.astype(np.float32))
    assert all(component.name.endswith("_LANDMARKS") for component in sequence.skeleton.components)
    status, out, err = pose_core("info", "--json", path)
    assert (status, err) == (0, "")
    assert json.loads(out)[0]["points"] == keypoints.shape[1]
    assert pose_core("convert", path, tmp_path / "a.pose", "--size", "640x480")[0] == 0
    back = read(tmp_path / "a.pose")
    assert back.keypoints[..., 0].max() > 300
    np.testing.assert_array_equal(back.confidence, sequence.confidence)
    assert pose_core("render", tmp_path / "a.pose", tmp_path / "a.png")[0] == 0
    with Image.open(tmp_path / "a.png") as picture:
        assert np.ptp(np.asarray(picture.convert("L"))) > 50  # something is drawn


def test_what_is_assumed_of_hands(tmp_path):
    hands = V[:, LEFT.start :, :3]
    np.save(tmp_path / "both.npy", hands.reshape(6, -1))
    with pytest.warns(InputWarning, match="the left hand, then the right; `--order right-left` says"):
        read(tmp_path / "both.npy")
    sequence = read(tmp_path / "both.npy", order="right-left")
    np.testing.assert_array_equal(sequence.keypoints[:, 21:], hands[:, :21].astype(np.float32))
    np.save(tmp_path / "one.npy", hands[:, 21:])
    with pytest.warns(InputWarning, match="a right hand; `--order left` says otherwise"):
        assert read(tmp_path / "one.npy").skeleton.hand("right") == list(range(21))
    sequence = read(tmp_path / "one.npy", order="left")
    assert sequence.skeleton.hand("left") == list(range(21))
    with pytest.raises(UserError, match="the order left is one of 21 keypoints; these are 42"):
        read(tmp_path / "both.npy", order="left")


def test_what_is_said_of_zeros_and_visibility(tmp_path):
    np.save(tmp_path / "a.npy", V)
    with pytest.warns(InputWarning, match="no visibility is above 0 in FACE_LANDMARKS, LEFT_HAND_LANDMARKS, RIGHT_"):
        read(tmp_path / "a.npy")
    assert not read(tmp_path / "a.npy", axes="xyzc").confidence[:, FACE].any()  # said to be a confidence
    np.save(tmp_path / "a.npy", V[..., :3])
    with pytest.warns(InputWarning, match="a part whose numbers are all 0 in a frame is missing there"):
        read(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", row(V)[0])
    with pytest.warns(InputWarning, match=r"a\.npy: one frame"):
        read(tmp_path / "a.npy")


@pytest.fixture
def folder(tmp_path):
    """A folder as the tutorials make it: `0.npy`, ... of one frame each, without number 4."""
    folder = tmp_path / "hello" / "0"
    folder.mkdir(parents=True)
    for number, frame in enumerate(row(landmarks(12))):
        if number != 4:
            np.save(folder / f"{number}.npy", frame)
    return folder


def test_a_folder_of_frames_is_one_clip(folder, pose_core, tmp_path):
    assert is_clip_folder(folder)
    with pytest.warns(InputWarning, match="1 of 12 frames are not there, and are missing"):
        sequence = read(folder, fps=30.0)
    values = landmarks(12)
    confidence = expected(values).astype(np.float32)
    confidence[4] = 0
    np.testing.assert_array_equal(sequence.confidence, confidence)
    values[4] = 0
    np.testing.assert_array_equal(sequence.keypoints, values[..., :3].astype(np.float32))
    assert [each.below.as_posix() for each in find_inputs([folder.parent], [".pose"])] == ["0"]
    status, out, _ = pose_core("info", folder)
    assert (status, "12 frames at 25 fps (assumed)" in out) == (0, True)
    assert pose_core("convert", folder.parent, tmp_path / "poses")[0] == 0
    assert len(read(tmp_path / "poses/0.pose")) == 12
    assert len(read(folder, start=3, end=5, order="mediapipe")) == 2
    with pytest.raises(UserError, match="no person 1"):
        read(folder, person=1)


def test_folders_of_clips_and_of_other_files_are_none(folder):
    np.save(folder.parent / "1.npy", row(landmarks(3)))
    np.save(folder.parent / "2.npy", row(landmarks(5)))
    assert not is_clip_folder(folder.parent)  # a clip each
    (folder / "notes.txt").write_text("hello")
    assert not is_clip_folder(folder)
    with pytest.raises(UserError, match=r"hello.0: not a file"):
        read(folder)
    assert not is_clip_folder(folder / "nothing")


@pytest.mark.parametrize(
    ("name", "array", "complaint"),
    [
        ("5.npy", np.zeros(1629), r"5\.npy: is \(1629,\), and the frames before it are \(1662,\)"),
        ("5.npy", np.array([None]), "holds Python objects, pickled, which can run code and are never loaded"),
        ("5.npy", np.zeros((3, 1662)), r"5\.npy: is float64 \(3, 1662\), no frame of known keypoints"),
        ("05.npy", np.zeros(1662), r"5\.npy: frame 5 is there twice, as 05\.npy, too"),
        ("b_5.npy", np.zeros(1662), r"holds frames of several clips, 0\.npy and b_5\.npy; give each a folder"),
        ("999999.npy", np.zeros(1662), "frames run from 0 to 999999, and 12 are there; mend their numbers"),
        ("5.npy", np.zeros(200_000), r"5\.npy: is larger than a frame can be; drop it"),
    ],
)
def test_wrong_frames_are_named(folder, name, array, complaint):
    np.save(folder / name, array)
    with pytest.raises(UserError, match=complaint) as error:
        read(folder)
    assert str(folder) in str(error.value)


def test_a_damaged_frame_is_named(folder):
    (folder / "5.npy").write_bytes((folder / "6.npy").read_bytes()[:-9])
    with pytest.raises(UserError, match=r"5\.npy: states \(1662,\) numbers"):
        read(folder)


def test_pickles_are_refused_with_what_to_do(tmp_path):
    for name in ("a.pkl", "a.PICKLE", "a.joblib"):
        (tmp_path / name).write_bytes(b"\x80\x04.")
        with pytest.raises(
            UserError, match=r'a pickle, which can run code and is never loaded; .*np\.save\("poses'
        ) as error:
            read(tmp_path / name)
        assert name in str(error.value)
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(
        UserError, match=r"a\.npy holds Python objects, pickled, which can run code and are never loaded"
    ):
        read(tmp_path / "a.npy")


def test_an_array_of_any_name_is_read_from_an_archive(tmp_path):
    for name in ("keypoints", "landmarks", "arr_0"):
        np.savez(tmp_path / "a.npz", **{name: V[..., :3]})
        np.testing.assert_array_equal(read(tmp_path / "a.npz").keypoints, V[..., :3].astype(np.float32))
