"""Arrays as scripts save them: columns and orders that are found out, units that are told, and what is said."""

from dataclasses import replace

import numpy as np
import pytest

from pose_core import UserError, read, write
from pose_core.notices import InputWarning
from pose_core.transforms import clean, drop_face, flip, normalize

HAND = [[0, 0], *([f * 6 - 12, -12 - 9 * j] for f in range(5) for j in range(4))]


def person(frames=6):
    """(T, 543, 3) of a person in MediaPipe's order: x, y in 0 to 1, y down, z around 0."""
    random = np.random.default_rng(0)
    body = np.array([0.5, 0.2]) + random.uniform(-0.02, 0.02, (33, 2))  # the head
    for side, sign in ((0, 1), (1, -1)):
        for base, place in (
            (11, (0.1, 0.4)),
            (13, (0.15, 0.6)),
            (15, (0.2, 0.7)),
            (23, (0.07, 0.8)),
            (25, (0.07, 1.1)),
        ):
            body[base + side] = 0.5 + sign * place[0], place[1]
        for i in (17, 19, 21, 27, 29, 31):
            body[i + side] = body[15 + side] if i < 23 else body[25 + side] + [0, 0.3]
    turn = np.linspace(0, 2 * np.pi, 468)
    face = np.stack([0.5 + 0.05 * np.cos(turn), 0.2 + 0.07 * np.sin(turn)], axis=1)
    hands = [body[15 + side] + np.array(HAND) / 500 for side in range(2)]
    xy = np.concatenate([body, face, *hands])
    xyz = np.concatenate([xy, random.normal(0, 0.05, (543, 1))], axis=1)
    return (xyz + np.linspace(0, 0.02, frames)[:, None, None]).astype(np.float32)


def save(path, poses, **arrays):
    np.savez(path, poses=poses, **{"fps": np.float64(30), **arrays})
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.npz"


def asl_signs(poses):
    """The order of the Kaggle files: face, left hand, body, right hand."""
    return np.concatenate([poses[:, 33:501], poses[:, 501:522], poses[:, :33], poses[:, 522:]], axis=1)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_z_is_not_read_as_confidence(path, dtype):
    poses = person()
    poses[2, 501:522] = np.nan  # a hand that was not found
    save(path, poses.astype(dtype))
    with pytest.warns(InputWarning, match=r"a\.npz: x, y, z without confidence"):
        sequence = read(path)
    np.testing.assert_allclose(sequence.keypoints, poses, atol=1e-3)
    expected = np.ones((6, 543))
    expected[2, 501:522] = 0
    np.testing.assert_array_equal(sequence.confidence, expected)
    np.testing.assert_array_equal(clean(sequence).confidence, expected)


@pytest.mark.parametrize("missing", [None, "left hand", "both hands"])
def test_the_order_of_asl_signs_is_recognized(path, missing):
    poses = person()
    if missing:
        poses[:, 501 : 522 if missing == "left hand" else 543] = np.nan
    save(path, asl_signs(poses))
    with pytest.warns(InputWarning, match="order of asl-signs: face, left hand, body, right hand"):
        sequence = read(path)
    np.testing.assert_array_equal(sequence.keypoints, poses)
    save(path, poses)
    with pytest.warns(InputWarning) as said:
        np.testing.assert_array_equal(read(path).keypoints, poses)
    assert not any("asl-signs" in str(warning.message) for warning in said)


def test_columns_and_order_can_be_named(path):
    poses = person()
    poses[..., 2] = np.abs(poses[..., 2])  # nothing tells this z from a confidence
    save(path, asl_signs(poses))
    sequence = read(path, axes="xyz", order="asl-signs")
    np.testing.assert_array_equal(sequence.keypoints, poses)
    assert (sequence.confidence == 1).all()
    save(path, poses)
    np.testing.assert_array_equal(read(path, axes="xyc", order="mediapipe").confidence, poses[..., 2])
    for options, complaint in (
        ({"axes": "zyx"}, "unknown axes 'zyx'; known: xy, xyc, xyz, xyzc"),
        ({"order": "kaggle"}, "unknown order 'kaggle'"),
        ({"axes": "xyzc"}, "which are not the axes xyzc"),
    ):
        with pytest.raises(UserError, match=complaint):
            read(path, **options)


def test_axes_and_order_are_refused_for_other_formats(holistic, tmp_path):
    write(holistic, tmp_path / "a.pose")
    with pytest.raises(UserError, match=r"a\.pose: .*of arrays"):
        read(tmp_path / "a.pose", axes="xyz")


def test_rows_of_numbers(path):
    poses = person()
    rows = {
        1629: poses,
        225: np.delete(poses, np.s_[33:501], axis=1),
        150: poses[:, [*range(33), *range(501, 543)], :2],
    }
    for numbers, whole in rows.items():
        save(path, whole.reshape(6, numbers))
        if numbers == 150:
            with pytest.raises(UserError, match="50 keypoints of x, y, z or 75 keypoints of x, y: say which"):
                read(path)
            sequence = read(path, axes="xy")
        else:
            with pytest.warns(InputWarning, match="rows of numbers read as"):
                sequence = read(path)
        np.testing.assert_array_equal(sequence.keypoints, whole)
        assert sequence.skeleton.shoulders() == (11, 12)


def test_rows_with_visibility_of_the_body(path):
    poses = person()
    visibility = np.linspace(0.5, 1, 33, dtype=np.float32)
    body = np.concatenate([poses[:, :33], np.tile(visibility[:, None], (6, 1, 1))], axis=-1)
    poses[3, 501:522] = 0  # as the tutorial's code writes a hand that was not found
    save(path, np.concatenate([body.reshape(6, 132), poses[:, 33:].reshape(6, -1)], axis=1))
    with pytest.warns(InputWarning, match="rows of numbers read as 543 keypoints of x, y, z, c"):
        sequence = clean(read(path))
    np.testing.assert_allclose(sequence.keypoints, poses)
    np.testing.assert_array_equal(sequence.confidence[0, :33], visibility)
    assert sequence.confidence[:, 501:522].all(axis=1).tolist() == [True] * 3 + [False] + [True] * 2


def test_nan_depth_and_confidence_are_warned_of(path):
    poses = np.concatenate([person() * 600, np.ones((6, 543, 1), np.float32)], axis=-1)
    poses[:, :33, 2] = np.nan
    poses[:, 33:, 3] = np.nan
    save(path, poses)
    with pytest.warns(InputWarning, match="z is no number for 33 of 543 keypoints.*no number for 510 of 543"):
        sequence = read(path)
    assert (clean(sequence).confidence == 1).all()


def test_shapes_that_fit_nothing_are_refused_in_one_line(path):
    for shape, complaint in (
        ((3, 9, 133), "channels come last"),
        ((9, 3, 133), "channels come last"),
        ((9, 99, 133, 3), "four axes are \\(T, people, K, D\\)"),
        ((9, 1000), "expected numbers"),
        ((9,), "expected numbers"),
        ((9, 0, 3), "expected numbers"),
    ):
        save(path, np.zeros(shape, np.float32))
        with pytest.raises(UserError, match=complaint) as error:
            read(path)
        assert str(path) in str(error.value)


def test_an_npy_file(tmp_path):
    poses = person()
    path = tmp_path / "a.npy"
    np.save(path, poses)
    with pytest.warns(InputWarning, match="25 frames per second assumed"):
        sequence = read(path)
    np.testing.assert_array_equal(sequence.keypoints, poses)
    content = path.read_bytes()
    np.save(path, np.array([None, poses], dtype=object), allow_pickle=True)
    for damaged in (content[:-5], content[:20], b"", path.read_bytes()):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"a\.npy: "):
            read(path)


def test_relative_coordinates_become_pixels_given_a_size(path):
    poses = person()
    save(path, poses)
    with pytest.warns(
        InputWarning,
        match="normalized coordinates: x and y lie between 0 and 1.*of a square picture; .*--size 1280x720",
    ):
        read(path)
    sequence = read(path, size=(1280, 720))
    np.testing.assert_allclose(sequence.keypoints, poses * [1280, 720, 1280], rtol=1e-6)
    assert sequence.size[:2] == (1280, 720)
    save(path, poses * 500)
    np.testing.assert_array_equal(read(path, size=(1280, 720)).keypoints, (poses * 500))
    with pytest.raises(UserError, match="0 x 720 pixels"):
        read(path, size=(0, 720))


def test_upside_down_poses_are_warned_of_and_flipped(path, holistic, tmp_path):
    poses = person() * 500
    upright = poses.copy()
    poses[..., 1] *= -1
    save(path, poses, fps=np.float64(30))
    with pytest.warns(InputWarning, match="the head lies below the shoulders"):
        read(path)
    np.testing.assert_array_equal(read(path, y_up=True).keypoints, upright)


@pytest.mark.filterwarnings("error")
def test_own_files_give_no_warnings(holistic, openpose, tmp_path):
    for name, sequence in (("a", holistic), ("b", openpose)):
        write(sequence, tmp_path / f"{name}.npz")
        np.testing.assert_array_equal(read(tmp_path / f"{name}.npz").keypoints, sequence.keypoints)


def test_normalized_poses_that_state_a_picture(holistic, tmp_path):
    kept = replace(normalize(holistic)[0], size=holistic.size)  # as pose_format's normalize leaves it
    write(kept, tmp_path / "a.pose")
    with pytest.warns(InputWarning, match="no pixels of the 640 x 480 that the file states"):
        sequence = read(tmp_path / "a.pose")
    np.testing.assert_array_equal(sequence.keypoints, kept.keypoints)
    body = drop_face(sequence)
    np.testing.assert_allclose(flip(body).keypoints, flip(replace(body, size=(0, 0, 0))).keypoints)


@pytest.mark.parametrize("dims", [2, 3])
def test_confidence_in_a_separate_array(path, dims):
    poses = person() * 500
    confidence = np.linspace(0, 1, 6 * 543).reshape(6, 543)
    save(path, poses[..., :dims], confidence=confidence, names=np.array(["a"]))
    with pytest.warns(InputWarning, match="holds names beside `poses`, which are not read"):
        sequence = read(path)
    np.testing.assert_array_equal(sequence.keypoints, poses[..., :dims])
    np.testing.assert_array_equal(sequence.confidence, confidence.astype(np.float32))
    save(path, poses, confidence=confidence[1:])
    with pytest.raises(UserError, match=r"a\.npz: .*confidence is \(5, 543\)"):
        read(path)


def test_masked_frames_are_missing(path):
    save(path, person()[:, :21] * 500, mask=np.array([1, 0, 1, 1, 0, 0]))
    assert read(path).confidence.any(axis=1).tolist() == [True, False, True, True]


def test_legs_far_outside_the_picture_do_not_keep_it_from_being_scaled(tmp_path):
    poses = person()[:, :33]
    poses[:, 25:, 1] += 1.5  # a third of the points
    np.save(tmp_path / "a.npy", poses)
    sequence = read(tmp_path / "a.npy", size=(640, 480))
    np.testing.assert_allclose(sequence.keypoints, poses * [640, 480, 640], rtol=1e-6)
    np.save(tmp_path / "a.npy", poses - [0.5, 0.5, 0])
    with pytest.warns(InputWarning, match="neither pixels nor normalized coordinates, between 0 and 1; they are not"):
        sequence = read(tmp_path / "a.npy", size=(640, 480))
    assert np.abs(sequence.keypoints).max() < 5
