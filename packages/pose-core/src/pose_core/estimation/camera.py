"""A camera as a video: its frames are placed on a constant frame rate by the time at which they come."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pose_core.errors import UserError
from pose_core.estimation.video import VideoFrame
from pose_core.rates import DEFAULT_FPS, FASTEST, SLOWEST

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Self

    import numpy as np

PATIENCE = 10.0  # seconds without a frame after which a camera has gone


@contextmanager
def _without_messages() -> Generator[None]:
    """Keeps OpenCV from writing lines of its own to standard error, of each way in which it tried to open a camera."""
    from cv2.utils import logging

    level = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(level)


class Camera:
    """The frames of a camera, opened by OpenCV; a context manager.

    It films at its own speed and nobody waits for it: of the frames that come while an estimator is busy the last one
    counts, and each stands for the frames of the result until the next.

    Args:
        source: its number, 0 being the first; or what else OpenCV opens, as the address of a network camera.
        fps: frames per second of the result; None: the camera's, or 25 if it does not say.
        seconds: how long to film; None: until `end` is called.

    Attributes:
        name: in messages.
        fps: of the result.
        size, image_size: width and height of its pictures.
        offset: (0, 0): the pictures are whole.
        length: frames of the result, None if nobody knows.

    Raises:
        UserError: there is no such camera, or it gives no picture.
    """

    offset = (0, 0)

    def __init__(self, source: str, *, fps: float | None = None, seconds: float | None = None) -> None:
        import cv2

        self.name = f"camera {source}"
        with _without_messages():
            self._capture = cv2.VideoCapture(int(source) if source.isdecimal() else source)
            found, picture = self._capture.read()
        if not found:
            self._capture.release()
            raise UserError(
                f"{self.name}: gives no picture; plug it in, close programs that use it, or try --camera with another "
                "number"
            )
        stated = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps or (stated if SLOWEST <= stated <= FASTEST else DEFAULT_FPS)
        self.size = self.image_size = (picture.shape[1], picture.shape[0])
        self.length = round(seconds * self.fps) if seconds else None
        self._latest: tuple[float, np.ndarray] | None = None
        self._came = threading.Condition()
        self._ended = threading.Event()
        self._used = self._slots = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()
        self._capture.release()

    @property
    def ended(self) -> bool:
        """Whether the recording is over."""
        return self._ended.is_set()

    def end(self) -> None:
        """Ends the recording; may be called by a signal handler."""
        self._ended.set()

    def __iter__(self) -> Iterator[VideoFrame]:
        """Films; every frame of the result is covered once, in order."""
        import cv2

        filming = threading.Thread(target=self._film, daemon=True)
        filming.start()
        start, slot, held = time.monotonic(), 0, None
        try:
            while (came := self._next()) is not None:
                now, picture = came
                place = int((now - start) * self.fps)
                if self.length is not None and place >= self.length:
                    break
                if held is not None and place > slot:
                    yield VideoFrame(slot, place - slot, held)
                    self._used += 1
                if held is None or place > slot:
                    slot = place if held is not None else 0
                    held = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
            if held is not None:
                end = max(slot + 1, int((time.monotonic() - start) * self.fps))
                end = min(end, self.length) if self.length is not None else end
                yield VideoFrame(slot, end - slot, held)
                self._used, self._slots = self._used + 1, end
        finally:
            self.end()
            filming.join()

    def warnings(self) -> list[tuple[str, str]]:
        """What is to be said of the recording: a line each, and its kind as of `notify`."""
        if self._used >= 0.95 * self._slots:
            return []
        text = f"{self._slots - self._used:,} of {self._slots:,} frames repeat the one before: the estimator is slower"
        return [
            (f"{text} than the camera, or the camera than {self.fps:g} frames/s", "recordings with repeated frames")
        ]

    def _film(self) -> None:
        """Takes every picture as it comes, so that the next one is never an old one out of a buffer."""
        while not self.ended:
            found, picture = self._capture.read()
            if not found or picture.shape[1::-1] != self.size:
                self.end()
                break
            with self._came:
                self._latest = (time.monotonic(), picture)
                self._came.notify()

    def _next(self) -> tuple[float, np.ndarray] | None:
        """The last picture that has come since the last call; None once the recording has ended."""
        deadline = time.monotonic() + PATIENCE
        with self._came:
            while self._latest is None:
                if self.ended:
                    return None
                if time.monotonic() > deadline:
                    raise UserError(f"{self.name}: no picture has come for {PATIENCE:g} seconds; is it still there?")
                self._came.wait(0.1)
            latest, self._latest = self._latest, None
            return latest
