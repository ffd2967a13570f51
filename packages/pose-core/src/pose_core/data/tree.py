"""Data sets as folders: `train/ val/ test/` of pose files; and whichever way a data set is given."""

from __future__ import annotations

from pathlib import Path

from pose_core.data.manifest import Clip, read_manifest
from pose_core.errors import UserError
from pose_core.formats import FORMATS

SPLITS = {"train": "train", "val": "validation", "validation": "validation", "dev": "validation", "test": "test"}
MANIFEST = "index.csv"


def read_clips(path: str | Path) -> list[Clip]:
    """The clips of a data set.

    Args:
        path: a manifest CSV; a folder with a manifest `index.csv`; a folder tree `train/ val/ test/` of pose files; or
            a folder of pose files, all of which are the split "train".

    Raises:
        UserError: there is no such thing, or it names or holds no clips.
    """
    path = Path(path)
    if not path.is_dir():
        return read_manifest(path)
    if (path / MANIFEST).is_file():
        return read_manifest(path / MANIFEST)
    return read_tree(path)


def read_tree(folder: str | Path) -> list[Clip]:
    """Every pose file below a folder's `train/`, `val/` (or `validation/`, `dev/`) and `test/`; else all as "train".

    Clips are in the order of their paths and have no text; hidden files and folders are left out.

    Raises:
        UserError: there are no pose files.
    """
    folder = Path(folder)
    splits = {name: split for name, split in SPLITS.items() if (folder / name).is_dir()} or {".": "train"}
    clips = [
        Clip(path=file, text="", signed_language="", split=split)
        for name, split in splits.items()
        for file in _pose_files(folder / name)
    ]
    if not clips:
        raise UserError(
            f"{folder}: no pose files; a data set is a manifest CSV, or train/ val/ test/ of {', '.join(FORMATS)}"
        )
    return clips


def select_split(clips: list[Clip], split: str) -> list[Clip]:
    """The clips of one split.

    Raises:
        UserError: there are none; the message says which splits there are.
    """
    chosen = [clip for clip in clips if clip.split == split]
    if not chosen:
        known = ", ".join(sorted({clip.split for clip in clips}))
        raise UserError(f"the data has no clips of split {split!r}; it has {known}")
    return chosen


def _pose_files(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.suffix.lower() in FORMATS and path.is_file())
    return sorted(path for path in files if not any(p.startswith(".") for p in path.relative_to(folder).parts))
