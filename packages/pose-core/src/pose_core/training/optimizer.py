"""Optimizers and learning rate schedules."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig

    from pose_core.training.config import TrainingConfig


SGD_MOMENTUM = 0.9
ADAM_BETAS = (0.9, 0.98)


def configure_optimizer(
    parameters: Iterable[torch.nn.Parameter], config: TrainingConfig, steps: int
) -> OptimizerLRSchedulerConfig:
    """The config's optimizer, and its learning rate over `steps` steps, as `configure_optimizers` returns them.

    The rate rises linearly for `warmup_steps`, then falls to 0 on a cosine or a line, or stays. Matrices are decayed,
    vectors (biases, norms) are not.
    """
    parameters = [p for p in parameters if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer: torch.optim.Optimizer
    if config.optimizer == "sgd":
        optimizer = torch.optim.SGD(groups, lr=config.learning_rate, momentum=SGD_MOMENTUM, nesterov=True)
    else:
        kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
        optimizer = kind(groups, lr=config.learning_rate, betas=ADAM_BETAS)
    warmup = min(config.warmup_steps, max(1, steps // 5))

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        progress = min(1.0, (step - warmup) / max(1, steps - warmup))
        if config.scheduler == "warmup_cosine":
            return 0.5 * (1 + math.cos(math.pi * progress))
        return 1 - progress if config.scheduler == "warmup_linear" else 1.0

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
