from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pose_core import UserError
from pose_core.metrics import (
    AccelerationSum,
    acceleration,
    acceleration_ratio,
    dtw,
    dtw_mje,
    dtw_mje_pairs,
    frame_distances,
    pairwise_dtw_mje,
    pooled_acceleration_ratio,
)
from pose_core.testing import fake_sequence
from pose_core.transforms import normalize


def cheapest(cost):
    """Every cell from its three predecessors, and the number of cells on the way, fewest on a tie; the plain loop."""
    best = {}
    for i, j in np.ndindex(*cost.shape):
        before = [best[p] for p in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if p in best]
        total, steps = min(before, default=(0.0, 0))
        best[i, j] = (total + cost[i, j], steps + 1)
    return best[cost.shape[0] - 1, cost.shape[1] - 1]


matrices = st.tuples(st.integers(1, 7), st.integers(1, 7)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(0, 10).map(lambda x: round(x, 3)))
)


@given(matrices)
def test_dtw_equals_a_plain_loop(cost):
    total, steps = cheapest(cost)
    assert dtw(cost) == pytest.approx(total / steps)


@given(matrices.map(np.round))  # whole numbers: many paths cost the same
def test_dtw_is_symmetric_on_ties(cost):
    assert dtw(cost) == dtw(cost.T)


@pytest.fixture
def clip():
    return normalize(fake_sequence(frames=18))[0]


def test_dtw_to_itself_and_to_half_speed_is_zero(clip):
    slow = replace(
        clip, keypoints=np.repeat(clip.keypoints, 2, axis=0), confidence=np.repeat(clip.confidence, 2, axis=0)
    )
    assert dtw_mje(clip, clip) == 0
    assert dtw_mje(clip, slow) == dtw_mje(slow, clip) == 0


def test_dtw_of_a_translated_still_is_the_translation(clip):
    still = clip.hold_frame(0, 5)
    moved = replace(still, keypoints=still.keypoints + np.float32([0.3, 0.4, 0.0]))
    assert dtw_mje(still, moved) == pytest.approx(0.5, abs=1e-6)


def test_missing_keypoints_do_not_count(clip):
    wild = clip.keypoints.copy()
    confidence = clip.confidence.copy()
    wild[4:9, 10:20] = 1e9
    confidence[4:9, 10:20] = 0
    wild[2] = np.nan
    confidence[2] = 0
    other = replace(clip, keypoints=wild, confidence=confidence)
    assert 0 <= dtw_mje(clip, other) < 1
    assert dtw_mje(other, clip) == dtw_mje(clip, other)
    wild[5, 30, 1] = np.nan  # seen, the file says
    zeroed = replace(clip, keypoints=np.where(other.confidence[..., None] > 0, wild, 0), confidence=confidence.copy())
    zeroed.keypoints[5, 30], zeroed.confidence[5, 30] = 0, 0
    assert dtw_mje(clip, other) == dtw_mje(clip, zeroed)


def test_pairs_in_parallel_equal_single_pairs(clip):
    clips = [clip, clip[3:], clip[::2], clip[::-1], clip[:1]]
    expected = [[dtw_mje(x, y) for y in clips[:3]] for x in clips]
    np.testing.assert_array_equal(pairwise_dtw_mje(clips, clips[:3]), expected)
    np.testing.assert_array_equal(dtw_mje_pairs(list(zip(clips[:3], clips[2:], strict=True))), np.diag(expected[2:]))
    assert pairwise_dtw_mje([], clips).shape == (0, 5)
    with pytest.raises(UserError, match="on_skeleton"):
        dtw_mje_pairs([(clip, clip), (clip, clip.select([0, 1]))])


def test_without_common_keypoints_the_score_is_nan(clip):
    nobody = replace(clip, confidence=np.zeros_like(clip.confidence))
    assert np.isnan(dtw_mje(clip, nobody))


def test_frame_distances_equal_numpys():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(4, 6, 3)), random.normal(size=(5, 6, 3))
    seen_x, seen_y = random.random((4, 6)) > 0.3, random.random((5, 6)) > 0.3
    expected = np.empty((4, 5))
    for i, j in np.ndindex(4, 5):
        both = seen_x[i] & seen_y[j]
        expected[i, j] = np.linalg.norm(x[i, both] - y[j, both], axis=-1).mean()
    np.testing.assert_allclose(frame_distances(x, seen_x * 0.5, y, seen_y * 1.0), expected)


def test_frames_without_common_keypoints_cost_the_maximum():
    x, seen = np.arange(6.0).reshape(3, 2, 1), np.ones((3, 2))
    half = np.array([[1, 0], [0, 1], [0, 0]])
    distances = frame_distances(x, seen, x, half)
    np.testing.assert_array_equal(distances, [[0, 2, 4], [2, 0, 4], [4, 2, 4]])


def test_other_skeletons_and_empty_sequences_are_refused(clip):
    with pytest.raises(UserError, match="on_skeleton"):
        dtw_mje(clip, clip.select([0, 1, 2]))
    with pytest.raises(UserError, match="without frames"):
        dtw_mje(clip[:0], clip)


def test_acceleration_of_lines_and_parabolas(clip):
    t = np.arange(8, dtype=np.float32)[:, None, None]
    direction = np.ones((1, 50, 3), np.float32)
    seen = np.ones((8, 50), np.float32)
    line = replace(clip, keypoints=t * direction, confidence=seen)
    parabola = replace(clip, keypoints=t**2 * np.float32([0.5, 0, 0]) * direction, confidence=seen)
    assert acceleration(line) == 0
    assert acceleration(parabola) == pytest.approx(1.0)
    wild = parabola.keypoints.copy()
    wild[3, 7] = 1e9
    missing = seen.copy()
    missing[3, 7] = 0
    assert acceleration(replace(parabola, keypoints=wild, confidence=missing)) == pytest.approx(1.0)
    assert np.isnan(acceleration(line[:2]))


def test_acceleration_ratio(clip):
    t = np.arange(8, dtype=np.float32)[:, None, None]
    parabola = replace(clip[:8], keypoints=t**2 * np.ones((1, 50, 3), np.float32), confidence=np.ones((8, 50)))
    faster = replace(parabola, keypoints=3 * parabola.keypoints)
    still = parabola.hold_frame(0, 8)
    assert acceleration_ratio(faster, parabola) == pytest.approx(3)
    assert acceleration_ratio(still, parabola[:5]) == 0
    assert np.isnan(acceleration_ratio(parabola, still))
    assert np.isnan(acceleration_ratio(parabola, parabola[:2]))


def test_pooled_acceleration_ratio():
    unseen, still = AccelerationSum(), AccelerationSum(0.0, 10)
    steady, quick = AccelerationSum(20.0, 10), AccelerationSum(90.0, 30)
    assert pooled_acceleration_ratio([(quick, steady)]) == 1.5
    assert pooled_acceleration_ratio([(quick, steady), (unseen, quick), (quick, unseen)]) == 1.5
    assert pooled_acceleration_ratio([(steady, quick), (steady, still)]) == pytest.approx((40 / 20) / (90 / 40))
    assert np.isnan(pooled_acceleration_ratio([(steady, still)]))
    assert np.isnan(pooled_acceleration_ratio([]))
