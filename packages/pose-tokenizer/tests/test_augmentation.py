from dataclasses import fields, replace

import numpy as np
import pytest

from pose_core.skeleton import known_skeleton
from pose_core.testing import fake_skeleton
from pose_tokenizer.data.augmentation import Augmentation, time_warp

STILL = Augmentation(
    **dict.fromkeys([f.name for f in fields(Augmentation)], 0.0) | {"min_length": 1.0, "max_length": 1.0}
)


@pytest.fixture
def poses():
    random = np.random.default_rng(0)
    return random.normal(size=(24, 50, 2)).astype(np.float32), random.random((24, 50)) < 0.8


def test_augmentation_changes_the_length_and_keeps_the_shape(poses, skeleton):
    lengths = set()
    for seed in range(30):
        keypoints, seen = Augmentation().apply(*poses, skeleton, np.random.default_rng(seed))
        assert keypoints.dtype == np.float32
        assert seen.dtype == bool
        assert keypoints.shape == (len(seen), 50, 2)
        assert seen.shape == (len(seen), 50)
        assert np.isfinite(keypoints).all()
        assert 1 <= len(seen) <= round(1.5 * 24)
        lengths.add(len(seen))
    assert len(lengths) > 5


def test_augmentation_is_determined_by_the_random_generator(poses, skeleton):
    first, second, other = (Augmentation().apply(*poses, skeleton, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    assert first[0].shape != other[0].shape or not np.allclose(first[0], other[0])


def test_augmentation_does_not_change_its_input(poses, skeleton):
    kept = [x.copy() for x in poses]
    for seed in range(5):
        Augmentation().apply(*poses, skeleton, np.random.default_rng(seed))
    for before, after in zip(kept, poses, strict=True):
        np.testing.assert_array_equal(before, after)


def test_an_augmentation_of_nothing_changes_nothing(poses, skeleton):
    keypoints, seen = STILL.apply(*poses, skeleton, np.random.default_rng(0))
    np.testing.assert_allclose(keypoints, poses[0], atol=1e-6)
    np.testing.assert_array_equal(seen, poses[1])


def test_a_clip_may_begin_in_its_middle(poses, skeleton):
    keypoints, seen = replace(STILL, late_start=1.0).apply(*poses, skeleton, np.random.default_rng(0))
    assert 1 <= len(seen) < 24
    np.testing.assert_allclose(keypoints, poses[0][-len(seen) :], atol=1e-6)
    np.testing.assert_array_equal(seen, poses[1][-len(seen) :])


def test_mirroring_swaps_left_and_right(poses, skeleton):
    always = replace(STILL, mirror=1.0)
    keypoints, seen = always.apply(*poses, skeleton, np.random.default_rng(0))
    left, right = skeleton.hand("left"), skeleton.hand("right")
    np.testing.assert_allclose(keypoints[:, left], poses[0][:, right] * [-1, 1], atol=1e-6)
    np.testing.assert_array_equal(seen[:, left], poses[1][:, right])
    again, _ = always.apply(keypoints, seen, skeleton, np.random.default_rng(0))
    np.testing.assert_allclose(again, poses[0], atol=1e-6)


def test_a_skeleton_without_opposites_is_augmented_without_mirroring(poses):
    whole = fake_skeleton().with_dims(2)
    kept = [i for i in range(50) if i not in whole.hand("left")]
    one_hand = whole.select(kept)
    keypoints, seen = (x[:, kept] for x in poses)
    made, _ = replace(STILL, mirror=1.0).apply(keypoints, seen, one_hand, np.random.default_rng(0))
    np.testing.assert_allclose(made, keypoints, atol=1e-6)
    varied, _ = Augmentation(mirror=1.0).apply(keypoints, seen, one_hand, np.random.default_rng(0))
    assert varied.shape[1:] == (29, 2)


def test_hands_turn_about_their_wrists(poses, skeleton):
    turned = replace(STILL, hand_rotation=1.0)
    keypoints, _ = turned.apply(*poses, skeleton, np.random.default_rng(0))
    for side in ("left", "right"):
        hand = skeleton.hand(side)
        np.testing.assert_allclose(keypoints[:, hand[0]], poses[0][:, hand[0]], atol=1e-6)
        reach, before = (x[:, hand[1:]] - x[:, hand[:1]] for x in (keypoints, poses[0]))
        np.testing.assert_allclose(np.linalg.norm(reach, axis=-1), np.linalg.norm(before, axis=-1), atol=1e-5)
        assert not np.allclose(reach, before, atol=0.1)
    body = skeleton.part("body")
    np.testing.assert_allclose(keypoints[:, body], poses[0][:, body], atol=1e-6)


@pytest.mark.parametrize(("frames", "factor", "expected"), [(10, 1.0, 10), (10, 0.5, 5), (4, 0.1, 2), (1, 1.0, 2)])
def test_time_warp_keeps_the_ends_and_interpolates(frames, factor, expected):
    keypoints = np.linspace(0, 9, frames, dtype=np.float32)[:, None, None].repeat(2, axis=2)
    made, seen = time_warp(keypoints, np.ones((frames, 1), bool), factor)
    assert len(made) == len(seen) == expected
    np.testing.assert_allclose(made[:, 0, 0], np.linspace(keypoints[0, 0, 0], keypoints[-1, 0, 0], expected), atol=1e-5)
    assert seen.all()


def test_time_warp_between_a_visible_and_a_missing_frame_is_missing():
    keypoints = np.arange(4, dtype=np.float32)[:, None, None].repeat(2, axis=2)
    seen = np.array([True, True, False, True])[:, None]
    _, made = time_warp(keypoints, seen, 7 / 4)
    assert made[:, 0].tolist() == [True, True, True, False, False, False, True]


def test_depth_grows_as_the_picture_does_and_changes_nothing_in_it(poses, skeleton):
    keypoints, seen = poses
    deep = np.concatenate([keypoints, keypoints[..., :1]], axis=-1)
    flat, _ = Augmentation().apply(keypoints, seen, skeleton, np.random.default_rng(4))
    made, _ = Augmentation().apply(deep, seen, skeleton.with_dims(3), np.random.default_rng(4))
    np.testing.assert_allclose(made[..., :2], flat, atol=1e-6)
    larger, _ = replace(STILL, scale=0.5).apply(deep, seen, skeleton.with_dims(3), np.random.default_rng(4))
    factor = np.median(larger[..., 0] / deep[..., 0])
    assert factor != pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(larger[..., 2], factor * deep[..., 2], rtol=1e-4, atol=1e-5)


def test_a_wide_augmentation_gives_people_other_arms_and_faces():
    skeleton = known_skeleton(178, 3).with_dims(2)
    random = np.random.default_rng(0)
    keypoints, seen = random.normal(size=(8, 178, 2)).astype(np.float32), np.ones((8, 178), bool)
    people = replace(STILL, limb=0.2, face=0.2, face_shift=0.1)
    other, _ = people.apply(keypoints, seen, skeleton, np.random.default_rng(1))
    shoulder, elbow = skeleton.shoulders()[0], skeleton.elbow("left")
    face = skeleton.face()

    def upper_arm(points):
        return np.linalg.norm(points[:, elbow] - points[:, shoulder], axis=-1)

    def size(points):
        return points[:, face].std(axis=1)

    for measure in (upper_arm, size):
        factors = measure(other) / measure(keypoints)
        np.testing.assert_allclose(factors, factors.flat[0], rtol=1e-3)  # one person in all frames
        assert abs(factors.flat[0] - 1) > 0.01
