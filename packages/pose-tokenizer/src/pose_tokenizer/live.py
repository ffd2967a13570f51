"""Live streams: frames that arrive on standard input, until its end, Ctrl-C, or a line cut short."""

from __future__ import annotations

import json
import select
import signal
import threading
from typing import TYPE_CHECKING

import numpy as np

from pose_core import PoseSequence, UserError
from pose_core.progress import warn

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator
    from types import FrameType, TracebackType

    from pose_tokenizer.model import PoseTokenizer
    from pose_tokenizer.network import Network

LINES = 64  # that become one piece
CHUNK = 1 << 16  # bytes that are read at once


class Interruption:
    """In its `with` block, a first Ctrl-C or SIGTERM only ends the reading of `lines`; a second one ends the program.

    Attributes:
        happened: whether there was one.
    """

    def __init__(self) -> None:
        self.happened = False
        self._reading = False
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Interruption:
        """Installs the signal handlers; Python allows that only in the main thread."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restores the handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # ty: ignore[invalid-argument-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.happened or self._reading:
            self.happened = True
            raise KeyboardInterrupt
        self.happened = True

    def lines(self, stream: io.BufferedReader) -> Iterator[bytes]:
        """The lines of a stream; after an interruption those that have arrived, without a last one cut short."""
        rest = b""
        while not self.happened or _has_arrived(stream):
            try:
                self._reading = True
                chunk = stream.read1(CHUNK)
                self._reading = False
            except KeyboardInterrupt:  # while waiting: nothing has arrived
                return
            if not chunk:
                break
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (line + b"\n" for line in whole)
        if rest and not self.happened:
            yield rest


def _has_arrived(stream: io.BufferedReader) -> bool:
    """Whether something can be read without waiting; False where the system cannot tell."""
    try:
        return bool(select.select([stream.fileno()], [], [], 0)[0])
    except (OSError, ValueError):
        return False


def live_frames(lines: Iterator[bytes], model: PoseTokenizer | Network, fps: float) -> Iterator[PoseSequence]:
    """Pieces of a sequence from lines, each a frame: a JSON list of [x, y, confidence] per keypoint of the skeleton.

    Of a model in 3-D it is [x, y, z, confidence].

    A last line without its end that cannot be read is left out if others came before it: its writer was stopped.

    Raises:
        UserError: another line is something else; the message has its number.
    """
    K, D = model.skeleton.num_keypoints, model.skeleton.num_dims
    frames: list[np.ndarray] = []
    count = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            frames.append(np.asarray(json.loads(line), np.float32).reshape(K, D + 1))
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            if count and not line.endswith(b"\n"):
                warn(f"standard input: line {number} is cut short and left out; the {count} frames before it are kept")
                break
            values = ", ".join(("x", "y", "z")[:D])
            raise UserError(f"line {number}: not a JSON list of {K} keypoints [{values}, confidence]") from error
        count += 1
        if len(frames) == LINES:
            yield _sequence(frames, model, fps)
            frames = []
    if frames:
        yield _sequence(frames, model, fps)


def _sequence(frames: list[np.ndarray], model: PoseTokenizer | Network, fps: float) -> PoseSequence:
    stacked = np.stack(frames)
    return PoseSequence(stacked[..., :-1], stacked[..., -1], fps, model.skeleton)
