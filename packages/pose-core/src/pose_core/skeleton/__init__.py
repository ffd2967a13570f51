"""Skeletons: named keypoints, components, limbs. The only place that knows a keypoint's name or a limb."""

from pose_core.skeleton.layouts import LAYOUTS, Layout, Part, Role, Side
from pose_core.skeleton.registry import known_skeleton, landmark_skeleton
from pose_core.skeleton.skeleton import Component, Skeleton

__all__ = [
    "LAYOUTS",
    "Component",
    "Layout",
    "Part",
    "Role",
    "Side",
    "Skeleton",
    "known_skeleton",
    "landmark_skeleton",
]
