from typing import get_args

import pytest
import torch

from text_to_pose.config import Schedule
from text_to_pose.sampling import NOISE, Noise, levels, noised, step_sizes


@pytest.mark.parametrize("schedule", get_args(Schedule))
@pytest.mark.parametrize("num_steps", [1, 2, 10, 1000])
def test_schedules_rise_from_nothing_to_everything(schedule, num_steps):
    level = levels(schedule, num_steps)
    assert level.shape == (num_steps + 1,)
    assert (level[0], level[-1]) == (0, 1)
    assert (level.diff() > 0).all()


@pytest.mark.parametrize("schedule", get_args(Schedule))
def test_steps_of_a_schedule_lead_where_it_says(schedule):
    level = levels(schedule, 7)
    way = torch.zeros(())
    for size, there in zip(step_sizes(level), level[1:], strict=True):
        way = way + size * (1 - way)
        torch.testing.assert_close(way, there)
    assert step_sizes(level)[-1] == 1


def test_linear_steps_are_alike():
    torch.testing.assert_close(levels("linear", 4), torch.tensor([0, 0.25, 0.5, 0.75, 1]))


def test_noised_is_noise_at_first_and_clean_at_last():
    start, clean, noise = torch.randn(2, 3, 2), torch.randn(2, 5, 3, 2), torch.randn(2, 5, 3, 2)
    torch.testing.assert_close(noised(start, clean, torch.ones(2), noise), clean)
    torch.testing.assert_close(noised(start, clean, torch.zeros(2), noise), start[:, None] + NOISE * noise)


def test_noise_keeps_its_variance_on_the_way():
    zeros, noise = torch.zeros(1, 1, 1), torch.randn(1, 20_000, 1, 1)
    clean = NOISE * torch.randn(1, 20_000, 1, 1)
    for level in (0.1, 0.5, 0.9):
        assert abs(noised(zeros, clean, torch.tensor([level]), noise).std() / NOISE - 1) < 0.05


def test_noise_does_not_depend_on_padding():
    long = Noise(torch.arange(9) < torch.tensor([[5], [9]]), (3, 2), seed=4)
    short = Noise(torch.ones(1, 5, dtype=torch.bool), (3, 2), seed=4)
    for _ in range(3):
        padded = long.draw()
        torch.testing.assert_close(padded[:1, :5], short.draw(), atol=0, rtol=0)
        assert (padded[0, 5:] == 0).all()
