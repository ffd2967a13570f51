"""`.pose` files written piece by piece, in constant memory."""

from __future__ import annotations

import io
import shutil
import struct
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pose_core.atomic_files import atomic_write
from pose_core.errors import UserError, reason
from pose_core.rates import check_rate
from pose_core.sequence import PoseSequence

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from pose_core.skeleton import Skeleton

_IN_MEMORY = 1 << 22  # bytes of confidences that are kept in memory; of a longer clip they go to a file
_COPIED = 1 << 20  # bytes copied at once


class PoseWriter:
    """Writes a `.pose` file piece by piece; a context manager. The file is there, whole, once the block has ended.

    The format has all coordinates first and all confidences after them: these wait in a temporary file beside the
    output.

        with PoseWriter("signing.pose", skeleton, fps=25.0, size=(1280, 720, 0)) as writer:
            for keypoints, confidence in pieces:  # (t, K, D), (t, K)
                writer.append(keypoints, confidence)

    Args:
        path: ends in `.pose`.
        skeleton: of the K keypoints of D coordinates.
        fps: frames per second.
        size: width, height and depth of the picture in pixels; 0 where there is none.
        overwrite: replace an existing file.
        version: 0.2, or 0.1, which holds whole frame rates and at most 65,535 frames.

    Attributes:
        frames: number of frames written so far.

    Raises:
        UserError: the file exists or cannot be written, the header cannot hold a name or a size, the frame rate is
            none; at the end of the block: nothing was appended. The message names the path, and no file is left.
    """

    def __init__(
        self,
        path: str | Path,
        skeleton: Skeleton,
        fps: float,
        *,
        size: tuple[int, int, int] = (0, 0, 0),
        overwrite: bool = False,
        version: float = 0.2,
    ) -> None:
        self._path, self._overwrite = Path(path), overwrite
        self._skeleton, self._fps, self._version = skeleton, fps, version
        try:
            check_rate(fps)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
        if version not in (0.1, 0.2):
            raise UserError(f"{path}: .pose version {version} cannot be written; use 0.1 or 0.2")
        self.frames = 0
        # pose_format's header says 0.2 whatever it is told.
        self._header = struct.pack("<f", version) + _header(self._path, skeleton, size)[4:] + self._counts()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            temporary = stack.enter_context(atomic_write(self._path, overwrite=self._overwrite))
            self._file = stack.enter_context(temporary.open("w+b"))
            self._confidences = stack.enter_context(
                tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(temporary.parent))
            )
            self._file.write(self._header)
            self._stack = stack.pop_all()
        return self

    def append(self, keypoints: np.ndarray, confidence: np.ndarray) -> None:
        """Appends frames.

        Args:
            keypoints: (t, K, D), in pixels where the file has a picture.
            confidence: (t, K).

        Raises:
            UserError: the arrays have other shapes, or the disk is full.
        """
        try:
            piece = PoseSequence(keypoints, confidence, self._fps, self._skeleton)
        except UserError as error:
            raise UserError(f"{self._path}: {error}") from error
        try:
            self._file.write(np.ascontiguousarray(piece.keypoints, "<f4").data)
            self._confidences.write(np.ascontiguousarray(piece.confidence, "<f4").data)
        except OSError as error:
            raise self._unwritable(error) from error
        self.frames += len(piece)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            with self._stack:
                self._finish()
            return
        try:  # without a file, and without `atomic_write` taking an error of the block's for one of the disk
            with self._stack:
                raise _NotFinishedError
        except _NotFinishedError:
            pass

    def _finish(self) -> None:
        """Appends the confidences and states the number of frames."""
        if not self.frames:
            raise UserError(f"{self._path}: the pose has no frames; there is nothing to write")
        counts = self._counts()
        try:
            self._confidences.seek(0)
            shutil.copyfileobj(self._confidences, self._file, _COPIED)
            self._file.seek(len(self._header) - len(counts))
            self._file.write(counts)
            self._file.flush()
        except OSError as error:
            raise self._unwritable(error) from error

    def _counts(self) -> bytes:
        """The body's header: frame rate, frames written so far, one person."""
        if self._version == 0.2:
            return struct.pack("<fIH", self._fps, self.frames, 1)
        if self._fps != round(self._fps) or max(self._fps, self.frames) > 0xFFFF:
            raise UserError(f"{self._path}: version 0.1 holds whole frame rates and 65,535 frames; write version 0.2")
        return struct.pack("<HHH", round(self._fps), self.frames, 1)

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(f"{self._path}: cannot be written ({error.strerror}); free some space or name another")


class _NotFinishedError(Exception):
    """The block has raised an error."""


def _header(path: Path, skeleton: Skeleton, size: tuple[int, int, int]) -> bytes:
    """The header of a file; version 0.2."""
    for name in (name for names in skeleton.keypoints for name in names):
        if not name.isascii():  # pose_format would count its letters and write its bytes: nobody could read the file
            raise UserError(f"{path}: the name {name!r} cannot be written in a .pose file; use ASCII letters")
    buffer = io.BytesIO()
    try:
        skeleton.to_header(size).write(buffer)
    except (ValueError, struct.error) as error:
        raise UserError(f"{path}: a .pose header holds numbers from 0 to 65,535 only ({reason(error)})") from error
    return buffer.getvalue()
