"""`.npz` files of clips: `np.savez(file, first=poses, second=poses)`, or one clip as `keypoints` and `scores`."""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pose_core.errors import UserError
from pose_core.formats import npz, rows
from pose_core.formats.clip_file import ClipFile
from pose_core.formats.reading import reading
from pose_core.notices import notify

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np

_BESIDE = ("fps", "mask", "size", "skeleton")  # of all clips, as other `.npz` files have them
_ONE = {"poses": rows.POSES, "confidence": rows.CONFIDENCE}  # what is read of a file of one clip
_LARGEST_BESIDE = 16 << 20  # bytes of one of them


def holds_clips(path: Path) -> bool:
    """Whether a file has no array `poses`, by which other `.npz` files are known, but others."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, *npz.DAMAGED):
        return False
    return bool(names) and not {"poses.npy", "poses"} & set(names)


class NpzClips(ClipFile):
    """The clips of an `.npz` file; an array is read when asked for."""

    def __init__(self, path: Path) -> None:
        with reading(path, npz.DAMAGED):
            self._archive = zipfile.ZipFile(path)
            members = npz.members_of(self._archive, path)
            headers = {key: npz.header_of(self._archive, name) for key, name in members.items()}
            if all(dtype.hasobject for _, dtype in headers.values()):
                for key, (_, dtype) in headers.items():
                    npz.refuse_objects(dtype, members[key])
        self._shapes = {key: shape for key, (shape, dtype) in headers.items() if not dtype.hasobject}
        self._arrays = {key: _Array(self._archive, members[key], path, *headers[key]) for key in self._shapes}
        self._keys = [name for name, shape in self._shapes.items() if len(shape) >= 2]
        self._one = any(name in rows.POSES for name in self._keys)
        self._unread = [name for name in members if name not in _BESIDE]
        if not self._keys:
            held = ", ".join(self._shapes)[:100] or "nothing"
            raise UserError(f"{path}: holds {held}; poses are in an array named `poses`")
        super().__init__(path, [path.stem] if self._one else self._keys)

    def row(self, index: int) -> Mapping[str, Any]:
        row: dict[str, Any] = {name: self._beside(name) for name in _BESIDE if name in self._arrays}
        if not self._one:
            return {**row, "poses": self._arrays[self._keys[index]]}
        used = {name: next((key for key in names if key in self._keys), "") for name, names in _ONE.items()}
        if unread := [name for name in self._unread if name not in used.values()]:
            notify(
                self.path, f"holds {', '.join(unread)[:100]} beside `{used['poses']}`, not read", kind="further arrays"
            )
        return row | {name: self._arrays[name] for name in self._keys}

    def _beside(self, name: str) -> np.ndarray:
        """What is said of all clips.

        Raises:
            UserError: it is too large for that.
        """
        array = self._arrays[name]
        if math.prod(array.shape) * array.dtype.itemsize > _LARGEST_BESIDE:
            raise UserError(
                f"{self.path}: {name} is {array.dtype} {array.shape}, which is said of no clip; leave it out"
            )
        return array.numpy()

    def frames(self, index: int) -> int | None:
        if not self._one:
            return self._shapes[self._keys[index]][0]
        return self._shapes[next(name for name in rows.POSES if name in self._keys)][0]


@dataclass(frozen=True)
class _Array:
    """An array of an archive whose numbers are read when they are asked for, as a file may hold videos beside poses."""

    archive: zipfile.ZipFile
    name: str
    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype

    def numpy(self) -> np.ndarray:
        """Reads the numbers."""
        with reading(self.path, npz.DAMAGED):
            return npz.read_array(self.archive, self.name)
