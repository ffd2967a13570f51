"""Configuration: encoders, the model around one, and a training run, as plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SerializeAsAny,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from pose_core.training.config import TrainingConfig
from pose_encoders.labels import Task  # noqa: TC001 - pydantic reads it

PRESETS = {path.stem: path for path in sorted((Path(__file__).parent / "presets").glob("*.yaml"))}


class PoseEncoderConfig(BaseModel):
    """Base class: the transformer over frames. The skeleton of the poses belongs to the model, not to its settings.

    Attributes:
        ENCODER: module and class of the encoder, imported when one is built: the graph encoder brings torch-geometric.
        kind: name of the kind of encoder; every subclass has its own.
    """

    ENCODER: ClassVar[str]

    model_config = ConfigDict(extra="forbid", frozen=True)

    hidden_dim: int = Field(256, gt=0, description="C, width of the vectors")
    num_layers: int = Field(4, ge=0, description="transformer layers over frames; 0: every frame is encoded alone")
    num_heads: int = Field(4, gt=0, description="attention heads")
    dropout: float = Field(0.1, ge=0, lt=1)
    positions: Literal["rotary", "learned"] = Field("rotary", description="position embedding of frames")
    max_seq_size: int | None = Field(None, gt=0, description="largest number of frames, of learned positions")

    @model_validator(mode="after")
    def _learned_positions_need_a_size(self) -> PoseEncoderConfig:
        if (self.positions == "learned") != (self.max_seq_size is not None):
            raise ValueError(
                "max_seq_size belongs to positions: learned, which needs it; rotary positions have no limit"
            )
        return self


Config = TypeVar("Config", bound=PoseEncoderConfig)
ENCODER_CONFIGS: dict[str, type[PoseEncoderConfig]] = {}  # by kind


def register_encoder(config: type[Config]) -> type[Config]:
    """Class decorator: makes an encoder's configuration known by its `kind`, to every model and training run.

    An encoder of a user's own module needs no more: a subclass of `PoseEncoder`, and of `PoseEncoderConfig` with
    `ENCODER`, `kind` and this decorator, imported before a model is loaded.
    """
    ENCODER_CONFIGS[config.model_fields["kind"].default] = config
    return config


def encoder_settings(current: PoseEncoderConfig, kind: str) -> dict[str, Any]:
    """Settings of another kind of encoder: those that both kinds have stay as they are, the others are its defaults."""
    known = ENCODER_CONFIGS[kind].model_fields if kind in ENCODER_CONFIGS else {}
    return {name: value for name, value in current.model_dump().items() if name in known} | {"kind": kind}


@register_encoder
class TransformerEncoderConfig(PoseEncoderConfig):
    """Configuration of a `TransformerEncoder`."""

    ENCODER = "pose_encoders.transformer.TransformerEncoder"

    kind: Literal["transformer"] = "transformer"
    sees_missing: bool = Field(True, description="also input which keypoints are visible; off where all are")


@register_encoder
class GraphEncoderConfig(PoseEncoderConfig):
    """Configuration of a `GraphEncoder`."""

    ENCODER = "pose_encoders.graph.GraphEncoder"

    kind: Literal["graph"] = "graph"
    conv: Literal["gcn", "relational", "gatv2", "transformer"] = Field(
        "gcn", description="graph convolution; gcn: a weight per type of edge, relational: a convolution per type"
    )
    node_dim: int = Field(64, gt=0, description="channels of a node, divisible by num_heads")
    graph_layers: int = Field(3, gt=0, description="graph convolution layers")
    window: int = Field(1, ge=0, description="temporal edges reach so many frames before and after")


@register_encoder
class VisualEncoderConfig(PoseEncoderConfig):
    """Configuration of a `VisualEncoder`."""

    ENCODER = "pose_encoders.visual.VisualEncoder"

    kind: Literal["visual"] = "visual"
    size: int = Field(64, gt=0, description="height and width of pictures, in pixels")
    fit: Literal["frame", "clip"] = Field("frame", description="bounding box of a part: per frame, or one per clip")
    channels: tuple[int, ...] = Field(
        (8, 16, 32, 64), min_length=1, description="per layer, each of which halves the size"
    )
    temporal_kernel: int = Field(3, gt=0, description="kernel size over frames, odd")
    picture_dim: int = Field(256, gt=0, description="channels of a picture's vector")
    shared_weights: bool = Field(True, description="one network for all parts, or one per part")
    combine: Literal["concatenation", "convolution"] = Field("concatenation", description="of the parts' vectors")

    @model_validator(mode="after")
    def _pictures_can_be_halved(self) -> VisualEncoderConfig:
        if self.size % (1 << len(self.channels)):
            raise ValueError(f"pictures of {self.size} pixels cannot be halved {len(self.channels)} times")
        if self.temporal_kernel % 2 == 0:
            raise ValueError("temporal_kernel is even; it has to be odd, to be centred on a frame")
        return self


def _kind(encoder: Any) -> str:
    """The `kind` of an encoder's configuration; transformer by default."""
    return encoder.get("kind", "transformer") if isinstance(encoder, dict) else getattr(encoder, "kind", "transformer")


def _registered(value: Any, bundled: ValidatorFunctionWrapHandler) -> PoseEncoderConfig:
    """Validates by the registered configuration of the value's kind; by the union of the bundled ones elsewhere."""
    config = ENCODER_CONFIGS.get(_kind(value))
    if config is None or config.__module__ == __name__:
        return bundled(value)
    try:
        return config.model_validate(value)
    except ValidationError as error:
        problem = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from error


# Bundled encoders are in the union, whose keys the `config` command prints; those of users are registered.
EncoderConfig = Annotated[
    SerializeAsAny[
        Annotated[
            Annotated[TransformerEncoderConfig, Tag("transformer")]
            | Annotated[GraphEncoderConfig, Tag("graph")]
            | Annotated[VisualEncoderConfig, Tag("visual")],
            Discriminator(_kind),
        ]
    ],
    WrapValidator(_registered),
]
Pool = Literal["mean", "attention", "cls"]


class ModelSettings(BaseModel):
    """Settings of a model that a run chooses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: EncoderConfig = TransformerEncoderConfig()
    pool: Pool = Field("attention", description="temporal pooling of frames to one vector per clip")
    fps: float = Field(25.0, gt=0, description="frames per second that poses are resampled to")
    face: bool = Field(False, description="keep the face of poses")


class ModelConfig(ModelSettings):
    """Everything a `PoseEncoderModel` is built from; saved as `config.json`."""

    skeleton: dict[str, Any] = Field(description="`Skeleton.to_dict()` of the poses")
    labels: list[str] | None = Field(None, description="classes; None: trained without labels")


class RunConfig(ModelSettings, TrainingConfig):
    """A training run: a YAML file, flat but for its encoder."""

    SECTIONS: ClassVar[tuple[str, ...]] = ("training",)

    task: Task = Field("text", description="manifest column to classify by, or hidden_frames: no labels")
