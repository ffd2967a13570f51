import numpy as np
import pytest
import torch

from text_to_pose.network import frame_mask
from text_to_pose.nn.prediction import Prediction
from text_to_pose.samplers import diffuse, inpaint, noised, normal_noise, refine
from text_to_pose.schedules import NOISE, levels

B, T, K, D = 2, 5, 3, 2


def constant(clean):
    """A network that predicts one clean sequence, whatever it is shown; and what it was shown."""
    calls = []

    def predict(current, level, *, noisy):
        calls.append((current, level, noisy))
        return Prediction(clean, clean[..., 0])

    return predict, calls


@pytest.mark.parametrize("library", [np, torch])
def test_refine_moves_from_level_to_level_on_a_straight_line(library):
    start, clean = library.zeros((B, T, K, D)), library.ones((B, T, K, D))
    predict, calls = constant(clean)
    level = levels("cosine", 4)
    for step, expected in zip(refine(predict, start, level), level[1:], strict=True):
        np.testing.assert_allclose(np.asarray(step.features), expected, rtol=1e-6)
    assert [level for _, level, _ in calls] == level[:-1].tolist()
    assert not any(noisy for *_, noisy in calls)


@pytest.mark.parametrize("library", [np, torch])
def test_diffuse_noises_each_prediction_again(library):
    start, clean = library.zeros((B, T, K, D)), library.ones((B, T, K, D))
    predict, calls = constant(clean)
    noises = [library.ones((B, T, K, D)) * factor for factor in (1.0, 2.0)]
    assert len(list(diffuse(predict, start, levels("linear", 2), noises))) == 2
    np.testing.assert_allclose(np.asarray(calls[0][0]), NOISE)
    np.testing.assert_allclose(np.asarray(calls[1][0]), 0.5**0.5 * (1 + 2 * NOISE), rtol=1e-6)
    assert all(noisy for *_, noisy in calls)


def test_inpaint_shows_known_keypoints_on_the_path_to_their_value():
    start, clean, known = torch.zeros(B, T, K, D), torch.ones(B, T, K, D), torch.full((B, T, K, D), 4.0)
    visible = torch.zeros(B, T, K, dtype=torch.bool)
    visible[:, 2] = True
    predict, calls = constant(clean)
    list(inpaint(predict, start, levels("linear", 4), known, visible))
    torch.testing.assert_close(calls[1][0][:, 2], torch.full((B, K, D), 0.25 * 4))
    torch.testing.assert_close(calls[1][0][:, 0], torch.full((B, K, D), 0.25))


def test_noised_is_noise_at_level_0_and_clean_at_level_1():
    start, clean, noise = torch.randn(2, 1, 3, 2), torch.randn(2, 5, 3, 2), torch.randn(2, 5, 3, 2)
    torch.testing.assert_close(noised(start, clean, torch.ones(2, 1, 1, 1), noise), clean)
    torch.testing.assert_close(noised(start, clean, torch.zeros(2, 1, 1, 1), noise), start + NOISE * noise)


def test_noised_keeps_the_variance_at_every_level():
    noise, clean = torch.randn(1, 20_000, 1, 1), NOISE * torch.randn(1, 20_000, 1, 1)
    for level in (0.1, 0.5, 0.9):
        state = noised(torch.zeros(1, 1, 1, 1), clean, torch.tensor(level), noise)
        assert abs(state.std() / NOISE - 1) < 0.05


def test_noise_does_not_depend_on_padding():
    long = normal_noise(frame_mask([5, 9]), (3, 2), seed=4)
    short = normal_noise(frame_mask([5]), (3, 2), seed=4)
    for _ in range(3):
        padded = next(long)
        np.testing.assert_array_equal(padded[:1, :5], next(short))
        assert (padded[0, 5:] == 0).all()
        assert padded.dtype == np.float32
