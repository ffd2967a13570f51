"""AlphaPose's JSON, in its own form and in OpenPose's: frames by the names of pictures, people by their tracks."""

import json

import numpy as np
import pytest

from pose_core import UserError, read
from pose_core.notices import InputWarning
from pose_core.testing_detections import alphapose_person, swaying_person
from pose_core.transforms import clean, normalize

pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")


def halpe_to_openpose(values):
    """OpenPose's 18 body points of Halpe's, as AlphaPose's `--format open` writes them."""
    return values[..., [0, 18, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3], :]


@pytest.mark.parametrize(("points", "layout"), [(17, "coco_wholebody"), (26, "alphapose_136"), (136, "alphapose_136")])
@pytest.mark.parametrize("idx", [7, [7.0], None])
def test_alphapose_results(tmp_path, points, layout, idx):
    signer = swaying_person(points)
    more = {} if idx is None else {"idx": idx}
    people = [alphapose_person(f"{i + 2}.jpg", values, box=[1.5, 2, 3, 4], **more) for i, values in enumerate(signer)]
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
    signer = swaying_person(136)
    people = [alphapose_person(f"a_{i + 90:04d}.jpg", values) for i, values in enumerate(signer)]
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
    one, two = swaying_person(136), swaying_person(136, x=20)
    people = []
    for i, pair in enumerate(zip(one, two, strict=True)):
        both = [alphapose_person(f"{i}.jpg", values, idx=name) for name, values in zip((5, 2), pair, strict=True)]
        people += both if i % 2 == 0 else both[::-1]
    (tmp_path / "a.json").write_text(json.dumps(people))
    with pytest.warns(InputWarning, match="2 people"):
        sequence = read(tmp_path / "a.json", person=None)
    np.testing.assert_array_equal(sequence.keypoints, one[..., :2].astype(np.float32))
    np.testing.assert_array_equal(read(tmp_path / "a.json", person=1).keypoints, two[..., :2].astype(np.float32))


def test_alphapose_metadata_states_rate_and_size(tmp_path):
    signer = swaying_person(133)
    frames = [alphapose_person(f"{i}.jpg", values) for i, values in enumerate(signer)]
    content = {"frames": frames, "metadata": {"fps": 29.97, "width": 640, "height": 480}}
    (tmp_path / "a.json").write_text(json.dumps(content))
    sequence = read(tmp_path / "a.json")
    assert (sequence.fps, sequence.size) == (29.97, (640, 480, 0))
    assert read(tmp_path / "a.json", fps=50.0).fps == 50


@pytest.mark.parametrize("form", ["open", "cmu"])
@pytest.mark.parametrize("separate", [False, True])
def test_alphapose_in_openposes_forms(tmp_path, form, separate):
    signer = halpe_to_openpose(swaying_person(26))
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
    np.testing.assert_array_equal(sequence.keypoints[:, [*range(8), *range(9, 19)]], signer[..., :2].astype(np.float32))
