"""Values over time that are known in some frames only: the nearest known frames, holding, interpolating.

For numpy and torch alike. `visible` (..., T, K) is True where a value counts; values are (..., T, K) or (..., T, K, D).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from array_api_compat import device, is_numpy_namespace

from pose_core.transforms.arrays import array_namespace

if TYPE_CHECKING:
    from pose_core.transforms.arrays import Array


def last_visible(visible: Array) -> Array:
    """(..., T, K) index of the last frame up to each one in which a keypoint is visible, -1 before the first."""
    xp = array_namespace(visible)
    index = xp.arange(visible.shape[-2], device=device(visible))[:, None]
    index = xp.where(visible, index, xp.full_like(index, -1))
    # The array API standard has no running maximum.
    return xp.maximum.accumulate(index, axis=-2) if is_numpy_namespace(xp) else index.cummax(dim=-2).values


def next_visible(visible: Array) -> Array:
    """(..., T, K) index of the next frame from each one on in which a keypoint is visible, T after the last."""
    xp = array_namespace(visible)
    return visible.shape[-2] - 1 - xp.flip(last_visible(xp.flip(visible, axis=-2)), axis=-2)


def gap_frames(visible: Array) -> Array:
    """(..., T, K) frames of the gap that each frame is in: 0 where visible, and before the first and after the last."""
    xp = array_namespace(visible)
    last, after = last_visible(visible), next_visible(visible)
    inside = (last >= 0) & (after < visible.shape[-2])
    return xp.where(inside, xp.clip(after - last - 1, 0, None), xp.zeros_like(last))


def take_frames(values: Array, index: Array) -> Array:
    """Values at the frames `index` (..., T', K), for each keypoint its own."""
    xp = array_namespace(values)
    if values.ndim == index.ndim:
        return xp.take_along_axis(values, index, axis=-2)
    index = xp.broadcast_to(index[..., None], (*index.shape, values.shape[-1]))
    return xp.take_along_axis(values, index, axis=-3)


def hold(values: Array, visible: Array, initial: Array, *, backfill: bool = False) -> Array:
    """Each value where it is visible, else the one of the last frame in which it was.

    Args:
        values: (..., T, K, D).
        visible: (..., T, K).
        initial: (..., K, D) or (K, D), the values before a keypoint is first visible.
        backfill: keypoints not visible yet have the values of their first visible frame; `initial` is left for those
            that are never visible.

    Returns:
        (..., T, K, D).
    """
    xp = array_namespace(values)
    index = last_visible(visible)
    if backfill:
        T = visible.shape[-2]
        first = next_visible(visible)[..., :1, :]
        index = xp.where(index >= 0, index, xp.where(first < T, first, xp.full_like(first, -1)))
    held = take_frames(values, xp.clip(index, 0, None))
    return xp.where((index >= 0)[..., None], held, initial[..., None, :, :])


def interpolate_frames(values: Array, visible: Array) -> Array:
    """Linear interpolation between the nearest visible frames; the ends are held.

    Args:
        values: (..., T, K, D); what stands where they are not visible changes nothing.
        visible: (..., T, K).

    Returns:
        (..., T, K, D), as they are where visible, 0 where a keypoint never is.
    """
    xp = array_namespace(values)
    T = visible.shape[-2]
    before, after = last_visible(visible), next_visible(visible)
    known = (before >= 0) | (after < T)  # (..., T, K)
    before, after = xp.where(before < 0, after, before), xp.where(after < T, after, before)
    before, after = (xp.clip(index, 0, T - 1) for index in (before, after))
    wide = xp.astype(values, xp.float64) if is_numpy_namespace(xp) else values
    start, end = take_frames(wide, before), take_frames(wide, after)
    frames = xp.arange(T, device=device(visible))[:, None]
    span, passed = (xp.astype(number, wide.dtype)[..., None] for number in (after - before, frames - before))
    line = (end - start) / xp.clip(span, 1, None) * passed + start  # in numpy.interp's order, so equal to its bits
    return xp.astype(xp.where(known[..., None], line, xp.zeros_like(line)), values.dtype)
