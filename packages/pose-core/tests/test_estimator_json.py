"""OpenPose's folders and MMPose's JSON: the right frames of the right person, and damage in one line."""

import json

import numpy as np
import pytest

from pose_core import UserError, read, write
from pose_core.commands.conversion import convert_files
from pose_core.damage import damaged_copy
from pose_core.formats import READERS, estimator_json, is_clip_folder, people_of, read_blocks
from pose_core.inputs import find_inputs
from pose_core.jobs import JobOptions
from pose_core.notices import InputWarning
from pose_core.skeleton import known_skeleton
from pose_core.transforms import clean, normalize

PARTS = {"pose_keypoints_2d": 25, "face_keypoints_2d": 70, "hand_left_keypoints_2d": 21, "hand_right_keypoints_2d": 21}
pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")


def person(keypoints, x=0.0, scale=1.0, frames=6, score=0.9):
    """(T, K, 3) of someone who sways: x, y, score."""
    points = np.random.default_rng(keypoints).uniform(100, 300, (keypoints, 2)) * scale + [x, 0]
    xy = points + 3 * np.arange(frames)[:, None, None]
    return np.concatenate([xy, np.full((frames, keypoints, 1), score)], axis=-1).round(3)


def openpose_person(values, **more):
    """One person of a frame; values (137, 3)."""
    ends = np.cumsum([0, *PARTS.values()])
    parts = {part: values[a:b].ravel().tolist() for part, a, b in zip(PARTS, ends, ends[1:], strict=False)}
    return {"person_id": [-1], **parts, **more}


def openpose_folder(folder, frames, stem="clip", first=0):
    """Writes frames, each a list of people; None is a file that was never written."""
    folder.mkdir(exist_ok=True)
    for number, people in enumerate(frames):
        if people is not None:
            path = folder / f"{stem}_{number + first:012d}_keypoints.json"
            path.write_text(json.dumps({"version": 1.3, "people": people}))
    return folder


def mmpose_instance(values, **more):
    """One instance; values (133, 3)."""
    return {
        "keypoints": values[:, :2].tolist(),
        "keypoint_scores": values[:, 2].tolist(),
        "bbox": [[0, 0, 9, 9]],
        **more,
    }


def mmpose_file(path, frames, first=0, info=True):
    entries = [{"frame_id": number + first, "instances": people} for number, people in enumerate(frames)]
    path.write_text(json.dumps({"meta_info": {"num_keypoints": 133}, "instance_info": entries} if info else entries))
    return path


@pytest.mark.parametrize("first", [0, 17])
def test_an_openpose_folder(tmp_path, first):
    signer = person(137)
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
    signer = person(137)[0]
    coco = np.delete(signer[:25], [8, *range(19, 25)], axis=0)
    people = [openpose_person(signer, pose_keypoints_2d=coco.ravel().tolist())]
    sequence = read(openpose_folder(tmp_path / "clip", [people] * 2))
    body = [i for i in range(19) if i != 8]
    np.testing.assert_array_equal(sequence.keypoints[0, body], signer[body, :2].astype(np.float32))
    assert not sequence.confidence[:, [8, *range(19, 25)]].any()


@pytest.mark.parametrize("source", ["openpose", "mmpose"])
def test_people_are_tracked_across_frames(tmp_path, source):
    points = 137 if source == "openpose" else 133
    one = openpose_person if source == "openpose" else mmpose_instance
    signer, passer = person(points), person(points, x=800, scale=0.4)
    frames = [[one(values)] for values in signer]
    frames[2].insert(0, one(passer[2]))
    frames[3].append(one(passer[3]))
    frames[4].insert(0, one(passer[4]))
    if source == "openpose":
        path = openpose_folder(tmp_path / "clip", frames)
    else:
        path = mmpose_file(tmp_path / "a.json", frames)
    with pytest.warns(InputWarning, match=r"2 people; taking person 0 \(seen in 100% of frames\); --person chooses"):
        sequence = read(path)
    np.testing.assert_array_equal(sequence.keypoints, signer[..., :2].astype(np.float32))
    other = read(path, person=1)
    np.testing.assert_array_equal(other.keypoints[2:5], passer[2:5, :, :2].astype(np.float32))
    assert other.confidence.any(axis=1).tolist() == [False, False, True, True, True, False]
    np.testing.assert_allclose(people_of(path).seen, [1, 0.5])
    with pytest.raises(UserError, match="has 2 person.*no person 2"):
        read(path, person=2)


def test_the_larger_person_is_chosen(tmp_path):
    signer, passer = person(133), person(133, x=800, scale=0.2)
    frames = [[mmpose_instance(passer[i])] + ([mmpose_instance(signer[i])] if i else []) for i in range(6)]
    with pytest.warns(InputWarning, match="taking person 1"):
        sequence = read(mmpose_file(tmp_path / "a.json", frames))
    np.testing.assert_array_equal(sequence.keypoints[1:], signer[1:, :, :2].astype(np.float32))


def test_tracker_ids_are_used(tmp_path):
    one, two = person(133), person(133, x=20)
    frames = [[mmpose_instance(a, track_id=7), mmpose_instance(b, track_id=3)] for a, b in zip(one, two, strict=True)]
    frames[3].reverse()
    sequence = read(mmpose_file(tmp_path / "a.json", frames), person=1)
    np.testing.assert_array_equal(sequence.keypoints, two[..., :2].astype(np.float32))


@pytest.mark.parametrize("info", [True, False])
@pytest.mark.parametrize("first", [0, 1])
def test_mmpose_predictions(tmp_path, info, first):
    signer = person(133, score=6.0)
    signer[:, 91:112, 2] = 0.1  # the left hand was not seen
    path = mmpose_file(tmp_path / "a.json", [[mmpose_instance(v)] for v in signer], first, info)
    with pytest.warns(InputWarning, match="scores run to 6"):
        sequence = read(path)
    np.testing.assert_array_equal(sequence.keypoints, signer[..., :2].astype(np.float32))
    assert sequence.skeleton.layout.name == "coco_wholebody"
    assert sequence.hand_share("left") == 1
    strict = read(path, min_confidence=0.3)
    assert (strict.hand_share("left"), strict.hand_share("right")) == (0, 1)


def test_mmpose_frames_that_are_left_out_are_missing(tmp_path):
    signer = person(133)
    entries = [{"frame_id": i, "instances": [mmpose_instance(signer[i])]} for i in (4, 0, 1)]
    (tmp_path / "a.json").write_text(json.dumps(entries))
    with pytest.warns(InputWarning, match="2 of 5 frames are not there"):
        sequence = read(tmp_path / "a.json")
    assert sequence.confidence.any(axis=1).tolist() == [True, True, False, False, True]


def test_mmpose_of_pictures_and_in_three_dimensions(tmp_path):
    signer = person(133)
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


def test_a_long_file_is_read_piece_by_piece(tmp_path, monkeypatch):
    monkeypatch.setattr("pose_core.formats.json_stream.CHUNK", 1000)
    signer = person(133)
    path = mmpose_file(tmp_path / "a.json", [[mmpose_instance(v)] for v in signer])
    np.testing.assert_array_equal(read(path).keypoints, signer[..., :2].astype(np.float32))


def test_malformed_openpose_folders_are_refused(tmp_path):
    signer = person(137)
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
    with pytest.raises(UserError, match="mend their numbers|no number of a frame"):
        read(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="not a file"):
        read(tmp_path / "empty")


def test_malformed_json_files_are_refused(tmp_path):
    path = tmp_path / "a.json"
    instance = mmpose_instance(person(133)[0])
    body = {"keypoints": instance["keypoints"][:16], "keypoint_scores": instance["keypoint_scores"][:16]}
    frame = {"frame_id": 1, "instances": [instance]}
    cases = [
        ("", "not JSON of poses"),
        ("12", "not JSON of poses"),
        ("{}", "neither OpenPose's people nor MMPose's instance_info"),
        ("[]", "has no frames|nobody"),
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


def test_clip_folders_count_as_clips_in_data_sets(tmp_path, holistic):
    for name in ("one", "two"):
        openpose_folder(tmp_path / name, [[openpose_person(values)] for values in person(137)])
    write(holistic, tmp_path / "three.pose")
    (tmp_path / "index.json").write_text("{}")
    found = find_inputs([tmp_path], READERS)
    assert sorted(each.below.name for each in found) == ["one", "three.pose", "two"]
    assert [each.path for each in find_inputs([tmp_path / "one"], READERS)] == [tmp_path / "one"]
    assert [each.path for each in find_inputs([tmp_path / "o*"], READERS)] == [tmp_path / "one"]
    batch = convert_files([str(tmp_path)], tmp_path / "out", {}, JobOptions())
    assert (len(batch.done), batch.failed) == (3, [])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["one.pose", "three.pose", "two.pose"]


BODY_135 = 135
COCO_18 = [i for i in range(19) if i != 8]


def picture(name, values, **more):
    """One of AlphaPose's people; values (K, 3)."""
    return {"image_id": name, "category_id": 1, "keypoints": values.ravel().tolist(), "score": 2.9, **more}


def halpe_to_openpose(values):
    """OpenPose's 18 body points of Halpe's, as AlphaPose's `--format open` writes them."""
    return values[..., [0, 18, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3], :]


@pytest.mark.parametrize(("points", "layout"), [(17, "coco_wholebody"), (26, "alphapose_136"), (136, "alphapose_136")])
@pytest.mark.parametrize("idx", [7, [7.0], None])
def test_alphapose_results(tmp_path, points, layout, idx):
    signer = person(points)
    more = {} if idx is None else {"idx": idx}
    people = [picture(f"{i + 2}.jpg", values, box=[1.5, 2, 3, 4], **more) for i, values in enumerate(signer)]
    (tmp_path / "alphapose-results.json").write_text(json.dumps(people))
    with pytest.warns(InputWarning, match="2 of 8 frames are not there"):
        sequence = read(tmp_path / "alphapose-results.json")
    assert sequence.skeleton.layout.name == layout
    assert len(sequence) == 8
    assert not sequence.confidence[:2].any()
    np.testing.assert_array_equal(sequence.keypoints[2:], signer[..., :2].astype(np.float32))
    np.testing.assert_array_equal(sequence.confidence[2:], signer[..., 2].astype(np.float32))
    assert np.isfinite(normalize(clean(sequence))[0].keypoints).all()


def test_alphapose_pictures_with_padded_names_begin_with_the_lowest(tmp_path):
    signer = person(136)
    people = [picture(f"a_{i + 90:04d}.jpg", values) for i, values in enumerate(signer)]
    (tmp_path / "a.json").write_text(json.dumps(people))
    np.testing.assert_array_equal(read(tmp_path / "a.json").keypoints, signer[..., :2].astype(np.float32))
    people[3]["image_id"] = "b_0093.jpg"
    (tmp_path / "a.json").write_text(json.dumps(people))
    with pytest.raises(UserError, match="entry 3: is of another clip, 'b_', than those before it, 'a_'"):
        read(tmp_path / "a.json")
    people[3]["image_id"] = "cover.jpg"
    (tmp_path / "a.json").write_text(json.dumps(people))
    with pytest.raises(UserError, match="entry 3: image_id 'cover.jpg' has no frame number"):
        read(tmp_path / "a.json")


def test_alphapose_tracks_are_followed(tmp_path):
    one, two = person(136), person(136, x=20)
    people = []
    for i, pair in enumerate(zip(one, two, strict=True)):
        both = [picture(f"{i}.jpg", values, idx=name) for name, values in zip((5, 2), pair, strict=True)]
        people += both if i % 2 == 0 else both[::-1]
    (tmp_path / "a.json").write_text(json.dumps(people))
    with pytest.warns(InputWarning, match="2 people"):
        sequence = read(tmp_path / "a.json", person=None)
    np.testing.assert_array_equal(sequence.keypoints, one[..., :2].astype(np.float32))
    np.testing.assert_array_equal(read(tmp_path / "a.json", person=1).keypoints, two[..., :2].astype(np.float32))


def test_alphapose_metadata_states_rate_and_size(tmp_path):
    signer = person(133)
    frames = [picture(f"{i}.jpg", values) for i, values in enumerate(signer)]
    content = {"frames": frames, "metadata": {"fps": 29.97, "width": 640, "height": 480}}
    (tmp_path / "a.json").write_text(json.dumps(content))
    sequence = read(tmp_path / "a.json")
    assert (sequence.fps, sequence.size) == (29.97, (640, 480, 0))
    assert read(tmp_path / "a.json", fps=50.0).fps == 50


@pytest.mark.parametrize("form", ["open", "cmu"])
@pytest.mark.parametrize("separate", [False, True])
def test_alphapose_in_openposes_forms(tmp_path, form, separate):
    signer = halpe_to_openpose(person(26))
    people, part = ("people", "pose_keypoints_2d") if form == "open" else ("bodies", "joints")
    frames = {
        f"{i}.jpg": {"version": "AlphaPose v0.3", people: [{part: values.ravel().tolist()}]}
        for i, values in enumerate(signer)
    }
    if separate:
        path = tmp_path / "sep-json"
        path.mkdir()
        for name, frame in frames.items():
            (path / name.replace(".jpg", ".json")).write_text(json.dumps(frame))
    else:
        path = tmp_path / "alphapose-results.json"
        path.write_text(json.dumps(frames))
    sequence = read(path)
    assert sequence.skeleton.layout.name == "openpose"
    np.testing.assert_array_equal(sequence.keypoints[:, COCO_18], signer[..., :2].astype(np.float32))


def test_body_135_has_hands_and_face_in_the_body(tmp_path):
    signer = person(BODY_135)
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


def test_mpi_bodies_have_no_head_and_chest(tmp_path):
    signer = person(15)
    people = [[{"pose_keypoints_2d": values.ravel().tolist()}] for values in signer]
    sequence = read(openpose_folder(tmp_path / "clip", people))
    places = [*range(1, 8), *range(9, 15)]
    np.testing.assert_array_equal(sequence.keypoints[:, places], signer[:, 1:14, :2].astype(np.float32))
    assert not np.delete(sequence.confidence, places, axis=1).any()


def test_older_and_three_dimensional_parts_of_openpose(tmp_path):
    signer = person(137)
    old = {"pose_keypoints": signer[0, :25].ravel().tolist(), "hand_right_keypoints": signer[0, 116:].ravel().tolist()}
    folder = openpose_folder(tmp_path / "old", [[old]] * 2)
    sequence = read(folder)
    np.testing.assert_array_equal(sequence.keypoints[1, 116:], signer[0, 116:, :2].astype(np.float32))
    deep = [[openpose_person(values, pose_keypoints_3d=[0.5] * 100)] for values in signer]
    with pytest.warns(InputWarning, match="keypoints in three dimensions are left out"):
        sequence = read(openpose_folder(tmp_path / "deep", deep))
    np.testing.assert_array_equal(sequence.keypoints, signer[..., :2].astype(np.float32))


def test_controlnet_lists_frames_with_the_size_of_the_picture(tmp_path):
    signer = person(18 + 68 + 21)
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
    signer = person(134)
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
    signer = person(133)
    path = named_file(tmp_path / "a.json", wholebody_names(), signer)
    np.testing.assert_array_equal(read(path).keypoints, signer[..., :2].astype(np.float32))
    swapped = wholebody_names()
    swapped[91:112], swapped[112:] = swapped[112:], swapped[91:112]
    with pytest.raises(UserError, match="keypoint 91 is 'right_hand_root' where 'left hand, point 0' is expected"):
        read(named_file(tmp_path / "a.json", swapped, signer))
    human36m = ["root", "right_hip", *map(str, range(15))]
    with pytest.raises(UserError, match="keypoint 0 is 'root' where 'nose' is expected of 17 keypoints"):
        read(named_file(tmp_path / "a.json", human36m, person(17)))
    with pytest.raises(UserError, match="names 17 keypoints, and its people have 133"):
        read(named_file(tmp_path / "a.json", human36m, signer))
    halpe = [point for _, point in known_skeleton(26, 2).keypoints]
    halpe[17], halpe[19] = "head", "hip"
    assert len(read(named_file(tmp_path / "a.json", halpe, person(26)))) == 6


def test_17_points_in_three_dimensions_are_refused(tmp_path):
    deep = [{"keypoints": v.tolist(), "keypoint_scores": [1.0] * 17} for v in person(17)]
    with pytest.raises(UserError, match="of no known order, most likely Human3.6M's"):
        read(mmpose_file(tmp_path / "a.json", [[each] for each in deep]))


def test_a_numbered_folder_of_clips_is_no_clip(tmp_path):
    (tmp_path / "clips").mkdir()
    for i in range(2):
        mmpose_file(tmp_path / "clips" / f"{i}.json", [[mmpose_instance(v)] for v in person(133)], info=False)
    with pytest.raises(UserError, match=r"0\.json: is a clip of its own; name the file instead of its folder"):
        read(tmp_path / "clips")


@pytest.mark.parametrize(
    "written", ["NaN", "Infinity", "null", '"NaN"', '"12.5"', "1e400", "12345678901234567890123", "-0.0", "7"]
)
def test_odd_numbers_are_read_as_python_reads_them(tmp_path, written):
    frames = [[mmpose_instance(v)] for v in person(133)]
    frames[3][0]["keypoints"][5][0] = "HERE"
    path = mmpose_file(tmp_path / "a.json", frames)
    path.write_text(path.read_text().replace('"HERE"', written))
    value = float(json.loads(written) if written != "null" else "nan")
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(read(path).keypoints[3, 5, 0], np.float32(value))
    assert np.isfinite(clean(read(path)).keypoints).all()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"[" * (1 << 22), "not JSON that can be read"),
        (b'{"a":' * (1 << 20), "not JSON that can be read"),
        (b'[{"frame_id": 0, "instances": [' + b"[" * (1 << 22), "not JSON that can be read"),
        (b'[{"frame_id": 0, "note": "' + b"x" * (1 << 22), "longer than"),
        (b" " * (1 << 22), "not JSON of poses"),
        (b"[" + b"[]," * (1 << 20), "has more than 10,000 frames"),
        (b'[{"frame_id": ' + b"9" * 5000 + b"}]", "not JSON that can be read"),
        (b"\xff\xfe[\x00{\x00", "not UTF-8 but UTF-16"),
        (b'[{"frame_id": 0, "instances": [], "note": "\xc3\x28"}]', "not UTF-8"),
        (b'[{"frame_id": 1, "instances": []}', "ends too early"),
        (b'[{"frame_id": 1, "instances": []} {}]', "expected"),
        (b'[{"frame_id": 1, "instances": []}]]', "goes on after its end"),
    ],
)
def test_hostile_json_is_refused_at_once(tmp_path, monkeypatch, content, complaint):
    monkeypatch.setattr("pose_core.formats.json_stream.LONGEST", 1 << 20)
    monkeypatch.setattr("pose_core.formats.detection_store._MOST_FRAMES", 10_000)
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UserError, match=complaint) as error:
        read(tmp_path / "a.json")
    assert str(error.value).startswith(str(tmp_path / "a.json"))
    assert len(str(error.value)) < 400 + len(str(tmp_path))


def test_a_byte_order_mark_and_a_key_twice(tmp_path):
    signer = person(133)
    path = mmpose_file(tmp_path / "a.json", [[mmpose_instance(v)] for v in signer])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    np.testing.assert_array_equal(read(path).keypoints, signer[..., :2].astype(np.float32))
    path.write_text(path.read_text(encoding="utf-8-sig").replace('"frame_id": 3', '"frame_id": 9, "frame_id": 3'))
    assert len(read(path)) == 6


def made(name, folder):
    """A small file, or folder, of each form."""
    wholebody = person(133, frames=4)
    entries = [{"frame_id": i, "instances": [mmpose_instance(v)]} for i, v in enumerate(wholebody)]
    contents = {
        "mmpose": {"meta_info": {}, "instance_info": entries},
        "lists": [[mmpose_instance(v), mmpose_instance(v + 300)] for v in wholebody],
        "triples": [{"frame_id": i, "instances": [{"keypoints": v.tolist()}]} for i, v in enumerate(wholebody)],
        "alphapose": [picture(f"{i}.jpg", v, idx=1) for i, v in enumerate(person(136, frames=4))],
        "open": {
            f"{i}.jpg": {"people": [{"pose_keypoints_2d": v.ravel().tolist()}]}
            for i, v in enumerate(person(18, frames=4))
        },
    }
    if name in contents:
        (folder / "a.json").write_text(json.dumps(contents[name]))
        return folder / "a.json"
    if name == "pictures":
        (folder / "clip").mkdir()
        for i, values in enumerate(wholebody):
            (folder / "clip" / f"{i:04d}.json").write_text(json.dumps([mmpose_instance(values)]))
        return folder / "clip"
    points = 135 if name == "body_135" else 137
    people = [
        {"pose_keypoints_2d": v.ravel().tolist()} if points == 135 else openpose_person(v)
        for v in person(points, frames=4)
    ]
    return openpose_folder(folder / "clip", [[each] for each in people])


def outcome(path):
    try:
        sequence = read(path, fps=25.0)
    except UserError as error:
        return str(error)
    return sequence.keypoints, sequence.confidence, sequence.skeleton


@pytest.mark.parametrize(
    "name", ["openpose", "body_135", "pictures", "mmpose", "lists", "triples", "alphapose", "open"]
)
def test_damaged_copies_are_read_as_python_reads_them_or_refused(tmp_path, monkeypatch, name):
    (tmp_path / "whole").mkdir()
    whole = made(name, tmp_path / "whole")
    outcomes = set()
    for number in range(120):
        copy = tmp_path / f"{number}"
        copy.mkdir()
        path = damaged_copy(whole, copy / whole.name, np.random.default_rng(number))
        ours = outcome(path)
        estimator_json._clip.cache_clear()
        with monkeypatch.context() as patched:
            patched.setattr("pose_core.formats.openpose.fast_people", lambda *_: None)
            for method in ("read", "flat", "listed"):
                patched.setattr(f"pose_core.formats.instances.FastPeople.{method}", lambda *_: None)
            theirs = outcome(path)
        estimator_json._clip.cache_clear()
        outcomes.add(type(ours))
        if isinstance(ours, str):
            assert ours == theirs, number
            assert str(path) in ours, number
            assert "\n" not in ours, number
            assert len(ours) < 600, number
        else:
            for a, b in zip(ours[:2], theirs[:2], strict=True):
                np.testing.assert_array_equal(a, b, str(number))
            cleaned = clean(read(path, fps=25.0))
            assert np.isfinite(cleaned.keypoints).all(), number
            assert ((cleaned.confidence >= 0) & (cleaned.confidence <= 1)).all(), number
    assert outcomes == {str, tuple}


def test_long_clips_go_through_a_temporary_file(tmp_path, monkeypatch):
    monkeypatch.setattr("pose_core.formats.detection_store._ROWS", 4)
    monkeypatch.setattr("pose_core.formats.detection_store._IN_MEMORY", 1)
    signer, passer = person(133, frames=23), person(133, x=800, scale=0.4, frames=23)
    frames = [
        [mmpose_instance(a), mmpose_instance(b)][:: 1 if i % 2 else -1]
        for i, (a, b) in enumerate(zip(signer, passer, strict=True))
    ]
    entries = [{"frame_id": i, "instances": people} for i, people in enumerate(frames)]
    (tmp_path / "a.json").write_text(json.dumps(entries[::-1]))
    estimator_json._clip.cache_clear()
    sequence = read(tmp_path / "a.json")
    np.testing.assert_array_equal(sequence.keypoints, signer[..., :2].astype(np.float32))
    pieces = list(read_blocks(tmp_path / "a.json", frames=5))
    np.testing.assert_array_equal(np.concatenate([piece.keypoints for piece in pieces]), sequence.keypoints)
    others = [read(tmp_path / "a.json", person=i).keypoints for i in range(2)]
    assert any((other == passer[..., :2].astype(np.float32)).all() for other in others)
    estimator_json._clip.cache_clear()
