"""What `encode` says of a file whose tokens cannot say as much, or not at the bits asked for."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest

from pose_core import read, write
from pose_core.skeleton import known_skeleton
from pose_core.testing import fake_sequence
from pose_core.transforms import rotate

BITS = [(), ("--bits-per-frame", 30)]


@pytest.fixture
def encode(cli):
    """Runs `encode`: arguments to (standard output, standard error and warnings)."""

    def call(*arguments):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            status, out, err = cli("encode", *arguments, "--overwrite")
        assert status == 0, err
        return out, err + "".join(str(each.message) for each in caught)

    return call


@pytest.mark.parametrize("options", BITS)
@pytest.mark.parametrize("model", ["signing", "signing_studio"])
def test_a_face_that_no_frame_shows_is_said_to_be_filled_in(cli, encode, tmp_path, model, options):
    sequence = fake_sequence(frames=8).on_skeleton(known_skeleton(178, 3))
    face = sequence.skeleton.face()
    confidence = sequence.confidence.copy()
    for name, seen in (("shown", 1), ("faceless", 0)):
        confidence[-1:, face] = seen
        write(replace(sequence, confidence=confidence.copy()), tmp_path / f"{name}.pose")
        _, said = encode(tmp_path / f"{name}.pose", "--checkpoint", model, *options)
        text = f"{tmp_path / name}.pose: the face is missing in all frames; decoding fills it with the model's"
        assert (text in said) == (not seen and model == "signing_studio")  # signing has met clips without a face
    status, _, err = cli("decode", tmp_path / "faceless.tokens", "--output", tmp_path / "decoded.pose")
    assert status == 0, err
    assert read(tmp_path / "decoded.pose").confidence[:, face].any() == (model == "signing_studio")  # as it says


@pytest.mark.parametrize("options", BITS)
def test_points_of_the_body_that_no_frame_shows_are_said_to_be_filled_in(cli, encode, poses, folder, hidden, options):
    whole = read(poses / "a.pose")
    left = [("POSE_LANDMARKS", f"LEFT_{name}") for name in ("ELBOW", "WRIST")]
    positions = [whole.skeleton.keypoints.index(name) for name in left]
    write(hidden(whole, keypoints=positions), poses / "hidden.pose")
    write(hidden(whole, slice(1, None), positions), poses / "once.pose")
    for name in ("a", "once", "hidden"):
        _, said = encode(poses / f"{name}.pose", "--checkpoint", folder, *options)
        text = "hidden.pose: missing in all frames: LEFT_ELBOW, LEFT_WRIST; decoding fills in the model's"
        assert (text in said, "missing in all frames" in said) == (name == "hidden", name == "hidden")
    decoded = poses / "decoded.pose"
    status, _, err = cli("decode", poses / "hidden.tokens", "--checkpoint", folder, "--output", decoded)
    assert status == 0, err
    sequence = read(decoded)
    shown = {name for name, any_ in zip(sequence.skeleton.keypoints, sequence.visible.any(axis=0), strict=True) if any_}
    assert {*left} <= shown  # as it says


@pytest.mark.parametrize("options", BITS)
def test_a_turned_picture_is_told_before_it_is_decoded(encode, poses, folder, options):
    upright = read(poses / "a.pose")
    x, y, z = np.moveaxis(upright.keypoints, -1, 0)
    write(replace(upright, keypoints=np.stack([y, x, z], -1)), poses.parent / "turned.pose")
    for degrees in (90, 270):  # with a head, which says which way is up
        write(rotate(fake_sequence(frames=8, face_points=16), degrees), poses.parent / f"by_{degrees}.pose")
    for path, degrees in (
        (poses / "a.pose", None),
        (poses.parent / "turned.pose", "90 (or 270)"),
        (poses.parent / "by_90.pose", 270),
        (poses.parent / "by_270.pose", 90),
    ):
        _, said = encode(path, "--checkpoint", folder, *options)
        assert ("was the video turned? Decoded poses will be far off" in said) == (degrees is not None)
        assert (f"`pose-core convert --rotate {degrees} IN OUT` turns it" in said) == (degrees is not None)


@pytest.mark.parametrize("options", BITS)
def test_a_wrist_that_marks_a_missing_point_is_told(encode, poses, folder, options):
    clip = read(poses / "a.pose")
    keypoints = clip.keypoints.copy()
    keypoints[:, clip.skeleton.wrist("left"), :2] = (4.0, 4.0)  # by the corner of the picture
    write(replace(clip, keypoints=keypoints), poses / "placeholder.pose")
    for name in ("a", "placeholder"):
        _, said = encode(poses / f"{name}.pose", "--checkpoint", folder, *options)
        assert ("the left forearm is" in said) == (name == "placeholder")
        assert "the right forearm is" not in said


@pytest.mark.parametrize(("asked", "limit"), [(0.01, "the fewest"), (1000, "about the most"), (1.5, None)])
def test_bits_that_cannot_be_reached_are_told(encode, poses, folder, asked, limit):
    out, said = encode(poses / "a.pose", "--checkpoint", folder, "--bits-per-frame", asked, "--json")
    taken = json.loads(out)[0]["bits_per_frame"]
    text = f"{asked} bits per frame asked for, {taken:.2f} taken, {limit} that --bits-per-frame can reach"
    assert (text in said, "bits per frame asked for" in said) == (limit is not None, limit is not None)
