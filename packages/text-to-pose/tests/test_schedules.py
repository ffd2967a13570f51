from typing import get_args

import numpy as np
import pytest

from text_to_pose.config import Schedule
from text_to_pose.schedules import levels, step_sizes


@pytest.mark.parametrize("schedule", get_args(Schedule))
@pytest.mark.parametrize("num_steps", [1, 2, 10, 1000])
def test_levels_rise_from_0_to_1(schedule, num_steps):
    level = levels(schedule, num_steps)
    assert (level.shape, level.dtype) == ((num_steps + 1,), np.float32)
    assert (level[0], level[-1]) == (0, 1)
    assert (np.diff(level) > 0).all()


@pytest.mark.parametrize("schedule", get_args(Schedule))
def test_step_sizes_lead_from_level_to_level(schedule):
    level = levels(schedule, 7)
    reached = 0.0
    for size, expected in zip(step_sizes(level), level[1:], strict=True):
        reached += size * (1 - reached)
        assert reached == pytest.approx(expected, rel=1e-5)
    assert step_sizes(level)[-1] == 1


def test_linear_levels_are_equidistant():
    np.testing.assert_array_equal(levels("linear", 4), np.array([0, 0.25, 0.5, 0.75, 1], np.float32))
