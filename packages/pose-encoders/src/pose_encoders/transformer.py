"""`TransformerEncoder`: each frame's keypoints, linearly projected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pose_encoders.base import PoseEncoder, visible_keypoints
from pose_encoders.config import TransformerEncoderConfig

if TYPE_CHECKING:
    from pose_core.batch import PoseBatch
    from pose_core.skeleton import Skeleton


class TransformerEncoder(PoseEncoder):
    """Embeds a frame by one linear projection of its coordinates and, with `sees_missing`, of which are visible.

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
        """Poses (B, T, K, D) to frame embeddings (B, T, C)."""
        keypoints, visible = visible_keypoints(pose)
        if self.sees_missing:
            keypoints = torch.cat([keypoints, visible[..., None].to(keypoints.dtype)], dim=-1)
        return self.projection(keypoints.flatten(2))
