"""What a text-to-pose model is, in plain values: enough to rebuild it from a folder."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pose_encoders.config import EncoderConfig, TransformerEncoderConfig


class NetworkConfig(BaseModel):
    """Size of the network; a preset's `network` section."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: EncoderConfig = TransformerEncoderConfig(num_layers=2, sees_missing=False)
    decoder_layers: int = Field(3, gt=0)
    text_layers: int = Field(1, gt=0)
    num_heads: int = Field(4, gt=0)
    dropout: float = Field(0.1, ge=0, lt=1)
    hand_scale: float = Field(4.0, gt=0, description="how much larger than the body the network sees fingers")


class TextToPoseConfig(BaseModel):
    """Everything a `TextToPose` is built from; saved as `config.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: NetworkConfig = NetworkConfig()
    skeleton: dict[str, Any] = Field(description="`Skeleton.to_dict()` of the poses")
    alphabets: dict[str, list[str]] = Field(description="letters taught in each signed language (ISO 639-3)")
    signing_hands: dict[str, Literal["left", "right"]] = Field(description="the hand seen more in each language")
    fps: float = Field(25.0, gt=0, description="frames a second of everything the model sees and makes")
    num_steps: int = Field(8, gt=0, description="refinements of a sequence, unless the user asks for another number")
