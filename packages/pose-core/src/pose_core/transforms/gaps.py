"""Interpolation of missing keypoints between the frames before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from array_api_compat import device

from pose_core.transforms.arrays import Array, array_namespace, namespace, norm, with_values
from pose_core.transforms.temporal import last_visible, next_visible, take_frames

if TYPE_CHECKING:
    from pose_core.transforms.arrays import Poses


def fill_gaps(poses: Poses, *, max_frames: int | None = None) -> Poses:
    """Fills missing keypoints by linear interpolation between the nearest frames in which they are visible.

    Each keypoint is interpolated alone, so a hand may leave a visible arm: `fill_arms` keeps them connected.

    Args:
        poses: keypoints (..., T, K, D).
        max_frames: leave gaps of more frames as they are.

    Returns:
        The poses; a filled keypoint's confidence is interpolated likewise. What is missing from the beginning, to the
        end, or throughout stays missing.
    """
    xp = namespace(poses)
    visible = poses.visible
    gaps = Gaps.between(visible)
    gap = ~visible & gaps.inside
    if max_frames is not None:
        gap = gap & (gaps.after - gaps.before - 1 <= max_frames)
    confidence = xp.where(visible, poses.confidence, xp.zeros_like(poses.confidence))
    keypoints = xp.where(gap[..., None], gaps.line(poses.keypoints), poses.keypoints)
    return with_values(poses, keypoints, xp.where(gap, gaps.line(confidence), confidence))


@dataclass(frozen=True)
class Gaps:
    """For each frame and keypoint the nearest frames around it in which the keypoint is known.

    Attributes:
        before, after: (..., T, K) frames; the frame itself where the keypoint is known in it. Clipped to the clip.
        inside: (..., T, K) True where both exist.
        at: (..., T, K) where the frame lies between them, 0 to 1.
    """

    before: Array
    after: Array
    inside: Array
    at: Array

    @classmethod
    def between(cls, known: Array) -> Gaps:
        """The gaps between frames in which keypoints are known (..., T, K)."""
        xp = array_namespace(known)
        T = known.shape[-2]
        before, after = last_visible(known), next_visible(known)
        now = xp.arange(T, device=device(known))[:, None]
        at = (now - before) / xp.clip(after - before, 1, None)
        return cls(xp.clip(before, 0, None), xp.clip(after, None, T - 1), (before >= 0) & (after < T), at)

    def ends(self, values: Array) -> tuple[Array, Array]:
        """Values (..., T, K) or (..., T, K, D) at the frames before and after."""
        return take_frames(values, self.before), take_frames(values, self.after)

    def line(self, values: Array) -> Array:
        """Values (..., T, K) or (..., T, K, D), interpolated linearly between the frames before and after."""
        first, second = self.ends(values)
        at = self._weight(values)
        return (1 - at) * first + at * second

    def turn(self, vectors: Array) -> Array:
        """Vectors (..., T, K, D) interpolated in direction and, separately, in length.

        Linear interpolation alone would shrink a hand that turns over. Directions interpolated linearly are nearer to
        those of real hands than spherical interpolation.
        """
        xp = array_namespace(vectors)
        line, length = self.line(vectors), self.line(norm(vectors))
        now = norm(line)
        # Between opposite directions there is a frame with none.
        scale = xp.where(now > 1e-3 * length, length / xp.where(now > 0, now, xp.ones_like(now)), 1.0)
        return line * scale

    def _weight(self, values: Array) -> Array:
        xp = array_namespace(values)
        at = xp.astype(self.at, values.dtype)
        return at[..., None] if values.ndim > at.ndim else at
