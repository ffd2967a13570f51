from dataclasses import replace

import numpy as np
import pytest

from pose_core import UserError
from pose_core.metrics import mae, mse, pck, rmse
from pose_core.testing import fake_sequence
from pose_core.transforms import normalize


@pytest.fixture
def clip():
    return normalize(fake_sequence(frames=12, hands=("left", "right")))[0]


def moved(clip, *offset):
    return replace(clip, keypoints=clip.keypoints + np.float32(offset))


def with_missing(clip, points, value):
    """The clip without these (T, K) points, `value` in their place."""
    keypoints, confidence = clip.keypoints.copy(), clip.confidence.copy()
    keypoints[points], confidence[points] = value, 0
    return replace(clip, keypoints=keypoints, confidence=confidence)


def test_errors_of_a_translated_clip_equal_the_translation(clip):
    aside = moved(clip, 0.3, -0.6, 0)
    assert mae(aside, clip) == mae(clip, aside) == pytest.approx(0.3, abs=1e-6)
    assert mse(aside, clip) == mse(clip, aside) == pytest.approx(0.15, abs=1e-6)
    assert rmse(aside, clip) == pytest.approx(0.15**0.5, abs=1e-6)
    assert mse(clip, clip) == mae(clip, clip) == rmse(clip, clip) == 0


def test_errors_equal_numpys_where_all_is_visible(clip):
    random = np.random.default_rng(0)
    noisy = replace(clip, keypoints=clip.keypoints + random.normal(size=clip.keypoints.shape).astype(np.float32))
    error = noisy.keypoints.astype(np.float64) - clip.keypoints
    assert mse(noisy, clip) == pytest.approx(np.mean(error**2))
    assert mae(noisy, clip) == pytest.approx(np.mean(np.abs(error)))


@pytest.mark.parametrize("garbage", [0.0, 1e30, np.nan, np.inf])
@pytest.mark.parametrize("metric", [mse, mae, rmse])
def test_keypoints_missing_in_either_do_not_count(clip, metric, garbage):
    aside = moved(clip, 0.5, 0.5, 0.5)
    random = np.random.default_rng(1)
    lost = random.random(clip.confidence.shape) < 0.3
    kept = metric(aside, clip)
    assert metric(with_missing(aside, lost, garbage), clip) == pytest.approx(kept, rel=1e-5)
    assert metric(aside, with_missing(clip, lost, garbage)) == pytest.approx(kept, rel=1e-5)


def test_nan_coordinates_are_missing(clip):
    keypoints = moved(clip, 0.5, 0.5, 0.5).keypoints
    keypoints[3, 4, 0] = np.nan
    assert mae(replace(clip, keypoints=keypoints), clip) == pytest.approx(0.5, abs=1e-6)


def test_pck_is_the_share_within_the_threshold(clip):
    keypoints = clip.keypoints.copy()
    keypoints[:3, :, 0] += 0.15  # a quarter of the frames
    keypoints[3:6, :, 1] += 0.3
    near = replace(clip, keypoints=keypoints)
    assert pck(near, clip) == {0.1: 0.5, 0.2: 0.75, 0.5: 1.0}
    assert pck(near, clip, thresholds=(0.25,)) == {0.25: 0.75}
    assert pck(clip, clip, thresholds=(0,)) == {0: 1}


def test_pck_counts_missing_predictions_as_misses(clip):
    lost = np.zeros(clip.confidence.shape, bool)
    lost[:, :10] = True
    assert pck(with_missing(clip, lost, np.nan), clip)[0.5] == pytest.approx(0.8)
    at_the_same_place = with_missing(clip, lost, 0)
    at_the_same_place.keypoints[lost] = clip.keypoints[lost]
    assert pck(at_the_same_place, clip)[0.5] == pytest.approx(0.8)
    assert pck(clip, with_missing(clip, lost, 1e9))[0.1] == 1


def test_without_common_keypoints_the_score_is_nan(clip):
    nobody = replace(clip, confidence=np.zeros_like(clip.confidence))
    assert all(np.isnan(metric(clip, nobody)) for metric in (mse, mae, rmse))
    assert np.isnan(list(pck(clip, nobody).values())).all()
    assert set(pck(nobody, clip).values()) == {0}
    assert np.isnan(mse(clip[:0], clip[:0]))


@pytest.mark.parametrize("metric", [mse, mae, rmse, pck])
def test_different_lengths_and_skeletons_are_refused(clip, metric):
    with pytest.raises(UserError, match=r"12 and 9 frames.*stretch.*dtw_mje"):
        metric(clip, clip[:9])
    with pytest.raises(UserError, match="on_skeleton"):
        metric(clip.select([0, 1, 2]), clip)
