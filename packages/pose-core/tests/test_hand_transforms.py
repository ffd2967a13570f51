"""Hands: as pose_format has them, held where they are lost, gaps filled."""

from dataclasses import replace

import numpy as np
import pytest
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody
from pose_format.utils.generic import correct_wrists as their_correct_wrists
from pose_format.utils.generic import hands_components
from pose_format.utils.normalization_3d import PoseNormalizer

from pose_core import PoseSequence, UserError, read
from pose_core.metrics.anatomy import anatomy
from pose_core.skeleton import known_skeleton
from pose_core.testing import fake_sequence
from pose_core.transforms import attach_hands, correct_wrists, fill_arms, fill_gaps, hold_hands, normalize_hands_3d


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


def test_normalize_hands_3d_equals_pose_format(clip):
    ours = normalize_hands_3d(clip)
    for component, theirs in their_hands(clip).items():
        np.testing.assert_allclose(ours.keypoints[:, ours.skeleton.slice_of(component)], theirs, atol=1e-4)
    body = ours.skeleton.slice_of("POSE_LANDMARKS")
    np.testing.assert_array_equal(ours.keypoints[:, body], clip.keypoints[:, body])


def test_normalize_hands_3d_equals_pose_format_on_real_hands(data_dir):
    sequence = read(data_dir / "formats" / "mediapipe.pose")
    ours = normalize_hands_3d(sequence)
    for component, theirs in their_hands(sequence).items():
        np.testing.assert_allclose(ours.keypoints[:, ours.skeleton.slice_of(component)], theirs, atol=1e-4)


def test_normalize_hands_3d_is_invariant_to_scale_and_position(clip):
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


def test_correct_wrists_equals_pose_format(clip):
    ours, theirs = correct_wrists(clip), their_correct_wrists(as_pose(clip))
    seen = ours.confidence > 0
    np.testing.assert_array_equal(ours.confidence, theirs.body.confidence[:, 0])
    np.testing.assert_array_equal(ours.keypoints[seen], theirs.body.data.data[:, 0][seen])
    wrist, hand = clip.skeleton.wrist("right"), clip.skeleton.hand("right")
    np.testing.assert_array_equal(ours.keypoints[0, wrist], clip.keypoints[0, hand[0]])
    np.testing.assert_array_equal(ours.keypoints[6, wrist], clip.keypoints[6, wrist])


def test_attach_hands_keeps_the_shape(clip):
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
    nearly = anatomy(attach_hands(floating, within=0.5))
    assert nearly.wrist_gap["right"][0] == pytest.approx(0.5 * nearly.palm["right"] * nearly.palm_size["right"][0])
    assert (attached.keypoints[3, hands["left"]] == floating.keypoints[3, hands["left"]]).all()  # no arm to hang on
    seen = confidence[:, body] > 0
    np.testing.assert_array_equal(attached.keypoints[:, body][seen], floating.keypoints[:, body][seen])


def test_gaps_are_interpolated_linearly(clip):
    filled = fill_gaps(clip)
    right, left = clip.skeleton.hand("right"), clip.skeleton.hand("left")
    for frame, share in ((5, 0.25), (6, 0.5), (7, 0.75)):
        expected = (1 - share) * clip.keypoints[4, right] + share * clip.keypoints[8, right]
        np.testing.assert_allclose(filled.keypoints[frame, right], expected, rtol=1e-5)
        np.testing.assert_allclose(filled.confidence[frame, right], 0.8, rtol=1e-5)
    assert not filled.confidence[10:, left].any()  # there is no other end
    assert not fill_gaps(clip, max_frames=2).confidence[5:8, right].any()
    assert fill_gaps(clip, max_frames=3).confidence[5:8, right].all()


def shape(sequence, frame, side):
    """Distances (21, 21) between the points of a hand in the picture, and its depth (21,)."""
    points = sequence.keypoints[frame, sequence.skeleton.hand(side)]
    return np.linalg.norm(points[:, None, :2] - points[:, :2], axis=-1), points[:, 2]


def bend(sequence, frame, side):
    """Degrees between forearm and hand in the picture."""
    skeleton = sequence.skeleton
    elbow, wrist, hand = skeleton.elbow(side), skeleton.wrist(side), skeleton.hand(side)
    ends = sequence.keypoints[frame, [wrist, hand[9]], :2] - sequence.keypoints[frame, [elbow, hand[0]], :2]
    cosine = (ends[0] * ends[1]).sum() / np.prod(np.linalg.norm(ends, axis=-1))
    return np.degrees(np.arccos(cosine))


def test_hold_hands_follows_the_wrist(clip):
    held = hold_hands(clip)
    left, wrist = clip.skeleton.hand("left"), clip.skeleton.wrist("left")
    for frame in range(10, 14):
        way = clip.keypoints[frame, wrist, :2] - clip.keypoints[9, wrist, :2]
        np.testing.assert_allclose(held.keypoints[frame, left[0], :2], clip.keypoints[9, left[0], :2] + way, rtol=1e-5)
        for ours, seen in zip(shape(held, frame, "left"), shape(clip, 9, "left"), strict=True):
            np.testing.assert_allclose(ours, seen, atol=1e-3)  # turned, but neither bent nor larger
    assert (held.confidence[10:, left] == clip.confidence[9, left]).all()
    shortly = hold_hands(clip, max_frames=2).confidence[:, left].any(axis=1)
    assert shortly.tolist() == [True] * 12 + [False] * 2
    unseen = replace(clip, confidence=np.where(np.arange(14)[:, None] < 3, 0, clip.confidence))
    assert not hold_hands(unseen).confidence[:3].any()


def without(clip, **keypoints):
    """The clip without some keypoints, by name, in some frames; garbage in their place."""
    confidence = clip.confidence.copy()
    for name, frames in keypoints.items():
        confidence[frames, clip.skeleton.index("POSE_LANDMARKS", name)] = 0
    return replace(clip, confidence=confidence, keypoints=np.where(confidence[..., None] > 0, clip.keypoints, np.nan))


def test_hold_hands_rotates_with_the_forearm(clip):
    held = hold_hands(clip)
    assert bend(clip, 9, "left") < 50
    assert bend(held, 13, "left") < 50
    upright, left = clip.keypoints.copy(), clip.skeleton.hand("left")
    upright[13, left] = upright[9, left]
    assert bend(replace(clip, keypoints=upright), 13, "left") > 120  # the arm hangs by then


def test_hold_hands_without_an_arm(clip):
    left, wrist = clip.skeleton.hand("left"), clip.skeleton.wrist("left")
    # Lost with the arm, whose wrist comes back later: the hand stays, then it is where the wrist is.
    held = hold_hands(without(clip, LEFT_WRIST=slice(10, 12)))
    np.testing.assert_allclose(held.keypoints[11, left], clip.keypoints[9, left], rtol=1e-5)
    way = clip.keypoints[12, wrist, :2] - clip.keypoints[9, wrist, :2]
    np.testing.assert_allclose(held.keypoints[12, left[0], :2], clip.keypoints[9, left[0], :2] + way, rtol=1e-5)
    # The arm is lost after the hand: it stays where the wrist was last, and does not jump back.
    held = hold_hands(without(clip, LEFT_WRIST=slice(12, None)))
    np.testing.assert_array_equal(held.keypoints[12:, left], np.stack([held.keypoints[11, left]] * 2))
    # The arm's wrist was missing when the hand was seen last.
    held = hold_hands(without(clip, LEFT_WRIST=slice(0, 11)))
    np.testing.assert_array_equal(held.keypoints[10, left], clip.keypoints[9, left])
    np.testing.assert_allclose(held.keypoints[11:, left[0], :2], clip.keypoints[11:, wrist, :2], atol=1e-3)


def test_hold_hands_limits_the_wrist_gap(clip):
    keypoints = clip.keypoints.copy()
    left, wrist = clip.skeleton.hand("left"), clip.skeleton.wrist("left")
    keypoints[:, left] += np.float32([90, 0, 0])  # the estimator took something else for a hand
    held = hold_hands(replace(clip, keypoints=keypoints)).keypoints
    gap = np.linalg.norm(held[10:, left[0], :2] - held[10:, wrist, :2], axis=-1)
    assert 5 < gap.max() < 12


def turning(frames=31, start=0, end=170):
    """A clip whose right hand turns by degrees about its middle finger while the arm goes up and down."""
    clip = fake_sequence(frames=frames, hands=("left", "right"))
    right = clip.skeleton.hand("right")
    angle = np.radians(np.linspace(start, end, frames))[:, None]
    keypoints = clip.keypoints.copy()
    x = clip.keypoints[:, right, 0] - clip.keypoints[:, right[:1], 0]
    keypoints[:, right, 0] = clip.keypoints[:, right[:1], 0] + x * np.cos(angle)
    keypoints[:, right, 2] = x * np.sin(angle)
    return replace(clip, keypoints=keypoints.astype(np.float32))


def hide(clip, frames, points):
    confidence = clip.confidence.copy()
    confidence[frames, np.asarray(points)] = 0
    return replace(clip, confidence=confidence, keypoints=np.where(confidence[..., None] > 0, clip.keypoints, 1e6))


def test_fill_arms_keeps_the_hand_connected_and_its_size():
    clip = turning()
    right, wrist = clip.skeleton.hand("right"), clip.skeleton.wrist("right")
    broken = hide(clip, slice(8, 24), right)
    filled, line = fill_arms(broken), fill_gaps(broken)
    np.testing.assert_array_equal(filled.confidence, line.confidence)
    seen = broken.confidence > 0
    np.testing.assert_array_equal(filled.keypoints[seen], clip.keypoints[seen])
    gap = np.linalg.norm(filled.keypoints[:, right[0], :2] - filled.keypoints[:, wrist, :2], axis=-1)
    assert gap.max() < 1e-3
    assert np.linalg.norm(line.keypoints[:, right[0], :2] - line.keypoints[:, wrist, :2], axis=-1).max() > 5
    to_little_finger = [np.linalg.norm(np.diff(e.keypoints[:, [right[0], right[17]]], axis=1)) for e in (filled, clip)]
    np.testing.assert_allclose(*to_little_finger, rtol=1e-3)
    errors = [np.abs(each.keypoints - clip.keypoints)[8:24, right].mean() for each in (filled, line)]
    assert errors[0] < 0.5 * errors[1]


def test_a_filled_palm_is_no_larger_than_those_around_it():
    clip = turning(start=-75, end=75)  # seen from the side at both ends, from the front in the gap
    broken = hide(clip, slice(3, 28), clip.skeleton.hand("right"))
    assert np.nanmax(anatomy(clip, reference=broken).palm_size["right"]) > 1.5
    assert np.nanmax(anatomy(fill_arms(broken), reference=broken).palm_size["right"]) < 1.05


def test_a_filled_arm_keeps_its_length():
    clip = fake_sequence(frames=30, hands=("left", "right"))
    skeleton = clip.skeleton
    sway = 60 * np.sin(np.linspace(-np.pi, 3 * np.pi, 30))[:, None]
    keypoints = clip.keypoints.copy()
    keypoints[..., 0] += sway
    clip = replace(clip, keypoints=keypoints)
    broken = hide(clip, slice(10, 20), [skeleton.wrist("right"), *skeleton.hand("right")])
    filled, line = fill_arms(broken), fill_gaps(broken)
    ends = [skeleton.elbow("right"), skeleton.wrist("right")]
    forearm, of_line, real = (
        np.linalg.norm(np.diff(each.keypoints[:, ends, :2], axis=1)[:, 0], axis=-1) for each in (filled, line, clip)
    )
    assert forearm.max() < 1.01 * real.max() < of_line.max()
    wrist = filled.keypoints[:, [skeleton.wrist("right"), skeleton.hand("right")[0]], :2]
    assert np.abs(np.diff(wrist, axis=1)).max() < 1e-3  # the hand goes with it


def test_single_fingers_and_whole_gaps_are_filled():
    clip = turning()
    right = clip.skeleton.hand("right")
    filled = fill_arms(hide(clip, slice(10, 14), right[5:9]))
    np.testing.assert_allclose(filled.keypoints[10:14, right], clip.keypoints[10:14, right], atol=0.5)
    filled = fill_arms(hide(clip, slice(10, 14), range(50)))
    assert (filled.confidence > 0).all()
    np.testing.assert_allclose(
        filled.keypoints[:, right[0]], filled.keypoints[:, clip.skeleton.wrist("right")], atol=0.1
    )
    assert not fill_arms(hide(clip, slice(10, 14), right), max_frames=3).confidence[10:14, right].any()
    assert not fill_arms(hide(clip, slice(0, 4), right)).confidence[:4, right].any()


def test_arms_of_other_skeletons(openpose):
    clip = openpose  # its hands and arms come and go together
    filled = fill_arms(clip)
    np.testing.assert_array_equal(filled.confidence, fill_gaps(clip).confidence)
    seen = (clip.confidence > 0) & np.isfinite(clip.keypoints).all(axis=-1)
    np.testing.assert_array_equal(filled.keypoints[seen], clip.keypoints[seen])
    hands = [i for side in ("left", "right") for i in clip.skeleton.hand(side)]
    bare = clip.select([i for i in range(clip.skeleton.num_keypoints) if i not in hands])
    assert (fill_arms(bare).confidence >= bare.confidence).all()
    only_hands = clip.select(hands)
    np.testing.assert_array_equal(fill_arms(only_hands).confidence, fill_gaps(only_hands).confidence)
    assert np.isfinite(hold_hands(only_hands).keypoints).all()


def test_a_wrist_shared_by_arm_and_hand():
    skeleton = known_skeleton(135, 2)
    random = np.random.default_rng(0)
    keypoints = random.uniform(100, 200, (12, 135, 2)).astype(np.float32)
    keypoints += np.arange(12, dtype=np.float32)[:, None, None]
    fingers = skeleton.hand("left")[1:]
    clip = hide(PoseSequence(keypoints, np.ones((12, 135), np.float32), 25.0, skeleton, (500, 500, 0)), 0, [0])
    filled, held = fill_arms(hide(clip, slice(4, 7), fingers)), hold_hands(hide(clip, slice(7, None), fingers))
    assert (filled.confidence[4:7, fingers] > 0).all()
    assert (held.confidence[7:, fingers] > 0).all()
    wrist = skeleton.wrist("left")
    for each in (filled, held):
        np.testing.assert_array_equal(each.keypoints[:, wrist], clip.keypoints[:, wrist])
    np.testing.assert_allclose(shape_of(held, 8, fingers), shape_of(clip, 6, fingers), atol=1e-2)


def shape_of(clip, frame, points):
    return np.linalg.norm(clip.keypoints[frame, points][:, None] - clip.keypoints[frame, points], axis=-1)
