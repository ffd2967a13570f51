"""A linear basis of signing: what the networks start from, and add to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ht_vae.attention import num_chunks, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import Skeleton

HAND_WEIGHT = 4.0  # of a point that is not the face's, as `LossConfig.face_weight` has it by default: it has many
OUTLIER = 3.0  # times the median length
BORDER = 6  # frames on either side of a chunk's border that a jump is shared out among
EDGE_WEIGHT, EDGE_FRAMES = 0.5, 1.5  # of frames at a chunk's ends, which would be told worse than others, and how far


class PoseBasis(nn.Module):
    """Principal components in two levels: of a sequence's mean pose, and of what each chunk's movement adds to it.

    Fitted before training, and left as it is. Until then all it tells is 0. Missing keypoints are held where they were
    seen last, at first where they are seen first, and are at the mean where they never are.

    Args:
        skeleton: K keypoints of D coordinates.
        pose_dim: P, most components of a single pose.
        latent_dim: Z, of a sequence's mean pose.
        chunk_latent_dim: Zc, of a chunk; 0: none.
        chunk_size: S, frames of a chunk.
    """

    weight: Tensor
    center: Tensor
    poses: Tensor
    whole: Tensor
    chunks: Tensor
    edges: Tensor

    def __init__(
        self, skeleton: Skeleton, pose_dim: int, latent_dim: int, chunk_latent_dim: int, chunk_size: int
    ) -> None:
        super().__init__()
        K, D = skeleton.num_keypoints, skeleton.num_dims
        P = min(pose_dim, K * D)
        self.shape = (K, D)
        self.chunk_size = chunk_size
        weight = torch.full((K,), HAND_WEIGHT)
        weight[skeleton.face()] = 1.0
        from_edge = torch.arange(chunk_size).minimum(torch.arange(chunk_size).flip(0))
        self.register_buffer("weight", weight.sqrt().repeat_interleave(D), persistent=False)  # (K * D,)
        self.register_buffer("edges", 1 + EDGE_WEIGHT * (-from_edge / EDGE_FRAMES).exp(), persistent=False)  # (S,)
        self.register_buffer("center", torch.zeros(K, D))
        self.register_buffer("poses", torch.zeros(K * D, P))
        # Columns are as long as the latents of the data are spread: latents have variance 1.
        self.register_buffer("whole", torch.zeros(P, latent_dim))
        self.register_buffer("chunks", torch.zeros(chunk_size * P, chunk_latent_dim))

    def project(self, keypoints: Tensor, seen: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Poses to latents.

        Args:
            keypoints: (B, T, K, D) in shoulder widths.
            seen: (B, T, K), of real frames alone.
            mask: (B, T), True where a frame is real.

        Returns:
            Of the sequences (B, Z), and of the chunks (B, N, Zc).
        """
        poses = self._poses(keypoints, seen)  # (B, T, P)
        whole = inverse(self.whole, self._mean(poses, mask))
        rest = poses - (whole @ self.whole.T)[:, None]
        return whole, inverse(self.chunks, self._in_chunks(rest))

    def restore(self, whole: Tensor, chunks: Tensor | None, chunk_mask: Tensor, frames: int) -> Tensor:
        """Latents to poses.

        Args:
            whole: (B, Z).
            chunks: (B, N, Zc); None: none.
            chunk_mask: (B, N), True where a chunk is wanted; the others touch nothing.
            frames: T, at most N * S.

        Returns:
            (B, T, K, D).
        """
        poses = (whole @ self.whole.T)[:, None].expand(-1, frames, -1)  # (B, T, P)
        if chunks is not None and self.chunks.shape[1]:
            made = (chunks @ self.chunks.T).unflatten(2, (self.chunk_size, -1)) / self.edges[:, None]
            poses = poses + joined(made, chunk_mask).flatten(1, 2)[:, :frames]
        return (poses @ self.poses.T / self.weight).unflatten(-1, self.shape) + self.center

    @torch.no_grad()
    def fit(self, center: Tensor, sequences: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Fits all components.

        Args:
            center: (K, D), mean of each keypoint.
            sequences: keypoints (T, K, D) in shoulder widths and which are seen (T, K), of many sequences.
        """
        self.center.copy_(center)
        flat = [self._flat(keypoints[None], seen[None])[0] for keypoints, seen in sequences]  # (T, K * D)
        every = limited(torch.cat(flat))
        _, directions = torch.linalg.eigh(every.T @ every)
        self.poses.copy_(directions.flip(1)[:, : self.poses.shape[1]])
        poses = [rows @ self.poses for rows in flat]
        means = torch.stack([rows.mean(dim=0) for rows in poses])
        self.whole.copy_(spread_components(limited(means), self.whole.shape[1]))
        means = inverse(self.whole, means) @ self.whole.T
        chunks = [self._in_chunks((rows - mean)[None])[0] for rows, mean in zip(poses, means, strict=True)]
        self.chunks.copy_(spread_components(limited(torch.cat(chunks)), self.chunks.shape[1]))

    def _flat(self, keypoints: Tensor, seen: Tensor) -> Tensor:
        """Weighted differences from the center, (B, T, K * D)."""
        return (held(keypoints, seen, self.center) - self.center).flatten(2) * self.weight

    def _poses(self, keypoints: Tensor, seen: Tensor) -> Tensor:
        return self._flat(keypoints, seen) @ self.poses

    def _mean(self, poses: Tensor, mask: Tensor) -> Tensor:
        """Of the real frames: (B, T, P) to (B, P)."""
        share = mask / mask.sum(dim=1, keepdim=True).clamp(min=1)
        return torch.einsum("bt,btp->bp", share.to(poses.dtype), poses)

    def _in_chunks(self, poses: Tensor) -> Tensor:
        """(B, T, P) to (B, N, S * P), the last chunk filled up by holding the last pose."""
        missing = num_chunks(poses.shape[1], self.chunk_size) * self.chunk_size - poses.shape[1]
        filled = torch.cat([poses, poses[:, -1:].expand(-1, missing, -1)], dim=1)
        return (split(filled, self.chunk_size) * self.edges[:, None]).flatten(2)


def joined(chunks: Tensor, mask: Tensor) -> Tensor:
    """Chunks (B, N, S, P) without jumps: what neighbours disagree by is shared out among the frames at their border.

    They disagree by the step over the border, less the mean of the steps on its two sides.

    Args:
        mask: (B, N), True where a chunk is real; the others have no part in it.
    """
    size = chunks.shape[2]
    if chunks.shape[1] < 2 or size < 2:
        return chunks
    before, after = chunks[:, :-1], chunks[:, 1:]
    steps = (before[:, :, -1] - before[:, :, -2] + after[:, :, 1] - after[:, :, 0]) / 2
    jump = (after[:, :, 0] - before[:, :, -1] - steps) * (mask[:, :-1] & mask[:, 1:])[..., None]  # (B, N - 1, P)
    reach = min(BORDER, size // 2)
    share = (1 - torch.arange(size, device=chunks.device) / reach).clamp(min=0)[:, None] / 2  # (S, 1), from a border on
    ends = F.pad(jump, (0, 0, 0, 1))[:, :, None] * share.flip(0)
    starts = F.pad(jump, (0, 0, 1, 0))[:, :, None] * share
    return chunks + ends - starts


def held(keypoints: Tensor, seen: Tensor, fallback: Tensor) -> Tensor:
    """Missing keypoints where they were seen last, else where they are seen first, else at `fallback`.

    Args:
        keypoints: (B, T, K, D).
        seen: (B, T, K).
        fallback: (K, D).
    """
    T = keypoints.shape[1]
    frames = torch.arange(T, device=keypoints.device)[:, None]
    last = torch.where(seen, frames, -1).cummax(dim=1).values  # (B, T, K)
    first = torch.where(seen, frames, T).amin(dim=1, keepdim=True)  # (B, 1, K)
    source = torch.where(last < 0, first, last)
    there = (source < T)[..., None]
    taken = keypoints.gather(1, source.clamp(max=T - 1)[..., None].expand_as(keypoints))
    return torch.where(there, taken, fallback)


def limited(rows: Tensor) -> Tensor:
    """Rows (M, n), none of which is more than `OUTLIER` times as long as most: a few wild ones rule no component."""
    lengths = rows.norm(dim=1, keepdim=True)
    return rows * (OUTLIER * lengths.median() / lengths.clamp(min=1e-10)).clamp(max=1)


def spread_components(rows: Tensor, count: int) -> Tensor:
    """The principal components (n, count) of rows (M, n) about 0, each as long as the rows are spread along it.

    Where there are fewer, the others are 0.
    """
    components = rows.new_zeros(rows.shape[1], count)
    if not len(rows):
        return components
    few = len(rows) < rows.shape[1]
    values, vectors = torch.linalg.eigh(rows @ rows.T if few else rows.T @ rows)
    values, vectors = values.flip(0)[:count].clamp(min=0), vectors.flip(1)[:, :count]
    # Of few rows the right singular vectors, times their singular values, are the rows seen from the left ones.
    found = rows.T @ vectors if few else vectors * values.sqrt()
    components[:, : found.shape[1]] = found / max(1, len(rows) - 1) ** 0.5
    return components


def inverse(components: Tensor, rows: Tensor) -> Tensor:
    """Coordinates (..., count) of rows (..., n) along orthogonal components (n, count) of any length; of none 0."""
    lengths = components.square().sum(dim=0)
    return torch.where(lengths > 1e-10, rows @ components / lengths.clamp(min=1e-10), 0)
