"""Configuration of a text-to-pose model, and of its training, in plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from pose_core.training.config import TrainingConfig
from pose_encoders.config import EncoderConfig, TransformerEncoderConfig

TextKind = Literal["letters", "characters", "hamnosys", "signwriting"]
Schedule = Literal["linear", "cosine", "quadratic", "sigmoid"]
Sampler = Literal["refinement", "diffusion"]
LetterOrigin = Literal["borrowed", "rules"]
BUNDLED = {name: Path(__file__).parent / "models" / name for name in ("fingerspelling", "notation")}
PRESETS = {path.stem: path for path in sorted((Path(__file__).parent / "presets").glob("*.yaml"))}


class NetworkConfig(BaseModel):
    """Sizes of the network."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: EncoderConfig = TransformerEncoderConfig(num_layers=0, sees_missing=False)
    decoder_layers: int = Field(5, gt=0, description="transformer layers over groups of frames and the text")
    frames_per_token: int = Field(4, gt=0, description="frames per token of those layers")
    text_layers: int = Field(1, gt=0, description="transformer layers over the text")
    num_heads: int = Field(4, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    symbol_places: bool = Field(False, description="tell symbols of HamNoSys how many of each kind were before them")
    key_postures: bool = Field(
        False, description="tell symbols of HamNoSys where the rules have both hands once what they say is done"
    )
    text_attention: Literal["joint", "cross"] = Field(
        "joint",
        description="joint: those layers run over frames and text together; cross: frames attend to the encoded text, "
        "which for long texts takes a fraction of the time",
    )
    hands: Literal["points", "turned"] = Field(
        "points", description="fingers are predicted as they are; or as a shape and how it is turned"
    )
    frames_per_point: int | None = Field(
        None, gt=0, description="predict a point of a smooth curve for so many frames of a token's; None: each frame"
    )
    hand_scale: float = Field(4.0, gt=0, description="factor by which finger coordinates are enlarged")
    hand_depth: float = Field(1.0, gt=0, description="factor by which their z is, besides: 500 for z in picture widths")
    body_depth: float = Field(1.0, gt=0, description="factor by which z of all other points is enlarged")
    prediction: Literal["clean", "change"] = Field(
        "clean", description="clean: the output is added to the start frame; change: to the current sequence"
    )

    @model_validator(mode="after")
    def _points_divide_tokens(self) -> NetworkConfig:
        if self.frames_per_token % (self.frames_per_point or 1):
            raise ValueError(f"frames_per_point {self.frames_per_point} does not divide {self.frames_per_token}")
        return self


class TextConfig(BaseModel):
    """Texts that a model takes.

    `letters` are learned one by one, one hand shape each; `characters` are tokens of texts of any length; the two
    notations have symbols.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: TextKind = "letters"
    alphabets: dict[str, list[str]] = Field(
        description="signed languages (ISO 639-3), and the letters of each; no letters for another kind"
    )
    vocabulary: list[str] = Field(default=[], description="characters or symbols, those of letters' SignWriting, too")
    origins: dict[str, dict[str, LetterOrigin]] = Field(
        default={},
        description="of languages, the letters that no clip of a person showed, and where their hand shapes are from: "
        "other languages (borrowed), or the rules of a notation",
    )


class TextToPoseConfig(BaseModel):
    """Everything a `TextToPose` is built from; saved as `config.json`, where some keys have older names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: NetworkConfig = NetworkConfig()
    text: TextConfig
    skeleton: dict[str, Any] = Field(description="`Skeleton.to_dict()` of the poses")
    dominant_hands: dict[str, Literal["left", "right"]] = Field(
        validation_alias=AliasChoices("dominant_hands", "signing_hands"),
        serialization_alias="signing_hands",
        description="the hand visible more often in the clips of each language",
    )
    fps: float = Field(25.0, gt=0, description="frames per second of all poses, in and out")
    max_step: dict[str, float] = Field(
        default={},
        validation_alias=AliasChoices("max_step", "fastest"),
        serialization_alias="fastest",
        description="largest displacement of a keypoint, in shoulder widths per frame, by signed language",
    )
    num_steps: int = Field(8, gt=0, description="sampling steps, unless the user asks for another number")
    guidance: float = Field(1.0, ge=0, description="classifier-free guidance scale, likewise; 1 is no guidance")

    @property
    def signs_in_depth(self) -> bool:
        """Whether the model has learned hands in three dimensions, on the body that each start frame shows."""
        return self.network.hands == "turned"


class ObjectiveConfig(BaseModel):
    """States that the network learns to predict from, and how often parts of a text are dropped."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first_step_share: float = Field(
        0.4, ge=0, le=1, description="share of training states that are a first step: the start frame repeated"
    )
    diffusion_share: float = Field(
        0.25, ge=0, le=1, description="share of the others that are diffusion's: noise added to the target"
    )
    inpainting_share: float = Field(
        0.35, ge=0, le=1, description="share of the others in which a part of the target is known, as in inpainting"
    )
    borrowed_letter_share: float = Field(
        0.25, ge=0, le=1, description="share of clips given the handshape of a letter that their language lacks"
    )
    borrowed_letter_lenders: int | None = Field(
        None,
        ge=1,
        description="letters from A to Z that a language lacks and so many others have are put into its alphabet, "
        "marked as borrowed; null: none",
    )
    own_start_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of clips shown their own first frame to start from; others another clip's",
    )
    start_noise: float = Field(
        0.0, ge=0, description="standard deviation of noise on start frames, in shoulder widths, as estimators jitter"
    )
    text_dropout: float = Field(0.15, ge=0, lt=1, description="share of texts dropped, for classifier-free guidance")
    signwriting_dropout: float = Field(0.3, ge=0, le=1, description="share of letters shown without their SignWriting")
    signwriting_only: float = Field(0.15, ge=0, le=1, description="share of letters shown as SignWriting alone")

    @model_validator(mode="after")
    def _shares_are_of_one(self) -> ObjectiveConfig:
        total = self.diffusion_share + self.inpainting_share
        if total > 1:
            raise ValueError(f"diffusion_share and inpainting_share are {total} together; at most 1")
        return self


class LossConfig(BaseModel):
    """Weights of the loss components."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    position_weight: float = Field(1.0, ge=0, description="of the absolute error of features")
    keypoint_weight: float = Field(2.0, ge=0, description="of the absolute error of keypoints, in shoulder widths")
    velocity_weight: float = Field(1.0, ge=0, description="of the displacements between frames")
    presence_weight: float = Field(0.1, ge=0, description="of the cross-entropy of visible and missing")
    start_weight: float = Field(0.2, ge=0, description="of the completed start frame")
    length_weight: float = Field(0.05, ge=0, description="of the negative log-likelihood of lengths")


class RunConfig(NetworkConfig, ObjectiveConfig, LossConfig, TrainingConfig):
    """A training run: a YAML file, flat but for its encoder."""

    SECTIONS: ClassVar[tuple[str, ...]] = ("network", "objective", "training")
    RENAMED: ClassVar[dict[str, str]] = {
        **TrainingConfig.RENAMED,
        "first": "first_step_share",
        "noised": "diffusion_share",
        "known": "inpainting_share",
        "untaught": "borrowed_letter_share",
        "without_text": "text_dropout",
        "without_signwriting": "signwriting_dropout",
        "only_signwriting": "signwriting_only",
    }

    text: TextKind | Literal["auto"] = Field("auto", description="what texts are; auto: found from the manifest's")
    fps: float = Field(25.0, gt=0)
    num_steps: int = Field(8, gt=0)
    guidance: float = Field(1.0, ge=0, description="the model's own scale of guidance; 1 is none")
    in_memory: bool = Field(
        False,
        description="keep all clips of shards in memory: each is prepared once, batches are of one length",
    )
    weights: Literal["float32", "float16"] = Field("float32", description="precision the model folder keeps them in")

    def network(self) -> NetworkConfig:
        """The network that is trained."""
        return NetworkConfig(**self.model_dump(include={*NetworkConfig.model_fields}))
