"""Progress through videos on standard error: frames per second and time left."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from pose_core.progress import LONGEST, is_quiet, say

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from rich.progress import Progress, Task, TaskID

EVERY = 60.0  # seconds between lines where there is no terminal
PERIOD = 30.0  # seconds over which a bar's speed is averaged


class FrameProgress:
    """Counts frames; used by several threads.

    How many frames there are is known of videos that were begun; the others are taken to have as many per byte.

    Args:
        sizes: bytes of each video, by name.
    """

    def __init__(self, sizes: dict[str, int]) -> None:
        self._sizes, self._total_bytes = sizes, max(1, sum(sizes.values()))
        self._lock = threading.Lock()
        self._known_bytes = self._known_frames = 0
        self._begun, self._start, self._last = 0, time.monotonic(), time.monotonic()
        self.frames = 0

    @property
    def total(self) -> int | None:
        """Frames of all videos, about; None if it cannot be told."""
        if not self._known_frames:
            return None
        return max(self.frames, round(self._known_frames * self._total_bytes / max(1, self._known_bytes)))

    @property
    def rate(self) -> float:
        """Frames per second so far."""
        return self.frames / max(1e-9, time.monotonic() - self._start)

    @property
    def left(self) -> str:
        """Time left, "0:01:30", or nothing where it cannot be told."""
        total = self.total
        if not total or not self.frames:
            return ""
        return str(timedelta(seconds=round((total - self.frames) / self.rate)))

    def begin(self, name: str, length: int | None) -> None:
        """A video of that many frames is begun."""
        with self._lock:
            self._begun += 1
            if length:
                self._known_bytes += self._sizes.get(name, 0)
                self._known_frames += length
            self._show_name(name)

    def advance(self, frames: int) -> None:
        """So many more frames are done."""
        with self._lock:
            self.frames += frames
            self._show_frames()

    def forget(self, length: int | None, done: int) -> None:
        """A video ends after so many frames of its length: what is missing of it will not come."""
        with self._lock:
            if length:
                self._known_frames = max(0, self._known_frames - length + done)

    def _show_name(self, name: str) -> None:
        many = len(self._sizes) > 1
        say(f"estimating {name} ({self._begun} of {len(self._sizes)})" if many else f"estimating {name}")

    def _show_frames(self) -> None:
        if time.monotonic() - self._last > EVERY:
            self._last = time.monotonic()
            total, left = self.total, self.left
            of = f" of about {total:,}" if total else ""
            say(f"{self.frames:,}{of} frames, {self.rate:.1f} frames/s{f', {left} left' if left else ''}")


class _Bar(FrameProgress):
    """The same as a bar of a terminal."""

    def __init__(self, sizes: dict[str, int], bar: Progress, task: TaskID) -> None:
        super().__init__(sizes)
        self._bar, self._task = bar, task

    def _show_name(self, name: str) -> None:
        shown = name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"
        many = f" ({self._begun} of {len(self._sizes)})" if len(self._sizes) > 1 else ""
        self._bar.update(self._task, description=f"estimating {shown}{many}")

    def _show_frames(self) -> None:
        self._bar.update(self._task, completed=self.frames, total=self.total)


@contextmanager
def frame_progress(sizes: dict[str, int]) -> Generator[FrameProgress]:
    """Progress through videos: a bar where standard error is a terminal, else a line for each and one a minute.

    Args:
        sizes: bytes of each video, by name.
    """
    if is_quiet() or not sys.stderr.isatty():
        yield FrameProgress(sizes)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    class Speed(TextColumn):
        def __init__(self) -> None:
            super().__init__("")

        def render(self, task: Task):
            from rich.text import Text

            return Text(f"{task.speed:.1f} frames/s" if task.speed else "")

    columns: Sequence = TextColumn("{task.description}", markup=False), BarColumn(), Speed(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, redirect_stdout=False, transient=True, speed_estimate_period=PERIOD
    ) as bar:
        yield _Bar(sizes, bar, bar.add_task("estimating", total=None))
