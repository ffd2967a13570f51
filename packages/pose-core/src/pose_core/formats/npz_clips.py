"""`.npz` files of clips: `np.savez(file, first=poses, second=poses)`, or one clip as `keypoints` and `scores`."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

from pose_core.errors import UserError
from pose_core.formats import npz, rows
from pose_core.formats.clip_file import ClipFile
from pose_core.formats.reading import reading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_BESIDE = ("fps", "mask", "size", "skeleton")  # of all clips, as other `.npz` files have them


def holds_clips(path: Path) -> bool:
    """Whether a file has no array `poses`, by which other `.npz` files are known, but others."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, *npz.DAMAGED):
        return False
    return bool(names) and "poses.npy" not in names


class NpzClips(ClipFile):
    """The clips of an `.npz` file; an array is read when asked for."""

    def __init__(self, path: Path) -> None:
        with reading(path, npz.DAMAGED):
            self._archive = zipfile.ZipFile(path)
            headers = {name: npz.header_of(self._archive, name) for name in self._archive.namelist()}
            if all(dtype.hasobject for _, dtype in headers.values()):
                for name, (_, dtype) in headers.items():
                    npz.refuse_objects(dtype, name)
        self._shapes = {
            name.removesuffix(".npy"): shape for name, (shape, kind) in headers.items() if not kind.hasobject
        }
        self._keys = [name for name, shape in self._shapes.items() if len(shape) >= 2]
        self._one = any(name in rows.POSES for name in self._keys)
        if not self._keys:
            held = ", ".join(self._shapes)[:100] or "nothing"
            raise UserError(f"{path}: holds {held}; poses are in an array named `poses`")
        super().__init__(path, [path.stem] if self._one else self._keys)

    def row(self, index: int) -> Mapping[str, Any]:
        read = list(self._keys) if self._one else [self._keys[index]]
        with reading(self.path, npz.DAMAGED):
            wanted = [name for name in (*_BESIDE, *read) if name in self._shapes]
            row = {name: npz.read_array(self._archive, f"{name}.npy") for name in wanted}
        return row if self._one else {**row, "poses": row[read[0]]}

    def frames(self, index: int) -> int | None:
        if not self._one:
            return self._shapes[self._keys[index]][0]
        return self._shapes[next(name for name in rows.POSES if name in self._keys)][0]
