"""A pose estimator in a process of its own: frames go to it, poses come back, over pipes."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pose_core.errors import UserError
from pose_core.estimation.workers.protocol import HEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

GRACE = 5.0  # seconds that a process has to end by itself
MOST_AT_ONCE = 256  # frames of the result: a damaged span may be an hour long
PIPE_BYTES = 1 << 20  # where the system lets a pipe hold more than its 64 KB: a frame is megabytes


class Frame(Protocol):
    """What a video is made of; see `estimation.video.VideoFrame`."""

    @property
    def count(self) -> int:
        """Frames of the result that it stands for."""

    @property
    def image(self) -> np.ndarray | None:
        """RGB, uint8 (H, W, 3); None: unknown."""


class WorkerError(UserError):
    """The estimator has ended, or cannot begin; of no use any more."""


class DamagedEnvironmentError(WorkerError):
    """The estimator's files are not as they were installed; no video can be estimated, and it is no video's fault."""


class WorkerProcess:
    """An estimator that runs as a process and answers frames with poses; the protocol is in `workers/protocol.py`.

    A context manager; the process ends with it, and also when this process does, however that ends.

    Args:
        command: what to run.
        settings: of the estimator, JSON values.
        name: of the estimator, in messages.
        repair: what to do where its environment is damaged.
        damage: looks what is wrong with that, where the process ends or fails; takes whether it had begun (`started`).

    Attributes:
        poses: what the estimator says of its poses: `keypoints`: K, `dims`: D, and what else it wants to be known.
        several: whether it detects all people of a frame, instead of following one.

    Raises:
        WorkerError: it cannot begin; `DamagedEnvironmentError`, here and later: it never will.
    """

    def __init__(
        self,
        command: Sequence[str],
        settings: dict[str, Any],
        *,
        name: str,
        repair: str = "",
        damage: Callable[..., str | None] | None = None,
    ) -> None:
        self.name, self._repair, self._damage = name, repair, damage
        self._stopped = self._started = False
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for this process, which decides what becomes of the other
            )
        except OSError as error:
            raise WorkerError(f"{name}: cannot be started ({error.strerror}: {command[0]}); {repair}") from error
        self._said: deque[str] = deque(maxlen=20)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        for pipe in (self._process.stdin, self._process.stdout):
            _enlarge(pipe)
        try:
            with suppress(WorkerError):  # the answer, or its lack, says more than a broken pipe
                self._send(b"S", json.dumps(settings).encode())
            self.poses: dict[str, Any] = json.loads(self._answer(b"H"))
        except BaseException:
            self.kill()
            raise
        self._started = True
        self.keypoints, self.dims = int(self.poses["keypoints"]), int(self.poses["dims"])
        self.several = bool(self.poses.get("people"))

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether it can take another video."""
        return not self._stopped and self._process.poll() is None

    def estimate(self, frames: Iterable[Frame], size: tuple[int, int]) -> Generator[tuple[np.ndarray, np.ndarray]]:
        """Poses of a video, estimated while it is decoded: a few frames wait in between, however long it is.

        Args:
            frames: iterated over in a thread of its own.
            size: width and height of the images.

        Yields:
            Keypoints (t, K, D) and confidence (t, K) of the next frames of the result: of each frame as often as
            it counts, and 0 where it has no image.

        Raises:
            WorkerError: it ended, or could not go on.
            Exception: whatever `frames` raise, after the frames before it.
        """
        with closing(self.detect(frames, size)) as detected:
            for people, count in detected:
                values = people[0] if len(people) else np.zeros(people.shape[1:], np.float32)
                for start in range(0, count, MOST_AT_ONCE):
                    rows = np.repeat(values[None], min(MOST_AT_ONCE, count - start), 0)
                    yield rows[..., :-1], rows[..., -1]

    def detect(self, frames: Iterable[Frame], size: tuple[int, int]) -> Generator[tuple[np.ndarray, int]]:
        """The people of each frame, as of `estimate`.

        Yields:
            (P, K, D + 1), confidence last, nobody where there is no image; and how many frames of the result they are
            for.
        """
        plan: queue.SimpleQueue[_Sent | BaseException | None] = queue.SimpleQueue()
        feeder = threading.Thread(target=self._feed, args=(frames, size, plan), daemon=True)
        feeder.start()
        finished = False
        try:
            while (planned := plan.get()) is not None:
                if isinstance(planned, BaseException):
                    finished = True  # whatever was sent before it has had its answer
                    raise planned
                yield self._people(planned), planned.count
            finished = True
        finally:
            if not finished:  # answers to frames that were sent are still to come, to whoever asks next
                self.kill()
            feeder.join()

    def close(self) -> None:
        """Ends the process: at once if it waits, otherwise when its frame is done, or by force."""
        self._stopped = True
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self.kill()

    def kill(self) -> None:
        """Ends the process by force; may be called by any thread."""
        self._stopped = True
        self._process.kill()
        self._process.wait()

    def _feed(
        self,
        frames: Iterable[Frame],
        size: tuple[int, int],
        plan: queue.SimpleQueue[_Sent | BaseException | None],
    ) -> None:
        """Sends every image, and says in `plan` what comes back for it."""
        try:
            self._send(b"V", json.dumps({"width": size[0], "height": size[1]}).encode())
            for frame in frames:
                if frame.image is not None:
                    image = np.ascontiguousarray(frame.image, np.uint8)
                    if image.shape != (size[1], size[0], 3):
                        raise ValueError(f"an image of {image.shape} in a video of {size}")
                    self._send(b"F", image.data.cast("B"))
                plan.put(_Sent(frame.count, frame.image is not None))
            plan.put(None)
        except WorkerError:
            # Its last answer says more than the pipe, which only broke.
            plan.put(_Sent(0, True))
        except BaseException as error:
            plan.put(error)

    def _people(self, frame: _Sent) -> np.ndarray:
        """(P, K, D + 1), the answer to a frame; of estimators that see one person only, P is 1."""
        K, D = self.keypoints, self.dims
        if not frame.sent:
            return np.zeros((0, K, D + 1), np.float32)
        answer = self._answer(b"R")
        number, rest = divmod(len(answer), 4 * K * (D + 1))
        if rest or (number != 1 and not self.several):
            raise WorkerError(f"{self.name}: answered {len(answer)} bytes for {K} keypoints; it is a defect of its")
        return np.frombuffer(answer, "<f4").reshape(number, K, D + 1)

    def _send(self, kind: bytes, content: bytes | memoryview) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(HEAD.pack(kind, len(content)))
            pipe.write(content)
            pipe.flush()
        except (OSError, ValueError) as error:  # ValueError: closed
            raise WorkerError(f"{self.name}: ended early") from error

    def _answer(self, expected: bytes) -> bytes:
        """The content of the next message.

        Raises:
            WorkerError: it is an error, or there is none.
        """
        pipe = self._process.stdout
        assert pipe is not None
        head = pipe.read(HEAD.size)
        kind, length = HEAD.unpack(head) if len(head) == HEAD.size else (b"", 0)
        content = pipe.read(length)
        if kind == b"X":
            raise self._error(self._problem(**json.loads(content)), started=True)
        if kind != expected or len(content) < length:
            raise self._error(f"{self.name} {self._end()}", started=self._started)
        return content

    def _error(self, message: str, *, started: bool) -> WorkerError:
        """The error that it ended with, unless it is damaged."""
        if self._damage and not self._stopped and (damaged := self._damage(started=started)):
            return DamagedEnvironmentError(f"{self.name} cannot run ({damaged}); {self._repair}")
        return WorkerError(message)

    def _problem(self, error: str, kind: str) -> str:
        """What it says went wrong."""
        if kind == "user":
            return error
        return f"{self.name} failed: {error}{f'; {self._repair}' if kind == 'module' and self._repair else ''}"

    def _end(self) -> str:
        """How the process ended, and what it said last."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self._listener.join(GRACE)
        status = self._process.poll()
        if status is None:
            self.kill()
            return "answered what is no answer; it is a defect of its"
        if status < 0:
            name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
            why = ", as the system does when memory is short: try fewer --workers" if name == "SIGKILL" else ""
            return f"was ended by {name}{why}"
        last = f": {self._said[-1]}" if self._said else ""
        return f"ended with status {status}{last}"

    def _listen(self) -> None:
        """Reads what the process says to people, lest its pipe fill; the last lines are kept."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if text := line.decode(errors="replace").strip():
                self._said.append(text[:300])


class _Sent:
    """A frame that was sent, or skipped, and how many frames of the result it stands for."""

    __slots__ = ("count", "sent")

    def __init__(self, count: int, sent: bool) -> None:
        self.count, self.sent = count, sent


def _enlarge(pipe: Any) -> None:
    """Lets a pipe hold more, where the system can: fewer switches per frame."""
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
