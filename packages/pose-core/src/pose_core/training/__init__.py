"""The one way every package trains: a config, a Lightning module, loaders, an output folder."""

from pose_core.training.config import TrainingConfig, load_preset, load_yaml
from pose_core.training.distributed import RankBatches, is_main_process
from pose_core.training.fit import check_run_folder, fit
from pose_core.training.optimization import warmup_cosine_adamw
from pose_core.training.runs import batch_loader, model_card

__all__ = [
    "RankBatches",
    "TrainingConfig",
    "batch_loader",
    "check_run_folder",
    "fit",
    "is_main_process",
    "load_preset",
    "load_yaml",
    "model_card",
    "warmup_cosine_adamw",
]
