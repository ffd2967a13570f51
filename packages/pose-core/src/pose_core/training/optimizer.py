"""The optimizer and schedule that transformers are trained with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig

    from pose_core.training.config import TrainingConfig


def warmup_cosine_adamw(
    parameters: Iterable[torch.nn.Parameter], config: TrainingConfig, steps: int
) -> OptimizerLRSchedulerConfig:
    """AdamW, its rate rising linearly for `warmup_steps` and then falling on a cosine to 0 at `steps`.

    Matrices are decayed, vectors (biases, norms) are not. Returns what `configure_optimizers` returns.
    """
    parameters = [p for p in parameters if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))
    warmup = min(config.warmup_steps, max(1, steps // 5))

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
