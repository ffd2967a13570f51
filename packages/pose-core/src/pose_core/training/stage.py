"""Optimization of one part of a model in a stage of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.utils import clip_grad_norm_
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

if TYPE_CHECKING:
    from torch import Tensor, nn

MAX_NORM = 1.0  # of gradients


class Stage:
    """AdamW on a one-cycle schedule (`OneCycleLR`, which cycles beta 1 as well); averaged weights are kept.

    Args:
        module: to be trained.
        steps: in all.
        learning_rate: at its peak.
        warmup: share of the steps that lead there.
        ema_decay: of the average, at most: it is over a tenth of few steps.
        weight_decay: of all weights.
    """

    def __init__(
        self,
        module: nn.Module,
        steps: int,
        *,
        learning_rate: float,
        warmup: float,
        ema_decay: float,
        weight_decay: float = 0.01,
    ) -> None:
        self.module = module.train()
        decay = min(ema_decay, 1 - 10 / (steps + 10))
        self.averaged = AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(decay))
        self.optimizer = torch.optim.AdamW(
            module.parameters(), learning_rate, betas=(0.95, 0.99), weight_decay=weight_decay
        )
        warmup_steps = max(2.0, warmup * steps)  # of one step, the schedule divides by 0
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, learning_rate, total_steps=max(4, steps), pct_start=warmup_steps / max(4, steps)
        )

    def step(self, loss: Tensor) -> None:
        """One step down the gradient of a loss."""
        self.optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(self.module.parameters(), MAX_NORM)
        self.optimizer.step()
        self.schedule.step()
        self.averaged.update_parameters(self.module)

    def finish(self) -> None:
        """Gives the module its averaged weights."""
        self.module.load_state_dict(self.averaged.module.state_dict())
        self.module.eval()
