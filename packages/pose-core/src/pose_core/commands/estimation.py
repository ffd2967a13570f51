"""Poses from videos: `pose-core estimate`."""

from __future__ import annotations

import queue
import signal
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pose_core.atomic_files import check_output, check_output_folder
from pose_core.errors import UserError
from pose_core.estimation.estimators import skeleton_of
from pose_core.estimation.frame_progress import FrameProgress, frame_progress
from pose_core.estimation.several_people import SeveralPeople
from pose_core.estimation.video import Video, open_video
from pose_core.estimation.worker_process import DamagedEnvironmentError
from pose_core.formats.pose_stream import PoseWriter
from pose_core.formats.sniffing import VIDEOS
from pose_core.inputs import find_inputs
from pose_core.jobs import Job, JobOptions, JobRunner, planned
from pose_core.notices import notify
from pose_core.outputs import check_suffix

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Iterable, Sequence
    from types import FrameType

    from pose_core.estimation.camera import Camera
    from pose_core.estimation.estimators import Estimator
    from pose_core.estimation.pictures import Crop
    from pose_core.estimation.worker_process import WorkerProcess
    from pose_core.skeleton import Skeleton

GOES_ON = "the same command tries the failed ones again"
POLL = 0.5  # seconds; a wait without an end would not see Ctrl-C on Windows


@dataclass(frozen=True)
class EstimatedFile:
    """What was estimated from one video.

    Attributes:
        visible: frames in which somebody is seen.
        seconds: that it took.
    """

    file: str
    output: Path
    frames: int
    fps: float
    points: int
    visible: int
    seconds: float

    @property
    def line(self) -> str:
        """The result in one line."""
        seen = "" if self.visible == self.frames else f", nobody visible in {self.frames - self.visible:,}"
        speed = self.frames / max(self.seconds, 1e-9)
        return (
            f"{self.output}: {self.frames:,} frames at {self.fps:g} fps, {self.points} points{seen} "
            f"({speed:.1f} frames/s)"
        )


def estimate_files(
    inputs: Sequence[str | Path],
    output: Path | None,
    estimator: Estimator,
    options: JobOptions,
    *,
    skip_existing: bool | None = None,
    workers: int = 1,
    crop: Crop | None = None,
    person: int | None = None,
) -> JobRunner[EstimatedFile]:
    """Estimates poses of videos: files, folders of them, patterns, or standard input.

    Args:
        inputs: see `find_inputs`.
        output: a `.pose` file for one video, a folder, `-` for standard output, or None: beside each video.
        estimator: with its settings.
        options: see `JobOptions`.
        skip_existing: leave out videos whose output exists; None: if there are several, and those are not to be
            replaced.
        workers: videos estimated at the same time.
        crop: the part of the picture that the estimator sees.
        person: whom to take, where the estimator detects several; None: who is visible most often and largest.

    Raises:
        UserError: an input or output that cannot be used, or one that fails, unless the batch keeps going; the
            estimator cannot be installed or started.
    """
    if skip_existing is None:
        skip_existing = not options.overwrite and len(find_inputs(inputs, VIDEOS)) > 1
    options = replace(options, skip_existing=skip_existing, goes_on=GOES_ON)
    with planned(
        inputs,
        output,
        options,
        verb="estimating",
        suffixes=VIDEOS,
        suffix=".pose",
        writable=(".pose",),
        whole=VIDEOS,
        sniff=lambda start: ".mp4",  # the file says itself what it is
    ) as batch:
        _check_sources(batch)
        if batch.jobs:
            _Estimation(batch, estimator, crop, person).run(workers)
    return batch


def _check_sources(batch: JobRunner[EstimatedFile]) -> None:
    """Refuses to replace a video by poses, and says which outputs have longer names than usual.

    Raises:
        UserError: an output is one of the videos, or a link to it.
    """
    jobs = [*batch.jobs, *batch.skipped]
    videos = {(found.st_dev, found.st_ino): job.name for job in jobs if (found := _status(job.source))}
    for job in jobs:
        if (found := _status(job.output)) and (video := videos.get((found.st_dev, found.st_ino))):
            raise UserError(f"{job.output}: is the video {video}; name another output")
    longer = [job.output.name for job in jobs if job.output.name == f"{job.source.name}.pose"]
    if len(longer) > 1:
        more = ", ..." if len(longer) > 2 else ""
        batch.options.say(f"videos whose names differ only in the suffix keep it: {', '.join(longer[:2])}{more}")


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):
        return None


class _Estimation:
    """A batch of videos, estimated by worker processes, each fed by a thread."""

    def __init__(
        self, batch: JobRunner[EstimatedFile], estimator: Estimator, crop: Crop | None, person: int | None
    ) -> None:
        self._batch, self._estimator, self._crop, self._person = batch, estimator, crop, person
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        for job in batch.jobs:
            self._jobs.put(job)
        self._workers: set[WorkerProcess] = set()
        self._skeleton: Skeleton
        self._lock, self._stopped = threading.Lock(), False

    def run(self, workers: int) -> None:
        """Estimates all videos.

        Raises:
            KeyboardInterrupt: on Ctrl-C or SIGTERM; nothing of what was not done is left.
        """
        batch = self._batch
        sizes = {job.name: job.source.stat().st_size if job.source.is_file() else 0 for job in batch.jobs}
        try:
            self._run(min(workers, len(batch.jobs)), sizes)
        except KeyboardInterrupt:
            if batch.total > 1:
                finished = len(batch.done) + len(batch.skipped)
                batch.options.say(f"{finished} of {batch.total} files are done; the same command goes on from there")
            raise
        order = {job.name: number for number, job in enumerate(batch.jobs)}
        batch.done.sort(key=lambda result: order[result.file])
        batch.failed.sort(key=lambda failure: order[failure.file])

    def _run(self, workers: int, sizes: dict[str, int]) -> None:
        """Estimates all videos, as many at a time as there are workers; when it ends, all threads have."""
        with terminable(), ThreadPoolExecutor(workers) as pool:
            try:
                first = self._start()  # before any video: what is wrong with the estimator is no video's fault
                self._skeleton = skeleton_of(first.poses)
                with frame_progress(sizes) as progress:
                    pending = {pool.submit(self._serve, each, progress) for each in [first, *[None] * (workers - 1)]}
                    while pending:
                        done, pending = wait(pending, POLL, FIRST_EXCEPTION)
                        for future in done:
                            future.result()
            except BaseException:
                self._stop()
                raise

    def _serve(self, worker: WorkerProcess | None, progress: FrameProgress) -> None:
        """Estimates one video after the other, by a process that takes the place of one that ended."""
        try:
            while not self._stopped:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    return
                damaged: DamagedEnvironmentError | None = None
                with self._batch.noting(job):
                    try:
                        if worker is None or not worker.alive:
                            worker = self._start()
                        self._batch.done.append(self._estimate(job, worker, progress))
                    except DamagedEnvironmentError as error:  # no failure of the video's, and of all that follow
                        damaged = error
                if damaged is not None:
                    raise damaged
        finally:
            if worker is not None:
                worker.close()

    def _estimate(self, job: Job, worker: WorkerProcess, progress: FrameProgress) -> EstimatedFile:
        begun = time.monotonic()
        if not self._batch.to_stdout:
            check_output_folder(job.output.parent)
        with open_video(job.source, crop=self._crop) as video:
            progress.begin(job.name, video.length)
            done = 0
            try:
                with PoseWriter(
                    job.output,
                    self._skeleton,
                    video.fps,
                    size=(*video.size, 0),
                    overwrite=self._batch.options.overwrite,
                ) as writer:
                    visible = 0
                    for seen, count in _written(video, worker, self._skeleton, writer, Path(job.name), self._person):
                        visible, done = visible + seen, done + count
                        progress.advance(count)
                    if not visible:
                        raise UserError(f"{job.name}: nobody is visible in its {done:,} frames; nothing is written")
            finally:
                progress.forget(video.length, done)
            for message, kind in video.warnings():
                notify(job.name, message, kind=kind)
        seconds = time.monotonic() - begun
        return EstimatedFile(job.name, job.output, done, video.fps, worker.keypoints, visible, seconds)

    def _start(self) -> WorkerProcess:
        with self._lock:
            if self._stopped:
                raise UserError("interrupted")
            worker = self._estimator.start(self._batch.options.say)
            self._workers.add(worker)
        return worker

    def _stop(self) -> None:
        """Ends all processes, and with them what waits for them."""
        self._stopped = True
        for worker in tuple(self._workers):
            worker.kill()


def record(
    camera: Camera,
    output: Path,
    estimator: Estimator,
    *,
    overwrite: bool = False,
    person: int | None = None,
    say: Callable[[str], None],
) -> EstimatedFile:
    """Estimates what a camera sees until it ends or somebody presses Ctrl-C; what there is by then is written.

    Args:
        camera: opened.
        output: a `.pose` file.
        estimator: with its settings.
        overwrite: replace an existing file.
        person: as of `estimate_files`.
        say: takes a line for people.

    Raises:
        UserError: the output cannot be written, the estimator cannot be started, or nobody was visible.
        KeyboardInterrupt: on Ctrl-C before the recording begins, or twice.
    """
    check_suffix(output, (".pose",))
    check_output(output, overwrite=overwrite)
    with terminable(), estimator.start(say) as worker:
        skeleton = skeleton_of(worker.poses)
        width, height = camera.size
        begun, visible, frames = time.monotonic(), 0, 0
        with PoseWriter(output, skeleton, camera.fps, size=(width, height, 0), overwrite=overwrite) as writer:
            say(f"recording {camera.name}, {width} x {height} at {camera.fps:g} frames/s; Ctrl-C ends it")
            with _ending(camera):
                for seen, count in _written(camera, worker, skeleton, writer, Path(camera.name), person):
                    visible, frames = visible + seen, frames + count
            if not visible:
                raise UserError(f"{camera.name}: nobody is visible in {frames:,} frames; nothing is written")
    for message, kind in camera.warnings():
        notify(camera.name, message, kind=kind)
    return EstimatedFile(camera.name, output, frames, camera.fps, worker.keypoints, visible, time.monotonic() - begun)


@contextmanager
def _ending(camera: Camera) -> Generator[None]:
    """Ctrl-C ends the recording, and only the next one the command."""

    def end(number: int, frame: object) -> None:
        if camera.ended:
            raise KeyboardInterrupt
        camera.end()

    with _handling((signal.SIGINT, *_endings()), end):
        yield


def _written(
    video: Video | Camera,
    worker: WorkerProcess,
    skeleton: Skeleton,
    writer: PoseWriter,
    name: Path,
    person: int | None,
) -> Generator[tuple[int, int]]:
    """Writes a video's poses, and yields of each piece how many frames show somebody, and how many there are.

    Of several people, all are known only when the video has ended: their frames are counted before they are written.
    """
    placed = _placement(video, skeleton)

    def write(keypoints: np.ndarray, confidence: np.ndarray) -> int:
        if placed is not None:
            scale, offset = placed
            keypoints = np.where(confidence[..., None] > 0, scale * keypoints + offset, 0).astype(np.float32)
        writer.append(keypoints, confidence)
        return int((confidence > 0).any(1).sum())

    if worker.several:
        people = SeveralPeople(name, person)
        with closing(worker.detect(video, video.image_size)) as detected:
            for values, count in detected:
                people.add(values, count)
                yield 0, count
        for piece in people.poses(skeleton, video.fps):
            yield write(piece.keypoints, piece.confidence), 0
        return
    with closing(worker.estimate(video, video.image_size)) as poses:
        for keypoints, confidence in poses:
            yield write(keypoints, confidence), len(keypoints)


def _placement(video: Video | Camera, skeleton: Skeleton) -> tuple[np.ndarray, np.ndarray] | None:
    """Scale and offset (K, D) that turn coordinates in a part of the picture into those in the whole; None: it is that.

    What MediaPipe measures in widths and heights of its picture, z and the points in the world, has to be scaled.
    """
    if video.image_size == video.size:
        return None
    parts = np.divide(video.image_size, video.size, dtype=np.float32)
    scale = np.ones((skeleton.num_keypoints, skeleton.num_dims), np.float32)
    offset = np.zeros_like(scale)
    scale[:, 2:] = parts[0]
    offset[:, :2] = video.offset
    for name in skeleton.layout.duplicates if skeleton.layout else ():
        world = skeleton.slice_of(name)
        scale[world, :2], scale[world, 2:], offset[world] = 1 / parts, 1, 0
    return scale, offset


@contextmanager
def terminable() -> Generator[None]:
    """Makes SIGTERM, and SIGHUP of a closed terminal, end the block as Ctrl-C does.

    So nothing half-written and no process stays behind.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    with _handling(_endings(), interrupt):
        yield


def _endings() -> list[signal.Signals]:
    """Signals besides Ctrl-C's that end a program, here where nobody has turned them off, as nohup does."""
    numbers = [signal.Signals[name] for name in ("SIGTERM", "SIGHUP") if name in signal.Signals.__members__]
    return [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]


@contextmanager
def _handling(numbers: Iterable[signal.Signals], handler: Callable[[int, FrameType | None], None]) -> Generator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            with suppress(TypeError):  # None: it was set by other than Python
                signal.signal(number, former)
