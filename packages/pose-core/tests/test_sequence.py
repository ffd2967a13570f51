"""Slices, selections, other skeletons, concatenation."""

from dataclasses import replace

import numpy as np
import pytest

from pose_core import PoseSequence, UserError, concatenate


def test_length_slice_and_duration(holistic):
    part = holistic[3:8]
    assert (len(holistic), len(part)) == (12, 5)
    assert part.duration == pytest.approx(0.2)
    np.testing.assert_array_equal(part.keypoints, holistic.keypoints[3:8])
    np.testing.assert_array_equal(part.confidence, holistic.confidence[3:8])


def test_visible_is_confidence_above_zero_at_finite_coordinates(holistic):
    keypoints, confidence = holistic.keypoints.copy(), np.ones_like(holistic.confidence)
    keypoints[0, 0, 1], confidence[1, 0], confidence[2, 0], confidence[3, 0] = np.nan, np.nan, 0, -1
    visible = replace(holistic, keypoints=keypoints, confidence=confidence).visible
    assert not visible[:4, 0].any()
    assert visible[:, 1:].all()
    assert visible[4:].all()


def test_concatenated_parts_equal_the_whole(holistic):
    whole = concatenate([holistic[:5], holistic[5:]])
    np.testing.assert_array_equal(whole.keypoints, holistic.keypoints)
    assert (whole.fps, whole.size, whole.skeleton) == (holistic.fps, holistic.size, holistic.skeleton)


def test_concatenate_refuses(holistic, openpose):
    with pytest.raises(UserError, match="no sequences"):
        concatenate([])
    with pytest.raises(UserError, match="skeletons"):
        concatenate([holistic, openpose])
    with pytest.raises(UserError, match="25.0 and 30.0 fps"):
        concatenate([holistic, replace(holistic, fps=30.0)])


def test_hand_share(holistic, tiny):
    assert (holistic.hand_share("left"), holistic.hand_share("right")) == (0.0, 1.0)
    confidence = holistic.confidence.copy()
    confidence[:3, holistic.skeleton.hand("right")] = 0
    assert replace(holistic, confidence=confidence).hand_share("right") == pytest.approx(0.75)
    assert tiny.hand_share("left") == 0.0
    assert holistic[:0].hand_share("right") == 0.0


def test_select_takes_the_same_points_of_everything(holistic):
    right = holistic.select(list(range(33, 54)))
    assert right.skeleton.keypoints == holistic.skeleton.keypoints[33:]
    np.testing.assert_array_equal(right.keypoints, holistic.keypoints[:, 33:])
    np.testing.assert_array_equal(right.confidence, holistic.confidence[:, 33:])


def test_select_keeps_names_with_their_keypoints(holistic):
    mixed = holistic.select([40, 3, 3, 9, 5])
    assert mixed.skeleton.keypoints == tuple(holistic.skeleton.keypoints[i] for i in (3, 5, 9, 40))
    np.testing.assert_array_equal(mixed.keypoints, holistic.keypoints[:, [3, 5, 9, 40]])
    np.testing.assert_array_equal(mixed.confidence, holistic.confidence[:, [3, 5, 9, 40]])
    for negative in ([-1], [0, -1]):
        with pytest.raises(UserError):
            holistic.select(negative)


def test_on_a_smaller_skeleton_and_back(holistic):
    body = holistic.skeleton.select(range(8))
    smaller = holistic.on_skeleton(body)
    np.testing.assert_array_equal(smaller.keypoints, holistic.keypoints[:, :8])
    back = smaller.on_skeleton(holistic.skeleton)
    np.testing.assert_array_equal(back.keypoints[:, :8], holistic.keypoints[:, :8])
    assert not back.confidence[:, 8:].any()
    assert not back.keypoints[:, 8:].any()
    assert holistic.on_skeleton(holistic.skeleton) is holistic


def test_on_a_foreign_skeleton(holistic, openpose):
    with pytest.raises(UserError, match=r"no keypoint in common: found FACE_LANDMARKS.*expected face_keypoints_2d"):
        holistic.on_skeleton(openpose.skeleton)


def test_keypoints_keep_their_places_whatever_the_order_of_components(holistic):
    turned = type(holistic.skeleton)(holistic.skeleton.components[::-1])
    back = holistic.on_skeleton(turned).on_skeleton(holistic.skeleton)
    np.testing.assert_array_equal(back.keypoints, holistic.keypoints)
    np.testing.assert_array_equal(back.confidence, holistic.confidence)


def test_arrays_that_do_not_fit_are_refused(holistic):
    def build(**changes):
        return replace(holistic, **changes)

    with pytest.raises(UserError, match=r"the skeleton wants \(T, 54, 3\)"):
        build(keypoints=holistic.keypoints[:, :-1])
    with pytest.raises(UserError, match="confidence is"):
        build(confidence=holistic.confidence[:-1])
    for fps in (0.0, -25.0, float("nan"), float("inf")):
        with pytest.raises(UserError, match="fps"):
            build(fps=fps)
    assert isinstance(build(fps=12.5), PoseSequence)
