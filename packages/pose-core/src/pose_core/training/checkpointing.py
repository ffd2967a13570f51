"""Checkpoints of a run, and how it resumes from them after it was killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import Checkpoint

from pose_core.command_line import say
from pose_core.errors import UserError, reason
from pose_core.training.checkpoint_files import BEFORE, LAST
from pose_core.training.ranks import is_main_process
from pose_core.training.stopping import training_started
from pose_core.training.streaming import StreamLoader

if TYPE_CHECKING:
    from types import FrameType

    from lightning.pytorch import LightningModule, Trainer

    from pose_core.training.batch_sampler import DistributedBatchSampler

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints atomically, and keeps the one before the last.

    Whenever the process or the machine stops, one of the two is intact.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Writes a checkpoint.

        Raises:
            UserError: there is no room, or no right to write.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.part")
        try:
            with temporary.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
        except (OSError, RuntimeError) as error:  # torch's writer meets a full disk in its own way
            temporary.unlink(missing_ok=True)
            cause = error if isinstance(error, OSError) else error.__context__ or error
            raise UserError(
                f"{path}: cannot be written ({reason(cause)}); free some space and run the same command again, "
                "which goes on from the checkpoint before"
            ) from error
        if path.name == LAST and path.exists():
            path.replace(path.with_name(BEFORE))
        temporary.replace(path)


class LastCheckpoint(Checkpoint):
    """Saves the state of the run after every epoch, every few minutes, and on a request to stop.

    Ctrl-C and SIGTERM end a run after the current step, its state saved; a second Ctrl-C ends it at once. Within an
    epoch the state is saved only if batches can be resumed from there (`DistributedBatchSampler`). As a
    `Checkpoint` it is called after all other callbacks, the averages of weights among them.

    Args:
        folder: of the checkpoints.
        minutes: between checkpoints within an epoch.
        resumable: whether batches can be resumed within an epoch.
    """

    def __init__(self, folder: Path, minutes: float, *, resumable: bool) -> None:
        self.path = folder / LAST
        self.seconds = 60 * minutes
        self.resumable = resumable
        self.saved = time.monotonic()
        self.stop_requested = False
        self.handlers = {number: signal.getsignal(number) for number in SIGNALS}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.saved = time.monotonic()
        training_started()
        if _in_main_thread():  # Python knows no signals elsewhere
            for number in SIGNALS:
                signal.signal(number, self._stop)

    def release(self) -> None:
        """Gives the signals back to whom they were before."""
        if _in_main_thread():
            for number, handler in self.handlers.items():
                signal.signal(number, handler)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        stepped = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        if trainer.is_last_batch or not stepped:
            return  # the epoch's end is near, and saves; between steps there are gradients that no checkpoint holds
        due = self.resumable and time.monotonic() - self.saved >= self.seconds
        if not _any_rank(trainer, due or self.stop_requested):
            return
        if self.resumable:
            self._save(trainer)
        self._stop_if_requested(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._save(trainer)
        self._stop_if_requested(trainer)

    def _save(self, trainer: Trainer) -> None:
        trainer.save_checkpoint(self.path)
        self.saved = time.monotonic()

    def _stop_if_requested(self, trainer: Trainer) -> None:
        if _any_rank(trainer, self.stop_requested):
            raise KeyboardInterrupt

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.stop_requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.stop_requested = True
        if is_main_process():
            say("stopping after this step; the same command goes on from there. Ctrl-C again stops at once")


class ResumeState(Callback):
    """Keeps in the checkpoint the state of the random generators and the position in the epoch's batches.

    A resumed run therefore sees the same batches and random numbers as an uninterrupted one. Every rank has a seed of
    its own: otherwise all of them would draw the same noise. Worker processes that load data start new generators.

    Args:
        batches: training batches; None if they have no position, and start every epoch anew.
    """

    def __init__(self, batches: DistributedBatchSampler | StreamLoader | None = None) -> None:
        self.batches = batches
        self.rank = 0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self.rank = trainer.global_rank
        self.trainer = trainer
        if self.rank:
            torch.manual_seed(torch.initial_seed() + self.rank)

    def state_dict(self) -> dict[str, Any]:
        own: dict[str, Any] = {"cpu": torch.get_rng_state()}
        if torch.accelerator.is_available():
            own["accelerator"] = torch.get_device_module().get_rng_state()
        consumed = self.trainer.fit_loop.epoch_loop.batch_progress.current.ready
        if self.batches is not None and 0 < consumed < len(self.batches):
            own["batches"] = self.batches.position(consumed)
        ranks = [own]
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            ranks *= torch.distributed.get_world_size()
            torch.distributed.all_gather_object(ranks, own)
        return {"ranks": ranks}

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if isinstance(self.batches, StreamLoader):
            self.batches.set_epoch(trainer.current_epoch)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        ranks = state_dict["ranks"]
        if self.rank >= len(ranks):
            return
        own = ranks[self.rank]
        torch.set_rng_state(own["cpu"].cpu())
        if "accelerator" in own and torch.accelerator.is_available():
            torch.get_device_module().set_rng_state(own["accelerator"].cpu())
        if self.batches is not None and own.get("batches"):
            self.batches.resume_from(own["batches"], own["cpu"].cpu())


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _any_rank(trainer: Trainer, here: bool) -> bool:
    return here if trainer.world_size == 1 else trainer.strategy.reduce_boolean_decision(here, all=False)
