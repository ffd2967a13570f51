"""What a text-to-pose model is, in plain values: enough to rebuild it from a folder."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pose_encoders.config import EncoderConfig, TransformerEncoderConfig

TextKind = Literal["letters", "characters", "hamnosys", "signwriting"]
Schedule = Literal["linear", "cosine", "quadratic", "sigmoid"]
Sampler = Literal["refinement", "diffusion"]


class NetworkConfig(BaseModel):
    """Size of the network; a preset's `network` section."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: EncoderConfig = TransformerEncoderConfig(num_layers=0, sees_missing=False)
    decoder_layers: int = Field(5, gt=0, description="transformer layers over groups of frames and the text")
    frames_per_token: int = Field(4, gt=0, description="frames that make one token of those layers")
    text_layers: int = Field(1, gt=0)
    num_heads: int = Field(4, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    hand_scale: float = Field(4.0, gt=0, description="how much larger than the body the network sees fingers")
    prediction: Literal["clean", "change"] = Field(
        "clean", description="what the network's output is added to: the start frame, or the sequence it is shown"
    )


class TextConfig(BaseModel):
    """What texts a model takes.

    `letters` are taught one by one, a shape each; `characters` are tokens of texts of any length; the two notations
    have symbols.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: TextKind = "letters"
    alphabets: dict[str, list[str]] = Field(
        description="signed languages (ISO 639-3), and the letters each was taught; no letters for another kind"
    )
    vocabulary: list[str] = Field(default=[], description="characters or symbols, those of letters' SignWriting, too")


class TextToPoseConfig(BaseModel):
    """Everything a `TextToPose` is built from; saved as `config.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: NetworkConfig = NetworkConfig()
    text: TextConfig
    skeleton: dict[str, Any] = Field(description="`Skeleton.to_dict()` of the poses")
    signing_hands: dict[str, Literal["left", "right"]] = Field(description="the hand seen more in each language")
    fps: float = Field(25.0, gt=0, description="frames a second of everything the model sees and makes")
    fastest: dict[str, float] = Field(
        default={}, description="farthest that a keypoint moved in one frame of a language's clips, in shoulder widths"
    )
    num_steps: int = Field(8, gt=0, description="steps of a sampler, unless the user asks for another number")
