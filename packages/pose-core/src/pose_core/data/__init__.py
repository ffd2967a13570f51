"""Clips from manifests, folders and shards, and batches of them."""

from pose_core.data.batch import PoseBatch, collate
from pose_core.data.bucketing import FrameBudgetSampler, LengthBucketSampler
from pose_core.data.dataset import PoseDataset
from pose_core.data.manifest import Clip, read_manifest
from pose_core.data.packing import Shard, pack
from pose_core.data.prepared import read_prepared
from pose_core.data.shards import ShardDataset, ShardSample
from pose_core.data.tree import read_clips, read_tree, select_split

__all__ = [
    "Clip",
    "FrameBudgetSampler",
    "LengthBucketSampler",
    "PoseBatch",
    "PoseDataset",
    "Shard",
    "ShardDataset",
    "ShardSample",
    "collate",
    "pack",
    "read_clips",
    "read_manifest",
    "read_prepared",
    "read_tree",
    "select_split",
]
