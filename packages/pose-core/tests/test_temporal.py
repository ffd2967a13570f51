"""The nearest known frames, holding and interpolating, in numpy and torch."""

import numpy as np
import pytest
import torch

from pose_core.transforms.temporal import gap_frames, hold, interpolate_frames, last_visible, next_visible

VISIBLE = np.array([[0, 1, 0, 0, 1, 0], [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]], bool).T  # (T, K)
VALUES = np.arange(6.0, dtype=np.float32)[:, None, None] ** 2 + np.zeros((6, 3, 2), np.float32)


@pytest.fixture(params=["numpy", "torch", "torch batch"])
def arrays(request):
    """`VALUES` and `VISIBLE` of a library, and what brings a result back to (T, K, ...) of numpy."""
    if request.param == "numpy":
        return VALUES, VISIBLE, np.asarray, lambda x: x
    values, visible = torch.from_numpy(VALUES), torch.from_numpy(VISIBLE)
    if request.param == "torch":
        return values, visible, lambda x: x.numpy(), torch.from_numpy
    return values[None], visible[None], lambda x: x[0].numpy(), torch.from_numpy


def test_nearest_visible_frames(arrays):
    _, visible, plain, _ = arrays
    assert plain(last_visible(visible)).T.tolist() == [[-1, 1, 1, 1, 4, 4], [0] * 6, [-1] * 6]
    assert plain(next_visible(visible)).T.tolist() == [[1, 1, 4, 4, 4, 6], [0] + [6] * 5, [6] * 6]
    assert plain(gap_frames(visible)).T.tolist() == [[0, 0, 2, 2, 0, 0], [0] * 6, [0] * 6]


@pytest.mark.parametrize(
    ("backfill", "expected"),
    [
        (False, [[-1, 1, 1, 1, 16, 16], [0] * 6, [-1] * 6]),
        (True, [[1, 1, 1, 1, 16, 16], [0] * 6, [-1] * 6]),
    ],
)
def test_hold(arrays, backfill, expected):
    values, visible, plain, library = arrays
    held = plain(hold(values, visible, library(np.full((3, 2), -1, np.float32)), backfill=backfill))
    assert held.dtype == np.float32
    assert held[..., 0].T.tolist() == held[..., 1].T.tolist() == expected


def test_interpolated_between_visible_frames_and_held_at_the_ends(arrays):
    values, visible, plain, _ = arrays
    found = plain(interpolate_frames(values, visible))
    assert found.dtype == np.float32
    assert found[..., 0].T.tolist() == [[1, 1, 6, 11, 16, 16], [0] * 6, [0] * 6]


def test_interpolation_equals_that_of_numpy_to_the_bit():
    random = np.random.default_rng(0)
    values = random.normal(size=(50, 4, 2)).astype(np.float32)
    visible = random.random((50, 4)) < 0.3
    values[~visible] = 1e9  # which counts nowhere
    expected = np.zeros_like(values)
    for k in range(4):
        at = np.flatnonzero(visible[:, k])
        for d in range(2):
            expected[:, k, d] = np.interp(np.arange(50), at, values[at, k, d])
    np.testing.assert_array_equal(interpolate_frames(values, visible), expected)
