"""Videos as upright RGB frames on a constant frame rate, read one by one, by PyAV.

The packets are read twice. The first pass decodes only until there is a picture; it tells how many frames there are and
when each is shown (`frame_times`). The second decodes, and knows from the first which frames it did not get.
"""

from __future__ import annotations

import os
from array import array
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.atomic_files import check_name
from pose_core.errors import UserError, naming, reason
from pose_core.estimation.file_structure import check_index, cut_short, is_mp4, missing_time, stated_length
from pose_core.estimation.frame_times import FrameTimes, Packets, place
from pose_core.estimation.pictures import Crop, Pictures

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Self

    from av import VideoFrame as DecodedFrame
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

# What is opened. FFmpeg's other demuxers follow links to files and hosts, or take any text for a picture.
_CONTAINERS = (
    "3g2,3gp,apng,asf,av1,avi,dv,flv,gif,h261,h263,h264,hevc,ivf,m4v,matroska,mjpeg,mov,mpeg,mpegts,mpegvideo,mxf,nut,obu,"
    "ogg,rm,vc1,webm,wtv"
)
_MOST_PIXELS = 36_000_000  # of a picture: 8K; 110 MB in RGB
_LARGE = 1920 * 1088  # pixels of which a decoder does not keep one picture for every core
_THREADS = 4
_HDR = {16: "PQ", 18: "HLG"}
_CUT = "videos that are cut short"
_SHOWN_RUNS = 3  # damaged spans that are named


@dataclass(frozen=True)
class VideoFrame:
    """A frame of a video.

    Attributes:
        slot: the first frame of the result that it stands for.
        count: how many it stands for: more than 1 where it is shown longer.
        image: RGB, uint8 (H, W, 3); None where the file is damaged.
    """

    slot: int
    count: int
    image: np.ndarray | None


def open_video(source: str | Path, *, crop: Crop | None = None) -> Video:
    """Opens a video file, and finds out how many frames it has, when they are shown, and which way up.

    Args:
        source: a file that holds a video, of whatever name.
        crop: the part of the upright picture that frames show.

    Raises:
        UserError: no such file, no video in it, nothing in it that can be decoded, a picture of over 36 megapixels, or
            `crop` is not within it; the message names the path.
    """
    path = Path(source)
    check_name(path)
    if not path.exists():
        raise UserError(f"{path}: no such file")
    if not path.is_file():
        raise UserError(f"{path}: not a file; name a video")
    with naming(path):
        return Video(path, crop)


class Video:
    """The frames of a video on a constant frame rate; a context manager, which ends what still decodes.

        with open_video("signing.mp4") as video:
            for frame in video:
                ...  # frame.image stands for frames frame.slot to frame.slot + frame.count - 1
            for message, kind in video.warnings():
                notify("signing.mp4", message, kind=kind)

    Every frame of the result is covered once, in order. Memory does not grow with the video's length, but for what says
    when each frame is shown: 60 MB for two hours.

    Attributes:
        path: of the file.
        fps: frames per second of the result.
        size: width and height of the upright picture, with square pixels; coordinates of poses are in it.
        image_size: width and height of the images; with a crop, that of it.
        offset: where the images begin in the picture, x and y; with a crop to be added to coordinates.
        length: frames of the result.
    """

    def __init__(self, path: Path, crop: Crop | None = None) -> None:
        self.path = path
        self._remarks: list[tuple[str, str]] = []
        with _opened(path) as (container, stream):
            self._number = container.streams.video.index(stream)
            _check_stream(container, stream, self._remarks)
            self._times, self._pictures = self._first_pass(container, stream)
        self._remarks += self._times.remarks
        self.fps = self._times.fps
        self.size = self._pictures.size
        self.length: int | None = int(self._times.slots[-1])
        if crop and not (0 <= crop.x < crop.x + crop.width <= self.size[0]):
            raise UserError(_outside(crop, self.size))
        if crop and not (0 <= crop.y < crop.y + crop.height <= self.size[1]):
            raise UserError(_outside(crop, self.size))
        self._pictures.crop = crop
        self.image_size = (crop.width, crop.height) if crop else self.size
        self.offset = (crop.x, crop.y) if crop else (0, 0)
        self._damaged: list[tuple[int, int]] = []
        self._decoding: Generator[VideoFrame] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends decoding."""
        if self._decoding is not None:
            self._decoding.close()

    def __iter__(self) -> Iterator[VideoFrame]:
        self.close()
        self._damaged.clear()
        self._pictures.resized = self._pictures.interlaced = 0
        self._decoding = self._frames()
        return self._decoding

    def warnings(self) -> list[tuple[str, str]]:
        """What was assumed, and after iteration what was damaged: a line each, and its kind as of `notify`."""
        remarks, pictures = list(self._remarks), self._pictures
        if self._damaged:
            total = sum(end - start for start, end in self._damaged)
            runs = [f"{start}" if end - start == 1 else f"{start} to {end - 1}" for start, end in self._damaged]
            places = ", ".join(runs[:_SHOWN_RUNS]) + (", ..." if len(runs) > _SHOWN_RUNS else "")
            text = f"{total:,} of {self.length:,} frames are damaged and missing: {places}"
            remarks.append((text, "videos with damaged frames"))
        if pictures.pixel_aspect != 1:
            size = "{} x {}".format(*self.size)
            remarks.append((f"its pixels are not square; scaled to {size}", "videos whose pixels are not square"))
        if pictures.interlaced:
            text = f"{pictures.interlaced:,} frames are interlaced; one field of each is shown"
            remarks.append((text, "interlaced videos"))
        if pictures.resized:
            text = f"{pictures.resized:,} frames have another size than the first; they are scaled into its picture"
            remarks.append((text, "videos whose picture changes its size"))
        return remarks

    def _first_pass(self, container: InputContainer, stream: VideoStream) -> tuple[FrameTimes, Pictures]:
        """Reads all packets, and decodes until there is a picture."""
        shown, decoded, duration = array("d"), array("d"), 0
        first: DecodedFrame | None = None
        problem: Exception | None = None
        base = float(stream.time_base or 0)
        most = max(1, self.path.stat().st_size)
        nothing = float("nan")
        for packet in _packets(container, stream, self._remarks):
            if packet.size and not packet.is_discard:
                shown.append(nothing if packet.pts is None else packet.pts * base)
                decoded.append(nothing if packet.dts is None else packet.dts * base)
                duration = packet.duration or 0
                if len(shown) > most:
                    raise UserError(f"a damaged video: states over {most:,} frames, more than it has bytes")
            if first is None:
                try:
                    first = next((frame for frame in packet.decode() if not frame.is_corrupt), None)
                except _errors() as error:
                    problem = error
        if not shown:
            raise UserError("its video has no frames; record or export it again")
        if first is None:
            why = f" ({_said(problem)})" if problem else ""
            raise UserError(f"none of its {len(shown):,} frames can be decoded{why}; export it again, as H.264")
        _check_pixels(first.width, first.height)
        # Frames that an edit has taken away are still in the file; those of a cut one would lie after its end.
        entries = stream.index_entries if len(shown) < stream.frames else ()
        if missing := sum(entry.pos + entry.size > most for entry in entries):
            text = f"states {stream.frames:,} frames, of which the last {missing:,} are not there; it is cut short"
            self._remarks.append((text, _CUT))
        if (stated := stated_length(_start(self.path)) or 0) > most:
            self._remarks.append((f"states {stated:,} bytes and has {most:,}; it is cut short", _CUT))
        # One may be written without its length. The time of a whole file may be that of its sound.
        own = stream.metadata.get("DURATION") or (container.duration if len(container.streams) == 1 else None)
        if stated <= most and (lack := missing_time(_start(self.path), own, np.array(shown), duration * base)):
            self._remarks.append((lack, _CUT))
        rates = [float(rate) for rate in (stream.average_rate, stream.guessed_rate) if rate]
        reorders = bool(stream.codec_context.has_b_frames)
        packets = Packets(np.array(shown), np.array(decoded), duration * base, rates, reorders)
        return place(packets), Pictures(first, stream.sample_aspect_ratio)

    def _frames(self) -> Generator[VideoFrame]:
        """Every frame of the result, in order; those that the decoder did not give are missing."""
        slots, told = self._times.slots, self._times.ranks is not None
        count, position = len(slots) - 1, 0  # position: of the next frame, in the order of showing
        for frame in self._decoded():
            if position >= count:
                break  # of packets that hold two frames, where nothing tells which is which
            number = position
            if told and frame is not None and frame.pts is not None and position < frame.pts < count:
                number = frame.pts
            elif told and frame is None:
                continue  # the next frame tells what is lost
            if number == position + 1 and frame is not None and frame.interlaced_frame:
                number = position  # the packets hold a field each
                ahead = 2
            else:
                ahead = 1
                if number > position:
                    yield from self._missing(slots[position], slots[number])
            start, end = int(slots[number]), int(slots[number + ahead])
            position = number + ahead
            if frame is None or frame.is_corrupt:
                yield from self._missing(start, end)
            elif end > start:
                yield VideoFrame(start, end - start, self._pictures(frame))
        yield from self._missing(slots[position], slots[-1])

    def _missing(self, start: int, end: int) -> Iterator[VideoFrame]:
        """Frames of the result that are damaged."""
        if end <= start:
            return
        if self._damaged and self._damaged[-1][1] == start:
            self._damaged[-1] = (self._damaged[-1][0], int(end))
        else:
            self._damaged.append((int(start), int(end)))
        yield VideoFrame(int(start), int(end - start), None)

    def _decoded(self) -> Generator[DecodedFrame | None]:
        """Frames in the order in which they are shown, `pts` being that order's number, and None for each error."""
        ranks = self._times.ranks
        with naming(self.path), _opened(self.path, self._number) as (container, stream):
            number = 0
            for packet in _packets(container, stream, []):
                if packet.size:
                    rank = None
                    if not packet.is_discard:
                        rank = int(ranks[number]) if ranks is not None and number < len(ranks) else None
                        number += 1
                    packet.pts, packet.dts = rank, None
                try:
                    frames = packet.decode()
                except _errors():
                    yield None
                    continue
                yield from frames


@contextmanager
def _opened(path: Path, number: int | None = None) -> Generator[tuple[InputContainer, VideoStream]]:
    """The container and its video stream, ready to decode."""
    import av

    # Titles in other encodings are no reason not to read a video; PyAV 19 no longer has to be told.
    lenient: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
    start = _start(path)
    if is_mp4(start):
        check_index(path)
    try:
        container = av.open(
            f"file:{os.fsdecode(path.resolve())}",
            options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"},
            **lenient,
        )
    except _errors() as error:
        raise UserError(_why_unreadable(path, start, error)) from error
    with container:
        stream = container.streams.video[_video_stream(container) if number is None else number]
        context = stream.codec_context
        if context is None:
            raise UserError("holds a video in a format that this build of PyAV does not know; export it as H.264")
        _check_pixels(context.width, context.height)
        context.options = {"max_pixels": str(_MOST_PIXELS)}
        context.thread_count = 1 if context.width * context.height > _LARGE else _THREADS
        context.thread_type = "AUTO"
        yield container, stream


def _start(path: Path) -> bytes:
    """The first bytes of a file.

    Raises:
        UserError: it cannot be read, or is empty.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror}); check its permissions") from error
    if not start:
        raise UserError("empty file")
    return start


def _video_stream(container: InputContainer) -> int:
    """The number of the video that a player shows, among the videos."""
    from av.stream import Disposition

    streams = container.streams.video
    if shown := [number for number, s in enumerate(streams) if not s.disposition & Disposition.attached_pic]:
        best = container.streams.best("video")
        return next((number for number in shown if streams[number] is best), shown[0])
    if container.streams.video:
        raise UserError("holds sound and a cover picture, but no video")
    kinds = sorted({stream.type for stream in container.streams})
    raise UserError(f"holds no video, only {' and '.join(kinds) if kinds else 'an empty container'}")


def _check_stream(container: InputContainer, stream: VideoStream, remarks: list[tuple[str, str]]) -> None:
    """Remarks on the choice of a video, and on its colors."""
    from av.stream import Disposition

    shown = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if len(shown) > 1:
        text = f"holds {len(shown)} videos; number {shown.index(stream) + 1} is read"
        remarks.append((text, "files that hold several videos"))
    if (transfer := _HDR.get(stream.codec_context.color_trc)) is not None:
        text = f"its colors are HDR ({transfer}), read without tone mapping: they look pale"
        remarks.append((text, "HDR videos"))


def _check_pixels(width: int, height: int) -> None:
    if width * height > _MOST_PIXELS:
        raise UserError(
            f"has pictures of {width} x {height}; up to {_MOST_PIXELS // 1_000_000} megapixels are read: scale it down"
        )


def _packets(container: InputContainer, stream: VideoStream, remarks: list[tuple[str, str]]) -> Iterator[Packet]:
    """The packets of a stream, the last of size 0; an error in the middle is where the file ends."""
    packets = container.demux(stream)
    number = 0
    while True:
        try:
            packet = next(packets, None)
        except _errors() as error:
            text = f"cannot be read any further after frame {number} ({_said(error)})"
            remarks.append((text, _CUT))
            return
        if packet is None:
            return
        yield packet
        number += 1


def _errors() -> tuple[type[Exception], ...]:
    """What PyAV raises on damaged files."""
    import av

    return (av.FFmpegError, ValueError, OverflowError, MemoryError, UnicodeError)


def _said(error: BaseException | None) -> str:
    return (getattr(error, "strerror", None) or reason(error)) if error else ""


def _outside(crop: Crop, size: tuple[int, int]) -> str:
    part = f"{crop.width}x{crop.height}+{crop.x}+{crop.y}"
    return f"the part {part} is not within its picture of {size[0]} x {size[1]} pixels"


def _why_unreadable(path: Path, start: bytes, error: Exception) -> str:
    """What is wrong with a file that FFmpeg does not open, and what to do."""
    if is_mp4(start) and (lack := cut_short(path)):
        return f"{lack}; copy it again"
    if all(byte >= 32 or byte in b"\t\n\r\f" for byte in start):
        return "is a text, not a video"
    if isinstance(error, EOFError):
        return "ends before there is a frame; record or copy it again"
    return f"not a video that can be read ({_said(error)}); export it as MP4, H.264"
