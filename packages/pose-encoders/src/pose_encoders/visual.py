"""`VisualEncoder`: a 3-D CNN over small rasters of body, face and hands."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pose_core.errors import UserError
from pose_core.rendering import rasterize
from pose_encoders.base import PoseEncoder, check_skeleton
from pose_encoders.config import VisualEncoderConfig

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pose_core.batch import PoseBatch
    from pose_core.skeleton import Skeleton

CHUNK = 256  # frames that go through the CNN at once in inference; bounds the memory of activations


class FrameNorm(nn.Module):
    """Group normalization per frame: statistics include neither other frames nor padding."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(max(1, channels // 8), channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, H, W) to (N, C, T, H, W)."""
        frames = x.transpose(1, 2)
        return self.norm(frames.flatten(0, 1)).view_as(frames).transpose(1, 2)


class PictureNetwork(nn.Module):
    """3-D CNN of one component's rasters: each layer halves height and width, and keeps the frames.

    Args:
        config: see `VisualEncoderConfig`.
    """

    def __init__(self, config: VisualEncoderConfig) -> None:
        super().__init__()
        kernel, widths = config.temporal_kernel, (1, *config.channels)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Conv3d(before, after, (kernel, 3, 3), (1, 2, 2), (kernel // 2, 1, 1)), FrameNorm(after), nn.GELU()
            )
            for before, after in itertools.pairwise(widths)
        )
        side = config.size >> len(config.channels)
        self.squeeze = nn.Linear(config.channels[-1] * side * side, config.picture_dim)

    def forward(self, pictures: Tensor, mask: Tensor) -> Tensor:
        """Rasters (N, T, H, W) in [0, 1] with mask (N, T) to vectors (N, T, picture_dim)."""
        x = pictures[:, None]
        frame_mask = mask[:, None, :, None, None]
        for layer in self.layers:
            x = layer(x) * frame_mask  # a bias in the padding would reach real frames through the next kernel
        return self.squeeze(x.transpose(1, 2).flatten(2))


class VisualEncoder(PoseEncoder):
    """Embeds frames by a CNN over rasters of body, face and hands.

    A part of which nothing is visible in a frame has a learned vector there, not that of an empty raster.

    Args:
        skeleton: of the poses; each of its parts is drawn as one raster, each limb as a line.
        config: see `VisualEncoderConfig`.
    """

    def __init__(self, skeleton: Skeleton, config: VisualEncoderConfig | None = None) -> None:
        config = config or VisualEncoderConfig()
        super().__init__(skeleton, config)
        self.parts = skeleton.parts()
        self.size, self.fit = config.size, config.fit
        count = 1 if config.shared_weights else len(self.parts)
        self.networks = nn.ModuleList(PictureNetwork(config) for _ in range(count))
        self.absent = nn.Parameter(0.02 * torch.randn(len(self.parts), config.picture_dim))
        inputs = len(self.parts) * config.picture_dim
        self.combine: nn.Module
        if config.combine == "convolution":
            self.combine = nn.Conv2d(config.picture_dim, config.hidden_dim, (3, len(self.parts)), padding=(1, 0))
        else:
            self.combine = nn.Linear(inputs, config.hidden_dim)
        # Receptive field of `embed`: frames on either side that a frame's embedding depends on.
        self.radius = len(config.channels) * (config.temporal_kernel // 2) + (config.combine == "convolution")

    def embed(self, pose: PoseBatch) -> Tensor:
        """Poses (B, T, K, D) to frame embeddings (B, T, C)."""
        pictures, present = self.draw(pose)
        T = pose.mask.shape[1]
        if torch.is_grad_enabled() or T <= CHUNK:
            return self.embed_pictures(pictures, present, pose.mask)
        pieces = []
        for first in range(0, T, CHUNK):
            begin, end = max(0, first - self.radius), min(T, first + CHUNK + self.radius)
            piece = self.embed_pictures(pictures[:, begin:end], present[:, begin:end], pose.mask[:, begin:end])
            pieces.append(piece[:, first - begin : first - begin + CHUNK])
        return torch.cat(pieces, dim=1)

    def draw(self, pose: PoseBatch) -> tuple[Tensor, Tensor]:
        """Rasters of poses, uint8 (B, T, P, size, size), and (B, T, P) True where a part has a visible keypoint."""
        pictures = rasterize(
            replace(pose, skeleton=self.skeleton), self.parts, size=self.size, fit=self.fit, subpixel=True
        )
        visible = pose.visible
        present = [visible[..., self.skeleton.part(part)].any(dim=-1) for part in self.parts]
        return pictures, torch.stack(present, dim=-1)

    def embed_pictures(self, pictures: Tensor, present: Tensor, mask: Tensor) -> Tensor:
        """Frame embeddings of rasters, before the transformer.

        Args:
            pictures: uint8 (B, T, P, size, size).
            present: (B, T, P) bool, True where a keypoint of the part is visible.
            mask: (B, T) bool, True where a frame is real.

        Returns:
            (B, T, C), anything at padded frames.
        """
        x = pictures.to(self.absent.dtype) / 255 * mask[:, :, None, None, None]
        networks = [self.networks[p % len(self.networks)] for p in range(len(self.parts))]
        vectors = torch.stack([network(x[:, :, p], mask) for p, network in enumerate(networks)], dim=2)
        vectors = torch.where(present[..., None], vectors, self.absent.to(vectors.dtype)) * mask[:, :, None, None]
        if isinstance(self.combine, nn.Conv2d):
            return self.combine(vectors.permute(0, 3, 1, 2))[..., 0].transpose(1, 2)
        return self.combine(vectors.flatten(2))

    def embed_stream(self, chunks: Iterable[PoseBatch]) -> Iterator[Tensor]:
        """Streaming `embed`: chunks (B, t, K, D) of any lengths t, all of the same B sequences.

        A frame's embedding is yielded as soon as the `radius` frames after it have come; the last ones at the end.

        Yields:
            (B, t, C); concatenated, they equal `embed` of the whole, (B, T, C).

        Raises:
            UserError: another skeleton, or `fit: clip`, whose box depends on all frames.
        """
        if self.fit == "clip":
            raise UserError("pictures fitted over a clip need all of it; stream with an encoder of `fit: frame`")
        buffer: list[Tensor] = []  # pictures, present, mask of frames that later embeddings depend on
        yielded = 0  # frames of the buffer whose embeddings were yielded already
        for chunk in chunks:
            check_skeleton(chunk.skeleton, self.skeleton)
            new = [*self.draw(chunk), chunk.mask]
            buffer = [torch.cat(pair, dim=1) for pair in zip(buffer, new, strict=True)] if buffer else new
            ready = buffer[2].shape[1] - self.radius
            if ready > yielded:
                yield self.embed_pictures(*buffer)[:, yielded:ready]
                drop = max(0, ready - self.radius)
                buffer, yielded = [part[:, drop:] for part in buffer], ready - drop
        if buffer and buffer[2].shape[1] > yielded:
            yield self.embed_pictures(*buffer)[:, yielded:]
