"""Transformer pose encoder: frames projected, further sequences appended, a vector a frame out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from pose_core.errors import UserError
from pose_encoders.attention import TransformerStack


class TransformerEncoderConfig(BaseModel):
    """Shape of a `TransformerEncoder`; the poses' own shape is the model's, not a setting."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hidden_dim: int = Field(256, gt=0, description="C, width of the vectors")
    num_layers: int = Field(4, gt=0)
    num_heads: int = Field(4, gt=0)
    dropout: float = Field(0.1, ge=0, lt=1)
    positions: Literal["rotary", "learned"] = "rotary"
    max_seq_size: int | None = Field(None, gt=0, description="most frames that learned positions can tell apart")

    @model_validator(mode="after")
    def _learned_positions_need_a_size(self) -> TransformerEncoderConfig:
        if (self.positions == "learned") != (self.max_seq_size is not None):
            raise ValueError(
                "max_seq_size belongs to positions: learned, which needs it; rotary positions have no limit"
            )
        return self


@dataclass(frozen=True)
class AdditionalSequence:
    """Vectors that frames can attend to: text, a step, a speaker.

    Attributes:
        values: (B, L, C), C as wide as the encoder.
        mask: (B, L), True where a vector is real.
    """

    values: Tensor
    mask: Tensor


class TransformerEncoder(nn.Module):
    """Pose frames to vectors.

    Frames stand at places 1 to T; an additional sequence stands at place 0 as a whole, so the result does not depend
    on how far a batch was padded. Whoever needs order in it puts it into its values.

    Args:
        input_shape: (K, D) of a frame.
        config: see `TransformerEncoderConfig`.
    """

    def __init__(self, input_shape: tuple[int, int], config: TransformerEncoderConfig | None = None) -> None:
        super().__init__()
        config = config or TransformerEncoderConfig()
        K, D = input_shape
        self.config = config
        self.output_dim = config.hidden_dim
        self.projection = nn.Linear(K * D, config.hidden_dim)
        self.positions = None
        if config.max_seq_size is not None:
            self.positions = nn.Embedding(config.max_seq_size, config.hidden_dim)
        self.stack = TransformerStack(
            config.hidden_dim, config.num_layers, config.num_heads, config.dropout, rotary=self.positions is None
        )

    def forward(self, pose: Tensor, mask: Tensor, additional_sequence: AdditionalSequence | None = None) -> Tensor:
        """Encodes frames.

        Args:
            pose: (B, T, K, D); what stands at padded frames is ignored.
            mask: (B, T), True where a frame is real.
            additional_sequence: what frames may attend to besides each other.

        Returns:
            (B, T, C), zero at padded frames.

        Raises:
            UserError: more frames than learned positions.
        """
        B, T = mask.shape
        x = self.projection(pose.masked_fill(~mask[:, :, None, None], 0.0).flatten(2))  # (B, T, C)
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
