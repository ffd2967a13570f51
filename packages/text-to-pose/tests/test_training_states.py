import pytest
import torch

from pose_core import UserError
from pose_core.training import load_yaml
from text_to_pose.config import PRESETS, RunConfig
from text_to_pose.schedules import NOISE
from text_to_pose.training_states import Objective, drop_keypoints, gaps

B, T, K, D = 40, 6, 4, 3


@pytest.fixture
def states():
    """Start (B, K, D), what a first step makes and the truth (B, T, K, D), confidence (B, T, K), all different."""
    torch.manual_seed(0)
    confidence = torch.ones(B, T, K)
    confidence[:, :, 2] = 0
    return torch.randn(B, K, D), torch.randn(B, T, K, D), torch.randn(B, T, K, D), confidence


def test_refinement_states_lead_from_start_frame_to_prediction(states):
    start, own, clean, confidence = states
    copies = start.clone(), own.clone(), clean.clone()
    objective = Objective(diffusion_share=0, inpainting_share=0)
    at_start, noisy = objective.states(start, own, clean, confidence, torch.zeros(B))
    torch.testing.assert_close(at_start, start[:, None].expand(-1, T, -1, -1))
    at_end, _ = objective.states(start, own, clean, confidence, torch.ones(B))
    torch.testing.assert_close(at_end, own)
    assert not noisy.any()
    torch.testing.assert_close((start, own, clean), copies)


def test_inpainting_states_have_the_target_at_known_keypoints(states):
    start, own, clean, confidence = states
    known, _ = Objective(diffusion_share=0, inpainting_share=1).states(start, own, clean, confidence, torch.ones(B))
    true = torch.isclose(known, clean, atol=1e-5).all(dim=-1)  # (B, T, K)
    assert not true[:, :, 2].any()  # never seen
    assert 0.2 < true[:, :, :2].float().mean() < 0.9
    assert (true | torch.isclose(known, own, atol=1e-5).all(dim=-1)).all()


def test_diffusion_states_have_scaled_noise(states):
    start, own, clean, confidence = states
    level = torch.full((B,), 0.25)
    state, noisy = Objective(diffusion_share=1, inpainting_share=0).states(start, own, clean, confidence, level)
    assert noisy.all()
    truth = torch.where((confidence > 0)[..., None], clean, own)
    rest = state - (start[:, None] + 0.5 * (truth - start[:, None]))
    assert rest.std().item() == pytest.approx(NOISE * 0.75**0.5, rel=0.1)


def test_first_step_share_of_levels_is_zero():
    torch.manual_seed(0)
    level = Objective(first_step_share=0.3).levels(2000)
    assert (level == 0).float().mean().item() == pytest.approx(0.3, abs=0.05)
    assert (level[level > 0].mean().item(), level.max() <= 1) == (pytest.approx(0.5, abs=0.05), True)


def test_gaps_are_one_span_of_frames_and_some_keypoints():
    torch.manual_seed(0)
    drawn = gaps(torch.ones(500, 20, 8, dtype=torch.bool))
    whole_frames = drawn.all(dim=2)
    starts = (whole_frames[:, 1:] & ~whole_frames[:, :-1]).sum(dim=1) + whole_frames[:, 0]
    assert (starts <= 1).all()
    assert (drawn.all(dim=1).any(dim=1)).float().mean().item() == pytest.approx(0.5, abs=0.15)


def test_config_refuses_shares_above_one_together():
    with pytest.raises(UserError, match="at most 1"):
        load_yaml(RunConfig, PRESETS["default"], {"objective.noised": 0.7, "objective.known": 0.7})


def test_drop_keypoints_only_hides():
    torch.manual_seed(0)
    confidence = torch.rand(500, K)
    copy = confidence.clone()
    dropped = drop_keypoints(confidence)
    torch.testing.assert_close(confidence, copy)
    assert ((dropped == 0) | (dropped == confidence)).all()
    hidden = (dropped == 0).float().mean(dim=1)
    assert 0.6 < (hidden == 0).float().mean() < 0.95
    assert (hidden == 1).any()
