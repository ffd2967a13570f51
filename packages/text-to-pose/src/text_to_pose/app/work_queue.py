"""Work in threads, beside which the server answers: so much at once, so much that waits, and no more."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

Result = TypeVar("Result")


class BusyError(Exception):
    """All places are taken."""


class GivenUpError(Exception):
    """Nobody waits for the work any more."""


@dataclass(eq=False)
class Place:
    """A request's place, from before its body is read until its work has ended.

    Attributes:
        work: what is done there, once it has been handed in.
        given_up: that nobody waits for it any more.
    """

    work: Future | None = None
    given_up: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """For work to call now and then, from its thread: threads cannot be stopped from outside.

        Raises:
            GivenUpError: nobody waits for it any more.
        """
        if self.given_up.is_set():
            raise GivenUpError


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
        self._taken: set[Place] = set()
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="signing")

    @property
    def taken(self) -> int:
        """How many requests have a place."""
        return len(self._taken)

    @contextmanager
    def place(self) -> Generator[Place]:
        """A place within the block; work that goes on after it keeps it to its end.

        Raises:
            BusyError: all are taken.
        """
        place = Place()
        with self._lock:
            if len(self._taken) >= self._places:
                raise BusyError
            self._taken.add(place)
        try:
            yield place
        finally:
            if place.work is None:
                self._leave(place)
            else:
                place.work.add_done_callback(lambda _: self._leave(place))  # at once, where it is done

    async def run(self, place: Place, work: Callable[[], Result]) -> Result:
        """The result of work, which begins when a thread is free.

        Where this raises, or is cancelled, before the work is done, the work is given up: it does not begin any more,
        or ends where it next calls `Place.check`.

        Raises:
            TimeoutError: it took too long.
        """
        place.work = self._threads.submit(work)
        try:
            async with asyncio.timeout(self.timeout):
                return await asyncio.wrap_future(place.work)
        except (TimeoutError, asyncio.CancelledError):
            place.given_up.set()
            raise

    def close(self) -> None:
        """Begins no more work, and gives up what has begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for place in self._taken:
                place.given_up.set()

    def _leave(self, place: Place) -> None:
        with self._lock:
            self._taken.discard(place)
