"""`.tar` files of WebDataset: a clip is the consecutive members of one name, `a.pose` and `a.json`, `a.txt`.

https://github.com/webdataset/webdataset. So are the shards that `pose-core pack` writes; their skeletons are in
`index.json` beside them.
"""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

from pose_core.errors import UserError
from pose_core.formats.clip_file import ClipFile
from pose_core.formats.reading import reading
from pose_core.formats.rows import FILES, PICKLES, is_poses_json, kind_of, parsed_json
from pose_core.notices import notify

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TEXTS = ("txt", "text", "gloss", "cls", "fps", "split", "signed_language", "spoken_language", "person", "signer")
_LONGEST_TEXT = 1 << 20  # bytes of a member that is text
_MOST = 4_000_000  # members of a file
_DAMAGED = (tarfile.TarError, EOFError, ValueError, OverflowError, MemoryError, RecursionError)


class TarClips(ClipFile):
    """The clips of a `.tar` file: its members are listed once, and a clip's are read when asked for."""

    def __init__(self, path: Path) -> None:
        self._members: list[dict[str, tuple[int, int]]] = []  # of each clip: kind -> offset, size
        names: list[str] = []
        size = path.stat().st_size
        with reading(path, _DAMAGED), tarfile.open(path, "r:") as archive:
            for number, member in enumerate(archive):
                if number > _MOST:
                    raise UserError(f"holds over {_MOST:,} files; make smaller shards of them")
                archive.members.clear()  # ty: ignore[missing-attribute]  # which it would keep
                folder, slash, file = member.name.rpartition("/")
                stem, _, kind = file.partition(".")
                if not member.isreg() or member.issparse() or not stem or not kind:
                    continue
                if member.offset_data + member.size > size:
                    raise UserError(f"ends within {member.name[:80]}; copy it again")
                name = f"{folder}{slash}{stem}"
                if not names or names[-1] != name:
                    names.append(name)
                    self._members.append({})
                if kind in self._members[-1]:
                    notify(
                        path, f"{member.name[:80]} is there twice; the last is read", kind="files that are there twice"
                    )
                self._members[-1][kind] = (member.offset_data, member.size)
        self._skeletons = _skeletons(path)
        # JSON may be poses, or about them: it is the latter where other files are poses.
        json_too = not any(_may_be_poses(kind) for members in self._members for kind in members)
        kept = [i for i, each in enumerate(self._members) if any(_may_be_poses(kind, json_too) for kind in each)]
        if not kept and names:
            kinds = sorted({kind for members in self._members for kind in members})
            raise UserError(f"{path}: holds {', '.join(kinds[:8])[:100]} files, and no poses ({', '.join(FILES[:5])})")
        self._members = [self._members[i] for i in kept]
        super().__init__(path, (names[i] for i in kept))

    def row(self, index: int) -> Mapping[str, Any]:
        row: dict[str, Any] = {"__key__": self.names[index]}
        if len(poses := [kind for kind in self._members[index] if _may_be_poses(kind)]) > 1:
            text = f"clip {self.names[index]} holds {', '.join(poses)[:100]}, of which one is read: "
            notify(
                self.path,
                text + "names that are alike up to the first dot are one clip's",
                kind="clips of several pose files",
            )
        with reading(self.path, _DAMAGED), self.path.open("rb") as file:
            for kind, (offset, size) in self._members[index].items():
                last = kind_of(kind)
                if last in PICKLES:
                    row[kind] = b"\x80"  # named, not read
                elif last in FILES or (last in _TEXTS and size <= _LONGEST_TEXT):
                    file.seek(offset)
                    content = file.read(size)
                    if len(content) < size:
                        raise UserError(f"ends within {kind}; copy it again")
                    row[kind] = content if last in FILES else content.decode("utf-8", "replace").strip()
        for kind in [kind for kind in row if kind_of(kind) == "json"]:
            if not is_poses_json(row[kind]):
                about = parsed_json(row.pop(kind), kind)
                row |= self._described(about) if isinstance(about, dict) else {}
        return row

    def _described(self, about: dict[str, Any]) -> dict[str, Any]:
        """What a clip's JSON says; of a shard of ours also its skeleton."""
        skeleton = about.pop("skeleton", None)
        if isinstance(skeleton, int) and 0 <= skeleton < len(self._skeletons):
            about["skeleton"] = json.dumps(self._skeletons[skeleton])
        return about


def _may_be_poses(kind: str, json_too: bool = False) -> bool:
    return kind_of(kind) in (*FILES, *PICKLES) and (json_too or kind_of(kind) != "json")


def _skeletons(path: Path) -> list[Any]:
    """The skeletons of a folder of shards that `pose-core pack` wrote; none beside other files."""
    index = path.parent / "index.json"
    try:
        content = json.loads(index.read_bytes()) if index.is_file() else {}
        skeletons = content["skeletons"] if any(each["file"] == path.name for each in content["shards"]) else []
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return []
    return skeletons if isinstance(skeletons, list) else []
