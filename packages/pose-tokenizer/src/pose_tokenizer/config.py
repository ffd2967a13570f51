"""Configuration of a tokenizer and of its training: the keys of `config.json` and of a run's YAML file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from pose_core.training.config import TrainingConfig
from pose_core.transforms import KeypointChoice  # noqa: TC001 - pydantic reads it
from pose_tokenizer.codes import MAX_BLOCK_FRAMES, MAX_CODEBOOK_SIZE, MAX_QUANTIZERS

BUNDLED = {path.parent.name: path.parent for path in sorted(Path(__file__).parent.glob("models/*/config.json"))}
PRESETS = {path.stem: path for path in sorted((Path(__file__).parent / "presets").glob("*.yaml"))}
UNHASHED = ("lmbda",)  # settings that leave what a model decodes as it is
GRID_LEVELS = 4  # quantization levels of a grid per dimension
OMITTED = {"face_weight": 1.0, "depth_weight": 0.5}
"""Settings that older models lack, left out of config.json where they have these defaults: hashes cover it.

Estimated depth errs more than x and y.
"""


def grid_dims(codebook_size: int) -> int:
    """Dimensions of a grid of so many codes."""
    return round(math.log(codebook_size, GRID_LEVELS))


class ModelSizes(BaseModel):
    """The sizes of a tokenizer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # `block_frames` in code, token files and exported graphs.
    downsampling: int = Field(
        4, ge=1, le=MAX_BLOCK_FRAMES, description="frames per block; each block has its own codes"
    )
    latent_dim: int = Field(128, ge=1, description="dimensions of a block's latent vector")
    hidden_dim: int = Field(32, ge=1, description="channels per keypoint in the ST-GCNs")
    num_layers: int = Field(3, ge=0, description="ST-GCN layers of encoder and of decoder; 0: a linear model")
    latent_layers: int = Field(
        0,
        ge=0,
        description="ConvNeXt layers of the decoder over quantized latents, trained when codes are final; 0: none",
    )
    latent_width: int = Field(256, ge=1, description="width of these layers")
    quantizer: Literal["rvq", "fsq", "residual_fsq"] = Field(
        "rvq", description="learned codebooks, or finite scalar quantization"
    )
    num_quantizers: int = Field(16, ge=1, le=MAX_QUANTIZERS, description="codebooks: most codes per block")
    codebook_size: int = Field(
        1024, ge=2, le=MAX_CODEBOOK_SIZE, description="codes per codebook; with fsq and residual_fsq a power of 4"
    )
    hand_weight: float = Field(4.5, gt=0, description="weight of hand coordinates")
    body_weight: float = Field(2.0, gt=0, description="weight of body coordinates (neither hands nor face)")
    face_weight: float = Field(OMITTED["face_weight"], gt=0, description="weight of face coordinates")
    depth_weight: float = Field(
        OMITTED["depth_weight"], gt=0, description="factor of the weight of z, of models with three coordinates"
    )
    lmbda: float = Field(
        2.0,
        ge=0,
        validation_alias=AliasChoices("lmbda", "rate"),
        serialization_alias="rate",
        description="Lagrange multiplier of the rate: squared error that a code must save; 0: all codes are taken",
    )

    @field_validator("codebook_size")
    @classmethod
    def _fits_a_grid(cls, size: int, info: ValidationInfo) -> int:
        if info.data.get("quantizer", "rvq") != "rvq" and GRID_LEVELS ** grid_dims(size) != size:
            raise ValueError(f"{info.data['quantizer']} needs a power of {GRID_LEVELS}")
        return size


class TokenizerConfig(ModelSizes):
    """A tokenizer: its sizes and its skeleton."""

    skeleton: dict[str, Any] = Field(description="skeleton, as `Skeleton.to_dict` gives it")

    @model_serializer(mode="wrap")
    def _omit_newer_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without settings that older models lack, where they have their default."""
        values = handler(self)
        for name, default in OMITTED.items():
            if getattr(self, name) == default:
                values.pop(name, None)
        if not self.latent_layers:
            values.pop("latent_layers", None)
            values.pop("latent_width", None)
        return values


class LossConfig(BaseModel):
    """Weights of the loss components."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reconstruction_weight: float = Field(1.0, ge=0, description="weight of the squared error of coordinates")
    quantization_weight: float = Field(0.1, ge=0, description="weight of the commitment loss")
    temporal_weight: float = Field(0.2, ge=0, description="weight of the squared errors of velocity and acceleration")
    perceptual_weight: float = Field(
        0.0, ge=0, description="weight of the squared error of a fixed random network's features"
    )
    body_emphasis: float = Field(
        1.0,
        gt=0,
        description="factor of body keypoints' squared errors in the loss; unlike body_weight it moves no bits to them",
    )
    presence_weight: float = Field(0.05, ge=0, description="weight of the cross-entropy of visible and missing")


class RunConfig(ModelSizes, LossConfig, TrainingConfig):
    """A training run: a flat YAML file."""

    RENAMED: ClassVar[dict[str, str]] = {**TrainingConfig.RENAMED, "rate": "lmbda"}

    keypoints: KeypointChoice = Field(
        "reduced", description="keypoints to choose from the clips, see `choose_keypoints`"
    )
    layout: str | None = Field(
        None, description="layout that clips are mapped to by anatomy, such as coco_wholebody_133; null: their own"
    )
    coordinates: Literal[2, 3] = Field(
        2, description="of a keypoint: x and y, or depth, too; clips that have none are left out"
    )
    num_keypoints: int | None = Field(None, ge=1, description="keypoints that clips must have; null: any number")
    sequence_length: int = Field(96, ge=2, description="most frames of a clip in a training batch")
    fitting_blocks: int = Field(
        120_000, ge=1, description="blocks that basis and codebooks are fitted to before training"
    )
    latent_blocks: int = Field(
        900_000,
        ge=1,
        description="blocks of widely augmented clips that these layers learn from, counted per lambda",
    )
    latent_steps: int = Field(8_000, ge=1, description="steps that these are trained for")
    decoder_blocks: int = Field(
        150_000, ge=1, description="coded blocks of augmented clips that all of such a decoder learns from at last"
    )
    decoder_steps: int = Field(1_500, ge=1, description="steps that it is trained for, on decoded poses")
    gradient_checkpointing: bool = Field(False, description="recompute activations: less memory, more time")
    epochs: int = Field(60, gt=0)
    learning_rate: float = Field(2e-3, gt=0, description="peak learning rate, reached after the warm-up")
    weight_decay: float = Field(0.05, ge=0)
    warmup_steps: int = Field(100, ge=0, description="steps of linear warm-up, at most a fifth of all steps")
    ema_decay: float = Field(0.99, ge=0, lt=1, description="decay of the averaged weights that are kept; 0: none")
    keep: Literal["best", "last"] = Field("last", description="weights to keep: the best of validation, or the last")

    @model_validator(mode="before")
    @classmethod
    def _three_numbers_per_keypoint(cls, values: Any) -> Any:
        """Accepts `keypoint_dim: 3`, which older files state."""
        if not isinstance(values, dict) or "keypoint_dim" not in values:
            return values
        if values["keypoint_dim"] != 3:
            raise ValueError(f"keypoint_dim is {values['keypoint_dim']!r}: keypoints are x, y, confidence")
        return {name: value for name, value in values.items() if name != "keypoint_dim"}

    def model(self, skeleton: dict[str, Any]) -> TokenizerConfig:
        """The model that is trained."""
        return TokenizerConfig(skeleton=skeleton, **self.model_dump(include={*ModelSizes.model_fields}))
