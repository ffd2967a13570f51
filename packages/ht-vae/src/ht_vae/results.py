"""What the commands return of each file; `--json` prints these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class ReconstructedFile:
    """The reconstruction of one file.

    Attributes:
        mpjpe: mean distance of a visible keypoint, in shoulder widths.
        latents: numbers in its latents; keypoint_numbers: coordinates that the model saw.
        left_out: keypoints of the file that the model does not know.
        anatomy: implausible proportions of the body, if any.
    """

    file: str
    output: Path
    model: str
    frames: int
    fps: float
    mpjpe: float
    latents: int
    keypoint_numbers: int
    left_out: int
    anatomy: str | None


@dataclass(frozen=True)
class EncodedFile:
    """The latents of one file.

    Attributes:
        latents: numbers per sequence, and per chunk; chunks: how many.
    """

    file: str
    output: Path
    model: str
    frames: int
    fps: float
    latents: tuple[int, int]
    chunks: int


@dataclass(frozen=True)
class GeneratedFile:
    """A file of one or more samples; `anatomy`: implausible proportions of a body, if any."""

    output: Path
    model: str
    samples: int
    frames: int
    fps: float
    anatomy: str | None


@dataclass(frozen=True)
class InterpolatedFiles:
    """The interpolation between two files.

    Attributes:
        frames: of each sample.
        mean_step, largest_step: see `Interpolation`, in shoulder widths; ratio: of the largest to the mean.
        anatomy: for each output implausible proportions of a body in it, if any.
    """

    outputs: list[Path]
    model: str
    frames: list[int]
    distances: list[float]
    mean_step: float
    largest_step: float
    ratio: float
    anatomy: list[str | None]
