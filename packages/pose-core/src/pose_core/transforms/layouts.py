"""Poses from the layout of one estimator to that of another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from array_api_compat import device

from pose_core.skeleton.correspondence import matches
from pose_core.skeleton.registry import named_skeleton
from pose_core.transforms.arrays import namespace

if TYPE_CHECKING:
    from pose_core.skeleton import Skeleton
    from pose_core.transforms.arrays import Poses


def to_layout(poses: Poses, layout: str | Skeleton) -> Poses:
    """Maps poses to another layout by anatomy; its points that the poses lack are missing (confidence 0, at 0).

    Coordinates and confidences are taken over as they are; nothing is computed from other points. `docs/layouts.md`
    has all counterparts.

    Args:
        poses: keypoints (..., T, K, D), confidence (..., T, K).
        layout: a name that `named_skeleton` knows, with as many coordinates as the poses have; or a skeleton, of which
            coordinates that the poses lack are left out.

    Returns:
        The poses on the other layout, (..., T, K', D').

    Raises:
        UserError: there is no such layout, or it has no point that the poses have.
    """
    dims = poses.skeleton.num_dims
    skeleton = named_skeleton(layout, dims) if isinstance(layout, str) else layout
    if skeleton.num_dims > dims:
        skeleton = skeleton.with_dims(dims)
    if skeleton == poses.skeleton:
        return poses
    new, old = matches(poses.skeleton, skeleton)
    xp, shape = namespace(poses), poses.confidence.shape[:-1]
    keypoints, confidence = (
        xp.zeros((*shape, skeleton.num_keypoints, *last), dtype=values.dtype, device=device(values))
        for values, last in ((poses.keypoints, (skeleton.num_dims,)), (poses.confidence, ()))
    )
    keypoints[..., new, :] = poses.keypoints[..., old, : skeleton.num_dims]
    confidence[..., new] = poses.confidence[..., old]
    return replace(poses, keypoints=keypoints, confidence=confidence, skeleton=skeleton)
