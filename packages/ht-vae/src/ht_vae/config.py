"""What a model is made of, and what its training minimizes, in plain values."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

KLSchedule = Literal["constant", "linear", "cyclical", "sigmoid"]


class Sizes(BaseModel):
    """The sizes of a model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(128, gt=0, description="C, numbers a frame is described by between the layers")
    num_heads: int = Field(4, gt=0)
    local_layers: int = Field(3, gt=0, description="layers over the frames, of encoder and of decoder")
    global_layers: int = Field(2, ge=0, description="layers over the chunks; 0: no chunk knows of those far away")
    feed_forward: int = Field(512, gt=0, description="width of the feed-forward networks")
    chunk_size: int = Field(64, gt=0, description="frames of a chunk")
    overlap: int = Field(16, ge=0, description="frames beyond either end of its chunk that a frame attends to")
    latent_dim: int = Field(64, gt=0, description="Z, numbers of a whole sequence's latent vector")
    chunk_latent_dim: int = Field(32, ge=0, description="numbers of a chunk's; 0: there is only the whole sequence's")
    condition_dim: int = Field(0, ge=0, description="E, numbers of the vector that it is conditioned on; 0: none")
    labels: tuple[str, ...] = Field((), description="names of what it is conditioned on; none: on a vector or nothing")
    dropout: float = Field(0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _fit_together(self) -> Sizes:
        if self.width % (2 * self.num_heads):
            raise ValueError(f"width {self.width} does not divide into {self.num_heads} heads of an even width")
        if self.condition_dim and self.labels:
            raise ValueError("condition_dim and labels exclude each other: a condition is a vector or a label")
        return self


class ModelConfig(Sizes):
    """A model: its sizes and its skeleton, which has K keypoints of D coordinates."""

    skeleton: dict[str, Any] = Field(description="of `Skeleton.to_dict`")


class LossConfig(BaseModel):
    """Weights of the components of the loss, and how the KL term's comes to its full size."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reconstruction_weight: float = Field(1.0, ge=0)
    kl_weight: float = Field(1e-3, ge=0, description="once the schedule has come to its end")
    velocity_weight: float = Field(0.5, ge=0)
    bone_weight: float = Field(0.1, ge=0)
    presence_weight: float = Field(0.05, ge=0, description="of telling which keypoints are seen")
    free_bits: float = Field(0.0, ge=0, description="nats a latent dimension that cost the same whether used or not")
    kl_schedule: KLSchedule = "linear"
    kl_steps: int = Field(1000, gt=0, description="steps of the rise, or of one cycle")
