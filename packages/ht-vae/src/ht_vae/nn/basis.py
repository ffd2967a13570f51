"""A linear basis of pose sequences: principal components that the networks start from and add to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ht_vae.nn.attention import num_chunks, to_chunks
from ht_vae.nn.lapped_transform import LappedTransform
from pose_core.transforms.temporal import hold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import Skeleton

BODY_WEIGHT = 4.0  # of a keypoint outside the face, which has many; the inverse of `LossConfig.face_weight`'s default
BONE_WEIGHT, WRIST_WEIGHT = 4.0, 40.0  # of a hand's bones, and of its offset from the arm: handshape carries meaning
FLAG_WEIGHT = 1.0  # of a hand's visibility, relative to distances in shoulder widths
OUTLIER = 3.0  # times the median length, to which longer rows are shortened
NEGLIGIBLE = 1e-7  # of the largest variance: what rounding leaves of a variance of 0
ITERATIONS = 30  # of alternating between the two sets of components


class PoseBasis(nn.Module):
    """Two-level PCA: components of chunks, and components of what all chunks of a sequence share.

    Both sets are orthogonal to each other, so nothing is coded twice. Fitted before training, then fixed; until it is
    fitted it gives 0. Missing keypoints are held from their last visible frame, before the first from that one, and are
    at the mean if never visible.

    Args:
        skeleton: K keypoints of D coordinates.
        pose_dim: P, components of a single pose, at most.
        latent_dim: Z, components shared by a sequence's chunks.
        chunk_latent_dim: Zc, components per chunk; 0: none.
        chunk_size: S, frames per chunk.
        num_flags: F, numbers coded beside the keypoints: whether each hand is visible.
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
        metric = torch.linalg.cholesky(error_metric(skeleton))
        self.register_buffer("metric", metric, persistent=False)  # (K, K)
        self.register_buffer("inverse_metric", torch.linalg.inv(metric), persistent=False)
        self.register_buffer("center", torch.zeros(K, D))
        self.register_buffer("poses", torch.zeros(K * D + num_flags, P))
        # Columns have the standard deviation of the data along them as length: latents have variance 1.
        self.register_buffer("whole", torch.zeros(chunk_size * P, latent_dim))
        self.register_buffer("chunks", torch.zeros(chunk_size * P, chunk_latent_dim))

    def rows(self, keypoints: Tensor, visible: Tensor, mask: Tensor, flags: Tensor | None = None) -> Tensor:
        """Poses to their chunks' coordinates in all directions.

        Args:
            keypoints: (B, T, K, D) in shoulder widths.
            visible: (B, T, K), False in padding.
            mask: (B, T), True where a frame is real.
            flags: (B, T, F), 0 or 1; None where there are none.

        Returns:
            (B, N, S * P).
        """
        chunk_mask = to_chunks(mask, self.chunk_size).any(dim=2)  # (B, N)
        return self._rows(self._flat(keypoints, visible, flags) @ self.poses, chunk_mask)

    def project(self, rows: Tensor, chunk_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Rows to latents.

        Args:
            rows: (B, N, S * P), as `rows` returns them.
            chunk_mask: (B, N), True where a chunk is real.

        Returns:
            Latents of the sequences (B, Z), and of the chunks (B, N, Zc).
        """
        share = chunk_mask / chunk_mask.sum(dim=1, keepdim=True).clamp(min=1)
        common = torch.einsum("bn,bnr->br", share.to(rows.dtype), rows)
        return coordinates(self.whole, common), coordinates(self.chunks, rows)

    def combine(self, whole: Tensor, chunks: Tensor | None, num_chunks: int) -> Tensor:
        """Latents (B, Z) and (B, N, Zc), or none, to rows (B, N, S * P), the inverse of `project`."""
        rows = (whole @ self.whole.T)[:, None].expand(-1, num_chunks, -1)
        return rows if chunks is None else rows + chunks @ self.chunks.T

    def restore(self, rows: Tensor, chunk_mask: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """Rows to poses and flags, the inverse of `rows`.

        Args:
            rows: (B, N, S * P).
            chunk_mask: (B, N), True where a chunk is real; others leave their neighbours as they are.
            frames: T, at most N * S.

        Returns:
            (B, T, K, D), and (B, T, F), above 0.5 where a flag is predicted to be 1.
        """
        poses = self.lapped.unmix(rows.unflatten(2, (self.chunk_size, -1)), chunk_mask)
        poses = poses.flatten(1, 2)[:, :frames]  # (B, T, P)
        flat = poses @ self.poses.T
        keypoints, flags = flat.split([flat.shape[-1] - self.num_flags, self.num_flags], dim=-1)
        keypoints = _transform(self.inverse_metric, keypoints.unflatten(-1, self.shape))
        return keypoints + self.center, flags / FLAG_WEIGHT + 0.5

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
            sequences: keypoints (T, K, D) in shoulder widths and which are visible (T, K), of many sequences.
            flags: (T, F) of each; None where there are none.
        """
        self.center.copy_(center)
        batched = [None] * len(sequences) if flags is None else [each[None] for each in flags]
        flat = [
            self._flat(keypoints[None], visible[None], each)  # (1, T, K * D + F)
            for (keypoints, visible), each in zip(sequences, batched, strict=True)
        ]
        frames = shorten_outliers(torch.cat(flat, dim=1)[0])
        _, directions = torch.linalg.eigh(frames.T @ frames)
        self.poses.copy_(directions.flip(1)[:, : self.poses.shape[1]])
        masks = [torch.ones(1, num_chunks(each.shape[1], self.chunk_size), dtype=torch.bool) for each in flat]
        rows = [self._rows(each @ self.poses, chunk_mask)[0] for each, chunk_mask in zip(flat, masks, strict=True)]
        chunks, common = two_levels(rows, self.chunks.shape[1], self.whole.shape[1])
        self.chunks.copy_(chunks)
        self.whole.copy_(common)

    def _flat(self, keypoints: Tensor, visible: Tensor, flags: Tensor | None) -> Tensor:
        """Weighted deviations from the center, and weighted flags, (B, T, K * D + F)."""
        filled = hold(keypoints, visible, self.center, backfill=True)
        flat = _transform(self.metric, filled - self.center).flatten(2)
        return flat if flags is None else torch.cat([flat, FLAG_WEIGHT * (flags - 0.5)], dim=-1)

    def _rows(self, poses: Tensor, chunk_mask: Tensor) -> Tensor:
        """(B, T, P) to lapped chunks (B, N, S * P); the last pose is repeated to fill the last chunk."""
        missing = num_chunks(poses.shape[1], self.chunk_size) * self.chunk_size - poses.shape[1]
        filled = torch.cat([poses, poses[:, -1:].expand(-1, missing, -1)], dim=1)
        return self.lapped.mix(to_chunks(filled, self.chunk_size), chunk_mask).flatten(2)


def error_metric(skeleton: Skeleton) -> Tensor:
    """The quadratic form (K, K) that weights the errors of one coordinate of all keypoints."""
    points = torch.full((skeleton.num_keypoints,), BODY_WEIGHT)
    points[skeleton.face()] = 1.0
    total = torch.diag(points)

    def add_difference(a: int, b: int, weight: float) -> None:
        """Counts the error of the offset between two keypoints."""
        difference = torch.zeros(skeleton.num_keypoints)
        difference[a], difference[b] = 1, -1
        total.add_(weight * torch.outer(difference, difference))

    for side in ("left", "right"):
        hand, wrist = skeleton.hand(side), skeleton.wrist(side)
        for a, b in skeleton.limbs.tolist():
            if a in hand and b in hand:
                add_difference(a, b, BONE_WEIGHT)
        if hand and wrist not in (None, hand[0]):
            add_difference(hand[0], wrist, WRIST_WEIGHT)
    return total


def _transform(metric: Tensor, keypoints: Tensor) -> Tensor:
    """Keypoints (..., K, D) multiplied by a square root (K, K) of the metric."""
    return torch.einsum("ij,...id->...jd", metric, keypoints)


def two_levels(sequences: Sequence[Tensor], num_rows: int, num_sequences: int) -> tuple[Tensor, Tensor]:
    """Orthogonal components of rows and of sequences' mean rows that together explain most of all rows' variance.

    With A = rows' rows and B = means' means, it maximises tr(C' A C) + tr(W' B W) over orthonormal X = [C W]. This is
    convex in X, so it lies above its tangent at X, whose slope is 2 G with G = [A C, B W]. Of all orthonormal X, the
    polar factor U V' of G = U S V' maximises the tangent, tr(G' X): replacing X by it never lowers the sum.

    Args:
        sequences: (N, n) each, about 0.
        num_rows, num_sequences: components of each kind.

    Returns:
        (n, num_rows) and (n, num_sequences), columns as long as the standard deviation along them; 0 beyond the rank.
    """
    rows = shorten_outliers(torch.cat(list(sequences)))
    lengths = [len(each) for each in sequences]
    # A sequence's mean weighs as many rows as it has.
    means = torch.stack([each.sum(dim=0) / len(each) ** 0.5 for each in rows.split(lengths)])
    rank = min(rows.shape)
    sizes = min(num_rows, rank), min(num_sequences, rank - min(num_rows, rank))
    C = principal_directions(rows, sizes[0])
    W = principal_directions(means - means @ C @ C.T, sizes[1])
    for _ in range(ITERATIONS):
        gradient = torch.cat([rows.T @ (rows @ C), means.T @ (means @ W)], dim=1)
        U, _, V = torch.linalg.svd(gradient, full_matrices=False)
        C, W = (U @ V).split(sizes, dim=1)
    return _scaled(C, rows, len(rows), num_rows), _scaled(W, means, len(rows), num_sequences)


def principal_directions(rows: Tensor, count: int) -> Tensor:
    """The first principal directions (n, count) of rows (M, n) about 0; 0 beyond their rank."""
    few = len(rows) < rows.shape[1]
    _, vectors = torch.linalg.eigh(rows @ rows.T if few else rows.T @ rows)
    vectors = vectors.flip(1)[:, :count]
    if few:  # left singular vectors, mapped to the right ones
        vectors = rows.T @ vectors
        vectors = vectors / vectors.norm(dim=0).clamp(min=1e-10)
    return torch.cat([vectors, vectors.new_zeros(rows.shape[1], count - vectors.shape[1])], dim=1)


def _scaled(directions: Tensor, rows: Tensor, weight: int, count: int) -> Tensor:
    """Orthonormal directions (n, k) rotated to the rows' principal axes within them, scaled by standard deviations."""
    projected = rows @ directions
    variances, rotation = torch.linalg.eigh(projected.T @ projected / max(1, weight - 1))
    variances, rotation = variances.flip(0), rotation.flip(1)
    variances = torch.where(variances > NEGLIGIBLE * variances[:1], variances, 0)
    components = directions @ rotation * variances.sqrt()
    return torch.cat([components, components.new_zeros(len(components), count - components.shape[1])], dim=1)


def shorten_outliers(rows: Tensor) -> Tensor:
    """Rows (M, n) shortened to at most `OUTLIER` times their median length, so that none dominates a component."""
    lengths = rows.norm(dim=1, keepdim=True)
    return rows * (OUTLIER * lengths.median() / lengths.clamp(min=1e-10)).clamp(max=1)


def coordinates(components: Tensor, rows: Tensor) -> Tensor:
    """Coordinates (..., count) of rows (..., n) along orthogonal components (n, count), 0 along those of length 0."""
    squares = components.square().sum(dim=0)
    return torch.where(squares > 1e-10, rows @ components / squares.clamp(min=1e-10), 0)
