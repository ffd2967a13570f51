"""The one way every package trains: a config, a Lightning module, loaders, an output folder."""

from pose_core.training.config import TrainingConfig, load_preset, load_yaml
from pose_core.training.data import RunData, are_shards, open_shards, read_data, validated
from pose_core.training.distributed import RankBatches, is_main_process
from pose_core.training.fit import fit
from pose_core.training.loaders import batch_loader, chosen_clips
from pose_core.training.optimization import warmup_cosine_adamw
from pose_core.training.run_folder import RunFolder, model_card, own_folder, run_folder
from pose_core.training.streaming import StreamLoader

__all__ = [
    "RankBatches",
    "RunData",
    "RunFolder",
    "StreamLoader",
    "TrainingConfig",
    "are_shards",
    "batch_loader",
    "chosen_clips",
    "fit",
    "is_main_process",
    "load_preset",
    "load_yaml",
    "model_card",
    "open_shards",
    "own_folder",
    "read_data",
    "run_folder",
    "validated",
    "warmup_cosine_adamw",
]
