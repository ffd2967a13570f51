"""`.npz` and landmark `.csv` files: exact round trips, what others write, and what is wrong with a damaged one."""

import json
import tracemalloc
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pose_core import Skeleton, UserError, read, write
from pose_core.notices import InputWarning
from pose_core.skeleton import known_skeleton


@settings(max_examples=25)
@given(data=st.data())
@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_round_trip(tiny, tmp_path_factory, suffix, data):
    frames = data.draw(st.integers(1, 4))
    numbers = st.floats(-1e6, 1e6, width=32)
    keypoints = data.draw(hnp.arrays(np.float32, (frames, 3, 2), elements=numbers))
    confidence = data.draw(hnp.arrays(np.float32, (frames, 3), elements=numbers))
    sequence = replace(tiny, keypoints=keypoints, confidence=confidence, fps=data.draw(st.floats(1, 120)))
    path = tmp_path_factory.getbasetemp() / f"a{suffix}"
    write(sequence, path, overwrite=True)
    back = read(path)
    np.testing.assert_array_equal(back.keypoints, keypoints)
    np.testing.assert_array_equal(back.confidence, confidence)
    assert back.skeleton.keypoints == tiny.skeleton.keypoints
    if suffix == ".npz":
        assert (back.fps, back.size, back.skeleton) == (sequence.fps, sequence.size, sequence.skeleton)


def test_a_person_of_all_components(holistic, tmp_path):
    for name in ("a.npz", "a.csv"):
        write(holistic, tmp_path / name)
        back = read(tmp_path / name, start=3, end=9)
        np.testing.assert_array_equal(back.keypoints, holistic.keypoints[3:9])
        np.testing.assert_array_equal(back.confidence, holistic.confidence[3:9])
        assert back.skeleton.shoulders() == holistic.skeleton.shoulders()
        assert back.skeleton.hand("right") == holistic.skeleton.hand("right")


@pytest.mark.parametrize(
    ("points", "layout"), [(133, "coco_wholebody"), (137, "openpose"), (178, "holistic"), (7, None)]
)
def test_arrays_that_name_nothing(tmp_path, points, layout):
    poses = np.random.default_rng(0).normal(size=(9, points, 3))
    poses[2, 4, 2] = 0
    mask = np.ones(9)
    mask[[1, 7, 8]] = 0
    np.savez(tmp_path / "a.npz", poses=poses, mask=mask)
    sequence = read(tmp_path / "a.npz", fps=30.0)
    assert (len(sequence), sequence.fps, sequence.skeleton.num_dims) == (7, 30.0, 2)
    assert (sequence.skeleton.layout.name if sequence.skeleton.layout else None) == layout
    np.testing.assert_array_equal(sequence.keypoints[2:], poses[2:7, :, :2].astype(np.float32))
    assert not sequence.confidence[1].any()
    assert sequence.confidence[2, 4] == 0


def test_malformed_npz_files_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    poses = np.zeros((4, 5, 3), np.float32)
    cases = [
        ({"labels": poses[0, 0]}, "an array named `poses`"),
        ({"poses": poses[0]}, r"expected numbers \(T, K, 3\)"),
        ({"poses": poses.astype(str)}, "expected numbers"),
        ({"poses": poses[:0]}, "no frames"),
        ({"poses": poses, "mask": np.ones(3)}, "the same frames"),
        ({"poses": poses, "mask": np.zeros(4)}, "no frames"),
        ({"poses": poses, "skeleton": np.array("{}")}, "not a whole .npz"),
        ({"poses": poses, "fps": np.float32(-1)}, "fps is -1"),
        ({"poses": np.array([None, poses], dtype=object)}, r"a\.npz: "),
    ]
    for arrays, complaint in cases:
        np.savez(path, **arrays)
        with pytest.raises(UserError, match=complaint) as error:
            read(path)
        assert str(path) in str(error.value)
    np.savez(path, poses=poses)
    with pytest.raises(UserError, match="no person 1"):
        read(path, person=1)
    content = path.read_bytes()
    absurd = content.replace(b"(4, 5, 3), ", b"(2147483647, 9, 3), ").replace(b"          \n", b"\n")
    assert absurd != content
    for damaged in (content[:-20], content[:40], b"", absurd):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"a\.npz: "):
            read(path)


ROWS = """frame#,landmark_name,x,y,L2_distance_from_midhip
3,LEFT_SHOULDER,0.5,1.5,9
3,NOSE,0.1,2.5,9
5,LEFT_SHOULDER,0.6,1.6,9
5,LEFT_SHOULDER,0.7,1.7,9
6,NOSE,nan,2.5,9
6,RIGHT_SHOULDER,-0.5,,9
"""


@pytest.mark.parametrize(
    ("size", "found"),
    [
        ([1e9, 480, 0], (0, 0, 0)),
        ([640, -480, 0], (0, 0, 0)),
        ([640, np.nan, 0], (0, 0, 0)),
        ([640, 480, 0, 0], (0, 0, 0)),
        ([640, 480], (640, 480, 0)),
        ([65535, 480, 9], (65535, 480, 9)),
    ],
)
def test_a_size_that_is_none_is_left_out(tmp_path, size, found):
    path = tmp_path / "a.npz"
    np.savez(path, poses=np.full((2, 33, 3), 0.5), size=size)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        sequence = read(path)
    assert sequence.size == found
    assert any("a.npz: size is " in str(each.message) for each in said) == (found == (0, 0, 0))
    write(sequence, tmp_path / "a.pose")


@pytest.mark.parametrize("color", [[70_000, 0, 0], [0, -1, 0]])
def test_colors_that_no_pose_file_can_state_are_refused(tiny, tmp_path, color):
    skeleton = tiny.skeleton.to_dict()
    skeleton["components"][0]["colors"] = [color]
    shape = (2, tiny.skeleton.num_keypoints, tiny.skeleton.num_dims + 1)
    np.savez(tmp_path / "a.npz", poses=np.zeros(shape), skeleton=json.dumps(skeleton))
    with pytest.raises(UserError, match=r"a\.npz: colors of component '\w+' must be from 0 to 65,535; mend"):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize("shape", [(4, 33, 3), (4, 99), (33, 3)])
def test_numbers_too_large_for_float32_are_missing(tmp_path, shape):
    poses = np.full(shape, 0.5)
    poses.reshape(-1, 3)[5, :2] = 1e300
    np.save(tmp_path / "a.npy", poses)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        sequence = read(tmp_path / "a.npy", size=(640, 480))
    assert {each.category for each in said} == {InputWarning}
    assert any("a.npy: holds numbers larger than 3.4e+38, which count as missing" in str(each.message) for each in said)
    assert not sequence.visible[0, 5]
    assert sequence.visible.sum() == sequence.visible.size - 1


def test_landmarks_with_gaps_and_repetitions(tmp_path):
    (tmp_path / "a.csv").write_text(ROWS)
    sequence = read(tmp_path / "a.csv", fps=30.0)
    assert [point for _, point in sequence.skeleton.keypoints] == ["LEFT_SHOULDER", "NOSE", "RIGHT_SHOULDER"]
    assert sequence.skeleton.shoulders() == (0, 2)
    assert sequence.confidence.tolist() == [[1, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0]]
    np.testing.assert_allclose(sequence.keypoints[2, 0], [0.7, -1.7])  # the later row, and y down


def test_malformed_landmark_files_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    head = "frame#,landmark_name,x,y\n"
    cases = [
        ("", r"lacks the column\(s\) frame#"),
        ("frame,x\n1,2\n", "landmark_name"),
        (head, "no rows"),
        (head + "zero,NOSE,1,2\n", "line 2: frame#: could not convert"),
        (head + "0.5,NOSE,1,2\n", "no whole number"),
        (head + "inf,NOSE,1,2\n", "line 2"),
        (head + "0,,1,2\n", "no landmark_name"),
        (head + "0,NOSE,1\n", "ends before its y"),
        (head + "0,NOSE,1,2\n2147483647,NOSE,1,2\n", "mend the frame numbers"),
        (head + "0,NOSE,1,2\n2,NOSE,1,2\n1,NOSE,1,2\n", "line 4: frame 1 stands after frame 2; sort the rows"),
        (head + "0,LEFT_SHOLDER,1,2\n", "line 2: unknown landmark 'LEFT_SHOLDER'; did you mean LEFT_SHOULDER?"),
        (head + "0,left_shoulder,1,2\n", "unknown landmark 'left_shoulder'; did you mean LEFT_SHOULDER?"),
        (head.replace(",", ";") + "0;NOSE;1,5;2\n", r"columns are separated by ';'; save it with commas"),
        (head.replace(",", "\t") + "0\tNOSE\t1.5\t2\n", "columns are separated by tabs"),
        (head + "0,NOSE,1,2\n0,NOSE," + 70_000 * "1" + ",2\n", "line 3: longer than 65,536 characters"),
        (head + "0,NOSE,1,2\n" + '"' + 3 * (60_000 * "1" + "\n"), "line 5: ends before its landmark_name"),
    ]
    for content, complaint in cases:
        path.write_text(content)
        with pytest.raises(UserError, match=complaint) as error:
            read(path)
        assert str(path) in str(error.value)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="UTF-8"):
        read(path)


def test_overlong_lines_are_refused_before_they_fill_memory(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.truncate(1 << 30)  # zeros, which take no room on the disk
    tracemalloc.start()
    with pytest.raises(UserError, match=r"a\.csv, line 1: longer than"):
        read(path)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_points_of_other_components_keep_their_component_name(tiny, tmp_path):
    (component,) = tiny.skeleton.components
    odd = replace(tiny, skeleton=Skeleton((replace(component, name="POSE_LANDMARKS"),)))
    write(odd, tmp_path / "a.csv")
    back = read(tmp_path / "a.csv")
    assert back.skeleton.keypoints == odd.skeleton.keypoints
    np.testing.assert_array_equal(back.keypoints, odd.keypoints)


def test_real_landmark_files(data_dir):
    for path in sorted((data_dir / "pose_csvs").glob("*.csv"))[:2]:
        sequence = read(path)
        assert sequence.keypoints.shape[1:] == (17, 2)
        left, _ = sequence.skeleton.shoulders()
        assert (sequence.keypoints[:, left, 1] < 0).mean() > 0.9  # above the hips


def test_known_skeletons_are_consistent():
    for points in (21, 42, 50, 75, 178, 543, 553, 576, 586):
        skeleton = known_skeleton(points, 3)
        assert skeleton.num_keypoints == points
        assert Skeleton.from_dict(skeleton.to_dict()) == skeleton


def test_the_rows_of_asl_signs(tmp_path):
    path = tmp_path / "a.csv"
    head = "frame,row_id,type,landmark_index,x,y,z\n"
    rows = ["20,20-right_hand-0,right_hand,0,0.5,0.25,-0.125\n", "20,20-face-467,face,467,0.75,0.5,0\n"]
    rows += ["22,22-pose-11,pose,11,0.5,1.5,-1\n", "22,22-left_hand-3,left_hand,3,,,\n"]
    path.write_text(head + "".join(reversed(rows)))
    sequence = read(path, fps=30.0)
    assert (len(sequence), sequence.skeleton.layout.name) == (3, "holistic")
    seen = np.argwhere(sequence.confidence).tolist()
    assert seen == [[0, 500], [0, 522], [2, 11]]
    np.testing.assert_array_equal(sequence.keypoints[0, 522], [0.5, 0.25, -0.125])
    np.testing.assert_array_equal(sequence.keypoints[2, 11], [0.5, 1.5, -1])  # y down, as in the file
    for content, complaint in (
        ("", "has no rows"),
        ("1,,pose,33,0,0,0\n", "line 2: pose has no landmark 33"),
        ("1,,foot,3,0,0,0\n", "line 2: type 'foot' is not known; known: pose, face, left_hand, right_hand"),
        ("x,,pose,3,0,0,0\n", "line 2: frame: could not convert"),
        ("1,,pose,3\n", "line 2: ends before its x"),
        ("1,,pose,3,0,0,0\n99999999,,pose,3,0,0,0\n", "mend the frame numbers"),
    ):
        path.write_text(head + content)
        with pytest.raises(UserError, match=complaint) as error:
            read(path)
        assert str(path) in str(error.value)


def test_writing_csv_warns_of_a_lost_frame_rate(tiny, tmp_path):
    with pytest.warns(InputWarning, match=r"a\.csv: a \.csv states no frame rate: read it with --fps 29.97"):
        write(replace(tiny, fps=29.97), tmp_path / "a.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write(tiny, tmp_path / "b.csv")
