"""Pure functions from poses to poses: a `PoseSequence` (T, K, D) or a `PoseBatch` (B, T, K, D), on any device."""

from pose_core.transforms.arms import attach_hands, fill_arms, hold_hands
from pose_core.transforms.cleaning import clean
from pose_core.transforms.flipping import flip
from pose_core.transforms.gaps import fill_gaps
from pose_core.transforms.hands import correct_wrists, hands_from_wrists, normalize_hands_3d
from pose_core.transforms.layouts import to_layout
from pose_core.transforms.normalization import Placement, denormalize, normalize
from pose_core.transforms.reduction import (
    FaceChoice,
    KeypointChoice,
    choose_keypoints,
    distinct_keypoints,
    drop_duplicates,
    drop_face,
    reduce_face,
    reduce_holistic,
    remove_legs,
)
from pose_core.transforms.resampling import resample, stretch
from pose_core.transforms.rotation import rotate
from pose_core.transforms.standardization import RunningStatistics, Statistics, standardize, unstandardize
from pose_core.transforms.trimming import trim_unseen

__all__ = [
    "FaceChoice",
    "KeypointChoice",
    "Placement",
    "RunningStatistics",
    "Statistics",
    "attach_hands",
    "choose_keypoints",
    "clean",
    "correct_wrists",
    "denormalize",
    "distinct_keypoints",
    "drop_duplicates",
    "drop_face",
    "fill_arms",
    "fill_gaps",
    "flip",
    "hands_from_wrists",
    "hold_hands",
    "normalize",
    "normalize_hands_3d",
    "reduce_face",
    "reduce_holistic",
    "remove_legs",
    "resample",
    "rotate",
    "standardize",
    "stretch",
    "to_layout",
    "trim_unseen",
    "unstandardize",
]
