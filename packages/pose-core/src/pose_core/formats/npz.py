"""`.npz` files: `poses` (T, K, D + 1), the last of a keypoint's values its confidence."""

from __future__ import annotations

import io
import json
import lzma
import math
import struct
import tokenize
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from pose_core.atomic_files import atomic_write
from pose_core.errors import UserError, reason
from pose_core.formats.arrays import is_frame, split_columns
from pose_core.formats.instances import OPENPOSE_134
from pose_core.formats.people import MOST, one_person
from pose_core.formats.reading import reading
from pose_core.notices import notify
from pose_core.rates import stated_rate
from pose_core.sequence import PoseSequence
from pose_core.skeleton import Skeleton, known_skeleton

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What zipfile and numpy raise on bytes that are no archive of arrays, or a damaged one; numpy reads headers as Python.
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, MemoryError, RuntimeError),
    *(tokenize.TokenError, SyntaxError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
)
_BOMB, _SMALL = 300, 64 << 20  # poses are not packed to a 300th of their size, beyond as many bytes
_LARGEST_PICTURE = 0xFFFF  # width, height or depth, in pixels, that a `.pose` file can state
_KNOWN = ("poses", "confidence", "mask", "fps", "size", "skeleton")


def read(
    path: Path,
    *,
    fps: float | None = None,
    axes: str | None = None,
    order: str | None = None,
    person: int | None = None,
    min_confidence: float = 0.0,
) -> PoseSequence:
    """See `pose_core.formats.read`.

    The arrays: `poses` (T, K, 3) = x, y, confidence, or (T, K, 4) with z before it, or what else `split_columns` knows;
    optionally `confidence` (T, K), and `mask` (T,), True where a frame is real: padding at the end is dropped, any
    other frame without is missing. What `write` adds: `fps`, `size`, `skeleton`; without them the skeleton is known by
    its number of keypoints. An `.npy` file is the array `poses` alone.
    """
    with reading(path, DAMAGED):
        arrays = _read_arrays(path)
        poses, confidence = arrays.get("poses", np.empty(0)), arrays.get("confidence")
        if poses.ndim == 4 and poses.dtype.kind in "fiu" and 0 < poses.shape[1] <= MOST:
            arrays["poses"], chosen = one_person(poses, confidence, person, path, min_confidence=min_confidence)
            arrays |= {} if chosen is None else {"confidence": chosen}
        elif person:
            raise UserError(f"has 1 person, counted from 0; there is no person {person}")
        return sequence_of(arrays, path, fps=fps, axes=axes, order=order)


def sequence_of(
    arrays: Mapping[str, np.ndarray],
    path: Path,
    *,
    fps: float | None = None,
    axes: str | None = None,
    order: str | None = None,
) -> PoseSequence:
    """The sequence of arrays by the names that `read` knows; `path` is that of messages."""
    with reading(path, DAMAGED):
        poses = _poses(arrays, path)
        if "skeleton" not in arrays and is_frame(poses.shape):
            notify(path, "one frame", kind="arrays of a single frame")
            poses = poses[None]
        if "confidence" in arrays and "skeleton" not in arrays:
            poses, axes = _with_confidence(poses, arrays["confidence"], path)
        poses, mask = _real_frames(poses, arrays.get("mask"), path)
        if "skeleton" in arrays:
            skeleton = Skeleton.from_dict(json.loads(str(arrays["skeleton"])))
            axes = {3: "xyc", 4: "xyzc"}.get(poses.shape[-1], axes) if poses.ndim == 3 else axes
            keypoints, confidence = split_columns(poses, axes, "mediapipe", path)
        else:
            keypoints, confidence = split_columns(poses, axes, order, path)
            if order is None and keypoints.shape[1] == len(OPENPOSE_134):
                keypoints, confidence = _as_openpose(keypoints), _as_openpose(confidence)
            skeleton = known_skeleton(*keypoints.shape[1:])
            if order == "left":
                both = known_skeleton(42, keypoints.shape[2])
                skeleton = both.select(both.hand("left"))
        confidence[~mask] = 0
        rate = stated_rate(float(arrays["fps"]) if "fps" in arrays else None, fps, path)
        size = _size(arrays["size"], path) if "size" in arrays else (0, 0, 0)
        return PoseSequence(keypoints, confidence, rate, skeleton, size)


def write(sequence: PoseSequence, path: Path, *, overwrite: bool = False) -> None:
    """See `pose_core.formats.write`."""
    poses = np.concatenate([sequence.keypoints, sequence.confidence[..., None]], axis=-1).astype(np.float32)
    with atomic_write(path, overwrite=overwrite) as temporary:
        np.savez_compressed(
            temporary,
            poses=poses,
            mask=np.ones(len(poses), bool),
            fps=np.float64(sequence.fps),
            size=np.array(sequence.size, np.int64),
            skeleton=np.array(json.dumps(sequence.skeleton.to_dict())),
        )


def _as_openpose(values: np.ndarray) -> np.ndarray:
    """(T, 137, ...) of (T, 134, ...) values, which rtmlib and DWPose have in OpenPose's order; 0 where it lacks one."""
    placed = np.zeros((len(values), 137, *values.shape[2:]), values.dtype)
    placed[:, list(OPENPOSE_134)] = values
    return placed


def _size(stated: np.ndarray, path: Path) -> tuple[int, int, int]:
    """Width, height and depth of the picture; 0, as where there is none, of numbers that are no such."""
    values = [float(extent) for extent in stated.reshape(-1)]
    if len(values) in (2, 3) and all(0 <= value <= _LARGEST_PICTURE for value in values):
        width, height, depth = (int(value) for value in [*values, 0][:3])
        return width, height, depth
    notify(
        path,
        f"size is {' x '.join(f'{value:g}' for value in values[:4])}, no picture of up to {_LARGEST_PICTURE:,} pixels: "
        "left out; `--size` says it",
        kind="arrays that state an impossible size",
    )
    return 0, 0, 0


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    if path.suffix.lower() == ".npy":
        with path.open("rb") as file:
            return {"poses": checked_array(file, path.stat().st_size, path.name)}
    with zipfile.ZipFile(path) as archive:
        named = members_of(archive, path)
        # What else is there is not read: it may be large, or pickled.
        return {key: read_array(archive, name) if key in _KNOWN else np.empty(0) for key, name in named.items()}


def members_of(archive: zipfile.ZipFile, path: Path) -> dict[str, str]:
    """Names of an archive's members by those of the arrays; not every program gives them the suffix `.npy`.

    Says so where one name is there twice.
    """
    names = [each.filename for each in archive.infolist() if not each.is_dir()]
    found: dict[str, str] = {}
    for name in names:
        key = name.removesuffix(".npy")
        if key in found:
            notify(path, f"{key} is there twice; the last is read", kind="names that are there twice")
        found[key] = name
    return found


def array_of(content: bytes) -> np.ndarray:
    """The array of the bytes of an `.npy` file.

    Raises:
        UserError: it is none, or a pickle.
    """
    try:
        return checked_array(io.BytesIO(content), len(content), "npy")
    except DAMAGED as error:
        raise UserError(f"not a whole .npy file ({reason(error)}); write or copy it again") from error


def checked_array(file: BinaryIO, size: int, name: str) -> np.ndarray:
    """The array of an open `.npy` file of so many bytes.

    Raises:
        UserError: it states what cannot be, or holds Python objects.
    """
    refuse_objects(_check_header(file, size, name)[1], name)
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def read_array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """An array of an archive; its stated size is checked before memory is taken."""
    refuse_objects(header_of(archive, name)[1], name)
    with archive.open(name) as file:
        return np.lib.format.read_array(cast("BinaryIO", file), allow_pickle=False)


def refuse_objects(dtype: np.dtype, name: str) -> None:
    """Refuses an array of Python objects, which is a pickle.

    Raises:
        UserError: it is one.
    """
    if dtype.hasobject:
        raise UserError(
            f"{name} holds Python objects, pickled, which can run code and are never loaded; save numbers: "
            "np.savez(file, poses=array), np.savez(file, keypoints=..., scores=...), "
            "or np.savez(file, **clips) of several"
        )


def header_of(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and kind of numbers of an array of an archive, which is not read.

    Raises:
        UserError: it states what cannot be.
    """
    about = archive.getinfo(name)
    if about.file_size > _BOMB * about.compress_size + _SMALL:
        raise UserError(
            f"states {about.file_size:,} bytes in {name}, packed into {about.compress_size:,}, which cannot be poses"
        )
    with archive.open(name) as file:
        return _check_header(cast("BinaryIO", file), about.file_size, name)


def array_header(stream: BinaryIO) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and kind of numbers that an `.npy` file states at its beginning."""
    version = np.lib.format.read_magic(stream)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, _, dtype = read_header[version](stream)
    return shape, dtype


def _check_header(stream: BinaryIO, size: int, name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and kind of numbers of an array.

    Raises:
        UserError: its stated shape does not match its length: numpy would allocate whatever is stated.
    """
    shape, dtype = array_header(stream)
    if not dtype.hasobject and math.prod(shape) * dtype.itemsize != size - stream.tell():
        raise UserError(f"states {shape} numbers in {name} and holds others: it is damaged; write or copy it again")
    return shape, dtype


def _with_confidence(poses: np.ndarray, confidence: np.ndarray, path: Path) -> tuple[np.ndarray, str]:
    """Poses (T, K, D) with the confidences (T, K) of an array of their own as last column, and their axes."""
    if poses.ndim != 3 or poses.shape[2] not in (2, 3) or confidence.shape != poses.shape[:2]:
        raise UserError(
            f"{path}: poses are {poses.shape} and confidence is {confidence.shape}; (T, K, 2 or 3) and (T, K) expected"
        )
    if confidence.dtype.kind not in "fiub":
        raise UserError(f"{path}: confidence is {confidence.dtype}; expected numbers")
    with np.errstate(over="ignore"):
        joined = np.concatenate([poses, confidence[..., None]], axis=-1, dtype=np.float32, casting="unsafe")
    return joined, {3: "xyc", 4: "xyzc"}[joined.shape[2]]


def _real_frames(poses: np.ndarray, mask: np.ndarray | None, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Poses up to the last real frame, 0 where one is not, and which are real (T,); `mask` None: all are."""
    real = np.ones(len(poses) if poses.ndim else 0, bool)
    if poses.ndim > 1 and mask is not None:
        if mask.shape != poses.shape[:1]:
            raise UserError(f"{path}: the mask is {mask.shape} and poses are {poses.shape}; both count the same frames")
        real = mask.astype(bool)
        last = np.flatnonzero(real)[-1:]
        poses, real = poses[: last[0] + 1 if len(last) else 0], real[: last[0] + 1 if len(last) else 0]
        if not real.all():
            poses = poses.copy()
            poses[~real] = 0
    if not poses.size and not (poses.ndim and len(poses)):
        raise UserError(f"{path}: has no frames; drop it from the data")
    return poses, real


def _poses(arrays: Mapping[str, np.ndarray], path: Path) -> np.ndarray:
    if "poses" not in arrays:
        raise UserError(f"{path}: holds {', '.join(arrays) or 'nothing'}; poses are in an array named `poses`")
    poses = arrays["poses"]
    if poses.dtype.kind not in "fiu":
        raise UserError(f"{path}: poses are {poses.dtype} {poses.shape}; expected numbers (T, K, 3) or (T, K, 4)")
    if unread := [name for name in arrays if name not in _KNOWN]:
        notify(path, f"holds {', '.join(unread)[:100]} beside `poses`, which are not read", kind="further arrays")
    return poses
