import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core import PoseSequence, UserError
from pose_core.metrics import ndtw_mje, ndtw_mje_pairs
from pose_core.skeleton import Component, Skeleton
from pose_core.testing import fake_sequence
from pose_core.transforms import normalize

POINTS = Skeleton((Component("POINTS", ("a", "b", "c"), (), ((0, 0, 0),), "XYC"),))


def point_distance(hypothesis, reference):
    if reference is None:
        return 0.0
    if hypothesis is None:
        return math.hypot(*reference) / 2
    return math.dist(hypothesis, reference)


def cheapest(hypothesis, reference):
    """Every cell of the two trajectories from its three predecessors; the plain loop."""
    total = {(-1, -1): 0.0}
    for i, x in enumerate(hypothesis):
        for j, y in enumerate(reference):
            before = min(total.get(p, math.inf) for p in ((i - 1, j - 1), (i - 1, j), (i, j - 1)))
            total[i, j] = before + point_distance(x, y)
    return total[len(hypothesis) - 1, len(reference) - 1]


def trajectory(sequence, k):
    seen = sequence.confidence[:, k] > 0
    return [tuple(map(float, p)) if s else None for p, s in zip(sequence.keypoints[:, k], seen, strict=True)]


def plain(hypothesis, reference):
    K = hypothesis.skeleton.num_keypoints
    return sum(cheapest(trajectory(hypothesis, k), trajectory(reference, k)) for k in range(K)) / K


def random_sequence(seed, frames, missing, garbage=np.nan):
    random = np.random.default_rng(seed)
    keypoints = random.normal(size=(frames, 3, 2)).astype(np.float32)
    confidence = np.where(random.random((frames, 3)) < missing, 0, 0.7).astype(np.float32)
    keypoints[confidence == 0] = garbage
    return PoseSequence(keypoints, confidence, 25.0, POINTS)


lengths = st.integers(1, 9)


@given(st.integers(0, 2**32 - 1), lengths, lengths, st.sampled_from((0.0, 0.3, 0.9)))
def test_ndtw_equals_a_plain_loop(seed, frames, reference_frames, missing):
    x, y = random_sequence(seed, frames, missing), random_sequence(seed + 1, reference_frames, missing)
    assert ndtw_mje(x, y) == pytest.approx(plain(x, y), rel=1e-6, abs=1e-12)


@given(st.integers(0, 2**32 - 1), lengths, lengths)
def test_ndtw_is_symmetric_without_missing_keypoints(seed, frames, reference_frames):
    x, y = random_sequence(seed, frames, 0), random_sequence(seed + 1, reference_frames, 0)
    assert ndtw_mje(x, y) == ndtw_mje(y, x)


def test_coordinates_of_missing_keypoints_do_not_count():
    x, y = ([random_sequence(seed, 8, 0.4, garbage) for garbage in (np.nan, np.inf, 1e30, 0, 0.5)] for seed in (1, 2))
    assert len({ndtw_mje(a, b) for a in x for b in y}) == 1


def test_known_values():
    still = PoseSequence(np.tile(np.float32([3, 4]), (4, 3, 1)), np.ones((4, 3), np.float32), 25.0, POINTS)
    nobody = replace(still, confidence=np.zeros((4, 3), np.float32))
    beside = replace(still, keypoints=still.keypoints + np.float32([1, 0]))
    assert ndtw_mje(still, still) == 0
    assert ndtw_mje(beside, still) == pytest.approx(4)  # a total: a frame more costs more
    assert ndtw_mje(beside[:3], still[:3]) == pytest.approx(3)
    assert ndtw_mje(nobody, still) == pytest.approx(4 * 2.5)
    assert ndtw_mje(still, nobody) == ndtw_mje(nobody, nobody) == 0


def test_each_keypoint_is_aligned_alone():
    clip = normalize(fake_sequence(frames=10))[0]
    late = clip.keypoints.copy()
    late[1:, ::2] = clip.keypoints[:-1, ::2]  # every other point a frame behind
    late[0, ::2] = clip.keypoints[0, ::2]
    alone = ndtw_mje(replace(clip, keypoints=late), clip)
    # only the last frame has no counterpart
    missed = np.linalg.norm(clip.keypoints[-1, ::2] - clip.keypoints[-2, ::2], axis=-1)
    assert alone <= missed.sum() / clip.skeleton.num_keypoints + 1e-6


def test_pairs_in_parallel_equal_single_pairs():
    clips = [random_sequence(seed, 3 + seed, 0.2) for seed in range(7)]
    pairs = [(x, y) for x in clips for y in clips]
    np.testing.assert_array_equal(ndtw_mje_pairs(pairs), [ndtw_mje(*pair) for pair in pairs])


def test_other_skeletons_and_empty_sequences_are_refused():
    clip = random_sequence(0, 4, 0)
    with pytest.raises(UserError, match="on_skeleton"):
        ndtw_mje(clip, clip.select([0, 1]))
    with pytest.raises(UserError, match="without frames"):
        ndtw_mje(clip, clip[:0])
