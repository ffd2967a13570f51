"""Measures of bodies, each moved by the fault it is for and by no other."""

from dataclasses import replace

import numpy as np
import pytest

from pose_core import PoseSequence, read
from pose_core.metrics import anatomy
from pose_core.metrics.plausibility import FINGERS, judge
from pose_core.skeleton import known_skeleton
from pose_core.testing import fake_sequence
from pose_core.transforms import clean, flip, normalize

BOTH = ("left", "right")


@pytest.fixture
def clip():
    return fake_sequence(hands=BOTH)


def altered(clip: PoseSequence, alter) -> PoseSequence:
    keypoints, confidence = clip.keypoints.copy(), clip.confidence.copy()
    alter(keypoints, confidence)
    return replace(clip, keypoints=keypoints, confidence=confidence)


def shift(points: np.ndarray, keypoints: list[int], pixels: float, frames: slice = slice(None)) -> None:
    """Moves keypoints to the right."""
    points[frames, keypoints, 0] += pixels


def grow(points: np.ndarray, hand: list[int], factor: float, frames: slice = slice(None)) -> None:
    """Enlarges a hand around its wrist."""
    wrist = points[frames, hand[:1]]
    points[frames, hand] = wrist + factor * (points[frames, hand] - wrist)


def whats(report) -> set[str]:
    return {problem.what for problem in report.problems()}


def test_a_body_has_no_problems(clip):
    report = anatomy(clip)
    assert report.problems() == []
    assert report.summary() is None
    assert report.unit == pytest.approx(120)
    for side in BOTH:
        np.testing.assert_allclose(report.wrist_gap[side], 0)
        np.testing.assert_allclose(report.palm_size[side], 1, rtol=1e-5)
    np.testing.assert_allclose(report.shoulder_tilt, 0)
    np.testing.assert_allclose(report.shoulder_width, 1)
    np.testing.assert_allclose(report.bone_length["right_upper_arm"], np.hypot(20, 90) / 120, rtol=1e-5)
    assert report.bent_wrong == {}  # z is 0 throughout


def test_the_unit_does_not_matter(clip):
    moved = altered(clip, lambda points, _: shift(points, clip.skeleton.hand("left"), 12))
    pixels, widths = anatomy(moved), anatomy(normalize(moved)[0])
    np.testing.assert_allclose(pixels.wrist_gap["left"], 0.1, rtol=1e-4)
    np.testing.assert_allclose(widths.wrist_gap["left"], 0.1, rtol=1e-4)


def test_a_hand_off_its_wrist(clip):
    hand = clip.skeleton.hand("left")

    def move(points, _):
        points[:, hand, 0] += 0.3 * 120
        points[7, hand, 0] += 24

    report = anatomy(altered(clip, move))
    np.testing.assert_allclose(np.delete(report.wrist_gap["left"], 7), 0.3, rtol=1e-4)
    assert whats(report) == {"wrist_gap"}
    (problem,) = report.problems()
    assert (problem.side, problem.frames[0], problem.value) == ("left", 7, pytest.approx(0.31, rel=1e-3))
    assert report.summary() == (
        "the left hand lies 0.31 shoulder widths off its wrist on average (real clips: up to 0.22, worst in frame 7)"
    )
    once = anatomy(altered(clip, lambda points, _: shift(points, hand, 60, slice(3, 4))))
    assert once.wrist_gap["left"].max() == pytest.approx(0.5, rel=1e-4)
    assert once.problems() == []  # one frame of twenty: every estimator errs as often
    thrice = anatomy(altered(clip, lambda points, _: shift(points, hand, 60, slice(0, 3))))
    assert whats(thrice) == {"wrist_gap"}


def test_a_hand_that_grows(clip):
    report = anatomy(altered(clip, lambda points, _: grow(points, clip.skeleton.hand("right"), 2, slice(16, None))))
    np.testing.assert_allclose(report.palm_size["right"], [1] * 16 + [2] * 4, rtol=1e-5)
    np.testing.assert_allclose(report.palm_size["left"], 1, rtol=1e-5)
    assert whats(report) == {"palm_size"}
    assert {problem.side for problem in report.problems()} == {"right"}


def test_against_another_clip_of_the_same_person(clip):
    twice = altered(clip, lambda points, _: grow(points, clip.skeleton.hand("right"), 2))
    assert anatomy(twice).problems() == []
    for reference in (clip, normalize(clip)[0]):
        report = anatomy(twice, reference=reference)
        np.testing.assert_allclose(report.palm_size["right"], 2, rtol=1e-4)
        assert whats(report) == {"palm_size"}
    lacking = anatomy(twice, reference=fake_sequence(hands=("left",)))
    np.testing.assert_allclose(lacking.palm_size["right"], 1, rtol=1e-5)
    arm = altered(clip, lambda points, _: shift(points, [clip.skeleton.elbow("left")], 90))
    np.testing.assert_allclose(
        anatomy(arm, reference=clip).bone_change["left_upper_arm"], np.hypot(110, 90) / np.hypot(20, 90), rtol=1e-4
    )


def test_shoulders_that_tilt_and_widen(clip):
    left, right = clip.skeleton.shoulders()

    def drift(points, _):
        points[10:, left, 1] += 120 * np.tan(np.radians(14))
        points[:2] = np.nan  # the first frame that shows both is the measure

    report = anatomy(altered(clip, drift))
    assert np.isnan(report.shoulder_tilt[:2]).all()
    np.testing.assert_allclose(report.shoulder_tilt[2:10], 0, atol=1e-6)
    np.testing.assert_allclose(report.shoulder_tilt[10:], 14, rtol=1e-4)
    assert "shoulder_tilt" in whats(report)
    wider = clip.keypoints.copy()
    shift(wider, [left], 18, slice(10, None))
    shift(wider, [right], -18, slice(10, None))
    report = anatomy(replace(clip, keypoints=wider))
    np.testing.assert_allclose(report.shoulder_width, [1] * 10 + [1.3] * 10, rtol=1e-5)
    assert whats(report) == {"shoulder_width"}


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("in_widths", [False, True])
def test_a_finger_bent_the_wrong_way(side, in_widths):
    """A hand that shows its palm to the camera: towards it fingers bend, away from it they cannot."""
    skeleton = known_skeleton(178, 3)
    hand = skeleton.hand(side)
    points = np.zeros((10, 178, 3), np.float32)
    points[:, :8, :2] = [[60, 0], [-60, 0], [80, 90], [-80, 90], [100, 60], [-100, 60], [45, 180], [-45, 180]]
    thumb = 1 if side == "right" else -1  # the right thumb of a palm that faces the viewer points to the viewer's right
    for finger in range(5):
        for joint in range(4):
            points[:, hand[1 + 4 * finger + joint]] = [thumb * (2 - finger) * 8, -40 - 12 * joint, 4 * joint]
    confidence = np.ones((10, 178), np.float32)
    straight = np.degrees(np.arctan2(4, 12))
    for depth, wrong in ((-12, 0.0), (12, np.degrees(np.arctan2(12, 6)) - straight)):
        bent = points.copy()
        middle = hand[11]
        bent[:, middle] = bent[:, middle - 1] + [0, -6, depth]
        bent[:, middle + 1] = bent[:, middle] + [0, -6, depth]
        if in_widths:
            bent[..., 2] /= 1000  # as MediaPipe gives it, in picture widths
        report = anatomy(PoseSequence(bent, confidence, 25.0, skeleton, (1000, 500, 0)))
        angle = report.bent_wrong[f"{side}_middle_finger_pip"]
        np.testing.assert_allclose(angle, wrong, atol=0.1)
        others = [
            v for name, v in report.bent_wrong.items() if name.endswith(("_pip", "_dip")) and "middle" not in name
        ]
        np.testing.assert_allclose(others, 0, atol=0.1)


def test_fingers_that_are_too_long_or_grow(clip):
    thumb = clip.skeleton.hand("right")[1:5]

    def lengthen(factors):
        def alter(points, _):
            base = points[:, thumb[:1]]
            points[:, thumb] = base + np.reshape(factors, (-1, 1, 1)) * (points[:, thumb] - base)

        return anatomy(altered(clip, alter))

    usual = anatomy(clip).finger_length["right_thumb"]
    np.testing.assert_allclose(lengthen(3.0).finger_length["right_thumb"], 3 * usual, rtol=1e-4)
    limit = FINGERS["thumb"] / usual[0]
    (problem,) = lengthen(1.1 * limit).problems()
    assert (problem.what, problem.side, problem.unit) == ("finger_length", "right", "palms")
    (problem,) = lengthen(np.linspace(0.5, 1.2, 20) * limit).problems()
    assert "the right thumb grows to 2.06 times" in problem.text
    assert lengthen(np.linspace(0.1, 0.9, 20) * limit).problems() == []  # as a fist that opens


def test_a_picture_that_lies_on_its_side(clip):
    points = clip.keypoints.copy()
    points[..., 0], points[..., 1] = clip.keypoints[..., 1], 500 - clip.keypoints[..., 0]
    report = anatomy(replace(clip, keypoints=points))
    np.testing.assert_allclose(report.shoulder_slope, 90)
    (problem,) = report.problems()
    assert "the shoulders stand upright in the picture, at 90 degrees: was the video turned?" in str(problem)
    np.testing.assert_allclose(anatomy(clip).shoulder_slope, 0)


def test_what_is_shown_is_what_is_judged(clip):
    """A joint bent wrong in a few frames is no problem, and its row is not shown as one."""
    hand = clip.skeleton.hand("right")
    angle = np.zeros(20)
    for frames, over in ((6, False), (8, True)):
        angle[:frames] = 80
        report = replace(anatomy(clip), bent_wrong={"right_pinky_dip": angle.copy()})
        (joint,) = [each for each in judge(report) if each.what == "right_pinky_dip"]
        assert (joint.value, joint.limit, joint.is_over) == (frames / 20, 0.35, over)
        assert bool(report.problems()) == over
    assert "in 0.40 of the frames that show it" in str(report.problems()[0])
    moved = anatomy(altered(clip, lambda points, _: shift(points, hand, 30)))
    assert [each.is_over for each in judge(moved) if each.name == "right wrist gap"] == [True, False]
    assert len(moved.problems()) == 1


def test_depth_of_no_known_unit_is_left_out(clip):
    keypoints = clip.keypoints.copy()
    keypoints[..., 2] = np.random.default_rng(0).normal(size=keypoints.shape[:2]) * 0.2  # neither pixels nor widths
    report = anatomy(replace(clip, keypoints=keypoints))
    assert not [joint for joint in report.bent_wrong if "finger" in joint or "pinky" in joint]


def test_nothing_to_measure_is_nothing_wrong(clip):
    one = anatomy(clip[:1])
    assert one.problems() == []
    assert one.shoulder_tilt.tolist() == [0]
    assert anatomy(clip[:0]).problems() == []
    missing = anatomy(replace(clip, confidence=np.zeros_like(clip.confidence)))
    assert missing.problems() == []
    assert np.isnan(missing.unit)
    assert anatomy(replace(clip, keypoints=np.full_like(clip.keypoints, np.nan))).problems() == []
    flat = anatomy(clip.on_skeleton(clip.skeleton.with_dims(2)))
    np.testing.assert_array_equal(flat.wrist_gap["right"], anatomy(clip).wrist_gap["right"])
    own = anatomy(PoseSequence(np.ones((3, 5, 2), np.float32), np.ones((3, 5), np.float32), 25.0, known_skeleton(5, 2)))
    assert own.problems() == []
    assert np.isnan(own.wrist_gap["left"]).all()


def test_hands_alone_are_measured_by_their_palms(clip):
    report = anatomy(clip.select(clip.skeleton.hand("left") + clip.skeleton.hand("right")))
    assert not report.has_shoulders
    assert report.palm["left"] == pytest.approx(1)
    assert np.isnan(report.wrist_gap["left"]).all()
    assert set(report.bone_length) == {"left_fingers", "right_fingers"}


def test_layouts_have_elbows(openpose, clip):
    assert {"left_upper_arm", "left_forearm", "right_fingers"} <= set(anatomy(openpose).bone_length)
    mirrored, report = anatomy(flip(clip)), anatomy(clip)
    np.testing.assert_allclose(mirrored.bone_length["left_forearm"], report.bone_length["right_forearm"], rtol=1e-4)


def test_most_real_clips_pass(data_dir):
    clips = sorted((data_dir / "fingerspelling").rglob("*.pose"))[::8]
    found = [bool(anatomy(clean(read(clip))).problems()) for clip in clips]
    assert len(found) > 50
    assert np.mean(found) < 0.12
