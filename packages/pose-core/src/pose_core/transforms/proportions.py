"""Augmentation by other proportions of a person: lengths of arms, sizes and angles of hands and face."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core.skeleton import Side, Skeleton


def scale_arm(
    keypoints: np.ndarray, visible: np.ndarray, skeleton: Skeleton, side: Side, factors: tuple[float, float]
) -> np.ndarray:
    """Upper arm and forearm as many times as long, in the directions that they have; the hand follows its wrist.

    A bone stays as it is if an end of it is missing in some frame, where the hand would jump.

    Args:
        keypoints: (T, K, D); visible: (T, K).
        factors: of upper arm and forearm.

    Returns:
        Keypoints (T, K, D); the same where the skeleton lacks the bones.
    """
    try:
        shoulder = skeleton.shoulders()[side == "right"]
    except UserError:  # hands only
        return keypoints
    keypoints = keypoints.copy()
    joints = (shoulder, skeleton.elbow(side), skeleton.wrist(side))
    beyond = {point for point in (*joints[1:], *skeleton.hand(side)) if point is not None}
    for (start, end), factor in zip(itertools.pairwise(joints), factors, strict=True):
        if start is None or end is None:
            continue
        if visible[:, [start, end]].all():
            bone = keypoints[:, [end]] - keypoints[:, [start]]
            keypoints[:, sorted(beyond)] += (factor - 1) * bone
        beyond.discard(end)
    return keypoints


def transform_points(
    keypoints: np.ndarray, points: Sequence[int], matrix: np.ndarray, origin: np.ndarray, shift: np.ndarray | float = 0
) -> np.ndarray:
    """Some keypoints changed by a linear map of the picture about an origin; their depth grows as the picture does.

    Args:
        keypoints: (T, K, D).
        points: indices of keypoints, such as a hand's.
        matrix: (2, 2).
        origin: (T, 1, D), in each frame; or of a shape that broadcasts to it.
        shift: (2,) by which they are moved afterwards; or 0.

    Returns:
        Keypoints (T, K, D).
    """
    keypoints = keypoints.copy()
    matrix = in_space(matrix, keypoints.shape[-1])
    keypoints[:, points] = origin + (keypoints[:, points] - origin) @ matrix.T.astype(keypoints.dtype)
    keypoints[:, points, :2] += np.asarray(shift, keypoints.dtype)
    return keypoints


def resize_face(
    keypoints: np.ndarray, visible: np.ndarray, skeleton: Skeleton, scale: float, shift: np.ndarray
) -> np.ndarray:
    """Scales the face about the mean of its visible keypoints in each frame, then translates it.

    Args:
        keypoints: (T, K, D); visible: (T, K).
        scale: factor; 1 keeps the size.
        shift: (2,) translation in x and y, in the unit of the keypoints.

    Returns:
        Keypoints (T, K, D); the same where the skeleton has no face.
    """
    face = skeleton.face()
    if not face:
        return keypoints
    weight = visible[:, face, None].astype(keypoints.dtype)
    number = weight.sum(axis=1, keepdims=True)  # (T, 1, 1)
    center = (keypoints[:, face] * weight).sum(axis=1, keepdims=True) / number.clip(min=1)
    return transform_points(keypoints, face, scale * np.eye(2), center, shift)


def in_space(matrix: np.ndarray, dims: int) -> np.ndarray:
    """(D, D) of a map of the picture (2, 2): depth grows as the picture does."""
    space = np.eye(dims) * np.sqrt(np.abs(np.linalg.det(matrix)))
    space[:2, :2] = matrix
    return space


def similarity(angle: float, scale: float) -> np.ndarray:
    """(2, 2) rotation by an angle in radians, and scaling."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return scale * np.array([[cosine, -sine], [sine, cosine]])
