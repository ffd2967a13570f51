"""A stage of training moves a module to lower losses, and leaves it its averaged weights."""

import pytest
import torch
from torch import nn

from pose_core.training.stage import Stage


@pytest.mark.parametrize("steps", [1, 2, 200])
def test_a_stage_of_any_length_ends_in_averaged_weights(steps):
    torch.manual_seed(0)
    module = nn.Linear(3, 1)
    inputs, wanted = torch.randn(64, 3), torch.randn(1, 3)
    stage = Stage(module, steps, learning_rate=0.05, warmup=0.1, ema_decay=0.99, weight_decay=0.0)
    first = None
    for _ in range(steps):
        loss = (module(inputs) - inputs @ wanted.T).square().mean()
        first = loss.item() if first is None else first
        stage.step(loss)
    averaged = [each.clone() for each in stage.averaged.module.parameters()]
    stage.finish()
    assert not module.training
    for mine, theirs in zip(module.parameters(), averaged, strict=True):
        assert torch.equal(mine, theirs)
    last = (module(inputs) - inputs @ wanted.T).square().mean().item()
    assert last < (first if steps < 100 else 0.01 * first)
