import numpy as np
import pytest

from pose_core.transforms import to_layout
from text_to_pose.signing.anatomy.body import MEAN_BODY
from text_to_pose.signing.anatomy.figure import Figure
from text_to_pose.signing.hands.hand_model import MEAN_HAND, forward, mirrored
from text_to_pose.signing.layouts import BODY_DEPTH, seen
from text_to_pose.signing.view import Camera

BODY = "POSE_LANDMARKS"


@pytest.fixture
def figure():
    """Two frames: the right hand before the right shoulder, palm to the camera; the left one hangs at the hip."""
    hand = forward(np.zeros(21), MEAN_HAND).points
    joints = np.zeros((2, 33, 3))
    joints[:, :11] = MEAN_BODY.head
    joints[:, 11:13] = MEAN_BODY.shoulders
    joints[:, 13:15] = MEAN_BODY.shoulders - [0, 0.27, 0]
    joints[:, 15] = [0.15, -0.53, 0.0]
    joints[:, 16] = [-0.15, 0.0, 0.3]
    joints[:, 23:25] = MEAN_BODY.hips
    joints[:, 25:] = np.repeat(MEAN_BODY.hips, 4, axis=0) * [1, 2, 1]
    hands = np.stack([mirrored(hand) * [1, -1, -1] + joints[0, 15], hand + joints[0, 16]])
    return Figure(
        fps=25.0,
        body=MEAN_BODY,
        joints=joints,
        hands=np.stack([hands, hands]),
        face=np.stack([MEAN_BODY.face] * 2),
        moved=np.zeros((2, 2)),
        turned=np.zeros((2, 2)),
    )


def test_the_camera_sees_left_right_up_and_depth_as_a_picture_has_them():
    camera = Camera(distance=2.0)
    shoulders = camera.project(MEAN_BODY.shoulders)
    assert shoulders[0, 0] > 320 > shoulders[1, 0]  # the signer's left is on the right
    assert shoulders[0, 0] - shoulders[1, 0] == pytest.approx(0.3 * 512, rel=0.01)
    above, near = camera.project(np.array([[0.0, 0.3, 0.0], [0.0, 0.0, 0.5]]))
    assert above[1] < shoulders[0, 1]  # y points down
    assert near[2] == pytest.approx(1.5, abs=0.01)


def test_turned_raised_and_tilted_cameras():
    nose, ear = np.array([0.0, -0.04, 0.2]), np.array([0.0, -0.04, 0.0])
    front, turned = Camera(), Camera(turn=90)
    assert turned.project(ear)[:2] == pytest.approx(front.project(ear)[:2])  # it is what the camera looks at
    assert turned.project(nose)[0] < 320 - 50  # from the signer's left they face the picture's left
    assert Camera(height=1.0).project(nose)[1] > front.project(nose)[1] + 20  # from above what is in front is lower
    up = np.array([0.0, 0.3, 0.0])
    assert Camera(tilt=90).project(up)[0] < 320 - 100  # a camera rolled clockwise sees the world rolled back
    for camera in (front, turned, Camera(turn=30, height=-0.7, tilt=12)):
        np.testing.assert_allclose(camera.axes @ camera.axes.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(camera.axes) == pytest.approx(1)


@pytest.mark.parametrize(
    ("layout", "keypoints", "present"),
    [("holistic_50", 50, 29), ("holistic_178", 178, 157), ("holistic_543", 543, 522), ("coco_wholebody_133", 133, 110)],
)
def test_every_layout_has_the_points_that_the_estimator_would_find(figure, layout, keypoints, present):
    sequence = seen(figure, layout=layout)
    assert sequence.keypoints.shape == (2, keypoints, 3)
    assert sequence.size == (640, 512, 0)
    assert sequence.visible.sum(axis=1).tolist() == [present, present]
    assert (sequence.confidence[:, sequence.skeleton.hand("right")] == 1).all()
    assert (sequence.confidence[:, sequence.skeleton.hand("left")] == 0).all()  # it hangs below the picture
    whole = to_layout(seen(figure, layout="holistic_543"), layout)
    np.testing.assert_array_equal(sequence.keypoints, whole.keypoints)


def test_depths_are_relative_to_hips_wrist_and_face_in_picture_widths(figure):
    sequence = seen(figure, Camera(distance=50), layout="holistic_543")
    z = sequence.keypoints[0, :, 2]
    index = sequence.skeleton.index
    width = 512 / 640  # picture widths of a metre
    assert z[index(BODY, "LEFT_HIP")] == pytest.approx(0, abs=1e-3)
    assert z[index(BODY, "RIGHT_WRIST")] == pytest.approx(-0.3 * BODY_DEPTH * width, abs=0.01)
    hand = sequence.skeleton.hand("right")
    points = forward(np.zeros(21), MEAN_HAND).points
    np.testing.assert_allclose(z[hand], -points[:, 2] * width, atol=1e-3)
    assert z[sequence.skeleton.face()].mean() == pytest.approx(0, abs=1e-5)
    assert z[index("FACE_LANDMARKS", "1")] < -0.02  # the nose is nearer


def test_what_is_outside_the_picture_is_less_sure_the_farther_it_is(figure):
    sequence = seen(figure, layout="holistic_543")
    names = ("LEFT_SHOULDER", "LEFT_WRIST", "LEFT_KNEE")
    inside, border, below = (sequence.confidence[0, sequence.skeleton.index(BODY, name)] for name in names)
    assert inside == 1
    assert border > 0.9
    assert 0 < below < 0.1


def test_a_left_handed_signer_is_the_mirror_image(figure):
    right, left = (seen(figure, layout="holistic_543", mirrored=mirrored) for mirrored in (False, True))
    mirror = right.skeleton.mirror()
    np.testing.assert_array_equal(left.confidence, right.confidence[:, mirror])
    expected = right.keypoints[:, mirror] * np.array([-1, 1, 1]) + np.array([640, 0, 0])
    visible = left.visible
    np.testing.assert_allclose(left.keypoints[visible], expected[visible], atol=1e-3)
    turned = seen(figure, Camera(turn=30), layout="holistic_543", mirrored=True)
    assert turned.keypoints[0, 11, 2] < turned.keypoints[0, 12, 2]  # the camera stays at the left
