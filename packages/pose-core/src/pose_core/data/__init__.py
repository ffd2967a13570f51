"""Clips from a manifest, and batches of them."""

from pose_core.data.batch import PoseBatch, collate
from pose_core.data.bucketing import LengthBucketSampler
from pose_core.data.manifest import Clip, read_manifest

__all__ = ["Clip", "LengthBucketSampler", "PoseBatch", "collate", "read_manifest"]
