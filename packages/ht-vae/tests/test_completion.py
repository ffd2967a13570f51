from dataclasses import replace

import numpy as np

from ht_vae.data.completion import complete
from pose_core import PoseSequence
from pose_core.skeleton import known_skeleton
from pose_core.transforms import to_layout

SKELETON = known_skeleton(178, 2)
FACE, HIPS = SKELETON.face(), SKELETON.hips()
MEAN = np.random.default_rng(0).normal(size=(178, 2)).astype(np.float32)


def sequence(frames=4):
    """A mean pose whose face is turned and scaled otherwise in each frame."""
    random = np.random.default_rng(1)
    keypoints = np.tile(MEAN, (frames, 1, 1))
    for frame in keypoints:
        frame[FACE] = frame[FACE] @ random.normal(size=(2, 2)) + random.normal(size=2)
    return PoseSequence(keypoints, np.ones((frames, 178), np.float32), 25.0, SKELETON)


def test_poses_that_show_everything_once_are_left_alone():
    original = sequence()
    confidence = original.confidence.copy()
    confidence[1:] = 0
    for each in (original, replace(original, confidence=confidence)):
        completed = complete(each, MEAN)
        assert np.array_equal(completed.keypoints, each.keypoints)
        assert np.array_equal(completed.confidence, each.confidence)


def test_a_face_of_59_points_gets_the_others_where_its_own_lie():
    original = sequence()
    mapped = to_layout(to_layout(original, "openpose_137"), SKELETON)
    assert (mapped.confidence[:, FACE] > 0).sum(axis=1).tolist() == [59] * 4
    completed = complete(mapped, MEAN)
    np.testing.assert_allclose(completed.keypoints, original.keypoints, atol=1e-4)
    assert (completed.confidence == 1).all()


def test_hips_and_a_face_that_are_never_visible_are_the_means():
    original = sequence()
    confidence = original.confidence.copy()
    confidence[:, [*HIPS, *FACE]] = 0
    confidence[2] = 0  # nobody in the picture
    completed = complete(replace(original, confidence=confidence), MEAN)
    np.testing.assert_array_equal(completed.keypoints[0, [*HIPS, *FACE]], MEAN[[*HIPS, *FACE]])
    assert completed.confidence[0].all()
    assert not completed.confidence[2].any()


def test_hands_are_not_made_up():
    original = sequence()
    confidence = original.confidence.copy()
    left = SKELETON.hand("left")
    confidence[:, left] = 0
    completed = complete(replace(original, confidence=confidence), MEAN)
    assert not completed.confidence[:, left].any()
