"""Picture files: a clip as a moving GIF, or its key frames in rows as a PNG."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from pose_core.atomic_files import atomic_write
from pose_core.errors import UserError
from pose_core.rendering.captions import check_captions
from pose_core.rendering.composition import Composition
from pose_core.rendering.drawing import HEIGHT, check_drawable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pose_core.rendering.captions import Caption
    from pose_core.sequence import PoseSequence

FASTEST = 50  # frames per second; viewers slow a GIF down that names less than 20 ms a frame
LONGEST = 600  # seconds; a GIF's frame lasts 655 at most, and one in which nobody is visible is a single frame
STEPS = 3  # from white to a color in a GIF's palette; more look the same and make files a quarter larger
STRIP_HEIGHT = 320  # pixels
FRAMES, COLUMNS = 8, 4  # key frames, and how many of them stand side by side
CAPTION_POSITION = 0.6  # in a caption's time; a letter begins with the transition to it
SEPARATOR = 200  # grey of the lines between key frames


def write_gif(
    sequence: PoseSequence,
    path: str | Path,
    *,
    size: int = HEIGHT,
    captions: Sequence[Caption] = (),
    hands: bool = True,
    overwrite: bool = False,
) -> None:
    """Writes a clip as a GIF that loops at the clip's speed.

    Args:
        sequence, path, captions, hands, overwrite: as of `pose_core.rendering.write_picture`.
        size: height in pixels without captions; the width follows from the pose.

    Raises:
        UserError: the sequence has no frames, shows nobody or lasts more than ten minutes, captions overlap or end
            after the last frame, the file exists, or its folder cannot be written.
    """
    from PIL import Image

    check_drawable(sequence, path)
    check_captions(captions, sequence, path)
    if sequence.duration > LONGEST:
        raise UserError(f"{path}: a clip of {sequence.duration:.0f} s; a GIF holds {LONGEST} s: draw a part, or a PNG")
    with atomic_write(path, overwrite=overwrite) as temporary:
        shown, hundredths = gif_frames(len(sequence), sequence.fps)
        composition = Composition(sequence, size, captions, hands=hands)
        palette = _palette(composition.colors())
        pictures = (
            Image.fromarray(picture).quantize(palette=palette, dither=Image.Dither.NONE)
            for picture in composition.frames(shown)
        )
        next(pictures).save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=pictures,
            duration=[10 * h for h in hundredths],
            loop=0,
            optimize=True,  # what has not changed since the frame before is transparent: a fifth smaller
            palette=bytes(palette.getpalette()),  # or every frame brings its own
        )


def write_png(
    sequence: PoseSequence,
    path: str | Path,
    *,
    frames: int | None = None,
    height: int = STRIP_HEIGHT,
    captions: Sequence[Caption] = (),
    hands: bool = True,
    overwrite: bool = False,
) -> None:
    """Writes key frames of a clip in rows of up to four, filled evenly.

    They are evenly spaced from the first frame to the last; with captions, one frame of each.

    Args:
        sequence, path, captions, hands, overwrite: as of `pose_core.rendering.write_picture`.
        frames: how many, evenly spaced; None: eight, or one per caption. A shorter clip shows every frame once.
        height: of a frame in pixels, without captions.

    Raises:
        UserError: the sequence has no frames or shows nobody, captions overlap or end after the last frame, the file
            exists, or its folder cannot be written.
    """
    from PIL import Image

    check_drawable(sequence, path)
    check_captions(captions, sequence, path)
    if frames is not None and frames < 1:
        raise UserError(f"{path}: a strip of {frames} frames; ask for at least 1")
    with atomic_write(path, overwrite=overwrite) as temporary:
        pictures = list(
            Composition(sequence, height, captions, hands=hands).frames(_key_frames(sequence, frames, captions))
        )
        line = max(1, height // 160)
        columns = math.ceil(len(pictures) / math.ceil(len(pictures) / COLUMNS))  # five are three and two
        rows = [pictures[i : i + columns] for i in range(0, len(pictures), columns)]
        Image.fromarray(_stacked([_stacked(row, line, axis=1) for row in rows], line, axis=0)).save(
            temporary, format="PNG", optimize=True
        )


def _key_frames(sequence: PoseSequence, frames: int | None, captions: Sequence[Caption]) -> list[int]:
    """The frames that a strip shows."""
    caption_frames = sorted(
        each.start + int(CAPTION_POSITION * (each.end - each.start)) for each in captions if each.text.strip()
    )
    if frames is None and caption_frames:
        return caption_frames
    return np.unique(np.linspace(0, len(sequence) - 1, frames or FRAMES).round().astype(int)).tolist()


def _stacked(pictures: list[np.ndarray], line: int, axis: int) -> np.ndarray:
    """Pictures (H, W, 3) stacked along an axis with grey lines between; padding is white."""
    across = 1 - axis
    longest = max(picture.shape[across] for picture in pictures)
    parts = []
    for picture in pictures:
        room = [(0, 0), (0, 0), (0, 0)]
        room[across] = (0, longest - picture.shape[across])
        shape = list(picture.shape)
        shape[axis], shape[across] = line, longest
        parts += [np.full(shape, SEPARATOR, np.uint8), np.pad(picture, room, constant_values=255)]
    return np.concatenate(parts[1:], axis=axis)


def gif_frames(frames: int, fps: float) -> tuple[list[int], list[int]]:
    """The frames of a clip that a GIF shows, and their durations in hundredths of a second, a GIF's resolution.

    Rounding errors are carried over, so that each frame starts at its time and the whole lasts as long as the clip.
    """
    step = max(1, math.ceil(fps / FASTEST - 1e-6))
    shown = list(range(0, frames, step))
    starts = [math.floor(100 * frame / fps + 0.5) for frame in [*shown, frames]]
    # The last frame of a clip cut mid-step, or one of a single frame, may last less than a viewer accepts.
    return shown, [max(2, end - start) for start, end in itertools.pairwise(starts)]


def _palette(colors: np.ndarray):
    """One palette for all frames: every color (N, 3) in steps to white, for antialiased edges.

    A PIL image that holds at most 255 colors: the one left stands for what has not changed since the frame before.
    """
    from PIL import Image

    bits = 0
    while len(colors) * STEPS > 254:
        bits += 1
        colors = np.unique(colors >> bits << bits, axis=0)
    share = np.arange(1, STEPS + 1)[:, None, None] / STEPS  # of the color; the rest is white
    ramps = (255 - share * (255.0 - colors)).round().astype(np.uint8).reshape(-1, 3)
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.concatenate([[[255, 255, 255]], ramps]).astype(np.uint8).tobytes())
    return palette
