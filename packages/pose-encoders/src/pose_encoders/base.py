"""`PoseEncoder`, base class of all encoders: embeds each frame, then contextualizes frames by a transformer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pose_core.errors import UserError
from pose_encoders.attention import TransformerStack

if TYPE_CHECKING:
    from pose_core.batch import PoseBatch
    from pose_core.skeleton import Component, Skeleton
    from pose_encoders.config import PoseEncoderConfig


@dataclass(frozen=True)
class AdditionalSequence:
    """Cross-attended context: vectors of a text, a diffusion step or a speaker that frames attend to.

    Attributes:
        values: (B, L, C), C being the encoder's `output_dim`.
        mask: (B, L) bool, True where a vector is real.
    """

    values: Tensor
    mask: Tensor


class PoseEncoder(nn.Module):
    """Base class of pose encoders: poses (B, T, K, D) to one vector per frame, (B, T, C).

    A subclass embeds frames in `embed`, and must ignore padded frames and keypoints that are not `pose.visible`. The
    transformer is shared: `contextualize`.

    Frames have positions 1 to T; all of an additional sequence has position 0, so that the result does not depend on
    how far a batch is padded. If its order matters, its values have to encode it.

    Args:
        skeleton: of the poses; poses on another one are refused.
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
        """Frame embeddings, before the transformer: poses (B, T, K, D) to (B, T, C), anything at padded frames."""
        raise NotImplementedError

    def forward(self, pose: PoseBatch, additional_sequence: AdditionalSequence | None = None) -> Tensor:
        """Encodes poses: `embed`, then `contextualize`.

        Args:
            pose: keypoints (B, T, K, D), normalized; coordinates of a keypoint that is not `visible` are ignored.
            additional_sequence: (B, L, C) vectors that frames attend to besides each other.

        Returns:
            (B, T, C), 0 at padded frames (`pose.mask` False).

        Raises:
            UserError: another skeleton than the encoder's, or more frames than there are learned positions.
        """
        check_skeleton(pose.skeleton, self.skeleton)
        return self.contextualize(self.embed(pose), pose.mask, additional_sequence)

    def contextualize(
        self, embedded: Tensor, mask: Tensor, additional_sequence: AdditionalSequence | None = None
    ) -> Tensor:
        """Self-attention over embedded frames (B, T, C) with mask (B, T), to (B, T, C), 0 at padded frames."""
        B, T = mask.shape
        x = embedded.masked_fill(~mask[:, :, None], 0.0)
        positions = torch.arange(1, T + 1, device=x.device).expand(B, T)
        if self.positions is not None:
            if self.positions.num_embeddings < T:
                raise UserError(
                    f"{T} frames, but this encoder has learned positions for {self.positions.num_embeddings} "
                    "(max_seq_size); cut the sequence, or train with rotary positions, which have no limit"
                )
            x = x + self.positions(positions - 1)
        attendable = mask
        if additional_sequence is not None:
            x = torch.cat([x, additional_sequence.values], dim=1)  # (B, T + L, C)
            attendable = torch.cat([mask, additional_sequence.mask], dim=1)
            positions = torch.cat([positions, positions.new_zeros(additional_sequence.mask.shape)], dim=1)
        x = self.stack(x, attendable, positions)[:, :T]
        return x * mask[:, :, None]


def check_skeleton(given: Skeleton, expected: Skeleton) -> None:
    """Refuses poses on a skeleton with other components or points; limbs and colors may differ.

    Raises:
        UserError: names the components that differ, and how.
    """
    if given is expected or given == expected:
        return
    differences = skeleton_differences(given, expected)
    if differences:
        raise UserError(
            f"the pose {', '.join(differences)}; put it on the model's skeleton with `sequence.on_skeleton`"
        )


def skeleton_differences(given: Skeleton, expected: Skeleton) -> list[str]:
    """How the components of a skeleton differ from those of another, as predicates: "lacks FACE_LANDMARKS"."""
    given_components = {component.name: component for component in given.components}
    expected_components = {component.name: component for component in expected.components}
    shared = [name for name in expected_components if name in given_components]
    differences = [
        *(f"lacks {name}" for name in expected_components if name not in given_components),
        *(f"has {name} besides" for name in given_components if name not in expected_components),
        *filter(None, (component_difference(given_components[name], expected_components[name]) for name in shared)),
    ]
    if not differences and list(given_components) != list(expected_components):
        return ["has its components in another order"]
    return differences


def component_difference(given: Component, expected: Component) -> str | None:
    """How the points of a component differ from those of another of the same name; None where they do not."""
    if given.points != expected.points:
        return f"has {len(given.points)} points in {given.name} where {len(expected.points)} are expected"
    if given.point_format != expected.point_format:
        return f"has {given.point_format} in {given.name} where {expected.point_format} is expected"
    return None


def visible_keypoints(pose: PoseBatch) -> tuple[Tensor, Tensor]:
    """Keypoints (B, T, K, D), 0 where they are not visible, and `pose.visible` (B, T, K)."""
    visible = pose.visible
    return torch.where(visible[..., None], pose.keypoints, torch.zeros_like(pose.keypoints)), visible
