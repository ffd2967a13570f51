"""Throughput of a run, the time it waits for data, and what a dry run tells of it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Callback
from lightning.pytorch.profilers import Profiler, SimpleProfiler

from pose_core.command_line import say

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer
    from torch.utils.data import DataLoader

    from pose_core.training.config import TrainingConfig

TRIAL_STEPS = 3
MEGABYTE = 1 << 20
NEXT_BATCH = "[_TrainingEpochLoop].train_dataloader_next"  # as Lightning calls it


class DataWaitProfiler(Profiler):
    """Records how long each batch was waited for; a `SimpleProfiler` records this among other actions.

    Attributes:
        recorded_durations: action -> seconds, each time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.recorded_durations: dict[str, list[float]] = {NEXT_BATCH: []}
        self._begun = 0.0

    def start(self, action_name: str) -> None:
        if action_name == NEXT_BATCH:
            self._begun = time.perf_counter()

    def stop(self, action_name: str) -> None:
        if action_name == NEXT_BATCH:
            self.recorded_durations[NEXT_BATCH].append(time.perf_counter() - self._begun)


class Throughput(Callback):
    """Logs of every epoch the frames per second and the share of the steps' time that was spent waiting for data.

    Frames are those of batches that know their `num_frames`, padding left out, of all processes; the share is the mean
    over them.

    The trainer's profiler is a `DataWaitProfiler` or a `SimpleProfiler`.

    Attributes:
        ends: seconds of the epoch at which each step ended.
        frames: of the epoch.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        profiler = trainer.profiler  # ty: ignore[missing-attribute]
        assert isinstance(profiler, DataWaitProfiler | SimpleProfiler)
        self.waits = profiler.recorded_durations
        self._begin()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._begin()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.frames = self.frames + getattr(batch, "num_frames", 0)  # on its device: asking for the number would wait
        self.ends.append(time.perf_counter() - self._begun)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self.ends:
            return
        waited = sum(self.waits[NEXT_BATCH][self._waits_before :])
        pl_module.log("train/waiting_for_data", min(1.0, waited / self.ends[-1]), sync_dist=True)
        if self.frames:
            rate = float(self.frames) / self.ends[-1]
            pl_module.log("train/frames_per_second", rate, sync_dist=True, reduce_fx="sum")

    def _begin(self) -> None:
        self.ends: list[float] = []
        self.frames: Any = 0
        self._waits_before = len(self.waits[NEXT_BATCH])
        self._begun = time.perf_counter()


def trial_summary(
    throughput: Throughput, module: LightningModule, train_loader: DataLoader, config: TrainingConfig
) -> dict[str, float]:
    """Estimates the cost of a whole run from `TRIAL_STEPS` steps, without validation."""
    ends = throughput.ends
    step = (ends[-1] - ends[0]) / (len(ends) - 1) if len(ends) > 1 else ends[0]  # the first is slower
    steps = len(train_loader) * config.epochs
    found = {
        "parameters": float(sum(p.numel() for p in module.parameters())),
        "peak_memory_mb": peak_memory() / MEGABYTE,
        "batches_an_epoch": float(len(train_loader)),
        "frames_a_batch": float(throughput.frames) / len(ends),
        "seconds_a_batch": step,
        "hours": step * steps / 3600,
    }
    say(
        f"dry run, nothing was written: {found['parameters']:,.0f} parameters, {found['peak_memory_mb']:,.0f} MB at "
        f"most, {len(train_loader):,} batches per epoch of about {found['frames_a_batch']:,.0f} frames, "
        f"{step:.2f} s each; {config.epochs:,} epochs take about {found['hours']:.1f} h, validation not counted"
    )
    return {f"dry_run/{name}": value for name, value in found.items()}


def peak_memory() -> float:
    """Peak memory of this process in bytes: of the accelerator if there is one, else of main memory."""
    if torch.accelerator.is_available():
        return float(torch.get_device_module().max_memory_allocated())
    try:
        import resource
    except ImportError:  # there is none on Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else 1024 * peak)
