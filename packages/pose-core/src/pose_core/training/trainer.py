"""Config to Lightning `Trainer`: loggers, checkpoints, averaged weights, early stopping, resuming, several ranks."""

from __future__ import annotations

import errno
import logging
import shutil
import subprocess
import urllib.error
import urllib.request
import warnings
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from pose_core.atomic_files import check_output_folder, removed_if_empty
from pose_core.command_line import say
from pose_core.errors import UserError, reason

try:
    import torch
    from lightning.pytorch import Callback, Trainer, seed_everything
    from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, RichProgressBar
    from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
    from lightning.pytorch.profilers import SimpleProfiler
    from lightning.pytorch.utilities.exceptions import MisconfigurationException
except ImportError as error:
    raise UserError(f"training needs {error.name}: pip install 'pose-core[train]'") from error

from pose_core.training.checkpointing import AtomicCheckpointIO, LastCheckpoint, RandomState
from pose_core.training.checkpoints import CHECKPOINTS, LAST
from pose_core.training.distributed import DistributedBatchSampler, devices_and_nodes
from pose_core.training.fsdp import EMA, ShardedStrategy
from pose_core.training.hardware import choose_precision, describe_precision
from pose_core.training.logs import LOG_STEPS, LOGS, TENSORBOARD, ContinuedCSVLogger, ContinuedLogs
from pose_core.training.ranks import is_main_process
from pose_core.training.samples import MakesSamples, Samples
from pose_core.training.streaming import StreamLoader
from pose_core.training.throughput import TRIAL_STEPS, DataWaitProfiler, Throughput, trial_summary

PATIENCE = 10  # seconds
FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from lightning.pytorch import LightningModule
    from lightning.pytorch.strategies import Strategy
    from torch.utils.data import DataLoader

    from pose_core.training.config import TrainingConfig
    from pose_core.training.runs import RunFolder


def fit(
    module: LightningModule,
    train_loader: DataLoader,
    validation_loader: DataLoader | None,
    config: TrainingConfig,
    run: RunFolder,
    *,
    monitor: str,
) -> Trainer:
    """Trains, and leaves the module with the weights to keep.

    Every process of a run of several (torchrun's, or `config.devices`) calls this with the same arguments. What the
    caller writes afterwards is for the one that `is_main_process`.

    Args:
        module: logs `monitor`, lower is better, in validation; with `config.samples` it `MakesSamples`.
        train_loader: from `batch_loader`, or a `DataLoader` without a batch sampler: Lightning splits those over ranks.
        validation_loader: None where the data has no validation split; then the last weights are kept.
        run: folder for `checkpoints/`, `logs/metrics.csv` and TensorBoard's files. Where it has a run to go on with,
            optimizer, schedule, averages, random numbers and batches go on from there; else its checkpoints go.
        monitor: name of the validation metric that decides which weights are best.

    Returns:
        The trainer, its metrics in `callback_metrics`; of a dry run, what it tells. The module holds the best weights
        by `monitor` or the last ones, as `config.keep` says, averaged if `ema_decay` is set.

    Raises:
        UserError: settings that Lightning refuses, samples of a module that makes none, or a disk that is full.
        KeyboardInterrupt: Ctrl-C or SIGTERM, after a checkpoint was written and the loggers were closed.
    """
    output = run.path
    if config.samples and not isinstance(module, MakesSamples):
        raise UserError("samples: this model makes none while it is trained; leave the setting out")
    _quieten()
    seed_everything(config.seed, workers=True, verbose=False)
    batches = None
    for each in (train_loader, train_loader.batch_sampler):
        if isinstance(each, StreamLoader | DistributedBatchSampler):
            batches = each
            break
    last = LastCheckpoint(output / CHECKPOINTS, config.checkpoint_minutes, resumable=batches is not None)
    profiler = SimpleProfiler(output, "profile") if config.profile and not config.dry_run else DataWaitProfiler()
    throughput = Throughput(profiler)
    bar = RichProgressBar(console_kwargs={"stderr": True})
    callbacks: list[Callback] = [bar, RandomState(batches), throughput]
    if not config.dry_run:
        callbacks += [last, ContinuedLogs(output, goes_on=run.resume_from is not None)]
    best = None
    if validation_loader is not None:
        best = ModelCheckpoint(output / CHECKPOINTS, "best", monitor=monitor, enable_version_counter=False)
        callbacks.append(best)
    if config.samples:
        callbacks.append(Samples(config.samples, config.seed))  # before the averages: their weights are in place then
    if config.ema_decay:
        # Buffers are constants here; averaging would round the whole numbers among them.
        callbacks.append(EMA(decay=config.ema_decay, use_buffers=False))
    if config.patience is not None and best is not None:
        callbacks.append(EarlyStopping(monitor=monitor, patience=config.patience))
    devices, num_nodes = devices_and_nodes(config)
    precision, why = choose_precision(config.precision, config.device)
    if is_main_process():
        say(describe_precision(precision, why, config.device))
    try:
        with removed_if_empty(output):
            if not config.dry_run:
                check_output_folder(output)
            trainer = Trainer(
                max_epochs=config.epochs,
                accelerator=config.device,
                devices=devices,
                num_nodes=num_nodes,
                strategy=_strategy(config),
                use_distributed_sampler=batches is None,
                precision=precision,
                accumulate_grad_batches=config.accumulate,
                gradient_clip_val=config.gradient_clip,
                check_val_every_n_epoch=min(config.validate_every, config.epochs),
                num_sanity_val_steps=0,
                log_every_n_steps=LOG_STEPS,
                enable_model_summary=False,
                callbacks=callbacks,
                logger=False if config.dry_run else _loggers(config, run),
                fast_dev_run=TRIAL_STEPS if config.dry_run else False,
                profiler=profiler,
                default_root_dir=output,
                plugins=[AtomicCheckpointIO()],
            )
    except (MisconfigurationException, ValueError) as error:
        raise UserError(f"device, devices, num_nodes or strategy: {reason(error)}") from error
    if not config.dry_run:
        if is_main_process() and run.resume_from is None:
            for folder in (CHECKPOINTS, LOGS, TENSORBOARD):
                shutil.rmtree(output / folder, ignore_errors=True)
        run.claim()
        for logger in trainer.loggers:
            logger.log_hyperparams({**run.settings, "git": _git_revision()})
    try:
        with _compiled_step(module) if config.compile else nullcontext():
            resume_from = None if config.dry_run else run.resume_from
            trainer.fit(module, train_loader, validation_loader, ckpt_path=resume_from)
    except SystemExit:
        raise KeyboardInterrupt from None  # Lightning's answer to Ctrl-C; whoever called us has one of their own
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise UserError(
            f"{output}: cannot be written ({reason(error)}); free some space and run the same command again, "
            "which goes on from the last checkpoint"
        ) from error
    finally:
        last.release()
    if config.dry_run:
        found = trial_summary(throughput, module, train_loader, config)
        trainer.callback_metrics.clear()
        trainer.callback_metrics.update({name: torch.tensor(value) for name, value in found.items()})
        return trainer
    if isinstance(trainer.strategy, ShardedStrategy):
        trainer.strategy.unwrap()
    if config.keep == "best" and best is not None and best.best_model_path:
        load_weights(module, best.best_model_path)
    elif run.resume_from is not None:  # of a run that had ended but for its model, Lightning leaves averages out
        load_weights(module, output / CHECKPOINTS / LAST)
    return trainer


def _strategy(config: TrainingConfig) -> str | Strategy:
    if config.strategy != "fsdp":
        return config.strategy
    if config.device == "cpu" or not torch.accelerator.is_available():
        raise UserError("strategy: fsdp is for GPUs; take ddp")  # see `ShardedStrategy`
    return ShardedStrategy()


def load_weights(module: LightningModule, checkpoint: str | Path) -> None:
    """Puts a checkpoint's weights (the averaged ones, where there are any) into the module."""
    module.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"])


def _loggers(config: TrainingConfig, run: RunFolder) -> list[Logger]:
    output = run.path
    loggers: list[Logger] = [ContinuedCSVLogger(output, name=LOGS, version="")]
    if config.tensorboard:
        loggers.append(TensorBoardLogger(output, name=TENSORBOARD, version="", default_hp_metric=False))
    if config.wandb_project:
        loggers.append(_wandb(config.wandb_project, run))
    return loggers


def _git_revision() -> str | None:
    """Of the code that the command was given in; None where there is none, or no git."""
    try:
        asked = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return asked.stdout.strip() or None


def _wandb(project: str, run: RunFolder) -> WandbLogger:
    """The run of this folder there, or beside it on disk where the server cannot be reached.

    Raises:
        UserError: wandb is not installed, or refuses.
    """
    options: dict[str, Any] = {"project": project, "save_dir": run.path, "id": run.id, "resume": "allow"}
    try:
        import wandb

        if missing := _unreachable(wandb.setup().settings):
            say(f"{missing}; logging to {run.path / 'wandb'} instead, `wandb sync` sends it later")
            return WandbLogger(**options, offline=True, mode="offline")  # wandb has read its environment by now
        logger = WandbLogger(**options)
        _ = logger.experiment  # talks to the server, on rank 0
    except ModuleNotFoundError as error:
        raise UserError("logging to Weights & Biases needs wandb: pip install 'pose-core[wandb]'") from error
    except wandb.Error as error:
        raise UserError(f"Weights & Biases: {reason(error)}; `wandb login`, or WANDB_MODE=offline") from error
    return logger


def _unreachable(settings: Any) -> str | None:
    """What is wrong with the way to the server of wandb's settings; None where nothing is, or none is wanted."""
    if settings.mode in ("offline", "disabled", "dryrun"):
        return None
    try:
        with urllib.request.urlopen(settings.base_url, timeout=PATIENCE):
            return None
    except urllib.error.HTTPError:
        return None  # it answers
    except OSError as error:
        return f"{settings.base_url} cannot be reached ({reason(error)})"


@contextmanager
def _compiled_step(module: LightningModule) -> Generator[None]:
    """The module with its training step compiled; its weights keep their names, and validation runs as written.

    `Trainer.fit(torch.compile(module))` compiles the validation step too, and metrics that leave torch break it.
    """
    module.training_step = torch.compile(module.training_step)
    try:
        yield
    finally:
        del module.training_step


def _quieten() -> None:
    """Lightning's hints on this machine's cores are not the user's business; its errors still are."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*exists and is not empty.*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")
    warnings.filterwarnings("ignore", message=".*have no `val_dataloader`.*")
    warnings.filterwarnings("ignore", message=".*IterableDataset.*has `__len__` defined.*")  # `StreamLoader` knows
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")
    warnings.filterwarnings("ignore", message=".*number of training batches.*smaller than the logging interval.*")
