import numpy as np
import pytest

from pose_core import read
from pose_core.data import read_manifest
from pose_core.testing import fake_manifest, fake_sequence, fake_skeleton


def same(a, b):
    return a.skeleton == b.skeleton and np.array_equal(a.keypoints, b.keypoints)


def test_fake_sequences_are_deterministic_and_distinct():
    assert same(fake_sequence(shape=3), fake_sequence(shape=3))
    assert not same(fake_sequence(shape=3), fake_sequence(shape=4))
    a, b = fake_sequence(shape=3, frames=9), fake_sequence(shape=3, frames=21)
    hand = a.skeleton.hand("right")
    wrist = hand[0]
    at_rest = [s.keypoints[0, hand] - s.keypoints[0, wrist] for s in (a, b)]
    np.testing.assert_array_equal(*at_rest)  # the shape, whatever the clip's length


@pytest.mark.parametrize("face_points", [0, 4])
@pytest.mark.parametrize("hands", [(), ("left",), ("left", "right")])
def test_fake_sequences_show_the_requested_hands(hands, face_points):
    sequence = fake_sequence(frames=7, hands=hands, face_points=face_points)
    assert sequence.keypoints.shape == (7, 50 + face_points, 3)
    assert sequence.skeleton == fake_skeleton(face_points=face_points)
    assert len(sequence.skeleton.face()) == face_points
    for side in ("left", "right"):
        assert sequence.hand_share(side) == (side in hands)
        if side in hands:  # the hand hangs on the arm
            wrists = [sequence.skeleton.hand(side)[0], sequence.skeleton.wrist(side)]
            np.testing.assert_array_equal(*sequence.keypoints[:, wrists].swapaxes(0, 1))
    assert (sequence.keypoints[..., :2] >= 0).all()
    assert (sequence.keypoints[..., :2] <= 500).all()


def test_a_manifest_names_files_that_can_be_read(tmp_path):
    clips = read_manifest(fake_manifest(tmp_path, letters="XYZ"))
    assert [(c.signed_language, c.text) for c in clips] == [
        (sign, letter) for sign in ("ase", "gsg") for letter in "XYZ"
    ]
    assert [c.split for c in clips] == ["train"] * 5 + ["validation"]
    for clip in clips:
        assert same(read(clip.path), fake_sequence(frames=len(read(clip.path)), shape=ord(clip.text), face_points=4))
