"""Work in threads, beside which the server answers: so much at once, so much that waits, and no more."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

Result = TypeVar("Result")


class BusyError(Exception):
    """All places are taken."""


@dataclass
class Place:
    """A request's place, from before its body is read until its work has ended."""

    work: Future | None = None


class WorkQueue:
    """Runs work in threads.

    Args:
        workers: threads, that much work runs at once.
        waiting: how many requests may wait for a thread.
        timeout: seconds that work may take, waiting included.
    """

    def __init__(self, workers: int, waiting: int, timeout: float) -> None:
        self.timeout = timeout
        self._places = workers + waiting
        self._taken = 0
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="signing")

    @property
    def taken(self) -> int:
        """How many requests have a place."""
        return self._taken

    @contextmanager
    def place(self) -> Generator[Place]:
        """A place within the block; work that goes on after it, as threads cannot be stopped, keeps it to its end.

        Raises:
            BusyError: all are taken.
        """
        with self._lock:
            if self._taken >= self._places:
                raise BusyError
            self._taken += 1
        place = Place()
        try:
            yield place
        finally:
            if place.work is None:
                self._leave()
            else:
                place.work.add_done_callback(self._leave)  # at once, where it is done

    async def run(self, place: Place, work: Callable[[], Result]) -> Result:
        """The result of work, which begins when a thread is free.

        Raises:
            TimeoutError: it took too long; where it has not begun, it does not begin any more.
        """
        place.work = self._threads.submit(work)
        async with asyncio.timeout(self.timeout):
            return await asyncio.wrap_future(place.work)

    def close(self) -> None:
        """Begins no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _leave(self, _: Future | None = None) -> None:
        with self._lock:
            self._taken -= 1
