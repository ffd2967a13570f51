"""The bundled model that fits a file is taken, and models in 3-D and on COCO's keypoints work as the 2-D one does."""

import json

import numpy as np
import pytest

from pose_core import UserError, read, write
from pose_core.skeleton.registry import named_skeleton
from pose_core.transforms import to_layout
from pose_tokenizer import PoseTokenizer, Vocabulary, decode, encode, train
from pose_tokenizer.config import BUNDLED
from pose_tokenizer.files.serialization import from_json, from_text, to_json, to_text
from pose_tokenizer.files.token_file import file_content, read_tokens, write_tokens
from pose_tokenizer.model_selection import Models


@pytest.fixture
def bundled(quick, skeleton, monkeypatch, tmp_path):
    """Three untrained models: of body and hands in x and y, the same in 3-D, and of COCO's keypoints."""
    skeletons = {
        "signing": skeleton,
        "signing_3d": skeleton.with_dims(3),
        "signing_wholebody": named_skeleton("coco_wholebody_133", 2),
    }
    for name in list(BUNDLED):
        monkeypatch.delitem(BUNDLED, name)
    for name, each in skeletons.items():
        PoseTokenizer(quick.model(each.to_dict())).save_pretrained(tmp_path / "models" / name)
        monkeypatch.setitem(BUNDLED, name, tmp_path / "models" / name)


@pytest.mark.usefixtures("bundled")
def test_the_model_with_most_keypoints_of_a_file_is_taken(clip):
    models = Models(None, "cpu")
    assert models.of(clip().skeleton).name == "signing"  # which has x, y and z: the first of two is taken
    assert models.of(clip(face_points=4).skeleton.with_dims(2)).name == "signing"
    assert models.of(named_skeleton("coco_wholebody_133", 2)).name == "signing_wholebody"
    assert models.of(clip().skeleton) is models.default()
    with pytest.raises(UserError, match=r"has 137 keypoints .*no bundled model fits: .*--layout coco_wholebody_133"):
        models.of(named_skeleton("openpose_137", 2))


@pytest.mark.usefixtures("bundled")
def test_encode_and_decode_take_the_fitting_model(cli, clip, tmp_path):
    write(to_layout(clip(9), "coco_wholebody_133"), tmp_path / "coco.pose")
    write(clip(9), tmp_path / "holistic.pose")
    status, _, err = cli("encode", tmp_path / "coco.pose", tmp_path / "holistic.pose")
    assert status == 0, err
    assert read_tokens(tmp_path / "coco.tokens").header.model == "signing_wholebody"
    assert read_tokens(tmp_path / "holistic.tokens").header.model == "signing"
    files = tmp_path / "coco.tokens", tmp_path / "holistic.tokens"
    status, _, err = cli("decode", *files, "--output", tmp_path / "again")
    assert status == 0, err
    assert read(tmp_path / "again" / "coco.pose").skeleton.layout.name == "coco_wholebody"
    assert read(tmp_path / "again" / "holistic.pose").skeleton.num_keypoints == 50


@pytest.mark.usefixtures("bundled")
def test_tokens_of_no_bundled_model_are_refused_in_one_line(cli, encoded):
    status, _, err = cli("decode", encoded["tokens"])
    assert status == 2
    assert "these tokens were made by the model tiny" in err.splitlines()[-1]


@pytest.fixture(scope="module")
def deep(manifest, quick, tmp_path_factory):
    """A model of x, y and z, trained for a moment."""
    folder = tmp_path_factory.mktemp("runs") / "deep"
    return train([manifest], folder, quick.model_copy(update={"coordinates": 3}))[0]


def test_a_model_in_3d_encodes_depth(deep, clip, tmp_path):
    sequence = clip(20)
    tokens = encode(deep, sequence)
    assert len(tokens.header.placement.center) == 3
    made = decode(deep, tokens)
    assert made.keypoints.shape == (20, 50, 3)
    assert (made.fps, made.size) == (sequence.fps, sequence.size)
    write_tokens(tokens, tmp_path / "a.tokens")
    for again in (read_tokens(tmp_path / "a.tokens"), from_json(to_json(tokens))):
        assert again.header == tokens.header
        np.testing.assert_array_equal(again.codes, tokens.codes)
    assert json.loads(to_json(tokens))["placement"]["center"] == [*tokens.header.placement.center]
    written = from_text(to_text(tokens), deep)
    assert decode(deep, written).keypoints.shape == (20, 50, 3)
    vocabulary = Vocabulary.of(deep)
    (pose,) = vocabulary.poses(vocabulary.ids(tokens))
    assert decode(deep, pose).skeleton.num_dims == 3
    assert file_content(tokens)[5] & 0x80  # says that there are three coordinates


def test_depth_does_not_change_where_a_person_stands(deep, clip):
    sequence = clip(20)
    nearer = sequence.keypoints + np.array([0, 0, 640], np.float32)
    moved = encode(deep, type(sequence)(nearer, sequence.confidence, sequence.fps, sequence.skeleton, sequence.size))
    first = encode(deep, sequence)
    assert moved.header.placement.scale == first.header.placement.scale
    np.testing.assert_allclose(
        np.subtract(moved.header.placement.center, first.header.placement.center), [0, 0, 640], atol=2
    )


def test_poses_without_depth_are_refused_by_a_model_in_3d(deep, clip, skeleton):
    with pytest.raises(UserError, match="the poses have 2 coordinates per point, expected 3"):
        encode(deep, clip(8).on_skeleton(skeleton))


def test_clips_are_mapped_to_the_layout_that_is_trained(manifest, quick, clip, tmp_path):
    config = quick.model_copy(update={"layout": "coco_wholebody_133", "keypoints": "reduced"})
    model, _ = train([manifest], tmp_path / "run", config)
    assert model.skeleton.layout.name == "coco_wholebody"
    coco = to_layout(clip(12), "coco_wholebody_133")
    made = decode(model, encode(model, coco))
    assert made.skeleton == model.skeleton
    assert made.hand_share("right") == 1
    with pytest.raises(UserError, match="no keypoint in common"):
        encode(model, clip(12))
