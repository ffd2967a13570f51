"""`.npz` files: `poses` (T, K, D + 1), the last of a keypoint's values its confidence."""

from __future__ import annotations

import json
import lzma
import math
import struct
import tokenize
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from pose_core.errors import UserError, reason
from pose_core.files import written_whole
from pose_core.formats.rates import stated_rate
from pose_core.sequence import PoseSequence
from pose_core.skeleton import Skeleton, known_skeleton

if TYPE_CHECKING:
    from pathlib import Path

# What zipfile and numpy raise on bytes that are no archive of arrays, or a damaged one; numpy reads headers as Python.
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, MemoryError, RuntimeError),
    *(tokenize.TokenError, SyntaxError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
)


def read(path: Path, *, fps: float | None = None) -> PoseSequence:
    """See `pose_core.formats.read`.

    The arrays: `poses` (T, K, 3) = x, y, confidence, or (T, K, 4) with z before it; optionally `mask` (T,), True where
    a frame is real: padding at the end is dropped, any other frame without is missing. What `write` adds: `fps`,
    `size`, `skeleton`; without them the skeleton is known by its number of keypoints.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {name.removesuffix(".npy"): _read_array(archive, name) for name in archive.namelist()}
        if "poses" not in arrays:
            raise UserError(f"{path}: holds {', '.join(arrays) or 'nothing'}; poses are in an array named `poses`")
        poses = arrays["poses"]
        if poses.ndim != 3 or poses.shape[2] not in (3, 4) or poses.dtype.kind not in "fiu" or not poses.shape[1]:
            raise UserError(f"{path}: poses are {poses.dtype} {poses.shape}; expected numbers (T, K, 3) or (T, K, 4)")
        poses = poses.astype(np.float32)
        if "mask" in arrays:
            poses = _masked(poses, arrays["mask"].astype(bool), path)
        if not len(poses):
            raise UserError(f"{path}: has no frames; drop it from the data")
        keypoints, confidence = poses[..., :-1], poses[..., -1]
        K, D = keypoints.shape[1:]
        if "skeleton" in arrays:
            skeleton = Skeleton.from_dict(json.loads(str(arrays["skeleton"])))
        else:
            skeleton = known_skeleton(K, D)
        rate = stated_rate(float(arrays["fps"]) if "fps" in arrays else None, fps, path)
        width, height, depth = (int(extent) for extent in arrays.get("size", (0, 0, 0)))
        keypoints, confidence = np.ascontiguousarray(keypoints), np.ascontiguousarray(confidence)
        return PoseSequence(keypoints, confidence, rate, skeleton, (width, height, depth))
    except UserError as error:
        message = str(error)
        raise UserError(message if message.startswith(str(path)) else f"{path}: {message}") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except _DAMAGED as error:
        raise UserError(f"{path}: not a whole .npz file ({reason(error)}); write or copy it again") from error


def write(sequence: PoseSequence, path: Path, *, overwrite: bool = False) -> None:
    """See `pose_core.formats.write`."""
    poses = np.concatenate([sequence.keypoints, sequence.confidence[..., None]], axis=-1).astype(np.float32)
    with written_whole(path, overwrite=overwrite) as temporary:
        np.savez_compressed(
            temporary,
            poses=poses,
            mask=np.ones(len(poses), bool),
            fps=np.float64(sequence.fps),
            size=np.array(sequence.size, np.int64),
            skeleton=np.array(json.dumps(sequence.skeleton.to_dict())),
        )


def _read_array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """An array of the archive, once its stated shape fits its length: numpy takes memory for whatever is stated."""
    with archive.open(name) as file:
        stream = cast("BinaryIO", file)
        version = np.lib.format.read_magic(stream)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = read_header[version](stream)
        stated = math.prod(shape) * dtype.itemsize
        if stated != archive.getinfo(name).file_size - file.tell():
            raise UserError(f"states {shape} numbers in {name} and holds others: it is damaged; write or copy it again")
    with archive.open(name) as file:
        return np.lib.format.read_array(cast("BinaryIO", file), allow_pickle=False)


def _masked(poses: np.ndarray, mask: np.ndarray, path: Path) -> np.ndarray:
    """Real frames up to the last, those without a mask missing."""
    if mask.shape != poses.shape[:1]:
        raise UserError(f"{path}: the mask is {mask.shape} and poses are {poses.shape}; both count the same frames")
    poses = poses.copy()
    poses[~mask] = 0
    real = np.flatnonzero(mask)
    return poses[: real[-1] + 1 if len(real) else 0]
