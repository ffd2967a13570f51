"""MP4 videos (H.264), which browsers, phones and annotation tools play."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from pose_core.atomic_files import atomic_write
from pose_core.errors import UserError
from pose_core.rendering.captions import check_captions
from pose_core.rendering.composition import Composition
from pose_core.rendering.drawing import HEIGHT, check_drawable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from av.container import OutputContainer

    from pose_core.rendering.captions import Caption
    from pose_core.sequence import PoseSequence

CODEC = "libx264"
SLOWEST, FASTEST = 0.001, 1000  # frames per second
FINEST = 1_000_000  # largest denominator of a rate; no clip drifts by a frame in a day
BT709, LIMITED = 1, 1  # of H.264's tables of color spaces and ranges
OPTIONS = {
    "crf": "18",  # lines stay free of ripples
    "bf": "0",  # with B-frames a file starts late, and tools that overlook its edit list shift the clip
    "tune": "animation",
}


def write_mp4(
    sequence: PoseSequence,
    path: str | Path,
    *,
    size: int = HEIGHT,
    captions: Sequence[Caption] = (),
    hands: bool = True,
    overwrite: bool = False,
) -> None:
    """Writes a clip as an MP4 video at the clip's frame rate.

    Pictures are drawn and compressed one by one, so that long clips need no more memory than short ones.

    Args:
        sequence, path, captions, hands, overwrite: as of `pose_core.rendering.write_picture`.
        size: height in pixels without captions, rounded down to an even number; the width follows from the pose.

    Raises:
        UserError: the sequence has no frames or shows nobody, its fps are beyond what a video can state, captions
            overlap or end after the last frame, the file exists or cannot be written, or this build of PyAV cannot
            write H.264.
    """
    import av

    check_drawable(sequence, path)
    check_captions(captions, sequence, path)
    if not SLOWEST <= sequence.fps <= FASTEST:
        raise UserError(f"{path}: {sequence.fps:g} fps; a video has {SLOWEST:g} to {FASTEST:g}: resample it")
    rate = Fraction(sequence.fps).limit_denominator(FINEST)
    composition = Composition(sequence, size, captions, hands=hands)
    with atomic_write(path, overwrite=overwrite) as temporary:
        try:
            # The index comes first, so that a browser plays the file while it loads.
            with av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart"}) as container:
                _encode(container, composition, rate)
        except (av.codec.codec.UnknownCodecError, av.error.EncoderNotFoundError) as error:
            raise UserError(f"{path}: PyAV has no encoder {CODEC}; reinstall av from PyPI, or write a GIF") from error
        except OSError:  # the disk's, which `atomic_write` explains
            raise
        except av.FFmpegError as error:
            what = f"a video of {composition.width} x {composition.height} pixels"
            raise UserError(f"{path}: cannot be written as {what} ({error.strerror}); try a smaller size") from error


def _encode(container: OutputContainer, composition: Composition, rate: Fraction) -> None:
    """Writes every picture of a composition as the only stream of a container."""
    import av
    from av.video.reformatter import Colorspace

    stream = container.add_stream(CODEC, rate=rate, options=OPTIONS)
    stream.width, stream.height, stream.pix_fmt = composition.width, composition.height, "yuv420p"
    # Without a word on it players guess how RGB became YUV, and some show other colors.
    context = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = LIMITED
    for number, picture in enumerate(composition.frames()):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
        frame.pts, frame.time_base = number, 1 / rate
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
