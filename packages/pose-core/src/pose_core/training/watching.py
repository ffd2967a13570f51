"""How fast a run goes, what it waits for, and what a short trial of it tells."""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Callback

from pose_core.command_line import say

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer
    from torch.utils.data import DataLoader

    from pose_core.training.config import TrainingConfig

TRIAL_STEPS = 3
MEGABYTE = 1 << 20


class Throughput(Callback):
    """Logs, of every epoch, frames a second and the share of the steps' time that was spent waiting for data.

    Frames are those of batches that know their `num_frames`, padding left out; of this process alone.

    Attributes:
        waiting, working: seconds of each step of the epoch: until its batch was there, and with it.
        frames: of the epoch.
    """

    def __init__(self) -> None:
        self._begin()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._begin()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        now = time.perf_counter()
        self.waiting.append(now - self.mark)
        self.mark = now

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.frames = self.frames + getattr(batch, "num_frames", 0)  # on its device: asking for the number would wait
        now = time.perf_counter()
        self.working.append(now - self.mark)
        self.mark = now

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        seconds = sum(self.waiting) + sum(self.working)
        if not seconds:
            return
        pl_module.log("train/waiting_for_data", sum(self.waiting) / seconds)
        if self.frames:
            pl_module.log("train/frames_per_second", float(self.frames) / seconds)

    def _begin(self) -> None:
        self.waiting: list[float] = []
        self.working: list[float] = []
        self.frames: Any = 0
        self.mark = time.perf_counter()


def trial_summary(
    throughput: Throughput, module: LightningModule, train_loader: DataLoader, config: TrainingConfig
) -> dict[str, float]:
    """What a trial of `TRIAL_STEPS` steps tells of the whole run; time is that of the steps, without validation."""
    took = [sum(both) for both in zip(throughput.waiting, throughput.working, strict=True)]
    step = statistics.mean(took[1:] or took)  # the first is slower
    steps = len(train_loader) * config.epochs
    found = {
        "parameters": float(sum(p.numel() for p in module.parameters())),
        "peak_memory_mb": peak_memory() / MEGABYTE,
        "batches_an_epoch": float(len(train_loader)),
        "frames_a_batch": float(throughput.frames) / len(took),
        "seconds_a_batch": step,
        "hours": step * steps / 3600,
    }
    say(
        f"dry run, nothing was written: {found['parameters']:,.0f} parameters, {found['peak_memory_mb']:,.0f} MB at "
        f"most, {len(train_loader):,} batches an epoch of about {found['frames_a_batch']:,.0f} frames, "
        f"{step:.2f} s each; {config.epochs:,} epochs take about {found['hours']:.1f} h, validation not counted"
    )
    return {f"dry_run/{name}": value for name, value in found.items()}


def peak_memory() -> float:
    """Most bytes that this process held: of the accelerator where there is one, else of main memory."""
    if torch.accelerator.is_available():
        return float(torch.get_device_module().max_memory_allocated())
    try:
        import resource
    except ImportError:  # there is none on Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else 1024 * peak)
