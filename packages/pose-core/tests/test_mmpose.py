"""MMPose's JSON: frames in their places, of the person that is meant, with the points that their names say."""

import json

import numpy as np
import pytest

from pose_core import UserError, read
from pose_core.notices import InputWarning
from pose_core.skeleton import known_skeleton
from pose_core.testing_detections import mmpose_file, mmpose_instance, swaying_person

pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")


@pytest.mark.parametrize("info", [True, False])
@pytest.mark.parametrize("first", [0, 1])
def test_mmpose_predictions(tmp_path, info, first):
    signer = swaying_person(133, score=6.0)
    signer[:, 91:112, 2] = 0.1  # the left hand was not seen
    path = mmpose_file(tmp_path / "a.json", [[mmpose_instance(v)] for v in signer], first=first, info=info)
    with pytest.warns(InputWarning, match="scores run to 6"):
        sequence = read(path)
    np.testing.assert_array_equal(sequence.keypoints, signer[..., :2].astype(np.float32))
    assert sequence.skeleton.layout.name == "coco_wholebody"
    assert sequence.hand_share("left") == 1
    strict = read(path, min_confidence=0.3)
    assert (strict.hand_share("left"), strict.hand_share("right")) == (0, 1)


def test_mmpose_frames_that_are_left_out_are_missing(tmp_path):
    signer = swaying_person(133)
    entries = [{"frame_id": i, "instances": [mmpose_instance(signer[i])]} for i in (4, 0, 1)]
    (tmp_path / "a.json").write_text(json.dumps(entries))
    with pytest.warns(InputWarning, match="2 of 5 frames are not there"):
        sequence = read(tmp_path / "a.json")
    assert sequence.confidence.any(axis=1).tolist() == [True, True, False, False, True]


def test_mmpose_of_pictures_and_in_three_dimensions(tmp_path):
    signer = swaying_person(133)
    (tmp_path / "a.json").write_text(json.dumps([mmpose_instance(signer[0]), mmpose_instance(signer[1] + 900)]))
    assert len(read(tmp_path / "a.json")) == 1
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, values in enumerate(signer):
        (folder / f"frame{i:03d}.json").write_text(json.dumps([mmpose_instance(values)]))
    np.testing.assert_array_equal(read(folder).keypoints, signer[..., :2].astype(np.float32))
    deep = [{"keypoints": v.tolist(), "keypoint_scores": [1.0] * 133} for v in signer]
    sequence = read(mmpose_file(tmp_path / "b.json", [[d] for d in deep]))
    np.testing.assert_array_equal(sequence.keypoints, signer.astype(np.float32))


def test_17_points_in_three_dimensions_are_refused(tmp_path):
    deep = [{"keypoints": v.tolist(), "keypoint_scores": [1.0] * 17} for v in swaying_person(17)]
    with pytest.raises(UserError, match="of no known order, most likely Human3.6M's"):
        read(mmpose_file(tmp_path / "a.json", [[each] for each in deep]))


def test_a_numbered_folder_of_clips_is_no_clip(tmp_path):
    (tmp_path / "clips").mkdir()
    for i in range(2):
        mmpose_file(tmp_path / "clips" / f"{i}.json", [[mmpose_instance(v)] for v in swaying_person(133)], info=False)
    with pytest.raises(UserError, match=r"0\.json: is a clip of its own; name the file instead of its folder"):
        read(tmp_path / "clips")


def test_the_larger_person_is_chosen(tmp_path):
    signer, passer = swaying_person(133), swaying_person(133, x=800, scale=0.2)
    frames = [[mmpose_instance(passer[i])] + ([mmpose_instance(signer[i])] if i else []) for i in range(6)]
    with pytest.warns(InputWarning, match="taking person 1"):
        sequence = read(mmpose_file(tmp_path / "a.json", frames))
    np.testing.assert_array_equal(sequence.keypoints[1:], signer[1:, :, :2].astype(np.float32))


def test_tracker_ids_are_used(tmp_path):
    one, two = swaying_person(133), swaying_person(133, x=20)
    frames = [[mmpose_instance(a, track_id=7), mmpose_instance(b, track_id=3)] for a, b in zip(one, two, strict=True)]
    frames[3].reverse()
    sequence = read(mmpose_file(tmp_path / "a.json", frames), person=1)
    np.testing.assert_array_equal(sequence.keypoints, two[..., :2].astype(np.float32))


def wholebody_names():
    fingers = [
        f"{finger}{i}"
        for finger in ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
        for i in "1234"
    ]
    hands = [name for side in ("left", "right") for name in (f"{side}_hand_root", *(f"{side}_{f}" for f in fingers))]
    body = [point for component, point in known_skeleton(133, 2).keypoints if component == "BODY"]
    return [*body, *(f"face-{i}" for i in range(68)), *hands]


def named_file(path, names, values):
    meta = {"dataset_name": "x", "keypoint_id2name": {str(i): name for i, name in enumerate(names)}}
    entries = [{"frame_id": i, "instances": [mmpose_instance(v)]} for i, v in enumerate(values)]
    path.write_text(json.dumps({"meta_info": meta, "instance_info": entries}, indent="\t"))
    return path


def test_stated_names_of_keypoints_are_compared(tmp_path):
    signer = swaying_person(133)
    path = named_file(tmp_path / "a.json", wholebody_names(), signer)
    np.testing.assert_array_equal(read(path).keypoints, signer[..., :2].astype(np.float32))
    swapped = wholebody_names()
    swapped[91:112], swapped[112:] = swapped[112:], swapped[91:112]
    with pytest.raises(UserError, match="keypoint 91 is 'right_hand_root' where 'left hand, point 0' is expected"):
        read(named_file(tmp_path / "a.json", swapped, signer))
    human36m = ["root", "right_hip", *map(str, range(15))]
    with pytest.raises(UserError, match="keypoint 0 is 'root' where 'nose' is expected of 17 keypoints"):
        read(named_file(tmp_path / "a.json", human36m, swaying_person(17)))
    with pytest.raises(UserError, match="names 17 keypoints, and its people have 133"):
        read(named_file(tmp_path / "a.json", human36m, signer))
    halpe = [point for _, point in known_skeleton(26, 2).keypoints]
    halpe[17], halpe[19] = "head", "hip"
    assert len(read(named_file(tmp_path / "a.json", halpe, swaying_person(26)))) == 6


def test_malformed_json_files_are_refused(tmp_path):
    path = tmp_path / "a.json"
    instance = mmpose_instance(swaying_person(133)[0])
    body = {"keypoints": instance["keypoints"][:16], "keypoint_scores": instance["keypoint_scores"][:16]}
    frame = {"frame_id": 1, "instances": [instance]}
    cases = [
        ("", "not JSON of poses"),
        ("12", "not JSON of poses"),
        ("{}", "neither OpenPose's people nor MMPose's instance_info"),
        ("[]", "nobody is in any frame"),
        ("[1, 2]", "entry 0: is no frame"),
        ([{"frame_id": 0, "instances": []}], "nobody is in any frame"),
        ([frame, frame], "frame 1 is there twice"),
        ([frame, {**frame, "frame_id": 10**9}], "mend their numbers"),
        ([{**frame, "frame_id": "x"}], "entry 0: frame_id 'x' is no number"),
        ([{**frame, "frame_id": 0.5}], "frame_id 0.5 is no whole number"),
        ([{"frame_id": 0, "instances": [body]}], "people of 16 keypoints are not known"),
        ([frame, {"frame_id": 2, "instances": [body]}], "frame 2 has people of other keypoints"),
        ([frame, instance], "frames and people side by side"),
        ([{**frame, "instances": [{**instance, "keypoint_scores": [1]}]}], "frame 1, person 0: 1 keypoint_scores"),
        ([{**frame, "instances": [{"keypoints": instance["keypoints"]}]}], "has no keypoint_scores"),
        ([{**frame, "instances": [{"keypoint_scores": [1]}]}], "frame 1, person 0, keypoints: not a list"),
        ([{**frame, "instances": 3}], "frame 1: neither"),
    ]
    for content, complaint in cases:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        with pytest.raises(UserError, match=complaint) as error:
            read(path)
        assert str(error.value).startswith(str(path))
    path.write_bytes(b'{"meta_info": "\xff\xfe"}')
    with pytest.raises(UserError, match="not UTF-8"):
        read(path)
