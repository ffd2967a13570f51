"""Training, the same for every package: a configuration, a Lightning module, loaders of batches, a run folder.

Names are imported on first use: settings and folders are checked without waiting for torch and Lightning.
"""

from typing import TYPE_CHECKING

from pose_core.lazy import attach

if TYPE_CHECKING:
    from pose_core.training.batch_sampler import DistributedBatchSampler
    from pose_core.training.config import TrainingConfig, load_preset, load_yaml
    from pose_core.training.data import RunData, are_shards, drop_rejected_clips, open_shards, read_data
    from pose_core.training.loaders import batch_loader, overfit_subset, stream_loader
    from pose_core.training.optimizer import configure_optimizer
    from pose_core.training.ranks import is_main_process
    from pose_core.training.runs import RunFolder, check_run_folder, model_card, run_folder, sweep_run_folder
    from pose_core.training.streaming import StreamLoader
    from pose_core.training.trainer import fit

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "config": ("TrainingConfig", "load_preset"),
        "data": ("read_data",),
        "loaders": ("batch_loader",),
        "optimizer": ("configure_optimizer",),
        "runs": ("run_folder",),
        "streaming": ("StreamLoader",),
        "trainer": ("fit",),
    },
    also={
        "config": ("load_yaml",),
        "data": ("RunData", "are_shards", "open_shards", "drop_rejected_clips"),
        "batch_sampler": ("DistributedBatchSampler",),
        "loaders": ("overfit_subset", "stream_loader"),
        "ranks": ("is_main_process",),
        "runs": ("RunFolder", "check_run_folder", "model_card", "sweep_run_folder"),
    },
)
