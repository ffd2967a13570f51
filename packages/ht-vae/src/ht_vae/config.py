"""What a model is made of, and what its training minimizes, in plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from pose_core.training.config import TrainingConfig
from pose_core.transforms import KeypointChoice  # noqa: TC001 - pydantic reads it

BUNDLED = {path.parent.name: path.parent for path in sorted(Path(__file__).parent.glob("models/*/config.json"))}
PRESETS = {path.stem: path for path in sorted((Path(__file__).parent / "presets").glob("*.yaml"))}
KLSchedule = Literal["constant", "linear", "cyclical", "sigmoid"]


class ModelSizes(BaseModel):
    """The sizes of a model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(96, gt=0, description="C, numbers a frame is described by between the layers")
    num_heads: int = Field(4, gt=0)
    local_layers: int = Field(3, gt=0, description="layers over the frames, of encoder and of decoder")
    global_layers: int = Field(2, ge=0, description="layers over the chunks; 0: no chunk knows of those far away")
    feed_forward: int = Field(384, gt=0, description="width of the feed-forward networks")
    chunk_size: int = Field(32, gt=0, description="frames of a chunk")
    overlap: int = Field(8, ge=0, description="frames beyond either end of its chunk that a frame attends to")
    latent_dim: int = Field(32, gt=0, description="Z, numbers of a whole sequence's latent vector")
    chunk_latent_dim: int = Field(256, ge=0, description="numbers of a chunk's; 0: there is only the whole sequence's")
    pose_dim: int = Field(64, gt=0, description="principal components of a pose in the linear basis, at most")
    dropout: float = Field(0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _divides(self) -> ModelSizes:
        if self.width % (2 * self.num_heads):
            raise ValueError(f"width {self.width} does not divide into {self.num_heads} heads of an even width")
        return self


class ModelConfig(ModelSizes):
    """A model: its sizes, what it is conditioned on, and its skeleton, which has K keypoints of D coordinates."""

    condition_dim: int = Field(0, ge=0, description="E, numbers of the vector that it is conditioned on; 0: none")
    labels: tuple[str, ...] = Field((), description="names of what it is conditioned on; none: on a vector or nothing")
    skeleton: dict[str, Any] = Field(description="of `Skeleton.to_dict`")
    fps: float = Field(25.0, gt=0, description="frames a second of what it makes from nothing")
    trained_on: str = Field("", description="data that its weights come from, in words; empty: not said")
    relative_arms: bool = Field(
        False, description="arms and hands are bones that hang from shoulders, see `ArmBones`; not so in models of 0.4"
    )

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what older models do not know: their hash is of their configuration, too."""
        values = handler(self)
        if not self.relative_arms:
            values.pop("relative_arms", None)
        return values

    @model_validator(mode="after")
    def _one_condition(self) -> ModelConfig:
        if self.condition_dim and self.labels:
            raise ValueError("condition_dim and labels exclude each other: a condition is a vector or a label")
        return self


class LossConfig(BaseModel):
    """Weights of the components of the loss, and how the KL term's comes to its full size."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reconstruction_weight: float = Field(1.0, ge=0)
    face_weight: float = Field(0.25, ge=0, description="of a point of the face, beside 1 of the others: it has many")
    kl_weight: float = Field(1e-4, ge=0, description="once the schedule has come to its end")
    velocity_weight: float = Field(0.5, ge=0)
    bone_weight: float = Field(0.1, ge=0)
    presence_weight: float = Field(0.05, ge=0, description="of telling which keypoints are seen")
    free_bits: float = Field(0.0, ge=0, description="nats a latent dimension that cost the same whether used or not")
    kl_schedule: KLSchedule = "linear"
    kl_steps: int = Field(1000, gt=0, description="steps of the rise, or of one cycle")


class RunConfig(ModelSizes, LossConfig, TrainingConfig):
    """A training run: a flat YAML file."""

    keypoints: KeypointChoice = Field("reduced", description="which of the files' keypoints: see `choose_keypoints`")
    condition: Literal["none", "text", "signed_language"] = Field(
        "none", description="column of the manifest whose values the model is conditioned on"
    )
    validation_share: float = Field(
        0.1, ge=0, le=0.5, description="of the files, where data has no validation split; 0: do without"
    )
    max_frames: int = Field(4000, ge=1, description="frames of the longest window of a sequence that a step sees")
    min_frames: int = Field(64, ge=1, description="of the shortest window; shorter clips are seen whole")
    stitching: float = Field(0.7, ge=0, le=1, description="share of windows that several clips fill where one does not")
    augment: bool = Field(True, description="vary what is trained on: see `Augmentation`")
    steps_per_epoch: int | None = Field(None, gt=0, description="batches per epoch; null: all frames once")
    fitting_frames: int = Field(120_000, gt=0, description="that the linear basis and the prior are fitted to")
    batch_size: int = Field(16, gt=0, description="most windows per batch")
    batch_frames: int = Field(4000, gt=0, description="most frames per batch, padded; one window always fits")
    learning_rate: float = Field(3e-4, gt=0, description="much higher ones can make latents collapse early")
    warmup_steps: int = Field(100, ge=0, description="steps of linear warm-up, at most a fifth of all steps")
    ema_decay: float = Field(0.99, ge=0, lt=1, description="decay of the averaged weights that are kept; 0: none")
    validate_every: int = Field(2, gt=0, description="epochs between validations")

    @model_validator(mode="after")
    def _windows(self) -> RunConfig:
        if self.min_frames > self.max_frames:
            raise ValueError(f"min_frames {self.min_frames} is more than max_frames {self.max_frames}")
        return self
