"""Skeletons: named keypoints, components, limbs. Names of keypoints and limbs are known here alone."""

from pose_core.skeleton.layouts import LAYOUTS, Layout, Part, Role, Side
from pose_core.skeleton.registry import LAYOUT_NAMES, known_skeleton, landmark_skeleton, named_skeleton
from pose_core.skeleton.skeleton import Component, Skeleton

__all__ = [
    "LAYOUTS",
    "LAYOUT_NAMES",
    "Component",
    "Layout",
    "Part",
    "Role",
    "Side",
    "Skeleton",
    "known_skeleton",
    "landmark_skeleton",
    "named_skeleton",
]
