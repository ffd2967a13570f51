"""The one way every package trains: a config, a Lightning module, loaders, an output folder.

What it exports is imported when it is first used: settings and folders are checked without waiting for Lightning.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pose_core.training.config import TrainingConfig, load_preset, load_yaml
    from pose_core.training.data import RunData, are_shards, open_shards, read_data, validated
    from pose_core.training.distributed import DistributedBatchSampler
    from pose_core.training.loaders import batch_loader, overfit_subset, stream_loader
    from pose_core.training.optimizer import configure_optimizer
    from pose_core.training.ranks import is_main_process
    from pose_core.training.runs import RunFolder, check_run_folder, model_card, run_folder, sweep_run_folder
    from pose_core.training.streaming import StreamLoader
    from pose_core.training.trainer import fit

__all__ = [
    "DistributedBatchSampler",
    "RunData",
    "RunFolder",
    "StreamLoader",
    "TrainingConfig",
    "are_shards",
    "batch_loader",
    "check_run_folder",
    "configure_optimizer",
    "fit",
    "is_main_process",
    "load_preset",
    "load_yaml",
    "model_card",
    "open_shards",
    "overfit_subset",
    "read_data",
    "run_folder",
    "stream_loader",
    "sweep_run_folder",
    "validated",
]

_HOMES = {
    "DistributedBatchSampler": "distributed",
    "RunData": "data",
    "RunFolder": "runs",
    "StreamLoader": "streaming",
    "TrainingConfig": "config",
    "are_shards": "data",
    "batch_loader": "loaders",
    "check_run_folder": "runs",
    "overfit_subset": "loaders",
    "fit": "trainer",
    "is_main_process": "ranks",
    "load_preset": "config",
    "load_yaml": "config",
    "model_card": "runs",
    "open_shards": "data",
    "stream_loader": "loaders",
    "sweep_run_folder": "runs",
    "read_data": "data",
    "run_folder": "runs",
    "validated": "data",
    "configure_optimizer": "optimizer",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
