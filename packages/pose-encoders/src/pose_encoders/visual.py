"""Visual pose encoder: each component drawn as a small video, seen by a 3-D convolutional network."""

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

    from pose_core.data import PoseBatch
    from pose_core.skeleton import Skeleton

CHUNK = 256  # frames of which the layers' outputs are in memory together, where no gradient needs them all


class FrameNorm(nn.Module):
    """Group normalization of each frame alone: what stands in other frames, or in padding, changes nothing."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(max(1, channels // 8), channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, H, W) to the same."""
        frames = x.transpose(1, 2)
        return self.norm(frames.flatten(0, 1)).view_as(frames).transpose(1, 2)


class PictureNetwork(nn.Module):
    """Pictures of one component to a vector a frame: layers that halve height and width and keep the frames.

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
        """Pictures (N, T, H, W) in [0, 1] with mask (N, T) to vectors (N, T, picture_dim)."""
        x = pictures[:, None]
        there = mask[:, None, :, None, None]
        for layer in self.layers:
            x = layer(x) * there  # a bias in the padding would reach real frames through the next kernel
        return self.squeeze(x.transpose(1, 2).flatten(2))


class VisualEncoder(PoseEncoder):
    """Frames to vectors through pictures of body, face and hands, and the transformer over them.

    A component that is missing from a frame is told from a picture: a learned vector takes its place.

    Args:
        skeleton: of the poses; its parts are the pictures, its limbs the lines.
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
        # Frames on either side that a frame's vector depends on, before the transformer.
        self.reach = len(config.channels) * (config.temporal_kernel // 2) + (config.combine == "convolution")

    def embed(self, pose: PoseBatch) -> Tensor:
        pictures, present = self.draw(pose)
        T = pose.mask.shape[1]
        if torch.is_grad_enabled() or T <= CHUNK:
            return self.embed_pictures(pictures, present, pose.mask)
        pieces = []
        for first in range(0, T, CHUNK):
            begin, end = max(0, first - self.reach), min(T, first + CHUNK + self.reach)
            piece = self.embed_pictures(pictures[:, begin:end], present[:, begin:end], pose.mask[:, begin:end])
            pieces.append(piece[:, first - begin : first - begin + CHUNK])
        return torch.cat(pieces, dim=1)

    def draw(self, pose: PoseBatch) -> tuple[Tensor, Tensor]:
        """Pictures of poses, uint8 (B, T, P, size, size), and (B, T, P) True where anything of a part is seen."""
        pictures = rasterize(
            replace(pose, skeleton=self.skeleton), self.parts, size=self.size, fit=self.fit, subpixel=True
        )
        seen = (pose.confidence > 0) & pose.mask[:, :, None]
        return pictures, torch.stack([seen[..., self.skeleton.part(part)].any(dim=-1) for part in self.parts], dim=-1)

    def embed_pictures(self, pictures: Tensor, present: Tensor, mask: Tensor) -> Tensor:
        """Pictures to vectors, before the transformer.

        Args:
            pictures: uint8 (B, T, P, size, size).
            present: (B, T, P), True where the part is seen.
            mask: (B, T), True where a frame is real.

        Returns:
            (B, T, C); what stands at padded frames does not matter.
        """
        x = pictures.to(self.absent.dtype) / 255 * mask[:, :, None, None, None]
        networks = [self.networks[p % len(self.networks)] for p in range(len(self.parts))]
        vectors = torch.stack([network(x[:, :, p], mask) for p, network in enumerate(networks)], dim=2)
        vectors = torch.where(present[..., None], vectors, self.absent.to(vectors.dtype)) * mask[:, :, None, None]
        if isinstance(self.combine, nn.Conv2d):
            return self.combine(vectors.permute(0, 3, 1, 2))[..., 0].transpose(1, 2)
        return self.combine(vectors.flatten(2))

    def embed_stream(self, chunks: Iterable[PoseBatch]) -> Iterator[Tensor]:
        """`embed` of a sequence that comes in pieces of any length, each a batch of the same B sequences.

        A frame is given as soon as all frames it depends on have come, `reach` later; the last ones at the end.

        Yields:
            (B, t, C), together the (B, T, C) of the whole.

        Raises:
            UserError: another skeleton, or pictures that are fitted over a clip: its box needs all of it.
        """
        if self.fit == "clip":
            raise UserError("pictures fitted over a clip need all of it; stream with an encoder of `fit: frame`")
        held: list[Tensor] = []
        before = 0  # frames held that were given already
        for chunk in chunks:
            check_skeleton(chunk.skeleton, self.skeleton)
            new = [*self.draw(chunk), chunk.mask]
            held = [torch.cat(pair, dim=1) for pair in zip(held, new, strict=True)] if held else new
            ready = held[2].shape[1] - self.reach
            if ready > before:
                yield self.embed_pictures(*held)[:, before:ready]
                drop = max(0, ready - self.reach)
                held, before = [part[:, drop:] for part in held], ready - drop
        if held and held[2].shape[1] > before:
            yield self.embed_pictures(*held)[:, before:]
