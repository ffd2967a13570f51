"""Transformer pose encoder: a frame's keypoints, projected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pose_encoders.base import PoseEncoder, missing_as_zero
from pose_encoders.config import TransformerEncoderConfig

if TYPE_CHECKING:
    from pose_core.data import PoseBatch
    from pose_core.skeleton import Skeleton


class TransformerEncoder(PoseEncoder):
    """Frames to vectors by one linear projection of all their keypoints, and the transformer over them.

    Args:
        skeleton: of the poses.
        config: see `TransformerEncoderConfig`.
    """

    def __init__(self, skeleton: Skeleton, config: TransformerEncoderConfig | None = None) -> None:
        config = config or TransformerEncoderConfig()
        super().__init__(skeleton, config)
        self.sees_missing = config.sees_missing
        values = skeleton.num_keypoints * (skeleton.num_dims + config.sees_missing)
        self.projection = nn.Linear(values, config.hidden_dim)

    def embed(self, pose: PoseBatch) -> Tensor:
        keypoints, seen = missing_as_zero(pose)
        if self.sees_missing:
            keypoints = torch.cat([keypoints, seen[..., None].to(keypoints.dtype)], dim=-1)
        return self.projection(keypoints.flatten(2))
