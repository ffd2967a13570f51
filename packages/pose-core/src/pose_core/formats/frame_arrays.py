"""Folders with an `.npy` file for each frame, numbered by their names, as tutorials around MediaPipe save them."""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.formats import npz
from pose_core.formats.arrays import is_frame
from pose_core.formats.reading import reading
from pose_core.notices import notify

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.sequence import PoseSequence

_NAME = re.compile(r"^(.*?)(\d{1,12})\.npy$", re.IGNORECASE)
_LARGEST = 1 << 20  # bytes of a frame
# Frames: where numbers run to more, and to more than so many for each that is there, one of them is wrong.
_LEAST, _SPARSEST = 10_000, 200


def is_clip_folder(path: Path) -> bool:
    """Whether a folder holds nothing but numbered `.npy` files, the first of which is one frame of keypoints."""
    first = None
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if _NAME.match(entry.name) is None:
                    return False
                if first is None and entry.is_file():  # a pipe may never end
                    first = entry.path
        if first is None:
            return False
        with open(first, "rb") as file:  # noqa: PTH123 - a path of os.scandir's
            return is_frame(npz.array_header(file)[0])
    except (OSError, UserError, *npz.DAMAGED):
        return False


def read(path: Path, *, fps: float | None = None, axes: str | None = None, order: str | None = None) -> PoseSequence:
    """See `pose_core.formats.read`. Frames begin with the lowest number; those that are not there are missing."""
    numbered = _numbered(path)
    first, last = min(numbered), max(numbered)
    length = last - first + 1
    if length > max(_LEAST, _SPARSEST * len(numbered)):
        raise UserError(f"{path}: frames run from {first} to {last}, and {len(numbered)} are there; mend their numbers")
    there = np.zeros(length, bool)
    files = _FrameFiles()
    poses = np.zeros((length, *files.read(path, numbered[first]).shape), np.float32)
    with np.errstate(over="ignore"):
        for number, name in sorted(numbered.items()):
            frame = files.read(path, name)
            if frame.shape != poses.shape[1:]:
                raise UserError(f"{path / name}: is {frame.shape}, and the frames before it are {poses.shape[1:]}")
            poses[number - first] = frame
    there[np.array(list(numbered)) - first] = True
    if length > len(numbered):
        lacking = length - len(numbered)
        notify(path, f"{lacking} of {length} frames are not there, and are missing", kind="clips that lack frames")
    return npz.sequence_of({"poses": poses, "mask": there}, path, fps=fps, axes=axes, order=order)


def _numbered(folder: Path) -> dict[int, str]:
    """Names of the frames' files by their numbers.

    Raises:
        UserError: two files have one number, or there are those of two clips.
    """
    numbered: dict[int, str] = {}
    clips: dict[str, str] = {}
    with reading(folder):
        entries = sorted(
            (entry.name, entry.is_file()) for entry in os.scandir(folder) if not entry.name.startswith(".")
        )
    for name, is_file in entries:
        if not is_file:
            raise UserError(f"{folder / name}: is no file, but a folder, pipe or device; keep only files there")
        match = _NAME.match(name)
        if match is None:
            raise UserError(f"{folder / name}: has no frame number in its name; keep only one clip's frames there")
        clips.setdefault(match[1], name)
        if len(clips) > 1:
            raise UserError(
                f"{folder}: holds frames of several clips, {' and '.join(clips.values())}; give each a folder"
            )
        number = int(match[2])
        if number in numbered:
            raise UserError(f"{folder / name}: frame {number} is there twice, as {numbered[number]}, too")
        numbered[number] = name
    return numbered


class _FrameFiles:
    """Reads files of one frame each, most of which begin with the same header."""

    _header = b""
    _size = 0  # of the file that had it
    _like = np.zeros(0)  # its array

    def read(self, folder: Path, name: str) -> np.ndarray:
        """The array of a file.

        Raises:
            UserError: it is no frame.
        """
        if self._header:
            try:
                with open(f"{folder}{os.sep}{name}", "rb") as file:  # noqa: PTH123 - a path takes as long as the file
                    content = file.read(self._size + 1)
            except OSError:
                content = b""  # and what is wrong is told below
            if len(content) == self._size and content.startswith(self._header):
                return np.frombuffer(content, self._like.dtype, offset=len(self._header)).reshape(self._like.shape)
        path = folder / name
        with reading(path, npz.DAMAGED), path.open("rb") as file:
            content = file.read(_LARGEST + 1)
            if len(content) > _LARGEST:
                raise UserError(f"{path}: is larger than a frame can be; drop it")
            frame = npz.checked_array(io.BytesIO(content), len(content), path.name)
            if frame.dtype.kind not in "fiu" or not is_frame(frame.shape):
                raise UserError(f"{path}: is {frame.dtype} {frame.shape}, no frame of known keypoints; drop it")
            if frame.flags.c_contiguous:
                self._header, self._size, self._like = content[: len(content) - frame.nbytes], len(content), frame
            return frame
