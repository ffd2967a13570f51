"""Options of `pose-core estimate`; imports nothing that makes `--help` slow."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pose_core.batch_options import JsonBatchOptions
from pose_core.command_line import check_number

if TYPE_CHECKING:
    from pose_core.estimation.camera import Camera
    from pose_core.estimation.estimators import Estimator
    from pose_core.estimation.pictures import Crop

Confidence = Annotated[
    float,
    typer.Option(
        "--min-detection-confidence",
        min=0,
        max=1,
        callback=check_number,
        help="MediaPipe: score from which a person counts as detected.",
    ),
]
Tracking = Annotated[
    float,
    typer.Option(
        "--min-tracking-confidence",
        min=0,
        max=1,
        callback=check_number,
        help="MediaPipe: score below which the person is detected anew.",
    ),
]


@dataclass(frozen=True)
class EstimatorOptions:
    """Which estimator, and its settings."""

    estimator: Annotated[
        Literal["holistic", "rtmw"],
        typer.Option("--estimator", help="MediaPipe Holistic, or RTMW (133 points), which needs --weights."),
    ] = "holistic"
    weights: Annotated[
        Path | None, typer.Option("--weights", metavar="FILE", help="RTMW: ONNX file of RTMW or DWPose, 133 points.")
    ] = None
    detector: Annotated[
        Path | None,
        typer.Option("--detector", metavar="FILE", help="RTMW: ONNX file of YOLOX, where several people are filmed."),
    ] = None
    person: Annotated[
        int | None,
        typer.Option("--person", min=0, help="RTMW with --detector: whom to take, from 0; default: who is seen most."),
    ] = None
    complexity: Annotated[
        int, typer.Option("--complexity", min=0, max=2, help="MediaPipe: model of the body; only 1 comes with it.")
    ] = 1
    face: Annotated[
        Literal["mesh", "refined"],
        typer.Option("--face", help="MediaPipe: 468 points, or 478 with irises and finer eyes and lips."),
    ] = "mesh"
    min_detection_confidence: Confidence = 0.5
    min_tracking_confidence: Tracking = 0.5

    crop: Annotated[
        str | None,
        typer.Option("--crop", metavar="WxH+X+Y", help="Part of the picture that holds the person, as 640x720+640+0."),
    ] = None

    @property
    def part(self) -> "Crop | None":
        """The part of the picture that the estimator is to see.

        Raises:
            BadParameter: it is none.
        """
        if self.crop is None:
            return None
        from pose_core.estimation.pictures import Crop

        found = re.fullmatch(r"(\d+)x(\d+)\+(\d+)\+(\d+)", self.crop.lower())
        width, height, x, y = map(int, found.groups()) if found else (0, 0, 0, 0)
        if not width * height:
            raise typer.BadParameter(
                f"--crop {self.crop}: no part of a picture; write its size and its upper left corner as 640x720+640+0"
            )
        return Crop(width, height, x, y)

    def chosen(self, workers: int = 1) -> "Estimator":
        """The estimator, with these settings.

        Args:
            workers: how many of it will run at the same time.

        Raises:
            BadParameter: an option of the other estimator's.
            UserError: a file that is not there.
        """
        from pose_core.estimation.estimators import holistic, rtmw

        if self.estimator == "rtmw":
            for name, default in (("complexity", 1), ("face", "mesh")):
                if getattr(self, name) != default:
                    raise typer.BadParameter(f"--{name} is MediaPipe's; --estimator rtmw has no such setting")
            if self.person is not None and self.detector is None:
                raise typer.BadParameter("--person needs --detector FILE, which finds the people in the picture")
            return rtmw(self.weights, self.detector, threads=max(1, (os.cpu_count() or 1) // workers))
        for name in ("weights", "detector", "person"):
            if getattr(self, name) is not None:
                raise typer.BadParameter(f"--{name} is of --estimator rtmw; MediaPipe Holistic follows one person")
        return holistic(
            complexity=self.complexity,
            refined_face=self.face == "refined",
            min_detection_confidence=self.min_detection_confidence,
            min_tracking_confidence=self.min_tracking_confidence,
        )


@dataclass(frozen=True)
class CameraOptions:
    """A camera instead of videos."""

    camera: Annotated[
        str | None,
        typer.Option("--camera", metavar="NUMBER", help="Record from a camera, 0 being the first, until Ctrl-C."),
    ] = None
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.04, help="Length of the recording.")] = None
    fps: Annotated[float | None, typer.Option("--fps", min=1, max=250, help="Frames per second of the recording.")] = (
        None
    )

    def check(self, videos: list[str] | None, output: Path | None) -> None:
        """Refuses a camera beside videos, and neither.

        Raises:
            BadParameter: naming what is wrong.
        """
        if self.camera is not None and (videos or output is None or str(output) == "-"):
            raise typer.BadParameter("--camera takes no videos, and a file for --output: --camera 0 --output me.pose")
        if self.camera is None and not videos:
            raise typer.BadParameter("name a video, or --camera 0")
        if self.camera is None and (self.seconds is not None or self.fps is not None):
            raise typer.BadParameter("--seconds and --fps are of a camera's recording; a video has its own")

    def opened(self) -> "Camera":
        """The camera."""
        from pose_core.estimation.camera import Camera

        return Camera(str(self.camera), fps=self.fps, seconds=self.seconds)


@dataclass(frozen=True)
class ResumingBatchOptions(JsonBatchOptions):
    """Options of a batch that goes on by itself: of several files, those whose output exists are left out."""

    skip_existing: Annotated[  # ty: ignore[incompatible-attribute-override]
        bool | None,
        typer.Option(
            "--skip-existing/--no-skip-existing",
            help="Skip files whose output exists; default for several files: the same command goes on where it ended.",
        ),
    ] = None


Videos = Annotated[
    list[str] | None,
    typer.Argument(metavar="[VIDEO]...", help="Videos, folders, glob patterns, or - for standard input."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", help="Pose file, folder for several, or -; default: beside each video."),
]
Workers = Annotated[
    int, typer.Option("--workers", min=1, max=256, help="Videos estimated at the same time, each in a process.")
]
