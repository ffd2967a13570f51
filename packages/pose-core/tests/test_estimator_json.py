"""JSON of any estimator: who is followed, odd numbers, long files, and damage in one line."""

import json

import numpy as np
import pytest

from pose_core import UserError, read
from pose_core.damage import damaged_copy
from pose_core.formats import estimator_json, people_of, read_blocks
from pose_core.notices import InputWarning
from pose_core.testing_detections import (
    alphapose_person,
    mmpose_file,
    mmpose_instance,
    openpose_folder,
    openpose_person,
    swaying_person,
)
from pose_core.transforms import clean

pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")


@pytest.mark.parametrize("source", ["openpose", "mmpose"])
def test_people_are_tracked_across_frames(tmp_path, source):
    points = 137 if source == "openpose" else 133
    one = openpose_person if source == "openpose" else mmpose_instance
    signer, passer = swaying_person(points), swaying_person(points, x=800, scale=0.4)
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


def test_a_long_file_is_read_piece_by_piece(tmp_path, monkeypatch):
    monkeypatch.setattr("pose_core.formats.json_stream.CHUNK", 1000)
    signer = swaying_person(133)
    path = mmpose_file(tmp_path / "a.json", [[mmpose_instance(v)] for v in signer])
    np.testing.assert_array_equal(read(path).keypoints, signer[..., :2].astype(np.float32))


@pytest.mark.parametrize(
    "written", ["NaN", "Infinity", "null", '"NaN"', '"12.5"', "1e400", "12345678901234567890123", "-0.0", "7"]
)
def test_odd_numbers_are_read_as_python_reads_them(tmp_path, written):
    frames = [[mmpose_instance(v)] for v in swaying_person(133)]
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
    signer = swaying_person(133)
    path = mmpose_file(tmp_path / "a.json", [[mmpose_instance(v)] for v in signer])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    np.testing.assert_array_equal(read(path).keypoints, signer[..., :2].astype(np.float32))
    path.write_text(path.read_text(encoding="utf-8-sig").replace('"frame_id": 3', '"frame_id": 9, "frame_id": 3'))
    assert len(read(path)) == 6


def made(name, folder):
    """A small file, or folder, of each form."""
    wholebody = swaying_person(133, frames=4)
    entries = [{"frame_id": i, "instances": [mmpose_instance(v)]} for i, v in enumerate(wholebody)]
    contents = {
        "mmpose": {"meta_info": {}, "instance_info": entries},
        "lists": [[mmpose_instance(v), mmpose_instance(v + 300)] for v in wholebody],
        "triples": [{"frame_id": i, "instances": [{"keypoints": v.tolist()}]} for i, v in enumerate(wholebody)],
        "alphapose": [alphapose_person(f"{i}.jpg", v, idx=1) for i, v in enumerate(swaying_person(136, frames=4))],
        "open": {
            f"{i}.jpg": {"people": [{"pose_keypoints_2d": v.ravel().tolist()}]}
            for i, v in enumerate(swaying_person(18, frames=4))
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
    if name == "body_135":
        people = [{"pose_keypoints_2d": v.ravel().tolist()} for v in swaying_person(135, frames=4)]
    else:
        people = [openpose_person(v) for v in swaying_person(137, frames=4)]
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
    signer, passer = swaying_person(133, frames=23), swaying_person(133, x=800, scale=0.4, frames=23)
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
