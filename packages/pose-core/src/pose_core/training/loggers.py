"""Loggers: CSV, TensorBoard, Weights & Biases. On resume they append, dropping entries after the checkpoint."""

from __future__ import annotations

import csv
import math
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch import Callback
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger, WandbLogger
from lightning.pytorch.loggers.csv_logs import ExperimentWriter

from pose_core.atomic_files import atomic_write
from pose_core.command_line import say
from pose_core.errors import UserError, reason
from pose_core.training.runs import LOGS, TENSORBOARD

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.loggers import Logger

    from pose_core.training.config import TrainingConfig
    from pose_core.training.runs import RunFolder

WANDB_TIMEOUT = 10  # seconds
EVENT_FILES = "events.out.tfevents.*"
LOG_STEPS = 10  # between two entries of what is logged per step, at most


def build_loggers(config: TrainingConfig, run: RunFolder) -> list[Logger]:
    """The loggers that a configuration names; CSV always.

    Raises:
        UserError: as `wandb_logger`.
    """
    loggers: list[Logger] = [ContinuedCSVLogger(run.path, name=LOGS, version="")]
    if config.tensorboard:
        loggers.append(TensorBoardLogger(run.path, name=TENSORBOARD, version="", default_hp_metric=False))
    if config.wandb_project:
        loggers.append(wandb_logger(config.wandb_project, run))
    return loggers


def wandb_logger(project: str, run: RunFolder) -> WandbLogger:
    """The run of this folder on Weights & Biases, or beside it on disk where the server cannot be reached.

    Raises:
        UserError: wandb is not installed, or refuses.
    """
    options: dict[str, Any] = {"project": project, "save_dir": run.path, "id": run.id, "resume": "allow"}
    try:
        import wandb

        if unreachable := why_unreachable(wandb.setup().settings):
            say(f"{unreachable}; logging to {run.path / 'wandb'} instead, `wandb sync` sends it later")
            return WandbLogger(**options, offline=True, mode="offline")  # wandb has read its environment by now
        logger = WandbLogger(**options)
        _ = logger.experiment  # talks to the server, on rank 0
    except ModuleNotFoundError as error:
        raise UserError("logging to Weights & Biases needs wandb: pip install 'pose-core[wandb]'") from error
    except wandb.Error as error:
        raise UserError(f"Weights & Biases: {reason(error)}; `wandb login`, or WANDB_MODE=offline") from error
    return logger


def why_unreachable(settings: Any) -> str | None:
    """Reason why the server of wandb's settings cannot be reached; None if it can be, or none is wanted."""
    if settings.mode in ("offline", "disabled", "dryrun"):
        return None
    try:
        with urllib.request.urlopen(settings.base_url, timeout=WANDB_TIMEOUT):
            return None
    except urllib.error.HTTPError:
        return None  # it answers
    except OSError as error:
        return f"{settings.base_url} cannot be reached ({reason(error)})"


def git_revision() -> str | None:
    """Commit of the folder that the command was given in; None where there is none, or no git."""
    try:
        asked = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return asked.stdout.strip() or None


class ContinuedWriter(ExperimentWriter):
    """Lightning's writer of `metrics.csv`, which appends to an existing file."""

    def _check_log_dir_exists(self) -> None:
        path = Path(self.metrics_file_path)
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                self.metrics_keys = list(csv.DictReader(file).fieldnames or [])

    def drop_from(self, step: int) -> None:
        """Removes the rows of a step and later ones, and a truncated row."""
        path = Path(self.metrics_file_path)
        if not path.is_file():
            return
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if _is_before(row, step)]
        with (
            atomic_write(path, overwrite=True) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, self.metrics_keys)
            writer.writeheader()
            writer.writerows(rows)


class ContinuedCSVLogger(CSVLogger):
    """Lightning's, with a `ContinuedWriter`."""

    @property
    @rank_zero_experiment
    def experiment(self) -> ContinuedWriter:
        if self._experiment is None:
            Path(self.log_dir).mkdir(parents=True, exist_ok=True)
            self._experiment = ContinuedWriter(log_dir=self.log_dir)
        assert isinstance(self._experiment, ContinuedWriter)
        return self._experiment


class ContinuedLogs(Callback):
    """Joins the logs of a resumed run to those it has, up to the step of its checkpoint.

    Steps are logged every `LOG_STEPS`, and at least once per epoch.

    Args:
        output: folder of the run, whose loggers have not written yet.
        goes_on: whether the run is resumed.
    """

    def __init__(self, output: Path, *, goes_on: bool) -> None:
        self.events = sorted((output / TENSORBOARD).glob(EVENT_FILES)) if goes_on else []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        batches = trainer.num_training_batches
        if math.isfinite(batches):
            steps = math.ceil(batches / trainer.accumulate_grad_batches)
            trainer.log_every_n_steps = max(1, min(LOG_STEPS, steps))  # ty: ignore[missing-attribute]
        if not trainer.is_global_zero:
            return
        for logger in trainer.loggers:
            if isinstance(logger, ContinuedCSVLogger):
                logger.experiment.drop_from(trainer.global_step)
            elif isinstance(logger, TensorBoardLogger):
                self._join_events(logger, trainer.global_step)

    def _join_events(self, logger: TensorBoardLogger, step: int) -> None:
        """Copies older files' events of before a step into the logger's own file, and removes the older files."""
        from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

        writer = logger.experiment._get_file_writer()
        for path in self.events:
            for event in LegacyEventFileLoader(str(path)).Load():  # to the end, or to what was cut short
                # Pictures bear the number of the steps before them, numbers that of the last step.
                numbers = any(value.HasField("simple_value") for value in event.summary.value)
                if event.HasField("summary") and event.step < step + (not numbers):
                    writer.event_writer.add_event(event)
        writer.flush()
        for path in self.events:
            path.unlink(missing_ok=True)
        self.events = []


def _is_before(row: dict[Any, Any], step: int) -> bool:
    """Whether a row is whole and of an earlier step."""
    if None in row or None in row.values():
        return False
    try:
        return int(row["step"]) < step
    except (KeyError, ValueError):
        return False
