"""What all pose encoders are: frames embedded, each kind in its own way, then a transformer over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pose_core.errors import UserError
from pose_encoders.attention import TransformerStack

if TYPE_CHECKING:
    from pose_core.data import PoseBatch
    from pose_core.skeleton import Skeleton
    from pose_encoders.config import PoseEncoderConfig


@dataclass(frozen=True)
class AdditionalSequence:
    """Vectors that frames can attend to: text, a step, a speaker.

    Attributes:
        values: (B, L, C), C as wide as the encoder.
        mask: (B, L), True where a vector is real.
    """

    values: Tensor
    mask: Tensor


class PoseEncoder(nn.Module):
    """Pose sequences to vectors, one a frame.

    Frames stand at places 1 to T; an additional sequence stands at place 0 as a whole, so the result does not depend
    on how far a batch was padded. Whoever needs order in it puts it into its values.

    A subclass turns each frame into a vector in `embed`; where a frame needs its neighbours for that, padded ones are
    none.

    Args:
        skeleton: of the poses; others are refused.
        config: of the subclass.
    """

    def __init__(self, skeleton: Skeleton, config: PoseEncoderConfig) -> None:
        super().__init__()
        self.skeleton = skeleton
        self.config = config
        self.output_dim = config.hidden_dim
        self.positions = None
        if config.max_seq_size is not None:
            self.positions = nn.Embedding(config.max_seq_size, config.hidden_dim)
        self.stack = TransformerStack(
            config.hidden_dim, config.num_layers, config.num_heads, config.dropout, rotary=self.positions is None
        )

    def embed(self, pose: PoseBatch) -> Tensor:
        """Poses (B, T, K, D) to vectors (B, T, C); what they are at padded frames does not matter."""
        raise NotImplementedError

    def forward(self, pose: PoseBatch, additional_sequence: AdditionalSequence | None = None) -> Tensor:
        """Encodes frames.

        Args:
            pose: keypoints (B, T, K, D), normalized; a missing one has confidence 0, whatever lies in its place.
            additional_sequence: what frames may attend to besides each other.

        Returns:
            (B, T, C), zero at padded frames (`pose.mask`).

        Raises:
            UserError: another skeleton than the encoder's, or more frames than learned positions.
        """
        check_skeleton(pose.skeleton, self.skeleton)
        return self.contextualize(self.embed(pose), pose.mask, additional_sequence)

    def contextualize(
        self, embedded: Tensor, mask: Tensor, additional_sequence: AdditionalSequence | None = None
    ) -> Tensor:
        """The transformer over embedded frames (B, T, C) with mask (B, T): (B, T, C), zero at padded frames."""
        B, T = mask.shape
        x = embedded.masked_fill(~mask[:, :, None], 0.0)
        places = torch.arange(1, T + 1, device=x.device).expand(B, T)
        if self.positions is not None:
            if self.positions.num_embeddings < T:
                raise UserError(
                    f"{T} frames, but this encoder has learned positions for {self.positions.num_embeddings} "
                    "(max_seq_size); cut the sequence, or train with rotary positions, which have no limit"
                )
            x = x + self.positions(places - 1)
        keys = mask
        if additional_sequence is not None:
            x = torch.cat([x, additional_sequence.values], dim=1)  # (B, T + L, C)
            keys = torch.cat([mask, additional_sequence.mask], dim=1)
            places = torch.cat([places, places.new_zeros(additional_sequence.mask.shape)], dim=1)
        x = self.stack(x, keys, places)[:, :T]
        return x * mask[:, :, None]


def check_skeleton(given: Skeleton, expected: Skeleton) -> None:
    """Refuses poses on another skeleton than a model was built for.

    Raises:
        UserError: names the components that differ, and how.
    """
    if given is expected or given == expected:
        return
    theirs, ours = ({c.name: c for c in skeleton.components} for skeleton in (given, expected))
    differences = [f"lacks {name}" for name in ours if name not in theirs]
    differences += [f"has {name} besides" for name in theirs if name not in ours]
    for name in (name for name in ours if name in theirs):
        mine, other = ours[name], theirs[name]
        if mine.points != other.points:
            differences.append(f"has {len(other.points)} points in {name} where {len(mine.points)} are expected")
        elif mine.point_format != other.point_format:
            differences.append(f"has {other.point_format} in {name} where {mine.point_format} is expected")
    if differences or list(theirs) != list(ours):
        what = ", ".join(differences) or "has its components in another order"
        raise UserError(f"the pose {what}; put it on the model's skeleton with `sequence.on_skeleton`")
    # What is left are limbs and colors, which only a picture or a graph of the pose would show.


def missing_as_zero(pose: PoseBatch) -> tuple[Tensor, Tensor]:
    """Keypoints (B, T, K, D) with whatever lies in the place of missing ones as 0, and (B, T, K) which are seen."""
    seen = (pose.confidence > 0) & pose.mask[:, :, None]
    return torch.where(seen[..., None], pose.keypoints, torch.zeros_like(pose.keypoints)), seen
