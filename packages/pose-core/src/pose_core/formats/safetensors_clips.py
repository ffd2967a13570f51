"""`.safetensors` files of clips: `{name: (T, K, D)}`; metadata may say `fps`, `signed_language`, `split` of all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pose_core.errors import UserError
from pose_core.formats.clip_file import ClipFile
from pose_core.formats.reading import reading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_KINDS = ("F64", "F32", "F16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL", "C64")
_BESIDE = ".confidence"  # `NAME.confidence` (T, K) beside the keypoints NAME


class SafetensorsClips(ClipFile):
    """The clips of a file of tensors; each is read when asked for."""

    def __init__(self, path: Path) -> None:
        from safetensors import SafetensorError, safe_open

        self._damaged = (SafetensorError, ValueError, TypeError, AttributeError, json.JSONDecodeError)
        with reading(path, self._damaged):
            self._file = safe_open(path, framework="numpy")
            keys = list(self._file.keys())
            self._shapes = {key: tuple(self._file.get_slice(key).get_shape()) for key in keys}
            for key in keys:
                if (kind := self._file.get_slice(key).get_dtype()) not in _KINDS:
                    raise UserError(f"{path}: {key[:80]} is {kind}, which numpy has not; save it as float32")
            self._metadata: dict[str, str] = self._file.metadata() or {}
        self._keys = [key for key, shape in self._shapes.items() if len(shape) >= 2 and not key.endswith(_BESIDE)]
        if not self._keys:
            raise UserError(f"{path}: holds no tensors (T, K, D)")
        super().__init__(path, self._keys)

    def row(self, index: int) -> Mapping[str, Any]:
        key = self._keys[index]
        beside = f"{key}{_BESIDE}"
        with reading(self.path, self._damaged):
            row = {**self._about(), "poses": self._file.get_tensor(key)}
            if beside in self._shapes:
                row["confidence"] = self._file.get_tensor(beside)
        return row

    def _about(self) -> Mapping[str, Any]:
        about: dict[str, Any] = {key: value for key, value in self._metadata.items() if key != "format"}
        if "fps" in about:
            try:
                about["fps"] = float(about["fps"])
            except ValueError as error:
                raise UserError(f"fps is {about['fps'][:20]!r}, no number of frames per second") from error
        return about

    def frames(self, index: int) -> int | None:
        return self._shapes[self._keys[index]][0]
