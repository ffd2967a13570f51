"""Rasters for models: each component as a small grayscale picture, as `FastAndUglyPoseVisualizer` draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from pose_core.errors import UserError
from pose_core.sequence import PoseSequence
from pose_core.transforms.arrays import Array, namespace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torch import Tensor

    from pose_core.batch import PoseBatch

Fit = Literal["clip", "frame"]
SMALLEST = 8  # pixels
MARGIN = 2  # pixels around what is drawn: an antialiased line is three wide


def rasterize(
    poses: PoseSequence | PoseBatch,
    components: Sequence[str] | None = None,
    *,
    size: int = 64,
    fit: Fit = "clip",
    subpixel: bool = False,
) -> Array:
    """Rasterizes each component into its own grayscale picture: antialiased white lines on black.

    Line for line what `pose_format`'s `FastAndUglyPoseVisualizer` draws of points fitted to the picture and rounded to
    whole pixels, within 1 % of full scale on average. Components are drawn larger than they are in the whole pose:
    each fills its picture but for `MARGIN` pixels, its aspect kept.

    Args:
        poses: a sequence (T, K, D), or a batch (B, T, K, D) on any device.
        components: "body", "face", "left_hand", "right_hand", or names of the skeleton's components; by default all
            that it has.
        size: height and width in pixels.
        fit: one box around a component's visible points over the whole "clip", or one for each "frame".
        subpixel: do not round points to whole pixels, so that motion is smooth.

    Returns:
        uint8 (T, C, size, size), a numpy array, of a sequence; (B, T, C, size, size), a tensor on the batch's device,
        of a batch. Limbs with a missing end are not drawn.

    Raises:
        UserError: the skeleton has no such component, or the size is no picture's.
    """
    names = poses.skeleton.parts() if components is None else components
    parts = fitted(poses, names, size=size, fit=fit)
    if isinstance(poses, PoseSequence):
        return _drawn(parts, len(poses), len(names), size, subpixel=subpixel)
    import torch

    B, T = poses.mask.shape
    if poses.keypoints.device.type == "cpu":
        flat = (
            (pixels.detach().reshape(B * T, -1, 2).numpy(), visible.reshape(B * T, -1).numpy(), limbs)
            for pixels, visible, limbs in parts
        )
        pictures = torch.from_numpy(_drawn(flat, B * T, len(names), size, subpixel=subpixel))
        return pictures.reshape(B, T, len(names), size, size)
    from pose_core.rendering.differentiable_lines import draw_soft_lines

    with torch.no_grad():
        pictures = [
            draw_soft_lines(pixels if subpixel else pixels.round(), visible, limbs, size)
            for pixels, visible, limbs in parts
        ]
        return (255 * torch.stack(pictures, dim=2)).round().to(torch.uint8)


def _drawn(
    parts: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]], frames: int, channels: int, size: int, *, subpixel: bool
) -> np.ndarray:
    """(N, C, size, size) of what `fitted` gives for N frames."""
    from pose_core.rendering.lines import draw_lines  # numba is slow to import

    pictures = np.zeros((frames, channels, size, size), np.uint8)
    for channel, (pixels, visible, limbs) in enumerate(parts):
        draw_lines(pictures, channel, pixels if subpixel else np.rint(pixels), visible, limbs)
    return pictures


def rasterize_differentiable(
    batch: PoseBatch, components: Sequence[str] | None = None, *, size: int = 64, fit: Fit = "clip"
) -> Tensor:
    """`rasterize` in floating point, differentiable with respect to the keypoints.

    Args:
        batch: keypoints (B, T, K, D) on any device.
        components, size, fit: as of `rasterize`. Boxes are taken as given: no gradient passes through them.

    Returns:
        (B, T, C, size, size) of the keypoints' type, in [0, 1].
    """
    import torch

    from pose_core.rendering.differentiable_lines import draw_soft_lines

    parts = fitted(batch, batch.skeleton.parts() if components is None else components, size=size, fit=fit)
    return torch.stack([draw_soft_lines(*part, size) for part in parts], dim=2)


def fitted(
    poses: PoseSequence | PoseBatch, components: Sequence[str], *, size: int = 64, fit: Fit = "clip"
) -> Iterator[tuple[Array, Array, np.ndarray]]:
    """Pixel coordinates of each component's points in its picture.

    Yields:
        (..., T, P, 2) pixels, x and y, from `MARGIN` to `size - 1 - MARGIN`, the pixels' centers at whole numbers;
        (..., T, P) True where a point is visible; and the component's limbs, (E, 2) positions among its P points.
    """
    if size < SMALLEST:
        raise UserError(f"pictures of {size} pixels show nothing; ask for at least {SMALLEST}")
    if not poses.keypoints.shape[-3]:
        raise UserError("the pose has no frames; there is nothing to draw")
    xp, skeleton = namespace(poses), poses.skeleton
    for name in components:
        part = skeleton.part(name)
        if not part:
            raise UserError(f"the skeleton has no {name}; it has {', '.join(skeleton.parts())}")
        points = poses.keypoints[..., part, :2]
        visible = (poses.confidence[..., part] > 0) & xp.all(xp.isfinite(points), axis=-1)
        mask, over = visible[..., None], (-2,) if fit == "frame" else (-3, -2)
        low = xp.min(xp.where(mask, points, xp.inf), axis=over, keepdims=True)
        high = xp.max(xp.where(mask, points, -xp.inf), axis=over, keepdims=True)
        anything = low <= high
        low, high = (xp.where(anything, bound, xp.zeros_like(bound)) for bound in (low, high))
        extent = xp.max(high - low, axis=-1, keepdims=True)
        room = size - 1 - 2 * MARGIN
        scale = xp.where(extent > 0, room / xp.where(extent > 0, extent, xp.ones_like(extent)), xp.zeros_like(extent))
        middle = (low + high) / 2
        if not isinstance(poses, PoseSequence):
            scale, middle = scale.detach(), middle.detach()
        pixels = xp.where(mask, (points - middle) * scale, xp.zeros_like(points)) + (size - 1) / 2
        yield pixels, visible, _limbs_within(skeleton.limbs, part)


def _limbs_within(limbs: np.ndarray, part: list[int]) -> np.ndarray:
    """(E, 2) limbs with both ends in the part, as positions in it."""
    position = {index: i for i, index in enumerate(part)}
    within = [(position[a], position[b]) for a, b in limbs.tolist() if a in position and b in position]
    return np.array(within, np.int64).reshape(-1, 2)
