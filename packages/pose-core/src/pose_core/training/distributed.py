"""Distributed runs: rank, world size, devices per machine and machines."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

import torch.distributed

if TYPE_CHECKING:
    from pose_core.training.config import TrainingConfig


def devices_and_nodes(config: TrainingConfig) -> tuple[int | Literal["auto"], int]:
    """Devices per machine, and machines: the config's or, where it leaves them alone, what torchrun started."""
    launched = torch.distributed.is_available() and torch.distributed.is_torchelastic_launched()
    if not launched or config.devices not in (1, "auto") or config.num_nodes != 1:
        return config.devices, config.num_nodes
    local = int(os.environ["LOCAL_WORLD_SIZE"])
    return local, int(os.environ["WORLD_SIZE"]) // local


def rank_and_world_size() -> tuple[int, int]:
    """Rank of this process, and how many processes there are."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1
