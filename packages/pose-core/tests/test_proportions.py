"""Other proportions of arms, hands and faces: what changes, what follows, and what stays."""

import numpy as np
import pytest

from pose_core.testing import fake_sequence
from pose_core.transforms.proportions import in_space, resize_face, scale_arm, similarity, transform_points


@pytest.fixture
def clip():
    return fake_sequence(frames=8, hands=("left", "right"), face_points=12)


def bone(keypoints, start, end):
    return keypoints[:, end] - keypoints[:, start]


@pytest.mark.parametrize("side", ["left", "right"])
def test_bones_of_an_arm_keep_their_directions_and_its_hand_its_shape(clip, side):
    skeleton = clip.skeleton
    shoulder, elbow, wrist = skeleton.shoulders()[side == "right"], skeleton.elbow(side), skeleton.wrist(side)
    longer = scale_arm(clip.keypoints, clip.visible, skeleton, side, (1.2, 0.9))
    np.testing.assert_allclose(bone(longer, shoulder, elbow), 1.2 * bone(clip.keypoints, shoulder, elbow), rtol=1e-4)
    np.testing.assert_allclose(bone(longer, elbow, wrist), 0.9 * bone(clip.keypoints, elbow, wrist), rtol=1e-3)
    hand = skeleton.hand(side)
    np.testing.assert_allclose(
        longer[:, hand] - longer[:, [wrist]], clip.keypoints[:, hand] - clip.keypoints[:, [wrist]], atol=1e-3
    )
    others = [k for k in range(skeleton.num_keypoints) if k not in {elbow, wrist, *hand}]
    np.testing.assert_array_equal(longer[:, others], clip.keypoints[:, others])


def test_a_bone_with_an_end_missing_now_and_then_stays_as_it_is(clip):
    skeleton, visible = clip.skeleton, clip.visible.copy()
    elbow, wrist = skeleton.elbow("left"), skeleton.wrist("left")
    visible[3, skeleton.shoulders()[0]] = False
    longer = scale_arm(clip.keypoints, visible, skeleton, "left", (1.5, 1.5))
    np.testing.assert_array_equal(longer[:, elbow], clip.keypoints[:, elbow])
    np.testing.assert_allclose(bone(longer, elbow, wrist), 1.5 * bone(clip.keypoints, elbow, wrist), rtol=1e-3)


def test_hands_alone_have_no_arm(clip):
    hands = clip.select([*clip.skeleton.hand("left"), *clip.skeleton.hand("right")])
    same = scale_arm(hands.keypoints, hands.visible, hands.skeleton, "left", (1.5, 1.5))
    np.testing.assert_array_equal(same, hands.keypoints)


def test_a_face_grows_about_its_visible_points(clip):
    face, visible = clip.skeleton.face(), clip.visible.copy()
    visible[2, face[0]] = False
    keypoints = clip.keypoints.copy()
    keypoints[2, face[0]] = 0  # as missing keypoints are stored
    made = resize_face(keypoints, visible, clip.skeleton, 1.5, np.array([2.0, 1.0]))
    there = keypoints[2, face[1:]]
    expected = there.mean(axis=0) + 1.5 * (there - there.mean(axis=0)) + np.array([2.0, 1.0, 0.0])[: there.shape[-1]]
    np.testing.assert_allclose(made[2, face[1:]], expected, atol=1e-3)
    others = [k for k in range(clip.skeleton.num_keypoints) if k not in face]
    np.testing.assert_array_equal(made[:, others], keypoints[:, others])


def test_points_turn_and_grow_about_their_origin_and_depth_with_them(clip):
    hand = clip.skeleton.hand("right")
    before = clip.keypoints[:, hand] - clip.keypoints[:, hand[:1]]
    made = transform_points(clip.keypoints, hand, similarity(np.pi / 2, 2), clip.keypoints[:, hand[:1]], (5, -3))
    after = made[:, hand] - clip.keypoints[:, hand[:1]]
    expected = np.stack([-2 * before[..., 1] + 5, 2 * before[..., 0] - 3, 2 * before[..., 2]], axis=-1)
    np.testing.assert_allclose(after, expected, atol=1e-3)
    np.testing.assert_allclose(in_space(similarity(0.3, 2), 3)[2], [0, 0, 2])
