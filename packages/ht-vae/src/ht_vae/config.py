"""Configuration of a model, its losses and a training run."""

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

    width: int = Field(96, gt=0, description="C, width of the transformer layers")
    num_heads: int = Field(4, gt=0, description="attention heads")
    local_layers: int = Field(3, gt=0, description="layers over frames, in encoder and decoder each")
    global_layers: int = Field(2, ge=0, description="layers over chunks; 0: no global attention")
    feed_forward: int = Field(384, gt=0, description="width of the feed-forward networks")
    chunk_size: int = Field(32, gt=0, description="frames per chunk")
    overlap: int = Field(8, ge=0, description="frames on either side of its chunk that a frame attends to")
    latent_dim: int = Field(32, gt=0, description="Z, size of a sequence's latent vector")
    chunk_latent_dim: int = Field(256, ge=0, description="size of a chunk's latent vector; 0: no chunk latents")
    pose_dim: int = Field(64, gt=0, description="principal components of a pose in the linear basis, at most")
    basis_layers: int = Field(
        0,
        ge=0,
        description="transformer layers over chunks that refine the linear basis, in encoder and decoder each; 0: none",
    )
    basis_width: int = Field(320, gt=0, description="width of these layers")
    dropout: float = Field(0.1, ge=0, lt=1)
    prior_layers: int = Field(
        0, ge=0, description="transformer layers of a prior learned by flow matching; 0: a fitted mixture instead"
    )
    prior_width: int = Field(192, gt=0, description="width of these layers")

    @model_validator(mode="after")
    def _divides(self) -> ModelSizes:
        if self.prior_layers and not self.chunk_latent_dim:
            raise ValueError("prior_layers: a learned prior is one of chunk latents, and chunk_latent_dim is 0")
        if self.basis_layers and not self.chunk_latent_dim:
            raise ValueError("basis_layers: they refine chunk latents, and chunk_latent_dim is 0")
        if self.basis_width % 8:
            raise ValueError(f"basis_width {self.basis_width} does not divide into 4 heads of an even width")
        if self.prior_width % 8:
            raise ValueError(f"prior_width {self.prior_width} does not divide into 4 heads of an even width")
        if self.width % (2 * self.num_heads):
            raise ValueError(f"width {self.width} does not divide into {self.num_heads} heads of an even width")
        return self


class ModelConfig(ModelSizes):
    """A model: its sizes, its condition, and its skeleton of K keypoints of D coordinates."""

    condition_dim: int = Field(0, ge=0, description="E, size of a vector condition; 0: none")
    labels: tuple[str, ...] = Field((), description="labels of a label condition; none: a vector or no condition")
    skeleton: dict[str, Any] = Field(description="as `Skeleton.to_dict` returns it")
    fps: float = Field(25.0, gt=0, description="frame rate of samples, in frames per second")
    trained_on: str = Field("", description="training data in words; empty: unknown")
    relative_arms: bool = Field(
        False,
        description="arms and hands are bones relative to their parent joint: see `ArmBones`",
    )

    @model_serializer(mode="wrap")
    def _omit_newer_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without settings that older models lack, where they are off: hashes cover the configuration."""
        values = handler(self)
        if not self.relative_arms:
            values.pop("relative_arms", None)
        for stage in ("basis", "prior"):
            if not getattr(self, f"{stage}_layers"):
                values.pop(f"{stage}_layers", None)
                values.pop(f"{stage}_width", None)
        return values

    @model_validator(mode="after")
    def _one_condition(self) -> ModelConfig:
        if self.condition_dim and self.labels:
            raise ValueError("condition_dim and labels exclude each other: a condition is a vector or a label")
        return self


class LossConfig(BaseModel):
    """Weights of the loss components, and the annealing of the KL weight."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reconstruction_weight: float = Field(1.0, ge=0, description="weight of keypoint positions")
    face_weight: float = Field(0.25, ge=0, description="weight of a face keypoint, relative to others: a face has many")
    kl_weight: float = Field(1e-4, ge=0, description="weight of the KL divergence at the end of its schedule")
    velocity_weight: float = Field(0.5, ge=0, description="weight of displacements between frames")
    bone_weight: float = Field(0.1, ge=0, description="weight of limb lengths")
    presence_weight: float = Field(0.05, ge=0, description="weight of predicted visibility (binary cross-entropy)")
    free_bits: float = Field(0.0, ge=0, description="free bits: nats per latent dimension that cost nothing extra")
    kl_schedule: KLSchedule = Field("linear", description="annealing of the KL weight")
    kl_steps: int = Field(1000, gt=0, description="steps of the annealing, or of one cycle")


class RunConfig(ModelSizes, LossConfig, TrainingConfig):
    """A training run: a flat YAML file."""

    keypoints: KeypointChoice = Field("reduced", description="keypoints to use: see `choose_keypoints`")
    condition: Literal["none", "text", "signed_language"] = Field(
        "none", description="manifest column whose values condition the model"
    )
    validation_share: float = Field(
        0.1, ge=0, le=0.5, description="share of files held out of data without a validation split"
    )
    max_frames: int = Field(4000, ge=1, description="frames of the longest training window")
    min_frames: int = Field(64, ge=1, description="frames of the shortest training window")
    stitching: float = Field(0.7, ge=0, le=1, description="share of windows longer than their clip that others fill")
    augment: bool = Field(True, description="augment training windows: see `Augmentation`")
    steps_per_epoch: int | None = Field(None, gt=0, description="batches per epoch; null: all frames once")
    fitting_frames: int = Field(120_000, gt=0, description="frames that the linear basis and the prior are fitted to")
    basis_frames: int = Field(
        3_000_000, gt=0, description="frames of widely augmented windows that the layers over the basis are trained on"
    )
    basis_steps: int = Field(
        8_000, gt=0, description="steps that these are trained for, before the networks over frames"
    )
    prior_frames: int = Field(
        300_000, gt=0, description="frames of random windows that a learned prior is trained on, beside all clips"
    )
    prior_steps: int = Field(16_000, gt=0, description="steps that a learned prior is trained for, after the networks")
    batch_size: int = Field(16, gt=0, description="windows per batch, at most")
    batch_frames: int = Field(4000, gt=0, description="frames per batch, padded, at most; one window always fits")
    learning_rate: float = Field(3e-4, gt=0, description="peak; much higher ones can cause posterior collapse")
    warmup_steps: int = Field(100, ge=0, description="steps of linear warm-up, at most a fifth of all steps")
    ema_decay: float = Field(0.99, ge=0, lt=1, description="decay of the averaged weights that are kept; 0: none")
    validate_every: int = Field(2, gt=0, description="epochs between validations")

    @property
    def label_column(self) -> Literal["text", "signed_language"] | None:
        """The manifest column that conditions the model; None: unconditional."""
        return None if self.condition == "none" else self.condition

    @model_validator(mode="after")
    def _windows(self) -> RunConfig:
        if self.min_frames > self.max_frames:
            raise ValueError(f"min_frames {self.min_frames} is more than max_frames {self.max_frames}")
        return self
