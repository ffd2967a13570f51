"""Data sets: clips from manifests, folders and shards, and batches of them.

Names are imported on first use: a manifest is checked without torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pose_core.batch import PoseBatch, collate
    from pose_core.data.bucketing import FrameBudgetSampler, LengthBucketSampler
    from pose_core.data.clip import Clip
    from pose_core.data.clips import check_data, read_clips, read_tree
    from pose_core.data.dataset import PoseDataset
    from pose_core.data.loading import read_clip, read_prepared, read_usable
    from pose_core.data.manifest import read_manifest
    from pose_core.data.packing import Shard, pack
    from pose_core.data.shards import ShardDataset, ShardSample
    from pose_core.data.splits import select_split, split_name

__all__ = [
    "Clip",
    "FrameBudgetSampler",
    "LengthBucketSampler",
    "PoseBatch",
    "PoseDataset",
    "Shard",
    "ShardDataset",
    "ShardSample",
    "check_data",
    "collate",
    "pack",
    "read_clip",
    "read_clips",
    "read_manifest",
    "read_prepared",
    "read_tree",
    "read_usable",
    "select_split",
    "split_name",
]

_HOMES = {
    "bucketing": ("FrameBudgetSampler", "LengthBucketSampler"),
    "dataset": ("PoseDataset",),
    "manifest": ("Clip", "read_manifest"),
    "packing": ("Shard", "pack"),
    "loading": ("read_clip", "read_prepared", "read_usable"),
    "shards": ("ShardDataset", "ShardSample"),
    "splits": ("select_split", "split_name"),
    "clips": ("check_data", "read_clips", "read_tree"),
}


def __getattr__(name: str) -> Any:
    if name in ("PoseBatch", "collate"):
        return getattr(import_module("pose_core.batch"), name)
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
