"""Options of how pose files are read, the same in every command that reads them: the arguments of `pose_core.read`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pose_core.errors import UserError

if TYPE_CHECKING:
    from pose_core.formats.options import ReadOptions

Person = Annotated[
    int | None,
    typer.Option("--person", min=0, help="Index of the person, from 0; default: the one visible most often."),
]
MinConfidence = Annotated[
    float, typer.Option("--min-confidence", min=0.0, help="Keypoints below this confidence count as missing.")
]
Fps = Annotated[
    float | None,
    typer.Option("--fps", min=0.001, max=1e6, help="Frames per second of the input, overriding the file's own."),
]
Layout = Annotated[
    str | None,
    typer.Option(
        "--layout",
        callback=lambda layout: check_layout(layout),
        help="Map keypoints by anatomy to holistic_178, holistic_543, openpose_137, coco_wholebody_133, ...",
    ),
]
ClipName = Annotated[
    str | None,
    typer.Option("--clip", help="Name of the clip, of files that hold several; `pose-core info` lists them."),
]
Axes = Annotated[
    str | None, typer.Option("--axes", help="Columns of an array: xy, xyc (c is confidence), xyz or xyzc.")
]
Order = Annotated[
    str | None,
    typer.Option("--order", help="Keypoints of an array: mediapipe, asl-signs, slrtp; of hands right-left, left."),
]
PictureSize = Annotated[
    str | None,
    typer.Option(
        "--size",
        callback=lambda size: check_size(size),
        help="Picture size in pixels, as 1280x720; scales normalized coordinates to it.",
    ),
]
YUp = Annotated[bool, typer.Option("--y-up", help="The y axis points up in the file.")]


@dataclass(frozen=True)
class ReadingOptions:
    """How a command reads pose files."""

    person: Person = None
    min_confidence: MinConfidence = 0.0
    fps: Fps = None
    layout: Layout = None
    clip: ClipName = None
    axes: Axes = None
    order: Order = None
    size: PictureSize = None
    y_up: YUp = False

    @property
    def reading(self) -> "ReadOptions":
        """The same for `read`."""
        from pose_core.formats.options import ReadOptions

        return ReadOptions(
            person=self.person,
            min_confidence=self.min_confidence,
            fps=self.fps,
            layout=self.layout,
            clip=self.clip,
            axes=self.axes,
            order=self.order,
            size=None if self.size is None else _extents(self.size),
            y_up=self.y_up,
        )


def check_layout(layout: str | None) -> str | None:
    """Refuses layouts that have no name.

    Raises:
        BadParameter: with all names.
    """
    if layout is not None:
        from pose_core.skeleton import named_skeleton

        try:
            named_skeleton(layout, 2)
        except UserError as error:
            raise typer.BadParameter(str(error)) from None
    return layout


def check_size(text: str | None) -> str | None:
    """Refuses what is no size of a picture.

    Raises:
        BadParameter: it is not two whole numbers, as 1280x720.
    """
    if text is not None:
        try:
            _extents(text)
        except ValueError:
            raise typer.BadParameter(f"{text!r} is no size of a picture; write it as 1280x720") from None
    return text


def _extents(text: str) -> tuple[int, int]:
    width, height = (int(number) for number in text.lower().split("x"))
    return width, height
