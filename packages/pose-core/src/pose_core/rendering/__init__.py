"""Pictures of poses.

For people: strips of key frames (PNG), moving ones (GIF, MP4), pages that play (HTML). For models: rasters.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pose_core.errors import UserError
from pose_core.rendering.captions import Caption
from pose_core.rendering.drawing import draw
from pose_core.rendering.pictures import write_gif, write_png
from pose_core.rendering.player import write_html
from pose_core.rendering.raster import rasterize, rasterize_differentiable
from pose_core.rendering.video import write_mp4

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core.sequence import PoseSequence

__all__ = [
    "PICTURES",
    "Caption",
    "draw",
    "rasterize",
    "rasterize_differentiable",
    "write_gif",
    "write_html",
    "write_mp4",
    "write_picture",
    "write_png",
]

PICTURES = {".gif": write_gif, ".png": write_png, ".mp4": write_mp4, ".html": write_html}


def write_picture(
    sequence: PoseSequence,
    path: str | Path,
    *,
    captions: Sequence[Caption] = (),
    hands: bool = True,
    overwrite: bool = False,
) -> None:
    """Writes a picture of a sequence, its kind chosen by the suffix of `path`.

    `.gif` and `.mp4` move, `.png` is a strip of key frames, `.html` a page with a slider.

    Args:
        sequence: at least one frame.
        path: of the file.
        captions: letters or signs, shown while they are signed.
        hands: show hands magnified beside the signer, where they are small.
        overwrite: replace an existing file.

    Raises:
        UserError: the suffix is unknown, the sequence has no frames or shows nobody, the kind cannot hold it (very
            long, very fast), captions overlap or end after the last frame, the file exists, or its folder cannot be
            written.
    """
    try:
        writer = PICTURES[Path(path).suffix.lower()]
    except KeyError:
        known = ", ".join(PICTURES)
        raise UserError(f"{path}: unknown picture format {Path(path).suffix!r}; known: {known}") from None
    writer(sequence, path, captions=captions, hands=hands, overwrite=overwrite)
