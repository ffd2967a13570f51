"""Config to Lightning `Trainer`: loggers, checkpoints, averaged weights, early stopping, resuming, several ranks."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_core.errors import UserError, reason
from pose_core.files import check_output_folder

try:
    from lightning.pytorch import Callback, Trainer, seed_everything
    from lightning.pytorch.callbacks import EarlyStopping, EMAWeightAveraging, ModelCheckpoint, RichProgressBar
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger, WandbLogger
    from lightning.pytorch.utilities.exceptions import MisconfigurationException
except ImportError as error:
    raise UserError(f"training needs {error.name}: pip install 'pose-core[train]'") from error

from pose_core.training.distributed import RankBatches, devices_and_nodes, is_main_process
from pose_core.training.samples import MakesSamples, Samples

if TYPE_CHECKING:
    from collections.abc import Generator

    from lightning.pytorch import LightningModule
    from torch.utils.data import DataLoader

    from pose_core.training.config import Precision, TrainingConfig

CHECKPOINTS = "checkpoints"
LAST = "last.ckpt"


def check_run_folder(output: str | Path, *, resume: bool, overwrite: bool) -> Path | None:
    """Refuses an output folder that a run would damage, before any work is done for it.

    Of a run of several processes, rank 0 alone looks: it is the one that writes, and may have begun to.

    Returns:
        The checkpoint to resume from, or None for a run from the start.

    Raises:
        UserError: the folder holds something and neither `resume` nor `overwrite` is set, it is a file, or it holds no
            run to resume.
    """
    output = Path(output)
    last = output / CHECKPOINTS / LAST
    if not is_main_process():
        return last if resume else None
    if output.is_dir() and any(output.iterdir()) and not (resume or overwrite):
        raise UserError(f"{output}: is not empty; --resume goes on with its run, --overwrite starts it again")
    if resume and not last.is_file():
        raise UserError(f"{output}: has no run to resume ({last} is missing); leave out --resume")
    if output.exists() and not output.is_dir():
        raise UserError(f"{output}: is a file; name a folder")
    return last if resume else None


class RandomState(Callback):
    """Keeps torch's random state in the checkpoint, so that a resumed run draws what the undisturbed one would.

    Every rank has its own, from another seed: else all of them would draw the same noise.
    """

    rank = 0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        import torch

        self.rank = trainer.global_rank
        if self.rank:
            torch.manual_seed(torch.initial_seed() + self.rank)

    def state_dict(self) -> dict[str, Any]:
        import torch

        own = {"cpu": torch.get_rng_state()}
        if torch.accelerator.is_available():
            own["accelerator"] = torch.get_device_module().get_rng_state()
        ranks = [own]
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            ranks *= torch.distributed.get_world_size()
            torch.distributed.all_gather_object(ranks, own)
        return {"ranks": ranks}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        import torch

        ranks = state_dict.get("ranks", [state_dict])  # pose-core 0.2 kept the one of rank 0
        if self.rank >= len(ranks):
            return
        own = ranks[self.rank]
        torch.set_rng_state(own["cpu"].cpu())
        if "accelerator" in own and torch.accelerator.is_available():
            torch.get_device_module().set_rng_state(own["accelerator"].cpu())


def fit(
    module: LightningModule,
    train_loader: DataLoader,
    validation_loader: DataLoader | None,
    config: TrainingConfig,
    output: str | Path,
    *,
    monitor: str,
    resume_from: Path | None = None,
) -> Trainer:
    """Trains, and leaves the module with the weights to keep.

    Every process of a run of several (torchrun's, or `config.devices`) calls this with the same arguments. What the
    caller writes afterwards is for the one that `is_main_process`.

    Args:
        module: logs `monitor`, lower is better, in validation; with `config.samples` it `MakesSamples`.
        train_loader: from `batch_loader`, or a `DataLoader` without a batch sampler: Lightning splits those over ranks.
        validation_loader: None where the data has no validation split; then the last weights are kept.
        output: folder for `checkpoints/`, `logs/metrics.csv` and TensorBoard's files.
        monitor: name of the validation metric that decides which weights are best.
        resume_from: a checkpoint of the same run; optimizer, schedule, averages, random numbers and epoch go on
            from there.

    Returns:
        The trainer, its metrics in `callback_metrics`. The module holds the best weights by `monitor` or the last ones,
        as `config.keep` says, averaged if `ema_decay` is set.

    Raises:
        UserError: settings that Lightning refuses, or samples of a module that makes none.
        KeyboardInterrupt: Ctrl-C, after the loggers were closed; the run can be resumed from its last whole epoch.
    """
    output = Path(output)
    check_output_folder(output)
    if config.samples and not isinstance(module, MakesSamples):
        raise UserError("training.samples: this model makes none while it is trained; leave the setting out")
    if resume_from is not None and is_main_process():
        _keep_metrics(output)
    _quieten()
    seed_everything(config.seed, workers=True, verbose=False)
    # Two, because Lightning's `save_last` follows the best one and stands still while that does.
    last = ModelCheckpoint(
        output / CHECKPOINTS, Path(LAST).stem, save_on_train_epoch_end=True, enable_version_counter=False
    )
    callbacks: list[Callback] = [last, RichProgressBar(console_kwargs={"stderr": True}), RandomState()]
    best = None
    if validation_loader is not None:
        best = ModelCheckpoint(output / CHECKPOINTS, "best", monitor=monitor, enable_version_counter=False)
        callbacks.append(best)
    if config.samples:
        callbacks.append(Samples(config.samples, config.seed))  # before the averages: their weights are in place then
    if config.ema_decay:
        # Buffers are constants here; averaging would round the whole numbers among them.
        callbacks.append(EMAWeightAveraging(decay=config.ema_decay, use_buffers=False))
    if config.patience is not None and best is not None:
        callbacks.append(EarlyStopping(monitor=monitor, patience=config.patience))
    devices, num_nodes = devices_and_nodes(config)
    try:
        trainer = Trainer(
            max_epochs=config.epochs,
            accelerator=config.device,
            devices=devices,
            num_nodes=num_nodes,
            strategy=config.strategy,
            use_distributed_sampler=not isinstance(train_loader.batch_sampler, RankBatches),
            precision=config.precision or _default_precision(config.device),
            accumulate_grad_batches=config.accumulate,
            gradient_clip_val=config.gradient_clip,
            check_val_every_n_epoch=min(config.validate_every, config.epochs),
            num_sanity_val_steps=0,
            log_every_n_steps=10,
            enable_model_summary=False,
            callbacks=callbacks,
            logger=_loggers(config, output),
            default_root_dir=output,
        )
    except (MisconfigurationException, ValueError) as error:
        raise UserError(f"training.device, devices, num_nodes or strategy: {reason(error)}") from error
    try:
        with _compiled_step(module) if config.compile else nullcontext():
            trainer.fit(module, train_loader, validation_loader, ckpt_path=resume_from)
    except SystemExit:
        raise KeyboardInterrupt from None  # Lightning's answer to Ctrl-C; whoever called us has one of their own
    if config.keep == "best" and best is not None and best.best_model_path:
        load_weights(module, best.best_model_path)
    return trainer


def load_weights(module: LightningModule, checkpoint: str | Path) -> None:
    """Puts a checkpoint's weights (the averaged ones, where there are any) into the module."""
    import torch

    module.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"])


def _default_precision(device: str) -> Precision:
    import torch

    return "bf16-mixed" if device != "cpu" and torch.accelerator.is_available() else "32-true"


def _loggers(config: TrainingConfig, output: Path) -> list:
    loggers = [CSVLogger(output, name="logs", version="")]
    if config.tensorboard:
        loggers.append(TensorBoardLogger(output, name="tensorboard", version=""))
    if config.wandb_project:
        try:
            loggers.append(WandbLogger(project=config.wandb_project, save_dir=output))
        except ModuleNotFoundError as error:
            raise UserError("logging to Weights & Biases needs wandb: pip install 'pose-core[wandb]'") from error
    return loggers


@contextmanager
def _compiled_step(module: LightningModule) -> Generator[None]:
    """The module with its training step compiled; its weights keep their names, and validation runs as written.

    `Trainer.fit(torch.compile(module))` compiles the validation step too, and metrics that leave torch break it.
    """
    import torch

    module.training_step = torch.compile(module.training_step)
    try:
        yield
    finally:
        del module.training_step


def _keep_metrics(output: Path) -> None:
    """Moves the metrics of the run so far aside: the CSV logger starts its file anew."""
    metrics = output / "logs" / "metrics.csv"
    if metrics.exists():
        parts = len(list(metrics.parent.glob("metrics-part*.csv")))
        metrics.rename(metrics.with_name(f"metrics-part{parts + 1}.csv"))


def _quieten() -> None:
    """Lightning's hints on this machine's cores are not the user's business; its errors still are."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*exists and is not empty.*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")
    warnings.filterwarnings("ignore", message=".*number of training batches.*smaller than the logging interval.*")
