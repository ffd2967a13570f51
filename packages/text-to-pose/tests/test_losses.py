import pytest
import torch

from text_to_pose.losses import length_loss, pose_losses, start_loss
from text_to_pose.nn.prediction import Prediction

B, T, K, D = 2, 6, 4, 3


@pytest.fixture
def example():
    torch.manual_seed(0)
    prediction = Prediction(torch.randn(B, T, K, D, requires_grad=True), torch.randn(B, T, K))
    return prediction, torch.randn(B, T, K, D), torch.ones(B, T, K), torch.ones(B, T, dtype=torch.bool)


def test_losses_of_a_perfect_prediction_are_zero(example):
    _, target, confidence, mask = example
    losses = pose_losses(Prediction(target, torch.full((B, T, K), 50.0)), target, confidence, mask)
    assert all(loss.item() == pytest.approx(0, abs=1e-6) for loss in losses.values())


def test_losses_ignore_missing_and_padded_keypoints(example):
    prediction, target, confidence, mask = example
    confidence[0, :, 1] = 0
    mask[1, 4:] = False
    before = pose_losses(prediction, target, confidence, mask)
    wild = target.clone()
    wild[0, :, 1] = 1e9
    wild[1, 4:] = 1e9
    after = pose_losses(prediction, wild, confidence, mask)
    for name in before:
        torch.testing.assert_close(before[name], after[name])


def test_losses_without_visible_keypoints_are_zero_with_finite_gradients(example):
    prediction, target, confidence, mask = example
    losses = pose_losses(prediction, target, torch.zeros_like(confidence), mask)
    assert losses["position"].item() == 0
    (losses["position"] + losses["velocity"]).backward()
    assert prediction.features.grad.isfinite().all()


def test_velocity_loss_of_one_frame_is_zero(example):
    prediction, target, confidence, mask = example
    first = Prediction(prediction.features[:, :1], prediction.presence[:, :1])
    assert pose_losses(first, target[:, :1], confidence[:, :1], mask[:, :1])["velocity"].item() == 0


def test_losses_are_weighted_by_confidence():
    target, visible = torch.zeros(1, 2, D), torch.tensor([[1.0, 0.5]])
    predicted = torch.stack([torch.full((D,), 1.0), torch.full((D,), 4.0)])[None]
    assert start_loss(predicted, target, visible).item() == pytest.approx((1 * 1 + 0.5 * 4) / 1.5)


def test_length_loss_is_smallest_at_the_target():
    at = [length_loss(torch.tensor([m]).log(), torch.zeros(1), torch.tensor([20])).item() for m in (15.0, 20.0, 26.0)]
    assert at[1] < min(at[0], at[2])
