"""A linear basis of signing: what the networks start from, and add to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ht_vae.nn.arms import held
from ht_vae.nn.attention import num_chunks, split
from ht_vae.nn.lapped_transform import LappedTransform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import Skeleton

HAND_WEIGHT = 4.0  # of a point that is not the face's, as `LossConfig.face_weight` has it by default: it has many
BONE_WEIGHT, WRIST_WEIGHT = 4.0, 40.0  # of a hand's bone, and of a hand's place at its wrist: shapes are what is read
FLAG_WEIGHT = 1.0  # of whether a hand is seen, beside distances in shoulder widths
OUTLIER = 3.0  # times the median length
NOTHING = 1e-7  # of the largest variance: what is left of it by rounding
ROUNDS = 30  # in which two sets of components are fitted to each other


class PoseBasis(nn.Module):
    """Principal components in two levels: of chunks, and of what the chunks of a sequence have in common beside them.

    Both are orthogonal to each other, so that nothing is told twice. Fitted before training, and left as it is. Until
    then all it tells is 0. Missing keypoints are held where they were seen last, at first where they are seen first,
    and are at the mean where they never are.

    Args:
        skeleton: K keypoints of D coordinates.
        pose_dim: P, most components of a single pose.
        latent_dim: Z, of what the chunks of a sequence have in common.
        chunk_latent_dim: Zc, of a chunk; 0: none.
        chunk_size: S, frames of a chunk.
        num_flags: F, numbers beside the keypoints that are told with them: whether a hand is seen.
    """

    metric: Tensor
    inverse_metric: Tensor
    center: Tensor
    poses: Tensor
    whole: Tensor
    chunks: Tensor

    def __init__(
        self,
        skeleton: Skeleton,
        pose_dim: int,
        latent_dim: int,
        chunk_latent_dim: int,
        chunk_size: int,
        num_flags: int = 0,
    ) -> None:
        super().__init__()
        K, D = skeleton.num_keypoints, skeleton.num_dims
        P = min(pose_dim, K * D + num_flags)
        self.num_flags = num_flags
        self.shape = (K, D)
        self.chunk_size = chunk_size
        self.lapped = LappedTransform(chunk_size)
        metric = torch.linalg.cholesky(weights(skeleton))
        self.register_buffer("metric", metric, persistent=False)  # (K, K)
        self.register_buffer("inverse_metric", torch.linalg.inv(metric), persistent=False)
        self.register_buffer("center", torch.zeros(K, D))
        self.register_buffer("poses", torch.zeros(K * D + num_flags, P))
        # Columns are as long as the latents of the data are spread: latents have variance 1.
        self.register_buffer("whole", torch.zeros(chunk_size * P, latent_dim))
        self.register_buffer("chunks", torch.zeros(chunk_size * P, chunk_latent_dim))

    def project(
        self, keypoints: Tensor, seen: Tensor, mask: Tensor, flags: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Poses to latents.

        Args:
            keypoints: (B, T, K, D) in shoulder widths.
            seen: (B, T, K), of real frames alone.
            mask: (B, T), True where a frame is real.
            flags: (B, T, F), 0 or 1; None where there are none.

        Returns:
            Of the sequences (B, Z), and of the chunks (B, N, Zc).
        """
        real = split(mask, self.chunk_size).any(dim=2)  # (B, N)
        rows = self._rows(self._flat(keypoints, seen, flags) @ self.poses, real)
        share = real / real.sum(dim=1, keepdim=True).clamp(min=1)
        common = torch.einsum("bn,bnr->br", share.to(rows.dtype), rows)
        return inverse(self.whole, common), inverse(self.chunks, rows)

    def restore(self, whole: Tensor, chunks: Tensor | None, chunk_mask: Tensor, frames: int) -> Tensor:
        """Latents to poses (B, T, K, D); arguments as `restore_all`'s."""
        return self.restore_all(whole, chunks, chunk_mask, frames)[0]

    def restore_all(
        self, whole: Tensor, chunks: Tensor | None, chunk_mask: Tensor, frames: int
    ) -> tuple[Tensor, Tensor]:
        """Latents to poses and flags.

        Args:
            whole: (B, Z).
            chunks: (B, N, Zc); None: none.
            chunk_mask: (B, N), True where a chunk is wanted; the others touch nothing.
            frames: T, at most N * S.

        Returns:
            (B, T, K, D), and (B, T, F), above 0.5 where a flag is predicted to be 1.
        """
        rows = (whole @ self.whole.T)[:, None].expand(-1, chunk_mask.shape[1], -1)
        if chunks is not None:
            rows = rows + chunks @ self.chunks.T
        poses = self.lapped.unmix(rows.unflatten(2, (self.chunk_size, -1)), chunk_mask)
        poses = poses.flatten(1, 2)[:, :frames]  # (B, T, P)
        flat = poses @ self.poses.T
        keypoints, flags = flat.split([flat.shape[-1] - self.num_flags, self.num_flags], dim=-1)
        return _in(self.inverse_metric, keypoints.unflatten(-1, self.shape)) + self.center, flags / FLAG_WEIGHT + 0.5

    @torch.no_grad()
    def fit(
        self,
        center: Tensor,
        sequences: Sequence[tuple[Tensor, Tensor]],
        flags: Sequence[Tensor] | None = None,
    ) -> None:
        """Fits all components.

        Args:
            center: (K, D), mean of each keypoint.
            sequences: keypoints (T, K, D) in shoulder widths and which are seen (T, K), of many sequences.
            flags: (T, F) of each; None where there are none.
        """
        self.center.copy_(center)
        told = [None] * len(sequences) if flags is None else [each[None] for each in flags]
        flat = [
            self._flat(keypoints[None], seen[None], each)  # (1, T, K * D + F)
            for (keypoints, seen), each in zip(sequences, told, strict=True)
        ]
        every = limited(torch.cat(flat, dim=1)[0])
        _, directions = torch.linalg.eigh(every.T @ every)
        self.poses.copy_(directions.flip(1)[:, : self.poses.shape[1]])
        real = [torch.ones(1, num_chunks(each.shape[1], self.chunk_size), dtype=torch.bool) for each in flat]
        rows = [self._rows(each @ self.poses, there)[0] for each, there in zip(flat, real, strict=True)]
        chunks, common = two_levels(rows, self.chunks.shape[1], self.whole.shape[1])
        self.chunks.copy_(chunks)
        self.whole.copy_(common)

    def _flat(self, keypoints: Tensor, seen: Tensor, flags: Tensor | None) -> Tensor:
        """Weighted differences from the center, and weighted flags, (B, T, K * D + F)."""
        flat = _in(self.metric, held(keypoints, seen, self.center) - self.center).flatten(2)
        return flat if flags is None else torch.cat([flat, FLAG_WEIGHT * (flags - 0.5)], dim=-1)

    def _rows(self, poses: Tensor, real: Tensor) -> Tensor:
        """(B, T, P) to chunks as they are coded (B, N, S * P), the last one filled up by holding the last pose."""
        missing = num_chunks(poses.shape[1], self.chunk_size) * self.chunk_size - poses.shape[1]
        filled = torch.cat([poses, poses[:, -1:].expand(-1, missing, -1)], dim=1)
        return self.lapped.mix(split(filled, self.chunk_size), real).flatten(2)


def weights(skeleton: Skeleton) -> Tensor:
    """What an error of K keypoints counts: the quadratic form (K, K) of one coordinate's errors."""
    points = torch.full((skeleton.num_keypoints,), HAND_WEIGHT)
    points[skeleton.face()] = 1.0
    total = torch.diag(points)

    def apart(a: int, b: int, weight: float) -> None:
        """Counts what changes between two points."""
        difference = torch.zeros(skeleton.num_keypoints)
        difference[a], difference[b] = 1, -1
        total.add_(weight * torch.outer(difference, difference))

    for side in ("left", "right"):
        hand, wrist = skeleton.hand(side), skeleton.wrist(side)
        for a, b in skeleton.limbs.tolist():
            if a in hand and b in hand:
                apart(a, b, BONE_WEIGHT)
        if hand and wrist not in (None, hand[0]):
            apart(hand[0], wrist, WRIST_WEIGHT)
    return total


def _in(metric: Tensor, keypoints: Tensor) -> Tensor:
    """Keypoints (..., K, D) in the coordinates that a root (K, K) of the weights makes."""
    return torch.einsum("ij,...id->...jd", metric, keypoints)


def two_levels(sequences: Sequence[Tensor], of_rows: int, of_sequences: int) -> tuple[Tensor, Tensor]:
    """Components of rows, and of the mean row of a sequence, orthogonal, that together tell most of all rows.

    Which directions are worth a number a row, and which only one a sequence, is found by turns: a sum of traces
    tr(C' A C) + tr(W' B W) over orthonormal [C W] grows with each polar factor of [A C, B W], as it is convex.

    Args:
        sequences: (N, n) each, about 0.
        of_rows, of_sequences: how many of each.

    Returns:
        (n, of_rows) and (n, of_sequences), each column as long as what it tells is spread; 0 where there are fewer.
    """
    rows = limited(torch.cat(list(sequences)))
    lengths = [len(each) for each in sequences]
    # A sequence's mean stands for as many rows as it has.
    means = torch.stack([each.sum(dim=0) / len(each) ** 0.5 for each in rows.split(lengths)])
    room = min(rows.shape)
    of_each = min(of_rows, room), min(of_sequences, room - min(of_rows, room))
    C = principal(rows, of_each[0])
    W = principal(means - means @ C @ C.T, of_each[1])
    for _ in range(ROUNDS):
        left, _, right = torch.linalg.svd(
            torch.cat([rows.T @ (rows @ C), means.T @ (means @ W)], dim=1), full_matrices=False
        )
        C, W = (left @ right).split(of_each, dim=1)
    return _spread(C, rows, len(rows), of_rows), _spread(W, means, len(rows), of_sequences)


def principal(rows: Tensor, count: int) -> Tensor:
    """The first principal directions (n, count) of rows (M, n) about 0; 0 where there are fewer."""
    few = len(rows) < rows.shape[1]
    _, vectors = torch.linalg.eigh(rows @ rows.T if few else rows.T @ rows)
    vectors = vectors.flip(1)[:, :count]
    if few:  # directions are the rows seen from the left singular vectors
        vectors = rows.T @ vectors
        vectors = vectors / vectors.norm(dim=0).clamp(min=1e-10)
    return torch.cat([vectors, vectors.new_zeros(rows.shape[1], count - vectors.shape[1])], dim=1)


def _spread(directions: Tensor, rows: Tensor, weight: int, count: int) -> Tensor:
    """Orthonormal directions (n, k) turned to the principal axes of rows in them, and as long as these are spread."""
    seen = rows @ directions
    values, turn = torch.linalg.eigh(seen.T @ seen / max(1, weight - 1))
    values, turn = values.flip(0), turn.flip(1)
    values = torch.where(values > NOTHING * values[:1], values, 0)
    found = directions @ turn * values.sqrt()
    return torch.cat([found, found.new_zeros(len(found), count - found.shape[1])], dim=1)


def limited(rows: Tensor) -> Tensor:
    """Rows (M, n), none of which is more than `OUTLIER` times as long as most: a few wild ones rule no component."""
    lengths = rows.norm(dim=1, keepdim=True)
    return rows * (OUTLIER * lengths.median() / lengths.clamp(min=1e-10)).clamp(max=1)


def inverse(components: Tensor, rows: Tensor) -> Tensor:
    """Coordinates (..., count) of rows (..., n) along orthogonal components (n, count) of any length; of none 0."""
    lengths = components.square().sum(dim=0)
    return torch.where(lengths > 1e-10, rows @ components / lengths.clamp(min=1e-10), 0)
