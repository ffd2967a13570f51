"""Array operations for sequences (numpy) and batches (torch): keypoints (..., T, K, D), confidence (..., T, K)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import array_api_compat
import numpy as np
from array_api_compat import is_numpy_namespace

if TYPE_CHECKING:
    from pose_core.batch import PoseBatch
    from pose_core.sequence import PoseSequence

    Poses = TypeVar("Poses", PoseSequence, PoseBatch)
Array = Any  # numpy's or torch's; no type says so
IS_STANDARD = hasattr(np, "astype")  # numpy since 2.1


def array_namespace(x: Array) -> Any:
    """The library of an array, under the names of the array API standard.

    A numpy that has them by itself is given as it is: array_api_compat's takes twice as long to import.
    """
    return np if IS_STANDARD and isinstance(x, np.ndarray) else array_api_compat.array_namespace(x)


def namespace(poses: PoseSequence | PoseBatch) -> Any:
    """The array library of the poses, under the names of the array API standard."""
    return array_namespace(poses.keypoints)


def with_values(poses: Poses, keypoints: Array, confidence: Array) -> Poses:
    """The poses with other values; keypoints of confidence 0 lie at 0."""
    xp = array_namespace(keypoints)
    keypoints = xp.where((confidence > 0)[..., None], keypoints, xp.zeros_like(keypoints))
    dtype = poses.keypoints.dtype
    return replace(poses, keypoints=xp.astype(keypoints, dtype), confidence=xp.astype(confidence, dtype))


def accurate(x: Array) -> Array:
    """Values in float64 for sums over a clip; torch's stay as they are, since accelerators may lack float64."""
    xp = array_namespace(x)
    return xp.astype(x, xp.float64) if is_numpy_namespace(xp) else x


def copied(x: Array) -> Array:
    """A copy to assign into that keeps the gradient; copies of `asarray` keep it in newer torch only."""
    return x.copy() if is_numpy_namespace(array_namespace(x)) else x.clone()


def norm(vector: Array) -> Array:
    """(..., 1) lengths of vectors (..., D); the gradient at 0 is 0, where that of a plain root is none."""
    xp = array_namespace(vector)
    square = xp.sum(vector**2, axis=-1, keepdims=True)
    there = square > 0
    return xp.where(there, xp.sqrt(xp.where(there, square, xp.ones_like(square))), square)
