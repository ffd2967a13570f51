"""`fit`: a Lightning module trained as a run's configuration says."""

from __future__ import annotations

import errno
import logging
import warnings
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeVar

from pose_core.atomic_files import check_output_folder, removed_if_empty
from pose_core.command_line import say
from pose_core.errors import UserError, reason
from pose_core.progress import is_quiet

try:
    import torch
    from lightning.pytorch import Callback, Trainer, seed_everything
    from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, RichProgressBar
    from lightning.pytorch.profilers import SimpleProfiler
    from lightning.pytorch.utilities.exceptions import MisconfigurationException
except ImportError as error:
    raise UserError(f"training needs {error.name}: pip install 'pose-core[train]'") from error

from pose_core.training.batch_sampler import DistributedBatchSampler
from pose_core.training.checkpoint_files import CHECKPOINTS, LAST
from pose_core.training.checkpointing import AtomicCheckpointIO, LastCheckpoint, ResumeState
from pose_core.training.distributed import devices_and_nodes
from pose_core.training.fsdp import EMA, ShardedStrategy
from pose_core.training.hardware import choose_precision, describe_precision
from pose_core.training.loggers import LOG_STEPS, ContinuedLogs, build_loggers, git_revision
from pose_core.training.ranks import is_main_process
from pose_core.training.samples import SampleLogger, SupportsSamples
from pose_core.training.streaming import StreamLoader
from pose_core.training.throughput import TRIAL_STEPS, DataWaitProfiler, Throughput, trial_summary

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from lightning.pytorch import LightningModule
    from lightning.pytorch.strategies import Strategy
    from torch.utils.data import DataLoader

    from pose_core.training.config import TrainingConfig
    from pose_core.training.runs import RunFolder

Kind = TypeVar("Kind", bound=Callback)
DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


def fit(
    module: LightningModule,
    train_loader: DataLoader,
    validation_loader: DataLoader | None,
    config: TrainingConfig,
    run: RunFolder,
    *,
    monitor: str,
) -> dict[str, float]:
    """Trains, and leaves the module with the weights to keep.

    Every process of a run of several (torchrun's, or `config.devices`) calls this with the same arguments. What the
    caller writes afterwards is for the one that `is_main_process`.

    Args:
        module: logs `monitor`, lower is better, in validation; with `config.samples` it `SupportsSamples`.
        train_loader: from `batch_loader`, or a `DataLoader` without a batch sampler: Lightning splits those over ranks.
        validation_loader: None where the data has no validation split; then the last weights are kept.
        run: folder for `checkpoints/`, `logs/metrics.csv` and TensorBoard's files. Where it has a run to go on with,
            optimizer, schedule, averages, random numbers and batches go on from there; else its checkpoints go.
        monitor: name of the validation metric that decides which weights are best.

    Returns:
        The last metrics by name; of a dry run, its estimates. The module holds the best weights by `monitor` or the
        last ones, as `config.keep` says, averaged if `ema_decay` is set.

    Raises:
        UserError: settings that Lightning refuses, samples of a module that makes none, or a disk that is full.
        KeyboardInterrupt: Ctrl-C or SIGTERM, after a checkpoint was written and the loggers were closed.
    """
    if config.samples and not isinstance(module, SupportsSamples):
        raise UserError("samples: this model makes none while it is trained; leave the setting out")
    quiet_lightning()
    seed_everything(config.seed, workers=True, verbose=False)
    batches = resumable_batches(train_loader)
    callbacks = build_callbacks(config, run, batches, monitor=monitor if validation_loader is not None else None)
    trainer = build_trainer(config, run, callbacks, splits_batches=batches is None)
    if config.dry_run:
        return dry_run(trainer, module, train_loader, validation_loader, config)
    run.claim()
    for logger in trainer.loggers:
        logger.log_hyperparams({**run.settings, "git": git_revision()})
    train(trainer, module, train_loader, validation_loader, config, run)
    keep_weights(trainer, module, config, run)
    return {name: value.item() for name, value in trainer.callback_metrics.items()}


def resumable_batches(loader: DataLoader) -> StreamLoader | DistributedBatchSampler | None:
    """The loader or batch sampler that can report and restore its position; None if neither can."""
    for batches in (loader, loader.batch_sampler):
        if isinstance(batches, StreamLoader | DistributedBatchSampler):
            return batches
    return None


def build_callbacks(
    config: TrainingConfig,
    run: RunFolder,
    batches: StreamLoader | DistributedBatchSampler | None,
    *,
    monitor: str | None,
) -> list[Callback]:
    """Progress, random state, throughput, checkpoints, logs, samples, averaged weights and early stopping.

    Args:
        batches: see `resumable_batches`.
        monitor: None where there is no validation.
    """
    bar = [] if is_quiet() else [RichProgressBar(console_kwargs={"stderr": True})]
    callbacks: list[Callback] = [*bar, ResumeState(batches), Throughput()]
    folder = run.path / CHECKPOINTS
    if not config.dry_run:
        callbacks.append(LastCheckpoint(folder, config.checkpoint_minutes, resumable=batches is not None))
        callbacks.append(ContinuedLogs(run.path, goes_on=run.resume_from is not None))
    if monitor is not None:
        callbacks.append(ModelCheckpoint(folder, "best", monitor=monitor, enable_version_counter=False))
    if config.samples:  # before the averages, whose weights are in place then
        callbacks.append(SampleLogger(config.samples, config.seed))
    if config.ema_decay:  # buffers are constants here; averaging would round the whole numbers among them
        callbacks.append(EMA(decay=config.ema_decay, use_buffers=False))
    if config.patience is not None and monitor is not None:
        callbacks.append(EarlyStopping(monitor=monitor, patience=config.patience))
    return callbacks


def build_trainer(
    config: TrainingConfig, run: RunFolder, callbacks: list[Callback], *, splits_batches: bool
) -> Trainer:
    """Lightning's trainer.

    Args:
        splits_batches: whether Lightning shares batches out over processes, as `batch_loader` does by itself.

    Raises:
        UserError: settings that Lightning refuses, or an output folder that cannot be written.
    """
    devices, num_nodes = devices_and_nodes(config)
    precision, why = choose_precision(config.precision, config.device)
    if is_main_process():
        say(describe_precision(precision, why, config.device))
    profile = config.profile and not config.dry_run
    try:
        with removed_if_empty(run.path):
            if not config.dry_run:
                check_output_folder(run.path)
            return Trainer(
                max_epochs=config.epochs,
                accelerator=config.device,
                devices=devices,
                num_nodes=num_nodes,
                strategy=build_strategy(config),
                use_distributed_sampler=splits_batches,
                precision=precision,
                accumulate_grad_batches=config.accumulate,
                gradient_clip_val=config.gradient_clip,
                check_val_every_n_epoch=min(config.validate_every, config.epochs),
                num_sanity_val_steps=0,
                log_every_n_steps=LOG_STEPS,
                enable_model_summary=False,
                enable_progress_bar=not is_quiet(),  # Lightning would else add one
                callbacks=callbacks,
                logger=False if config.dry_run else build_loggers(config, run),
                fast_dev_run=TRIAL_STEPS if config.dry_run else False,
                profiler=SimpleProfiler(run.path, "profile") if profile else DataWaitProfiler(),
                default_root_dir=run.path,
                plugins=[AtomicCheckpointIO()],
            )
    except (MisconfigurationException, ValueError) as error:
        raise UserError(f"device, devices, num_nodes or strategy: {reason(error)}") from error


def build_strategy(config: TrainingConfig) -> str | Strategy:
    """Lightning's strategy of that name, or our own FSDP."""
    if config.strategy != "fsdp":
        return config.strategy
    if config.device == "cpu" or not torch.accelerator.is_available():
        raise UserError("strategy: fsdp is for GPUs; take ddp")  # see `ShardedStrategy`
    return ShardedStrategy()


def dry_run(
    trainer: Trainer,
    module: LightningModule,
    train_loader: DataLoader,
    validation_loader: DataLoader | None,
    config: TrainingConfig,
) -> dict[str, float]:
    """A few steps of training and validation, and what they tell of the whole run."""
    try:
        with compiled_step(module) if config.compile else nullcontext():
            trainer.fit(module, train_loader, validation_loader)
    except SystemExit:
        raise KeyboardInterrupt from None
    (throughput,) = callbacks_of(trainer, Throughput)
    return trial_summary(throughput, module, train_loader, config)


def train(
    trainer: Trainer,
    module: LightningModule,
    train_loader: DataLoader,
    validation_loader: DataLoader | None,
    config: TrainingConfig,
    run: RunFolder,
) -> None:
    """Trains to the end, from the run's checkpoint if it has one.

    Raises:
        UserError: the disk is full.
        KeyboardInterrupt: Ctrl-C or SIGTERM.
    """
    try:
        with compiled_step(module) if config.compile else nullcontext():
            trainer.fit(module, train_loader, validation_loader, ckpt_path=run.resume_from)
    except SystemExit:
        raise KeyboardInterrupt from None  # Lightning's answer to Ctrl-C; whoever called us has one of their own
    except OSError as error:
        if error.errno not in DISK_FULL_ERRNOS:
            raise
        raise UserError(
            f"{run.path}: cannot be written ({reason(error)}); free some space and run the same command again, "
            "which goes on from the last checkpoint"
        ) from error
    finally:
        for callback in callbacks_of(trainer, LastCheckpoint):
            callback.release()


def callbacks_of(trainer: Trainer, kind: type[Kind]) -> list[Kind]:
    """The trainer's callbacks of a kind."""
    return [each for each in trainer.callbacks if isinstance(each, kind)]  # ty: ignore[missing-attribute]


def keep_weights(trainer: Trainer, module: LightningModule, config: TrainingConfig, run: RunFolder) -> None:
    """Leaves the module with the best or the last weights, averaged ones where there are any."""
    if isinstance(trainer.strategy, ShardedStrategy):
        trainer.strategy.unwrap()
    best = [each.best_model_path for each in callbacks_of(trainer, ModelCheckpoint) if each.best_model_path]
    if config.keep == "best" and best:
        load_weights(module, best[0])
    elif run.resume_from is not None:  # of a run that had ended but for its model, Lightning leaves averages out
        load_weights(module, run.path / CHECKPOINTS / LAST)


def load_weights(module: LightningModule, checkpoint: str | Path) -> None:
    """Puts a checkpoint's weights (the averaged ones, where there are any) into the module."""
    module.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"])


@contextmanager
def compiled_step(module: LightningModule) -> Generator[None]:
    """The module with its training step compiled; its weights keep their names, and validation runs as written.

    `Trainer.fit(torch.compile(module))` compiles the validation step too, and metrics that leave torch break it.
    """
    module.training_step = torch.compile(module.training_step)
    try:
        yield
    finally:
        del module.training_step


def quiet_lightning() -> None:
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
