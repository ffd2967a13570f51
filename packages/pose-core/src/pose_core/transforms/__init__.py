"""Pure functions from pose sequences to pose sequences."""

from pose_core.transforms.normalization import Placement, denormalize, normalize
from pose_core.transforms.reduction import drop_duplicates, drop_face, remove_legs
from pose_core.transforms.resampling import resample, stretch
from pose_core.transforms.trimming import trim_unseen

__all__ = [
    "Placement",
    "denormalize",
    "drop_duplicates",
    "drop_face",
    "normalize",
    "remove_legs",
    "resample",
    "stretch",
    "trim_unseen",
]
