"""One code for a sequence (numpy) and a batch (torch): both hold keypoints (..., T, K, D), confidence (..., T, K)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from array_api_compat import array_namespace, device, is_numpy_namespace

if TYPE_CHECKING:
    from pose_core.batch import PoseBatch
    from pose_core.sequence import PoseSequence

    Poses = TypeVar("Poses", PoseSequence, PoseBatch)
Array = Any  # numpy's or torch's; no type says so


def namespace(poses: PoseSequence | PoseBatch) -> Any:
    """The array library of the poses, under the names of the array API standard."""
    return array_namespace(poses.keypoints)


def seen(poses: PoseSequence | PoseBatch) -> Array:
    """(..., T, K) True where a keypoint is there and its coordinates are numbers."""
    xp = namespace(poses)
    return (poses.confidence > 0) & xp.all(xp.isfinite(poses.keypoints), axis=-1)


def with_values(poses: Poses, keypoints: Array, confidence: Array) -> Poses:
    """The poses with other values; keypoints of confidence 0 lie at 0."""
    xp = array_namespace(keypoints)
    keypoints = xp.where((confidence > 0)[..., None], keypoints, xp.zeros_like(keypoints))
    dtype = poses.keypoints.dtype
    return replace(poses, keypoints=xp.astype(keypoints, dtype), confidence=xp.astype(confidence, dtype))


def accurate(x: Array) -> Array:
    """Values to sum over a clip: float64 of numpy's; as they are of torch's, whose accelerators may lack it."""
    xp = array_namespace(x)
    return xp.astype(x, xp.float64) if is_numpy_namespace(xp) else x


def copied(x: Array) -> Array:
    """A copy to assign into, through which gradients pass; what `asarray` copies, they pass in newer torch only."""
    return x.copy() if is_numpy_namespace(array_namespace(x)) else x.clone()


def norm(vector: Array) -> Array:
    """(..., 1) lengths of vectors (..., D); the gradient at 0 is 0, where that of a plain root is none."""
    xp = array_namespace(vector)
    square = xp.sum(vector**2, axis=-1, keepdims=True)
    there = square > 0
    return xp.where(there, xp.sqrt(xp.where(there, square, xp.ones_like(square))), square)


def running_max(x: Array) -> Array:
    """Largest value so far along T of (..., T, K); the array API standard has no such thing."""
    xp = array_namespace(x)
    if is_numpy_namespace(xp):
        return xp.maximum.accumulate(x, axis=-2)
    return x.cummax(dim=-2).values


def last_seen(there: Array) -> Array:
    """(..., T, K) index of the last frame up to each one in which a keypoint was there, -1 before the first."""
    xp = array_namespace(there)
    T = there.shape[-2]
    index = xp.arange(T, device=device(there))[:, None]
    return running_max(xp.where(there, index, xp.full_like(index, -1)))


def next_seen(there: Array) -> Array:
    """(..., T, K) index of the next frame from each one on in which a keypoint is there, T after the last."""
    xp = array_namespace(there)
    return there.shape[-2] - 1 - xp.flip(last_seen(xp.flip(there, axis=-2)), axis=-2)


def take_frames(x: Array, index: Array) -> Array:
    """Values of (..., T, K) or (..., T, K, D) at the frames `index` (..., T', K), for each keypoint its own."""
    xp = array_namespace(x)
    if x.ndim == index.ndim:
        return xp.take_along_axis(x, index, axis=-2)
    index = xp.broadcast_to(index[..., None], (*index.shape, x.shape[-1]))
    return xp.take_along_axis(x, index, axis=-3)
