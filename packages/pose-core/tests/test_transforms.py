"""Normalization, reduction, resampling; no transform touches its input."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody
from pose_format.utils.generic import pose_hide_legs
from pose_format.utils.generic import reduce_holistic as their_reduce_holistic

from pose_core import Skeleton, UserError
from pose_core.sequence import PoseSequence
from pose_core.skeleton import Component, known_skeleton
from pose_core.testing import fake_sequence, fake_skeleton
from pose_core.transforms import (
    Placement,
    choose_keypoints,
    clean,
    denormalize,
    drop_duplicates,
    drop_face,
    flip,
    normalize,
    reduce_face,
    reduce_holistic,
    remove_legs,
    resample,
    rotate,
    stretch,
    trim_unseen,
)


def as_pose(sequence):
    body = NumPyPoseBody(sequence.fps, sequence.keypoints[:, None].copy(), sequence.confidence[:, None].copy())
    return Pose(sequence.skeleton.to_header(sequence.size), body)


def without(sequence, frames, points):
    """The sequence with these points missing in these frames, garbage in their place."""
    keypoints, confidence = sequence.keypoints.copy(), sequence.confidence.copy()
    keypoints[frames, points], confidence[frames, points] = 1e6, 0
    return replace(sequence, keypoints=keypoints, confidence=confidence)


def test_normalize_equals_pose_format(holistic, openpose):
    for sequence in (holistic, openpose, without(holistic, slice(0, 3), slice(0, 2))):
        ours, _ = normalize(sequence)
        theirs = as_pose(sequence).normalize().body.data[:, 0]
        np.testing.assert_allclose(ours.keypoints, theirs.filled(0), atol=1e-4)


def test_normalized_shoulders(holistic):
    normalized, placement = normalize(holistic)
    left, right = (normalized.keypoints[:, i] for i in normalized.skeleton.shoulders())
    np.testing.assert_allclose((left + right).mean(axis=0), 0, atol=1e-5)
    assert np.linalg.norm(left - right, axis=-1).mean() == pytest.approx(1, abs=1e-5)
    assert not normalized.keypoints[normalized.confidence == 0].any()
    back = denormalize(normalized, placement)
    np.testing.assert_allclose(back.keypoints, holistic.keypoints, atol=1e-2)


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.01, 100), x=st.floats(-1000, 1000), y=st.floats(-1000, 1000))
def test_normalized_poses_do_not_depend_on_the_picture(holistic, scale, x, y):
    moved = denormalize(holistic, Placement((x, y, 0.0), scale))
    expected = normalize(holistic)[0].keypoints
    np.testing.assert_allclose(normalize(moved)[0].keypoints, expected, atol=2e-2)


def test_coordinates_of_missing_points_change_nothing(holistic):
    wild = without(holistic, slice(4, 7), [3, 40])
    normalized, _ = normalize(wild)
    seen = wild.confidence > 0
    np.testing.assert_array_equal(normalized.keypoints[seen], normalize(holistic)[0].keypoints[seen])
    assert not normalized.keypoints[~seen].any()


def test_poses_without_shoulders_are_refused(holistic, tiny):
    with pytest.raises(UserError, match="in no frame"):
        normalize(without(holistic, slice(None), 0))
    keypoints = holistic.keypoints.copy()
    keypoints[:, 0] = keypoints[:, 1]
    with pytest.raises(UserError, match="on one point"):
        normalize(replace(holistic, keypoints=keypoints))
    for sequence in (tiny, holistic.select(list(range(33, 54)))):
        with pytest.raises(UserError, match="no shoulders"):
            normalize(sequence)


def with_world(holistic):
    """Holistic with legs, and world landmarks that repeat them."""
    points = ("LEFT_SHOULDER", "LEFT_HIP", "LEFT_KNEE", "RIGHT_FOOT_INDEX")
    body = Component("POSE_LANDMARKS", points, ((0, 1), (1, 2)), ((255, 0, 0),), "XYZC")
    skeleton = Skeleton((body, *holistic.skeleton.components[1:], replace(body, name="POSE_WORLD_LANDMARKS")))
    return holistic.on_skeleton(skeleton)


def test_remove_legs_equals_pose_format(holistic, openpose):
    for sequence in (with_world(holistic), openpose):
        ours = remove_legs(sequence)
        theirs = pose_hide_legs(as_pose(sequence), remove=True)
        expected = tuple((c.name, p) for c in theirs.header.components for p in c.points)
        assert ours.skeleton.keypoints == expected
        np.testing.assert_array_equal(ours.keypoints, theirs.body.data.data[:, 0])
        kept = remove_legs(sequence, keep_hips=True).skeleton
        assert kept.hips()
        assert not kept.legs()


def test_hidden_legs_stay_in_the_skeleton(holistic, openpose):
    for sequence in (with_world(holistic), openpose):
        ours, theirs = remove_legs(sequence, hide=True), pose_hide_legs(as_pose(sequence)).body
        assert ours.skeleton == sequence.skeleton
        np.testing.assert_array_equal(ours.confidence, theirs.confidence[:, 0])
        np.testing.assert_array_equal(ours.keypoints, theirs.data.data[:, 0])


@pytest.mark.parametrize("points", [543, 576, 586])
def test_reduce_holistic_equals_pose_format(points):
    skeleton = known_skeleton(points, 3)
    keypoints = np.random.default_rng(0).normal(size=(3, points, 3)).astype(np.float32)
    sequence = PoseSequence(keypoints, np.ones((3, points), np.float32), 25.0, skeleton)
    ours, theirs = reduce_holistic(sequence), their_reduce_holistic(as_pose(sequence))
    assert ours.skeleton.keypoints == tuple((c.name, p) for c in theirs.header.components for p in c.points)
    np.testing.assert_array_equal(ours.keypoints, theirs.body.data.data[:, 0])
    assert len(reduce_face(sequence).skeleton.face()) == 128


def test_clean_marks_non_estimates_missing(holistic):
    keypoints, confidence = holistic.keypoints.copy(), holistic.confidence.copy()
    confidence[0, :3] = [-16, 8.8, np.nan]
    keypoints[0, 3, 0] = np.nan
    keypoints[0, 4, 1] = np.inf
    keypoints[0, 5] = 6400  # ten picture widths away
    cleaned = clean(replace(holistic, keypoints=keypoints, confidence=confidence))
    np.testing.assert_allclose(cleaned.confidence[0, :8], [0, 1, 0, 0, 0, 0, 0.9, 0.9])
    assert not cleaned.keypoints[0, [0, 2, 3, 4, 5]].any()
    np.testing.assert_array_equal(cleaned.keypoints[1:], holistic.keypoints[1:])
    np.testing.assert_array_equal(clean(cleaned).keypoints, cleaned.keypoints)


def test_flip_exchanges_hands(holistic):
    holistic = drop_face(holistic)
    flipped = flip(holistic)
    right, left = holistic.skeleton.hand("right"), holistic.skeleton.hand("left")
    np.testing.assert_array_equal(flipped.keypoints[:, left, 0], 640 - holistic.keypoints[:, right, 0])
    np.testing.assert_array_equal(flipped.keypoints[:, left, 1:], holistic.keypoints[:, right, 1:])
    assert not flipped.confidence[:, right].any()
    np.testing.assert_allclose(flip(flipped).keypoints, holistic.keypoints, atol=1e-3)
    normalized = normalize(holistic)[0]
    np.testing.assert_allclose(flip(normalized).keypoints, normalize(flipped)[0].keypoints, atol=1e-4)


def test_dropped_components(holistic, openpose):
    assert drop_face(openpose).skeleton.num_keypoints == 67
    assert drop_duplicates(with_world(holistic)).skeleton.num_keypoints == 50
    assert drop_duplicates(holistic) is holistic


def test_resample_lengths(holistic):
    assert resample(holistic, 25.0) is holistic
    for fps, frames in ((50, 24), (12.5, 6), (30, 14), (0.1, 1)):
        resampled = resample(holistic, fps)
        assert (len(resampled), resampled.fps) == (frames, fps)


def test_resample_interpolates_between_visible_frames_only(holistic):
    hand = holistic.skeleton.hand("right")
    gap = without(holistic, slice(4, 7), hand)
    for fps in (60, 31, 10):
        resampled = resample(gap, fps)
        seen = resampled.confidence[:, hand] > 0
        assert seen.any()
        assert not seen.all()
        assert np.abs(resampled.keypoints[:, hand][seen]).max() < 1000  # none of the 1e6 in the gap
        assert not (resampled.confidence[:, holistic.skeleton.hand("left")] > 0).any()


def test_stretch_there_and_back(holistic):
    longer = stretch(holistic, 2 * len(holistic) - 1)
    np.testing.assert_allclose(longer.keypoints[::2], holistic.keypoints, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(stretch(longer, len(holistic)).keypoints, holistic.keypoints, rtol=1e-5, atol=1e-3)
    with pytest.raises(UserError, match="no frames"):
        stretch(holistic[:0], 5)


def test_trim_unseen(holistic):
    padded = without(without(holistic, slice(0, 2), slice(None)), slice(9, None), slice(None))
    np.testing.assert_array_equal(trim_unseen(padded).keypoints, holistic.keypoints[2:9])
    with pytest.raises(UserError, match="nobody"):
        trim_unseen(without(holistic, slice(None), slice(None)))


def test_transforms_leave_their_input_alone(holistic):
    sequence = without(with_world(holistic), slice(4, 7), slice(10, 20))
    before = sequence.keypoints.copy(), sequence.confidence.copy()
    for transform in (remove_legs, drop_face, drop_duplicates, trim_unseen):
        transform(sequence)
    resample(sequence, 30)
    denormalize(sequence, Placement((1.0, 2.0, 3.0), 4.0))
    np.testing.assert_array_equal(sequence.keypoints, before[0])
    np.testing.assert_array_equal(sequence.confidence, before[1])
    before = holistic.keypoints.copy()
    normalize(holistic)
    np.testing.assert_array_equal(holistic.keypoints, before)


def test_choose_keypoints():
    sequence = fake_sequence(face_points=6)
    assert choose_keypoints(sequence, "all") is sequence
    reduced = choose_keypoints(sequence, "reduced").skeleton
    assert 50 < reduced.num_keypoints < 56  # the contours of the face are left
    assert choose_keypoints(sequence, "hands_and_body").skeleton == fake_skeleton()
    body = sequence.select(list(sequence.skeleton.shoulders()))
    assert choose_keypoints(body, "reduced") is body


def test_rotation_turns_the_picture_clockwise_and_leaves_depth():
    skeleton = Skeleton((Component("BODY", ("corner", "middle"), (), (), "XYZC"),))
    keypoints = np.array([[[0, 0, 7], [300, 100, 9]]], np.float32)
    clip = PoseSequence(keypoints, np.ones((1, 2), np.float32), 25.0, skeleton, (640, 480, 5))
    places = {degrees: rotate(clip, degrees) for degrees in (90, 180, 270)}
    assert places[90].keypoints.tolist() == [[[480, 0, 7], [380, 300, 9]]]  # the upper left corner, at the upper right
    assert places[180].keypoints.tolist() == [[[640, 480, 7], [340, 380, 9]]]
    assert places[270].keypoints.tolist() == [[[0, 640, 7], [100, 340, 9]]]
    assert [each.size for each in places.values()] == [(480, 640, 5), (640, 480, 5), (480, 640, 5)]


def test_four_rotations_are_none(holistic):
    there, size = holistic.confidence > 0, holistic.size
    for degrees in (90, 270):
        turned = holistic
        for number in range(4):
            turned = rotate(turned, degrees)
            assert turned.size == (size if number % 2 else (size[1], size[0], size[2]))
        np.testing.assert_allclose(turned.keypoints[there], holistic.keypoints[there], atol=1e-3)
    twice = rotate(rotate(holistic, 180), 180)
    np.testing.assert_allclose(twice.keypoints[there], holistic.keypoints[there], atol=1e-3)
    np.testing.assert_allclose(rotate(rotate(holistic, 90), 90).keypoints, rotate(holistic, 180).keypoints, atol=1e-3)


def test_what_has_no_picture_is_rotated_around_its_origin(holistic):
    normalized, _ = normalize(holistic)
    turned = rotate(normalized, 90)
    np.testing.assert_array_equal(turned.keypoints[..., 0], -normalized.keypoints[..., 1])
    np.testing.assert_array_equal(turned.keypoints[..., 1], normalized.keypoints[..., 0])
    skeleton = known_skeleton(576, 3)
    keypoints = np.full((2, 576, 3), 100, np.float32)
    keypoints[:, skeleton.duplicates()] = (0.25, 0.5, 0.75)  # meters, from between the hips
    turned = rotate(PoseSequence(keypoints, np.ones((2, 576), np.float32), 25.0, skeleton, (640, 480, 0)), 90)
    assert turned.keypoints[0, skeleton.duplicates()[0]].tolist() == [-0.5, 0.25, 0.75]
    assert turned.keypoints[0, 0].tolist() == [380, 100, 100]
