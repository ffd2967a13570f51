"""OpenPose's folders, and what others write in its order: the right points in their places, and damage in one line."""

import json

import numpy as np
import pytest

from pose_core import UserError, read, write
from pose_core.commands.conversion import convert_files
from pose_core.formats import READERS, is_clip_folder
from pose_core.inputs import find_inputs
from pose_core.jobs import JobOptions
from pose_core.notices import InputWarning
from pose_core.testing_detections import openpose_folder, openpose_person, swaying_person
from pose_core.transforms import clean, normalize

pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")

COCO_18 = [i for i in range(19) if i != 8]  # places in BODY_25, which has the middle of the hips too


@pytest.mark.parametrize("first", [0, 17])
def test_an_openpose_folder(tmp_path, first):
    signer = swaying_person(137)
    frames = [[openpose_person(values)] for values in signer]
    frames[2] = []
    frames[4] = None
    frames[3][0] |= {"face_keypoints_2d": [], "hand_left_keypoints_2d": []}
    folder = openpose_folder(tmp_path / "clip", frames, first=first)
    assert is_clip_folder(folder)
    with pytest.warns(InputWarning) as said:
        sequence = read(folder)
    messages = " ".join(str(warning.message) for warning in said)
    assert "1 of 6 frames are not there" in messages
    assert "25 frames per second assumed" in messages
    assert sequence.skeleton.layout.name == "openpose"
    there = np.array([0, 1, 5])
    np.testing.assert_array_equal(sequence.keypoints[there], signer[there][..., :2].astype(np.float32))
    np.testing.assert_array_equal(sequence.confidence[there], signer[there][..., 2].astype(np.float32))
    assert not sequence.confidence[[2, 4]].any()
    assert [bool(sequence.confidence[3, sequence.skeleton.hand(side)].any()) for side in ("left", "right")] == [0, 1]
    np.testing.assert_array_equal(sequence.keypoints[3, :25], signer[3, :25, :2].astype(np.float32))
    part = read(folder, start=1, end=4, fps=30.0)
    assert part.fps == 30
    np.testing.assert_array_equal(part.keypoints, sequence.keypoints[1:4])
    assert np.isfinite(normalize(clean(sequence))[0].keypoints).all()


def test_openpose_coco_bodies_map_to_body_25(tmp_path):
    signer = swaying_person(137)[0]
    people = [openpose_person(signer, pose_keypoints_2d=signer[COCO_18].ravel().tolist())]
    sequence = read(openpose_folder(tmp_path / "clip", [people] * 2))
    np.testing.assert_array_equal(sequence.keypoints[0, COCO_18], signer[COCO_18, :2].astype(np.float32))
    assert not sequence.confidence[:, [8, *range(19, 25)]].any()


def test_mpi_bodies_have_no_head_and_chest(tmp_path):
    signer = swaying_person(15)
    people = [[{"pose_keypoints_2d": values.ravel().tolist()}] for values in signer]
    sequence = read(openpose_folder(tmp_path / "clip", people))
    places = [*range(1, 8), *range(9, 15)]
    np.testing.assert_array_equal(sequence.keypoints[:, places], signer[:, 1:14, :2].astype(np.float32))
    assert not np.delete(sequence.confidence, places, axis=1).any()


def test_body_135_has_hands_and_face_in_the_body(tmp_path):
    signer = swaying_person(135)
    people = [[{"person_id": [-1], "pose_keypoints_2d": values.ravel().tolist()}] for values in signer]
    for frame in people:
        frame[0] |= {"face_keypoints_2d": [], "hand_left_keypoints_2d": [], "hand_right_keypoints_2d": []}
    sequence = read(openpose_folder(tmp_path / "clip", people))
    assert sequence.skeleton.layout.name == "openpose_135"
    np.testing.assert_array_equal(sequence.keypoints, signer[..., :2].astype(np.float32))
    assert sequence.hand_share("left") == 1
    people[2][0]["hand_left_keypoints_2d"] = [1.0] * 63
    with pytest.raises(UserError, match="has face or hands beside the 135 points of BODY_135"):
        read(openpose_folder(tmp_path / "clip", people))


def test_older_and_three_dimensional_parts_of_openpose(tmp_path):
    signer = swaying_person(137)
    old = {"pose_keypoints": signer[0, :25].ravel().tolist(), "hand_right_keypoints": signer[0, 116:].ravel().tolist()}
    folder = openpose_folder(tmp_path / "old", [[old]] * 2)
    sequence = read(folder)
    np.testing.assert_array_equal(sequence.keypoints[1, 116:], signer[0, 116:, :2].astype(np.float32))
    deep = [[openpose_person(values, pose_keypoints_3d=[0.5] * 100)] for values in signer]
    with pytest.warns(InputWarning, match="keypoints in three dimensions are left out"):
        sequence = read(openpose_folder(tmp_path / "deep", deep))
    np.testing.assert_array_equal(sequence.keypoints, signer[..., :2].astype(np.float32))


def test_controlnet_lists_frames_with_the_size_of_the_picture(tmp_path):
    signer = swaying_person(18 + 68 + 21)
    frames = []
    for values in signer:
        body, face, hand = (part.ravel().tolist() for part in np.split(values, [18, 86]))
        parts = {"pose_keypoints_2d": body, "face_keypoints_2d": face, "hand_left_keypoints_2d": hand}
        people = [{**parts, "hand_right_keypoints_2d": None}]
        frames.append({"people": people, "canvas_width": 512, "canvas_height": 768})
    (tmp_path / "a.json").write_text(json.dumps(frames))
    sequence = read(tmp_path / "a.json")
    assert sequence.size == (512, 768, 0)
    np.testing.assert_array_equal(
        sequence.keypoints[:, [*COCO_18, *range(25, 93), *range(95, 116)]], signer[..., :2].astype(np.float32)
    )
    assert not sequence.confidence[:, [8, *range(19, 25), 93, 94, *range(116, 137)]].any()


def test_rtmlib_arrays_and_134_points_in_openposes_order(tmp_path):
    signer = swaying_person(134)
    frames = [
        {"frame": i, "keypoints": [v[:, :2].tolist()] * 2, "scores": [v[:, 2].tolist()] * 2}
        for i, v in enumerate(signer)
    ]
    (tmp_path / "a.json").write_text(json.dumps(frames))
    sequence = read(tmp_path / "a.json", person=1)
    assert sequence.skeleton.layout.name == "openpose"
    places = [*COCO_18, *range(19, 25), *range(25, 93), *range(95, 137)]
    np.testing.assert_array_equal(sequence.keypoints[:, places], signer[..., :2].astype(np.float32))
    assert not sequence.confidence[:, [8, 93, 94]].any()
    frames[1]["scores"].pop()
    (tmp_path / "a.json").write_text(json.dumps(frames))
    with pytest.raises(UserError, match="entry 1: scores of 1 people for 2"):
        read(tmp_path / "a.json")


def test_malformed_openpose_folders_are_refused(tmp_path):
    signer = swaying_person(137)
    frames = [[openpose_person(values)] for values in signer]
    folder = openpose_folder(tmp_path / "clip", frames)
    frame = folder / "clip_000000000003_keypoints.json"
    whole = frame.read_text()
    for content, complaint in (
        ("", "not whole JSON"),
        (whole[:-40], r"not whole JSON.*line 1 column"),
        ("[1]", "neither OpenPose's people nor MMPose's instances"),
        (whole.replace('"pose_keypoints_2d": [', '"pose_keypoints_2d": [1, '), "pose_keypoints_2d holds 76 numbers"),
        (
            whole.replace('"pose_keypoints_2d": [', '"pose_keypoints_2d": [1, 2, 3, '),
            "holds 26 points; 25, 19, 18, 15 or 135 are",
        ),
        (whole.replace('"pose_keypoints_2d": [', '"pose_keypoints_2d": ["a", '), "not lists of numbers"),
        ("[" * 100_000, "not whole JSON"),
    ):
        frame.write_text(content)
        with pytest.raises(UserError, match=complaint) as error:
            read(folder)
        assert "clip_000000000003_keypoints.json" in str(error.value)
    frame.write_text(whole)
    (folder / "other_000000000001_keypoints.json").write_text(whole)
    with pytest.raises(UserError, match="holds frames of several clips, clip_.* and other_.*give each a folder"):
        read(folder)
    (folder / "other_000000000001_keypoints.json").rename(folder / "clip_99999999999999_keypoints.json")
    with pytest.raises(UserError, match="frame_id '99999999999999' is no number of a frame"):
        read(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="not a file"):
        read(tmp_path / "empty")


def test_clip_folders_count_as_clips_in_data_sets(tmp_path, holistic):
    for name in ("one", "two"):
        openpose_folder(tmp_path / name, [[openpose_person(values)] for values in swaying_person(137)])
    write(holistic, tmp_path / "three.pose")
    (tmp_path / "index.json").write_text("{}")
    found = find_inputs([tmp_path], READERS)
    assert sorted(each.below.name for each in found) == ["one", "three.pose", "two"]
    assert [each.path for each in find_inputs([tmp_path / "one"], READERS)] == [tmp_path / "one"]
    assert [each.path for each in find_inputs([tmp_path / "o*"], READERS)] == [tmp_path / "one"]
    batch = convert_files([str(tmp_path)], tmp_path / "out", {}, JobOptions())
    assert (len(batch.done), batch.failed) == (3, [])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["one.pose", "three.pose", "two.pose"]
