"""Mean and standard deviation of components, over a data set that is never in memory as a whole."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core import UserError
from pose_core.testing import fake_sequence
from pose_core.transforms import Statistics, standardize, unstandardize


@pytest.fixture(scope="module")
def clips():
    return [fake_sequence(frames=6 + shape, shape=shape, hands=("left", "right")[: shape % 3]) for shape in range(5)]


def test_statistics_equal_those_of_all_data_at_once(clips):
    statistics = Statistics.fit(iter(clips))
    for name, of in statistics.components.items():
        part = clips[0].skeleton.slice_of(name)
        points = np.concatenate([c.keypoints[:, part][c.confidence[:, part] > 0] for c in clips]).astype(np.float64)
        assert of.count == len(points)
        np.testing.assert_allclose(of.mean, points.mean(axis=0), rtol=1e-9)
        np.testing.assert_allclose(of.std, points.std(axis=0), rtol=1e-9, atol=1e-9)


@given(cut=st.integers(1, 5))
def test_statistics_do_not_depend_on_the_order_or_on_how_clips_are_cut(clips, cut):
    pieces = [piece for clip in reversed(clips) for piece in (clip[:cut], clip[cut:])]
    whole, cut_up = (Statistics.fit(parts).of(clips[0].skeleton) for parts in (clips, pieces))
    np.testing.assert_allclose(whole, cut_up, rtol=1e-9, atol=1e-9)


def test_standardized_data(clips, tmp_path):
    statistics = Statistics.fit(clips)
    statistics.save(tmp_path / "stats.json")
    assert Statistics.load(tmp_path / "stats.json") == statistics
    again = Statistics.fit([standardize(clip, statistics) for clip in clips])
    for of in again.components.values():
        np.testing.assert_allclose(of.mean, 0, atol=1e-4)
        np.testing.assert_allclose(of.std[:2], 1, atol=1e-4)
        assert of.std[2] == 0  # z is 0 throughout
    back = unstandardize(standardize(clips[0], statistics), statistics)
    np.testing.assert_allclose(back.keypoints, clips[0].keypoints, atol=1e-2)


def test_missing_points_do_not_count_in_statistics(clips):
    wild = np.where(clips[2].confidence[..., None] > 0, clips[2].keypoints, np.nan)
    assert Statistics.fit([replace(clips[2], keypoints=wild), *clips]) == Statistics.fit([clips[2], *clips])


def test_what_is_refused(clips, openpose, tmp_path):
    with pytest.raises(UserError, match="no sequences"):
        Statistics.fit([])
    with pytest.raises(UserError, match="LEFT_HAND_LANDMARKS is seen in no frame"):
        Statistics.fit([fake_sequence()])
    with pytest.raises(UserError, match="not of pose_keypoints_2d"):
        standardize(openpose, Statistics.fit(clips))
    with pytest.raises(UserError, match="cannot be read"):
        Statistics.load(tmp_path / "none.json")
    for content in ("", "[]", '{"components": {"A": {"count": 1}}}'):
        (tmp_path / "bad.json").write_text(content)
        with pytest.raises(UserError, match=r"bad\.json: not a statistics file"):
            Statistics.load(tmp_path / "bad.json")
