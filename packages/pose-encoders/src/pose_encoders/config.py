"""What an encoder and a model of one are, and how they are trained, in plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from pose_core.training.config import TrainingConfig
from pose_encoders.labels import Task  # noqa: TC001 - pydantic reads it

PRESETS = {path.stem: path for path in sorted((Path(__file__).parent / "presets").glob("*.yaml"))}


class PoseEncoderConfig(BaseModel):
    """What every encoder's configuration has; the poses' skeleton is the model's, not a setting."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hidden_dim: int = Field(256, gt=0, description="C, width of the vectors")
    num_layers: int = Field(4, ge=0, description="transformer layers over the frames; 0: each frame by itself")
    num_heads: int = Field(4, gt=0)
    dropout: float = Field(0.1, ge=0, lt=1)
    positions: Literal["rotary", "learned"] = "rotary"
    max_seq_size: int | None = Field(None, gt=0, description="most frames that learned positions can tell apart")

    @model_validator(mode="after")
    def _learned_positions_need_a_size(self) -> PoseEncoderConfig:
        if (self.positions == "learned") != (self.max_seq_size is not None):
            raise ValueError(
                "max_seq_size belongs to positions: learned, which needs it; rotary positions have no limit"
            )
        return self


class TransformerEncoderConfig(PoseEncoderConfig):
    """Shape of a `TransformerEncoder`."""

    kind: Literal["transformer"] = "transformer"
    sees_missing: bool = Field(True, description="tell a missing keypoint from one at 0; off where none ever is")


class GraphEncoderConfig(PoseEncoderConfig):
    """Shape of a `GraphEncoder`."""

    kind: Literal["graph"] = "graph"
    conv: Literal["gcn", "relational", "gatv2", "transformer"] = Field(
        "gcn", description="convolution of torch-geometric; gcn weighs each type of edge, relational has one for each"
    )
    node_dim: int = Field(64, gt=0, description="width of a keypoint's vector, divisible by num_heads")
    graph_layers: int = Field(3, gt=0)
    window: int = Field(1, ge=0, description="frames before and after that a joint is joined to itself in")


class VisualEncoderConfig(PoseEncoderConfig):
    """Shape of a `VisualEncoder`."""

    kind: Literal["visual"] = "visual"
    size: int = Field(64, gt=0, description="height and width of the pictures in pixels")
    fit: Literal["frame", "clip"] = Field("frame", description="a component's box, of each frame or of the whole clip")
    channels: tuple[int, ...] = Field((8, 16, 32, 64), min_length=1, description="of each layer, which halves pictures")
    temporal_kernel: int = Field(3, gt=0, description="frames that a layer looks at, an odd number")
    picture_dim: int = Field(256, gt=0, description="width of a picture's vector")
    shared_weights: bool = Field(True, description="one network for all components, or one each")
    combine: Literal["concatenation", "convolution"] = "concatenation"

    @model_validator(mode="after")
    def _pictures_can_be_halved(self) -> VisualEncoderConfig:
        if self.size % (1 << len(self.channels)):
            raise ValueError(f"pictures of {self.size} pixels cannot be halved {len(self.channels)} times")
        if self.temporal_kernel % 2 == 0:
            raise ValueError("temporal_kernel is even; a frame has as many neighbours before as after it")
        return self


def _kind(encoder: Any) -> str:
    """A transformer, unless something else is said."""
    return encoder.get("kind", "transformer") if isinstance(encoder, dict) else getattr(encoder, "kind", "transformer")


EncoderConfig = Annotated[
    Annotated[TransformerEncoderConfig, Tag("transformer")]
    | Annotated[GraphEncoderConfig, Tag("graph")]
    | Annotated[VisualEncoderConfig, Tag("visual")],
    Discriminator(_kind),
]
Pool = Literal["mean", "attention", "cls"]


class ModelConfig(BaseModel):
    """Everything a `PoseEncoderModel` is built from; saved as `config.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: EncoderConfig
    pool: Pool = Field("attention", description="how frames become one vector a clip")
    skeleton: dict[str, Any] = Field(description="`Skeleton.to_dict()` of the poses")
    fps: float = Field(25.0, gt=0, description="frames a second that poses are brought to")
    face: bool = Field(False, description="whether the face is looked at")
    labels: list[str] | None = Field(None, description="what clips are told apart by; None: trained without labels")


class RunConfig(TrainingConfig):
    """A training run: a YAML file, flat but for its encoder."""

    SECTIONS: ClassVar[tuple[str, ...]] = ("training",)

    task: Task = Field("text", description="a manifest's column to tell clips apart by, or hidden_frames: no labels")
    encoder: EncoderConfig = TransformerEncoderConfig()
    pool: Pool = "attention"
    fps: float = Field(25.0, gt=0)
    face: bool = False
