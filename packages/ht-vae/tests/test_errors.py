from dataclasses import replace

import numpy as np
import pytest

from ht_vae.codec import DecodedSequence
from ht_vae.evaluation.errors import ClipErrors, at_seams, clip_errors, part_points
from ht_vae.evaluation.frechet_features import window_features
from pose_core.metrics import frechet_distance, mse, pck
from pose_core.transforms import normalize


@pytest.fixture
def original(clip, skeleton):
    return normalize(clip(40).on_skeleton(skeleton))[0]


def decoded(sequence, by=0.0, hidden=()):
    placed = replace(
        sequence, keypoints=sequence.keypoints + np.float32(by), confidence=np.ones_like(sequence.confidence)
    )
    confidence = placed.confidence.copy()
    confidence[:, list(hidden)] = 0
    return DecodedSequence(placed, replace(placed, confidence=confidence))


def test_errors_of_the_original_are_zero(original):
    missing = np.flatnonzero(original.confidence[0] == 0)
    errors = clip_errors(original, decoded(original, hidden=missing)).total()
    assert (errors.mpjpe, errors.rmse, errors.velocity) == (0, 0, 0)
    assert (errors.pck_01, errors.pck_02, errors.presence) == (1, 1, 1)
    assert errors.bone == pytest.approx(0, abs=1e-7)


def test_errors_agree_with_pose_cores_metrics(original):
    noise = np.random.default_rng(0).normal(scale=0.1, size=original.keypoints.shape)
    output = decoded(original, noise, hidden=[3])
    errors = clip_errors(original, output).total()
    assert errors.rmse == pytest.approx(mse(output.dense, original) ** 0.5, rel=1e-5)
    shares = pck(output.sequence, original, (0.1, 0.2))
    assert (errors.pck_01, errors.pck_02) == pytest.approx((shares[0.1], shares[0.2]))
    visible = original.confidence > 0
    assert errors.mpjpe == pytest.approx(np.linalg.norm(noise, axis=-1)[visible].mean(), rel=1e-4)
    right = (output.sequence.confidence > 0) == visible
    assert errors.presence == pytest.approx(right.mean())


def test_a_shift_changes_positions_but_not_velocity_or_bones(original):
    errors = clip_errors(original, decoded(original, 0.3)).total()
    assert errors.mpjpe == pytest.approx(0.3 * 2**0.5, rel=1e-4)
    assert errors.velocity == pytest.approx(0, abs=1e-6)
    assert errors.bone == pytest.approx(0, abs=1e-6)
    assert errors.pck_02 == 0


def test_errors_of_parts_and_of_a_hand_never_visible(original, skeleton):
    assert list(part_points(skeleton)) == ["all", "hands", "body", "left_hand", "right_hand"]
    errors = clip_errors(original, decoded(original, 0.1))
    assert np.isnan(errors.total("left_hand").mpjpe)  # it is never seen
    assert errors.total("left_hand").presence == 0
    assert errors.total("hands").mpjpe == pytest.approx(errors.total("right_hand").mpjpe)


def test_summed_clips_equal_one_clip(original):
    noise = np.random.default_rng(0).normal(scale=0.1, size=original.keypoints.shape)
    output = decoded(original, noise)
    total = ClipErrors()
    for frames in (slice(0, 15), slice(15, 40)):
        total.add(clip_errors(original[frames], DecodedSequence(output.dense[frames], output.sequence[frames]), 16))
    assert total.total().mpjpe == pytest.approx(clip_errors(original, output).total().mpjpe)


def test_which_frames_are_at_seams():
    assert np.flatnonzero(at_seams(40, 16)).tolist() == [14, 15, 16, 17, 30, 31, 32, 33]
    assert not at_seams(16, 16).any()
    assert np.flatnonzero(at_seams(17, 16)).tolist() == [14, 15, 16]
    assert not at_seams(1, 16).any()


def test_seam_ratio_measures_errors_at_seams(original):
    noise = np.full(original.keypoints.shape, 0.1)
    noise[at_seams(40, 16)] = 0.3
    seams = clip_errors(original, decoded(original, noise), 16).seam()
    assert seams.ratio == pytest.approx(3, rel=1e-4)
    assert seams.step_at == pytest.approx(0, abs=1e-6)
    assert np.isnan(clip_errors(original[:16], decoded(original[:16]), 16).seam().ratio)


def test_a_single_frame_has_no_velocity(original):
    errors = clip_errors(original[:1], decoded(original[:1]), 16).total()
    assert np.isnan(errors.velocity)
    assert errors.mpjpe == 0


def test_features_measure_positions_and_motion(original, skeleton):
    features = window_features(original)
    assert features.shape == (1, skeleton.num_keypoints * 3)
    assert window_features(original[:1]).shape == features.shape
    still = original.hold_frame(0, 64)
    assert window_features(still).shape == (2, skeleton.num_keypoints * 3)
    assert not window_features(still)[:, -skeleton.num_keypoints :].any()
    both = [np.concatenate([window_features(each[a : a + 20]) for a in (0, 10, 20)]) for each in (original, original)]
    assert frechet_distance(*both) == pytest.approx(0, abs=1e-6)
