import numpy as np
import pytest

from pose_core import UserError
from pose_core.metrics import frechet_distance


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_distance_of_features_to_themselves_is_zero(random):
    for samples in (2, 10, 300):
        features = random.normal(size=(samples, 32))
        assert frechet_distance(features, features[::-1]) == pytest.approx(0, abs=1e-9)


def test_distance_of_translated_features_is_the_squared_translation(random):
    features = random.normal(size=(50, 8))
    assert frechet_distance(features + 2, features) == pytest.approx(8 * 4)


def test_distance_of_scaled_features_is_the_difference_of_deviations(random):
    features = random.normal(size=(100, 1))
    deviation = features.std(ddof=1)
    assert frechet_distance(3 * (features - features.mean()), features - features.mean()) == pytest.approx(
        (2 * deviation) ** 2
    )


def test_distance_is_symmetric_and_rotation_invariant(random):
    x, y = random.normal(size=(60, 6)) @ random.normal(size=(6, 6)), random.normal(size=(40, 6)) + 1
    turn = np.linalg.qr(random.normal(size=(6, 6)))[0]
    distance = frechet_distance(x, y)
    assert distance > 0
    assert frechet_distance(y, x) == pytest.approx(distance)
    assert frechet_distance(x @ turn, y @ turn) == pytest.approx(distance)


def test_distance_equals_the_eigenvalue_formula(random):
    x, y = random.normal(size=(60, 5)) @ random.normal(size=(5, 5)), random.normal(size=(40, 5))
    covariances = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = np.sqrt(np.linalg.eigvals(covariances[0] @ covariances[1]).real).sum()
    means = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()
    assert frechet_distance(x, y) == pytest.approx(means + np.trace(sum(covariances)) - 2 * root)


def test_float32_features_are_computed_with_in_float64(random):
    features = random.normal(size=(50, 8)).astype(np.float32)
    assert frechet_distance(features, features + np.float32(1)) == pytest.approx(8, rel=1e-5)


def test_incomparable_inputs_are_refused(random):
    features = random.normal(size=(5, 3))
    with pytest.raises(UserError, match="at least 2 samples.*found 1"):
        frechet_distance(features[:1], features)
    with pytest.raises(UserError, match="samples, channels"):
        frechet_distance(features, features[0])
    with pytest.raises(UserError, match="3 and 2 channels"):
        frechet_distance(features, features[:, :2])
    broken = features.copy()
    broken[1] = np.nan
    with pytest.raises(UserError, match="1 of 5 samples"):
        frechet_distance(features, broken)
