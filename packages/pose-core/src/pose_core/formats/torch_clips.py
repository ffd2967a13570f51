"""`.pt` files of clips: dictionaries of tensors as `torch.save` writes them, mapped into memory, never unpickled whole.

    {name: {"poses_3d": (T, 178, 3), "text", "gloss", "speaker"}}   the SLRTP benchmark, ground truth
    {name: (T, K, D)}                                               and predictions for it
    [{"name", "poses", ...}], [(T, K, D)], {"poses": (T, K, D), ...}, (T, K, D)

https://github.com/walsharry/SLRTP-Sign-Production-Evaluation
"""

from __future__ import annotations

import pickle
import re
import struct
import warnings
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pose_core.errors import UserError, reason
from pose_core.formats import rows
from pose_core.formats.clip_file import NAMES, ClipFile
from pose_core.formats.reading import reading

if TYPE_CHECKING:
    from pathlib import Path

# What zipfile and torch raise on bytes that are no such file.
_DAMAGED = (
    *(zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, ValueError, TypeError, LookupError, AttributeError),
    *(struct.error, EOFError, MemoryError, ArithmeticError, NotImplementedError, AssertionError),
)
_DEEPEST = 16  # dictionaries and lists within each other
_SAVE = "save tensors, texts and numbers only: torch.save({name: torch.tensor(array)}, file)"


class TorchClips(ClipFile):
    """The clips of a `.pt` file; tensors stay on the disk until they are read."""

    def __init__(self, path: Path) -> None:
        with reading(path, _DAMAGED, lambda error: _damage(path, error)):
            content = plain(_loaded(path))
            named = named_rows(content, path)
        self._rows = [row for _, row in named]
        super().__init__(path, (name for name, _ in named))

    def row(self, index: int) -> Mapping[str, Any]:
        row = self._rows[index]
        for key, value in row.items():
            _check_extent(value, key)
        return row

    def frames(self, index: int) -> int | None:
        return rows.frames_of(self._rows[index])


def named_rows(content: Any, path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    """The clips of a dictionary or list, each a mapping with a name.

    Raises:
        UserError: it is neither.
    """
    if isinstance(content, Mapping):
        if not _is_row(content):
            return [(key, _row(value)) for key, value in content.items() if _may_be_clip(value)]
        return [(_name(content, path.stem), content)]
    if isinstance(content, list | tuple) and content and all(isinstance(each, Mapping) for each in content):
        return [(_name(each, f"{number:05}"), each) for number, each in enumerate(content)]
    if isinstance(content, list | tuple) and content and all(_is_array(each) for each in content):
        return [(f"{number:05}", _row(each)) for number, each in enumerate(content)]
    if _is_array(content):
        return [(path.stem, _row(content))]
    raise UserError(f"{path}: holds a {type(content).__name__}; a dictionary of clips by name is expected")


def plain(content: Any) -> Any:
    """The content with texts as keys of its dictionaries: 0 and 1, as clips are numbered by, are "0" and "1".

    Raises:
        UserError: two keys are one text, or dictionaries and lists lie within themselves, or too deep.
    """
    return _plain(content, {}, 0)


def _plain(content: Any, done: dict[int, Any], depth: int) -> Any:
    """See `plain`; `done` has what each dictionary or list became, by its `id`, as one may be there many times."""
    if not isinstance(content, Mapping | list | tuple):
        return content
    if id(content) not in done:
        if depth > _DEEPEST:
            raise UserError(f"holds dictionaries and lists over {_DEEPEST} deep, which is no clip; save them flat")
        done[id(content)] = None
        if isinstance(content, Mapping):
            result: Any = {str(key): _plain(value, done, depth + 1) for key, value in content.items()}
            if len(result) < len(content):
                raise UserError("holds two keys of one text, as 0 and '0'; rename one of them")
        else:
            # Poses as lists of numbers are not walked through.
            result = [_plain(each, done, depth + 1) if isinstance(each, Mapping) else each for each in content]
        done[id(content)] = result
    if done[id(content)] is None:
        raise UserError("holds a dictionary that contains itself; save clips by name")
    return done[id(content)]


def _row(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {"poses": value}


def _name(row: Mapping[str, Any], default: str) -> str:
    found = next((row[key] for key in NAMES if isinstance(row.get(key), str | int)), "")
    return str(found) or default


def _is_row(content: Mapping[str, Any]) -> bool:
    """Whether a dictionary is one clip's own, rather than one of clips."""
    return any(key in rows.POSES and not isinstance(value, Mapping) for key, value in content.items())


def _is_array(value: Any) -> bool:
    return len(getattr(value, "shape", ())) >= 2


def _may_be_clip(value: Any) -> bool:
    return isinstance(value, Mapping | list) or _is_array(value)


def _loaded(path: Path) -> Any:
    """The content of the file, its tensors mapped.

    Raises:
        UserError: it is no archive of torch's, or one that claims more than it has.
    """
    import torch

    with path.open("rb") as file:
        start = file.read(2)
    if start[:1] == b"\x80":
        raise UserError(
            f"{path}: a pickle, or saved by torch before 1.6, which is not loaded; where you trust it, save it again: "
            "torch.save(torch.load(file, weights_only=True), file)"
        )
    if start != b"PK":
        raise UserError(f"{path}: not a file that torch.save writes; save or copy it again")
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise UserError(f"{path}: is compressed, which torch.save does not do; save it again")
        if sum(member.file_size for member in members) > size:
            raise UserError(f"{path}: states more bytes than it has; save or copy it again")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is no pose anyway: sparse tensors
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


def _check_extent(value: Any, name: str) -> None:
    """Refuses a tensor that states more numbers than its storage has, as one that repeats them does."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            _check_extent(each, str(key))
    elif hasattr(value, "untyped_storage"):
        if value.device.type != "cpu" or value.layout.__repr__() != "torch.strided":
            raise UserError(f"{name} is a tensor of {value.device} {value.layout}; save tensors of numbers on the CPU")
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise UserError(f"{name} states {tuple(value.shape)} numbers and holds fewer; save it again, contiguous")


def _damage(path: Path, error: Exception) -> str:
    """Describes what is wrong with the file."""
    if isinstance(error, pickle.UnpicklingError):
        return f"holds Python objects, which can run code and are never loaded ({_global(error)}); {_SAVE}"
    return f"not a whole {path.suffix} file ({reason(error)}); save or copy it again"


def _global(error: Exception) -> str:
    """The object that the file wanted, out of torch's message of many lines."""
    found = re.search(r"GLOBAL\s+(\S+)", str(error))
    return found[1].strip("`'\",.")[:80] if found else reason(error, 80)
