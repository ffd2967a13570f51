"""Rows of data sets: mappings of which one value holds poses, as bytes of a file, a path, numbers, or a mapping again.

Such rows come from Hugging Face `datasets` (lists, `{"bytes", "path"}`), TensorFlow Datasets (sign-language-datasets:
`{"data" (T, people, K, D), "conf" (T, people, K), "fps"}`), WebDataset (`{"__key__", "pose": bytes, "json": bytes}`),
and dictionaries of tensors. Which value it is is told by its name, or by being the only one that can be poses.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.errors import UserError, reason
from pose_core.formats import npz, slrtp
from pose_core.formats.arrays import is_slrtp, slrtp_assumed
from pose_core.formats.people import one_person
from pose_core.formats.sniffing import SNIFFED, pose_suffix
from pose_core.notices import called, notify

if TYPE_CHECKING:
    from collections.abc import Generator

    from pose_core.formats.frame_source import FrameSource
    from pose_core.sequence import PoseSequence

# The names under which rows hold poses and confidences, in the order in which they are looked for.
POSES = ("poses_3d", "poses", "pose", "keypoints", "keypoint", "landmarks", "joints", "skeleton_sequence", "data")
CONFIDENCE = ("confidence", "conf", "confidences", "keypoint_scores", "scores", "visibility")
FILES = ("pose", "npz", "npy", "csv", "json", "pt", "pth", "safetensors")  # suffixes of files that hold poses
PICKLES = ("pkl", "pickle", "pyd", "joblib", "p")
PICKLED = (
    "a pickle, which can run code and is never loaded; where you trust it, load it and save its numbers: "
    'np.save("poses.npy", array), or of a dictionary np.savez("poses.npz", keypoints=..., scores=...)'
)
_MANY = 3  # columns in a message


@dataclass(frozen=True)
class RowReader:
    """How rows are read: the arguments of `pose_core.read` of these names.

    Attributes:
        path: what messages call the row; paths in the row are relative to its folder.
        open_file: all frames of a pose file; takes these arguments, too.
        column: the row's column with the poses; None: found out.
    """

    path: Path
    open_file: Callable[..., FrameSource]
    column: str | None = None
    person: int | None = None
    fps: float | None = None
    min_confidence: float = 0.0
    axes: str | None = None
    order: str | None = None

    def read(self, row: Mapping[str, Any]) -> PoseSequence:
        """The poses of a row.

        Raises:
            UserError: there are none, or they are damaged.
        """
        name = pose_column(row, self.column, self.path)
        return self._value(row[name], name, row)

    def _value(self, value: Any, name: str, row: Mapping[str, Any]) -> PoseSequence:
        if hasattr(value, "numpy") and not isinstance(value, np.ndarray):  # of torch or TensorFlow
            value = _numpy(value)
        if isinstance(value, np.ndarray) and value.dtype == object and value.ndim == 0:
            value = value.item()
        if isinstance(value, np.bytes_ | np.str_):
            value = value.item()
        if isinstance(value, bytes | bytearray | memoryview):
            return self._content(bytes(value), _suffix_of(name), row)
        if isinstance(value, str | Path):
            return self._file(str(value), row)
        if isinstance(value, Mapping):
            if set(value) <= {"bytes", "path"}:
                if value.get("bytes") is not None:
                    return self._content(bytes(value["bytes"]), PurePosixPath(str(value.get("path") or "")).suffix, row)
                return self._file(str(value.get("path") or ""), row)
            return self._value(value[inner := pose_column(value, None, self.path)], inner, {**row, **value})
        return self._numbers(value, name, row)

    def _numbers(self, value: Any, name: str, row: Mapping[str, Any]) -> PoseSequence:
        poses = as_array(value, name)
        if len(poses) and poses.ndim < 2:
            raise UserError(f"{name} is {poses.dtype} {poses.shape}; expected numbers (T, K, D)")
        arrays = _beside(row, len(poses))
        confidence = next((as_array(row[key], key) for key in CONFIDENCE if row.get(key) is not None), None)
        if confidence is not None and confidence.ndim == poses.ndim and confidence.shape[-1] == 1:
            confidence = confidence[..., 0]
        if poses.ndim == 4:
            poses, confidence = one_person(
                poses, confidence, self.person, self.path, min_confidence=self.min_confidence
            )
        axes, order = self.axes, self.order
        if confidence is not None:
            arrays["confidence"] = confidence
        elif name == "poses_3d" and poses.ndim == 3 and poses.shape[2] == 3:
            axes = axes or "xyz"
            if poses.shape[1] == 178 and order is None and (is_slrtp(poses) or not _is_mediapipe(poses)):
                order = "slrtp"
                notify(self.path, slrtp_assumed(poses), kind="clips whose order of keypoints had to be assumed")
        return npz.sequence_of({**arrays, "poses": poses}, self.path, fps=self.fps, axes=axes, order=order)

    def _content(self, content: bytes, suffix: str, row: Mapping[str, Any]) -> PoseSequence:
        """The poses of a file's bytes."""
        suffix = suffix.lower()
        if content[:1] == b"\x80" or suffix.removeprefix(".") in PICKLES:
            raise UserError(f"holds {PICKLED}")
        if suffix.removeprefix(".") not in FILES:
            suffix = pose_suffix(content[:SNIFFED])
        if suffix == ".json":
            value = parsed_json(content, "its JSON")
            if isinstance(value, Mapping) and any(_is_poses(key, each) for key, each in value.items()):
                return self._value(value, "json", row)
            if isinstance(value, list) and not any(isinstance(each, Mapping) for each in value):
                return self._numbers(value, "json", row)
        if suffix == ".npy":
            return self._numbers(npz.array_of(content), "npy", row)
        with _temporary(content, suffix) as path:
            return self._opened(path, row)

    def _file(self, name: str, row: Mapping[str, Any]) -> PoseSequence:
        """The poses of a file that a row names, relative to the row's file."""
        if name.lstrip()[:1] in ("[", "{"):
            return self._content(name.encode(), ".json", row)
        path = self.path.parent / name
        try:
            if not name or not path.is_file():
                raise UserError(f"names the file {name[:100]!r}, which is not there")
        except (OSError, ValueError) as error:
            raise UserError(f"names the file {name[:100]!r}, which no file can be called") from error
        return self._opened(path, row)

    def _opened(self, path: Path, row: Mapping[str, Any]) -> PoseSequence:
        """All frames of a file; messages name the row in its place."""
        fps = self.fps
        if fps is None and path.suffix.lower() not in (".pose", ".npz") and row.get("fps") is not None:
            fps = float(_scalar(row["fps"]))
        arrays = {"axes": self.axes, "order": self.order} if path.suffix.lower() in (".npz", ".npy") else {}
        with called(path, self.path):
            try:
                frames = self.open_file(path, person=self.person, fps=fps, min_confidence=self.min_confidence, **arrays)
                return frames[0 : len(frames)]
            except UserError as error:
                raise UserError(str(error).replace(str(path), str(self.path))) from error


@contextmanager
def _temporary(content: bytes, suffix: str) -> Generator[Path]:
    """A file of these bytes, for readers that want one."""
    descriptor, name = tempfile.mkstemp(suffix, "pose-")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        yield path
    finally:
        path.unlink()


def pose_column(row: Mapping[str, Any], column: str | None, path: Path) -> str:
    """The column of a row that holds its poses.

    Raises:
        UserError: there is none, or several and none of the usual name.
    """
    if column is not None:
        if row.get(column) is None:
            raise UserError(f"{path}: has no column {column!r}; it has {_some(row)}")
        return column
    likely = {key for key, value in row.items() if _is_poses(key, value)}
    by_kind: dict[str, str] = {}
    for key in row:
        by_kind.setdefault(kind_of(key), key)
    for name in (*POSES, *FILES):
        if (key := by_kind.get(name)) in likely and key is not None:
            return key
    others = [key for key in row if key in likely and kind_of(key) not in CONFIDENCE]
    if len(others) == 1:
        return others[0]
    if others:
        raise UserError(f"{path}: {', '.join(others[:_MANY])} may all be poses; `pose-core unpack --column` says which")
    pickles = [key for key in row if kind_of(key) in PICKLES]
    if pickles:
        raise UserError(f"{path}: {pickles[0]} is {PICKLED}")
    raise UserError(f"{path}: no column holds poses; it has {_some(row)}")


def frames_of(row: Mapping[str, Any]) -> int | None:
    """Number of frames of a row whose poses are an array, without reading them."""
    try:
        value = row[pose_column(row, None, Path())]
        if isinstance(value, Mapping):
            return frames_of(value)
    except UserError:
        return None
    shape = getattr(value, "shape", None)
    return int(shape[0]) if shape is not None and len(shape) > 1 else None


def parsed_json(content: bytes | str, name: str) -> Any:
    """The value of a JSON text.

    Raises:
        UserError: it is none.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name} is not whole ({reason(error)}); export or copy it again") from error


def as_array(value: Any, name: str) -> np.ndarray:
    """An array of numbers of nested lists, an array, or a tensor.

    Raises:
        UserError: it is none.
    """
    if not isinstance(value, np.ndarray):
        value = _numpy(value) if hasattr(value, "numpy") else value
        try:
            with np.errstate(over="ignore"):
                value = np.asarray(value) if isinstance(value, np.ndarray) else np.array(value, np.float32)
        except (ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
            raise UserError(f"{name} are no regular lists of numbers ({reason(error)})") from error
    if value.dtype == object:
        try:
            value = np.stack([as_array(each, name) for each in value]) if value.ndim else as_array(value.item(), name)
        except ValueError as error:
            raise UserError(f"{name} are no regular lists of numbers ({reason(error)})") from error
    if value.dtype.kind not in "fiub" or not value.ndim:
        raise UserError(f"{name} are {value.dtype} {value.shape}; expected numbers (T, K, D)")
    return value


def _numpy(value: Any) -> np.ndarray:
    """The array of a tensor of torch's or TensorFlow's, without a copy where there can be none."""
    if hasattr(value, "detach"):
        try:
            value = value.detach().cpu()
            value = value.dequantize() if value.is_quantized else value.resolve_conj().resolve_neg()
            if not value.is_floating_point() or value.element_size() > 2:
                return value.numpy()
            return value.float().numpy()  # numpy has no bfloat16
        except (RuntimeError, TypeError, NotImplementedError) as error:
            kind = f"{value.dtype}, {value.layout}"
            raise UserError(f"holds a tensor of {kind} ({reason(error, 80)}); save numbers: tensor.float()") from error
    return np.asarray(value.numpy())


def _scalar(value: Any) -> Any:
    """A number, text or small array beside the poses, of whatever library."""
    if hasattr(value, "numpy") and not isinstance(value, np.ndarray):
        value = _numpy(value)
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    return np.asarray(value) if isinstance(value, list | tuple) else value


def _beside(row: Mapping[str, Any], frames: int) -> dict[str, Any]:
    """What else of a row `npz.sequence_of` takes; columns of the same names that hold other things are left out."""
    names = ("fps", "mask", "size", "skeleton")
    found: dict[str, Any] = {key: _scalar(row[key]) for key in names if row.get(key) is not None}
    if isinstance(found.get("fps"), str | bytes):  # a member of a .tar, or JSON of strings
        with suppress(ValueError):
            found["fps"] = float(found["fps"])
    fits = {
        "fps": isinstance(found.get("fps"), int | float),
        "mask": getattr(found.get("mask"), "shape", ()) == (frames,),
        "size": getattr(found.get("size"), "shape", ()) == (3,),
        "skeleton": isinstance(found.get("skeleton"), str) and '"components"' in str(found["skeleton"]),
    }
    return {key: value for key, value in found.items() if fits[key]}


def _is_poses(key: str, value: Any) -> bool:
    """Whether a column can hold poses, by its name and its value."""
    if value is None or key.startswith("__"):
        return False
    kind = kind_of(key)
    if isinstance(value, bytes | bytearray | memoryview):
        return kind in FILES if kind != "json" else is_poses_json(bytes(value))
    if isinstance(value, str | Path):
        text = str(value)
        return PurePosixPath(text).suffix.lower().removeprefix(".") in FILES or (
            kind in POSES and text.lstrip()[:1] in ("[", "{")
        )
    if isinstance(value, Mapping):
        if set(value) <= {"bytes", "path"} and value:
            return kind in POSES or PurePosixPath(str(value.get("path") or "")).suffix.lower()[1:] in FILES
        return any(_is_poses(inner, each) for inner, each in value.items() if kind_of(inner) in POSES)
    if isinstance(value, np.ndarray) and value.dtype == object and value.ndim == 1:
        value = value.tolist()  # arrays, of pandas
    shape = getattr(value, "shape", None)
    if shape is not None:
        kind_of_number = getattr(getattr(value, "dtype", None), "kind", "f")
        return len(shape) >= 2 and kind_of_number not in "SUVmM"
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], list | tuple | np.ndarray)


def is_poses_json(content: bytes) -> bool:
    """Whether a sample's JSON is poses rather than what is said about them."""
    if content.lstrip()[:1] == b"[":
        return True
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and any(
        key in ("people", "instance_info") or (kind_of(key) in POSES and _is_poses(key, each))
        for key, each in value.items()
    )


def kind_of(key: str) -> str:
    """The last part of a column's name, as of a file in a WebDataset: "clip.pose" is "pose"."""
    return str(key).rpartition(".")[2].lower()


def _suffix_of(name: str) -> str:
    return f".{kind}" if (kind := kind_of(name)) in (*FILES, *PICKLES) else ""


def _is_mediapipe(poses: np.ndarray) -> bool:
    """Whether the face of (T, 178, 3) stands where `known_skeleton(178)` has it."""
    some = poses[:: max(1, len(poses) // 8)]
    return is_slrtp(some[:, np.argsort(slrtp.ORDER)])


def _some(row: Mapping[str, Any]) -> str:
    names = list(map(str, row))
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "") or "nothing"
