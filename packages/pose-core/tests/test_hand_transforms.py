"""Hands: as pose_format has them, held where they are lost, gaps filled."""

from dataclasses import replace

import numpy as np
import pytest
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody
from pose_format.utils.generic import correct_wrists as their_correct_wrists
from pose_format.utils.generic import hands_components
from pose_format.utils.normalization_3d import PoseNormalizer

from pose_core import UserError, read
from pose_core.testing import fake_sequence
from pose_core.transforms import attach_hands, correct_wrists, fill_gaps, hold_hands, normalize_hands_3d


@pytest.fixture
def clip():
    """Both hands, with depth and noise; the right one missing in frames 5 to 7, the left from frame 10 on."""
    clip = fake_sequence(frames=14, hands=("left", "right"))
    noise = np.random.default_rng(0).normal(scale=3, size=clip.keypoints.shape)
    keypoints, confidence = (clip.keypoints + noise).astype(np.float32), 0.8 * clip.confidence
    for frames, side in ((slice(5, 8), "right"), (slice(10, None), "left")):
        confidence[frames, clip.skeleton.hand(side)] = 0
        keypoints[frames, clip.skeleton.hand(side)] = 1e6
    return replace(clip, keypoints=keypoints, confidence=confidence)


def as_pose(sequence):
    body = NumPyPoseBody(sequence.fps, sequence.keypoints[:, None].copy(), sequence.confidence[:, None].copy())
    return Pose(sequence.skeleton.to_header((500, 500, 0)), body)


def their_hands(sequence):
    """{component: (T, 21, 3)} of pose_format's PoseNormalizer, missing ones at 0."""
    pose = as_pose(sequence)
    components, plane, line = hands_components(pose.header)
    hands = {}
    for component in components:
        hand = pose.get_components([component])
        infos = []
        for points in (plane, line):
            named = {f"p{i}": (component, point) for i, point in enumerate(points, start=1)}
            infos.append(hand.header.normalization_info(**named))
        with np.errstate(all="ignore"):  # where a hand is missing, it divides by 0
            hands[component] = PoseNormalizer(*infos)(hand.body.data).filled(0)[:, 0]
    return hands


def test_hands_in_3d_as_pose_format(clip):
    ours = normalize_hands_3d(clip)
    for component, theirs in their_hands(clip).items():
        np.testing.assert_allclose(ours.keypoints[:, ours.skeleton.slice_of(component)], theirs, atol=1e-4)
    body = ours.skeleton.slice_of("POSE_LANDMARKS")
    np.testing.assert_array_equal(ours.keypoints[:, body], clip.keypoints[:, body])


def test_real_hands_in_3d_as_pose_format(data_dir):
    sequence = read(data_dir / "formats" / "mediapipe.pose")
    ours = normalize_hands_3d(sequence)
    for component, theirs in their_hands(sequence).items():
        np.testing.assert_allclose(ours.keypoints[:, ours.skeleton.slice_of(component)], theirs, atol=1e-4)


def test_a_hand_in_3d_does_not_depend_on_size_or_place(clip):
    moved = replace(clip, keypoints=3 * clip.keypoints + np.float32([10, -20, 5]))
    ours, theirs = (normalize_hands_3d(each).keypoints[:, 8:] for each in (moved, clip))
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_a_hand_without_its_plane_is_missing(clip, openpose):
    confidence = clip.confidence.copy()
    hand = clip.skeleton.hand("right")
    confidence[2, hand[17]] = 0
    turned = normalize_hands_3d(replace(clip, confidence=confidence))
    assert not turned.confidence[2, hand].any()
    assert turned.confidence[3, hand].all()
    with pytest.raises(UserError, match="3-D"):
        normalize_hands_3d(openpose)
    with pytest.raises(UserError, match="right hand has 20 points"):
        normalize_hands_3d(clip.select([i for i in range(50) if i != hand[8]]))


def test_wrists_as_pose_format(clip):
    ours, theirs = correct_wrists(clip), their_correct_wrists(as_pose(clip))
    seen = ours.confidence > 0
    np.testing.assert_array_equal(ours.confidence, theirs.body.confidence[:, 0])
    np.testing.assert_array_equal(ours.keypoints[seen], theirs.body.data.data[:, 0][seen])
    wrist, hand = clip.skeleton.wrist("right"), clip.skeleton.hand("right")
    np.testing.assert_array_equal(ours.keypoints[0, wrist], clip.keypoints[0, hand[0]])
    np.testing.assert_array_equal(ours.keypoints[6, wrist], clip.keypoints[6, wrist])


def test_attached_hands_hang_on_their_arm_and_keep_their_shape(clip):
    floating = clip.keypoints.copy()
    hands = {side: clip.skeleton.hand(side) for side in ("left", "right")}
    for number, hand in enumerate(hands.values()):
        floating[:, hand] += np.float32([40 - 90 * number, 25, 7])
    confidence = clip.confidence.copy()
    confidence[3, clip.skeleton.wrist("left")] = 0
    floating = replace(clip, keypoints=floating, confidence=confidence)
    attached = attach_hands(floating)
    body = clip.skeleton.slice_of("POSE_LANDMARKS")
    np.testing.assert_array_equal(attached.confidence, confidence)
    for side, hand in hands.items():
        shown = (confidence[:, hand[0]] > 0) & (confidence[:, clip.skeleton.wrist(side)] > 0)
        assert 0 < shown.sum() < len(clip)
        wrist = floating.keypoints[shown][:, clip.skeleton.wrist(side), :2]
        np.testing.assert_allclose(attached.keypoints[shown][:, hand[0], :2], wrist, atol=1e-3)
        shape, before = (each.keypoints[shown][:, hand] for each in (attached, floating))
        np.testing.assert_allclose(shape - shape[:, :1], before - before[:, :1], atol=1e-3)
        np.testing.assert_array_equal(shape[..., 2], before[..., 2])  # depth is the hand's own
    assert (attached.keypoints[3, hands["left"]] == floating.keypoints[3, hands["left"]]).all()  # no arm to hang on
    seen = confidence[:, body] > 0
    np.testing.assert_array_equal(attached.keypoints[:, body][seen], floating.keypoints[:, body][seen])


def test_gaps_are_filled_on_the_line_between(clip):
    filled = fill_gaps(clip)
    right, left = clip.skeleton.hand("right"), clip.skeleton.hand("left")
    for frame, share in ((5, 0.25), (6, 0.5), (7, 0.75)):
        expected = (1 - share) * clip.keypoints[4, right] + share * clip.keypoints[8, right]
        np.testing.assert_allclose(filled.keypoints[frame, right], expected, rtol=1e-5)
        np.testing.assert_allclose(filled.confidence[frame, right], 0.8, rtol=1e-5)
    assert not filled.confidence[10:, left].any()  # there is no other end
    assert not fill_gaps(clip, max_frames=2).confidence[5:8, right].any()
    assert fill_gaps(clip, max_frames=3).confidence[5:8, right].all()


def test_a_lost_hand_is_held_and_goes_with_the_wrist(clip):
    held = hold_hands(clip)
    left, wrist = clip.skeleton.hand("left"), clip.skeleton.wrist("left")
    for frame in range(10, 14):
        way = clip.keypoints[frame, wrist] - clip.keypoints[9, wrist]
        np.testing.assert_allclose(held.keypoints[frame, left], clip.keypoints[9, left] + way, rtol=1e-5)
    assert (held.confidence[10:, left] == clip.confidence[9, left]).all()
    shortly = hold_hands(clip, max_frames=2).confidence[:, left].any(axis=1)
    assert shortly.tolist() == [True] * 12 + [False] * 2
    unseen = replace(clip, confidence=np.where(np.arange(14)[:, None] < 3, 0, clip.confidence))
    assert not hold_hands(unseen).confidence[:3].any()
