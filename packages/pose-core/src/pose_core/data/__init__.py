"""Data sets: clips from manifests, folders and shards, and batches of them.

Names are imported on first use: a manifest is checked without torch.
"""

from typing import TYPE_CHECKING

from pose_core.lazy import attach

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

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        ".batch": ("PoseBatch", "collate"),
        "clip": ("Clip",),
        "clips": ("read_clips",),
        "dataset": ("PoseDataset",),
        "manifest": ("read_manifest",),
        "packing": ("pack",),
        "shards": ("ShardDataset",),
    },
    also={
        "bucketing": ("FrameBudgetSampler", "LengthBucketSampler"),
        "clips": ("check_data", "read_tree"),
        "loading": ("read_clip", "read_prepared", "read_usable"),
        "packing": ("Shard",),
        "shards": ("ShardSample",),
        "splits": ("select_split", "split_name"),
    },
)
