"""OpenPose's folders and MMPose's JSON: the right frames of the right person, and damage in one line."""

import json

import numpy as np
import pytest

from pose_core import UserError, read, write
from pose_core.commands.conversion import convert_files
from pose_core.formats import READERS, is_clip_folder, people_of
from pose_core.inputs import find_inputs
from pose_core.jobs import JobOptions
from pose_core.notices import InputWarning
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


@pytest.mark.parametrize("source", ["openpose", "mmpose"])
def test_damaged_copies_are_read_right_or_refused(tmp_path, source):
    if source == "openpose":
        path = openpose_folder(tmp_path / "clip", [[openpose_person(v)] for v in person(137, frames=2)])
        target = sorted(path.iterdir())[1]
    else:
        path = target = mmpose_file(tmp_path / "a.json", [[mmpose_instance(v)] for v in person(133, frames=2)])
    whole = target.read_bytes()
    tokens = [b"null", b"NaN", b"-Infinity", b"1e999", b'"x"', b"{}", b"[]", b"true", b"[" * 50, b"9" * 5000, b"\xff"]
    outcomes = set()
    for number in range(200):
        random = np.random.default_rng(number)
        at, kind = int(random.integers(len(whole))), number % 4
        if kind == 0:
            content = whole[:at]
        elif kind == 1:
            content = bytearray(whole)
            for i in random.integers(0, len(whole), 5):
                content[i] = random.integers(256)
        elif kind == 2:
            content = whole[:at] + whole[at + int(random.integers(1, 400)) :]
        else:
            content = whole[:at] + tokens[number // 4 % len(tokens)] + whole[at + int(random.integers(0, 8)) :]
        target.write_bytes(bytes(content))
        try:
            sequence = clean(read(path))
        except UserError as error:
            outcomes.add("refused")
            assert str(path) in str(error), number
            assert "\n" not in str(error), number
            assert len(str(error)) < 600, number
        else:
            outcomes.add("read")
            assert np.isfinite(sequence.keypoints).all(), number
            assert ((sequence.confidence >= 0) & (sequence.confidence <= 1)).all(), number
    assert outcomes == {"read", "refused"}


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
