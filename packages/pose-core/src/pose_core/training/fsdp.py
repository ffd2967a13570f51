"""FSDP (fully sharded data parallel): weights, gradients and optimizer state are sharded over processes."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch.callbacks import EMAWeightAveraging
from lightning.pytorch.strategies import FSDPStrategy
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel, MixedPrecision
from torchmetrics import Metric

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from lightning.pytorch import LightningModule, Trainer
    from torch.optim import Optimizer


class ShardedStrategy(FSDPStrategy):
    """Lightning's FSDP strategy with gradient clipping by norm, averaged weights, and unsharded weights afterwards.

    Mixed precision is autocast's, as without sharding: weights and buffers stay as precise as they are. On CPUs it
    trains, too, but torch 2.15 saves one moment of Adam there as both.
    """

    def __init__(self) -> None:
        super().__init__(mixed_precision=MixedPrecision())

    def setup(self, trainer: Trainer) -> None:
        super().setup(trainer)
        precision = self.precision_plugin
        # Lightning asks the plugin, which does not know the wrapped model; that alone knows the whole norm.
        precision.clip_grad_by_norm = self._clip
        # Batches are frozen, and their numbers as precise as the weights.
        precision.convert_input = precision.convert_output = _as_it_is

    def setup_optimizers(self, trainer: Trainer) -> None:
        with self.whole_weights():  # which weights decay is told by their shapes
            super().setup_optimizers(trainer)

    def load_checkpoint(self, checkpoint_path: str | Path, weights_only: bool | None = None) -> dict[str, Any]:
        checkpoint = super().load_checkpoint(checkpoint_path, weights_only)
        whole = torch.load(checkpoint_path, map_location="cpu", weights_only=True)
        return checkpoint | {"state_dict": whole["state_dict"]}  # which is taken out, and the averages ask for

    def _setup_model(self, model: nn.Module) -> nn.Module:
        # Lightning passes the device's index alone, which is a GPU's.
        wrapped = FullyShardedDataParallel(
            model,
            cpu_offload=self.cpu_offload,
            mixed_precision=self.mixed_precision_config,
            sharding_strategy=self.sharding_strategy,
            device_id=self.root_device,
            **self.kwargs,
        )
        for module in wrapped.modules():
            if isinstance(module, Metric):  # whose state FSDP does not know
                module.to(self.root_device)
        return wrapped

    def whole_weights(self) -> AbstractContextManager:
        """Context in which each rank holds the full weights; changes are written back."""
        return FullyShardedDataParallel.summon_full_params(self._wrapped, writeback=True)

    @torch.no_grad()
    def unwrap(self) -> None:
        """Gives the module whole weights again, in every process, on its CPU; the strategy is of no use after it."""
        module = self.lightning_module
        assert module is not None
        with self.whole_weights():
            whole = {name: value.detach().cpu().clone() for name, value in module.named_parameters()}
        for name, value in whole.items():
            owner, _, own = name.rpartition(".")
            setattr(module.get_submodule(owner), own, nn.Parameter(value))
        module.cpu()  # its buffers too, where Lightning's other strategies leave them

    @property
    def _wrapped(self) -> FullyShardedDataParallel:
        assert isinstance(self.model, FullyShardedDataParallel)
        return self.model

    def _clip(self, optimizer: Optimizer, clip_val: float) -> None:
        self._wrapped.clip_grad_norm_(clip_val)


class EMA(EMAWeightAveraging):
    """Exponential moving average of the weights, unsharded where FSDP shards them."""

    def on_train_batch_end(self, trainer: Trainer, *arguments: Any, **options: Any) -> None:
        with _whole_weights(trainer):
            super().on_train_batch_end(trainer, *arguments, **options)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        with _whole_weights(trainer):
            super().on_train_end(trainer, pl_module)

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        with _whole_weights(trainer):
            super().on_validation_epoch_start(trainer, pl_module)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        with _whole_weights(trainer):
            super().on_validation_epoch_end(trainer, pl_module)

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        with _whole_weights(trainer):
            super().on_load_checkpoint(trainer, pl_module, checkpoint)


def _as_it_is(data: Any) -> Any:
    return data


def _whole_weights(trainer: Trainer) -> AbstractContextManager:
    strategy = trainer.strategy
    return strategy.whole_weights() if isinstance(strategy, ShardedStrategy) else nullcontext()
