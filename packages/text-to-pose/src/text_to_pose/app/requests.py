"""What may be asked for, and how much of it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from text_to_pose.config import Sampler, Schedule
from text_to_pose.signing.layouts import LAYOUT

MOST_CHARACTERS = 1000  # of a text
MOST_LETTERS = 100  # that are fingerspelled
MOST_STEPS = 50  # of a sampler
MOST_FRAMES = 10_000  # of a clip, sent or signed
MOST_JSON_FRAMES = 2000  # of poses as JSON, which are five times as large as a `.pose` file

PoseFormat = Literal["pose", "json"]
TokenFormat = Literal["tokens", "json", "text"]
LatentFormat = Literal["npz", "json"]
Text = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]
DominantHand = Literal["auto", "left", "right"]


class _Request(BaseModel):
    """Fields are named like the options of the command that does the same."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class GenerateRequest(_Request):
    """As of `text-to-pose generate`.

    Attributes:
        checkpoint: name of a model that the server was started with; its first one of letters when None. Notation that
            names none is signed by its rules.
        frame: of the start frame in the file that was sent; the first in which somebody is visible when None.
    """

    text: Text
    signed_language: str = Field("", max_length=20)
    checkpoint: str | None = Field(None, max_length=200)
    steps: int | None = Field(None, ge=1, le=MOST_STEPS)
    guidance: float | None = Field(None, ge=0, le=100)
    sampler: Sampler = "refinement"
    schedule: Schedule = "linear"
    seed: int = Field(0, ge=-(2**63), lt=2**63)
    style: Literal["fluent", "citation"] = "fluent"
    letters_per_second: float = Field(4.0, ge=0.2, le=12)
    hold: float | None = Field(None, ge=0, le=2)
    borrow_letters: bool = False
    dominant_hand: DominantHand = "auto"
    frame: int | None = Field(None, ge=0)
    format: PoseFormat = "pose"


class SignRequest(_Request):
    """As of `text-to-pose sign`; of several lines each is a sign."""

    text: Text
    speed: float = Field(1.0, ge=0.1, le=10)
    fps: float = Field(25.0, ge=1, le=100)
    layout: str = Field(LAYOUT, max_length=50)
    dominant_hand: DominantHand = "auto"
    format: PoseFormat = "pose"


class PosesRequest(_Request):
    """Of poses that a model is to encode.

    Attributes:
        checkpoint: name of a bundled model; the one that fits the poses when None.
        layout: that the poses are mapped to by anatomy before.
    """

    checkpoint: str | None = Field(None, max_length=200)
    layout: str | None = Field(None, max_length=50)


class EncodeRequest(PosesRequest):
    """As of `pose-tokenizer encode`."""

    bits_per_frame: float | None = Field(None, ge=1, le=1000)
    format: TokenFormat = "tokens"


class DecodeRequest(_Request):
    """As of `pose-tokenizer decode`."""

    format: PoseFormat = "pose"


class LatentsRequest(PosesRequest):
    """As of `ht-vae encode`."""

    format: LatentFormat = "npz"


class EstimateRequest(_Request):
    """As of `pose-core estimate`."""

    format: PoseFormat = "pose"
