"""Reading data sets: a manifest, a folder with one, or a folder tree `train/ val/ test/`."""

from __future__ import annotations

import warnings
from pathlib import Path

from pose_core.data.audit import notices, summary
from pose_core.data.clip import Clip
from pose_core.data.manifest import load_manifest
from pose_core.data.pose_files import pose_files
from pose_core.data.splits import SPLITS, select_split, split_counts
from pose_core.errors import UserError
from pose_core.formats import READERS
from pose_core.formats.sniffing import is_manifest
from pose_core.texts import counted

MANIFEST = "index.csv"


def read_clips(path: str | Path, *more: str | Path) -> list[Clip]:
    """The clips of one or several data sets; warns of what `audit` finds.

    Args:
        path: a manifest CSV; a folder with a manifest `index.csv`; a folder tree `train/ val/ test/` of pose files; or
            a folder of pose files, all of which are the split "train".
        more: further ones.

    Raises:
        UserError: there is no such thing, or it names or holds no clips.
    """
    clips: list[Clip] = []
    for each in map(Path, (path, *more)):
        found, said = _load(each)
        clips += found
        for notice in said:
            warnings.warn(notice, stacklevel=2)
    for notice in notices(clips, ", ".join(map(str, (path, *more)))):
        warnings.warn(notice, stacklevel=2)
    return clips


def check_data(path: str | Path, *more: str | Path) -> list[Clip]:
    """Refuses data that cannot be trained on, without reading poses or importing torch.

    Args:
        path, more: as `read_clips` takes them; shards and URLs are not looked at.

    Returns:
        The clips; none of shards.

    Raises:
        UserError: as `read_clips`, or there are no clips to train on.
    """
    files = [each for each in (path, *more) if "://" not in str(each) and not (Path(each) / "index.json").is_file()]
    clips = [clip for each in files for clip in _load(Path(each))[0]]
    if files and len(files) == 1 + len(more):
        check_trainable(clips, path)
    return clips


def check_trainable(clips: list[Clip], data: str | Path) -> None:
    """Refuses clips without a train split.

    Raises:
        UserError: naming the splits there are.
    """
    if not any(clip.split == "train" for clip in clips):
        known = ", ".join(f"{count} of {split!r}" for split, count in sorted(split_counts(clips).items()))
        raise UserError(f"{data}: no clip has split train; there is nothing to train on, but {known}")


def read_tree(folder: str | Path) -> list[Clip]:
    """Every pose file below a folder's `train/`, `val/` (or `validation/`, `dev/`) and `test/`; else all as "train".

    Clips are in the order of their paths and have no text; hidden files and folders are left out, and so are manifests.
    Links are followed. What is left out besides is warned of.

    Raises:
        UserError: there are no pose files.
    """
    clips, said = _load_tree(Path(folder))
    for notice in [*said, *notices(clips, folder)]:
        warnings.warn(notice, stacklevel=2)
    return clips


def _load(path: Path) -> tuple[list[Clip], list[str]]:
    """The clips of a data set, and what was assumed or left out, one line each."""
    if not path.is_dir():
        return load_manifest(path)
    if (path / MANIFEST).is_file():
        return load_manifest(path / MANIFEST)
    return _load_tree(path)


def _load_tree(folder: Path) -> tuple[list[Clip], list[str]]:
    splits = {
        path.name: SPLITS[path.name.casefold()]
        for path in sorted(folder.glob("*"))
        if path.name.casefold() in SPLITS and path.is_dir()
    }
    order = list(SPLITS.values())
    clips, said = [], []
    for name, split in sorted(splits.items(), key=lambda item: order.index(item[1])) or [(".", "train")]:
        files, left_out = pose_files(folder / name)
        said += left_out
        if splits and not files:
            said.append(f"{folder / name}: has no pose files, so there are none of split {split}")
        clips += [Clip(path=file, text="", signed_language="", split=split) for file in files]
    if splits:
        said += _beside(folder, splits)
    if not clips:
        hint = f"; {said[0]}" if said else ""
        raise UserError(
            f"{folder}: no pose files; a data set is a manifest CSV, or train/ val/ test/ of {', '.join(READERS)}{hint}"
        )
    return clips, said


def _beside(folder: Path, splits: dict[str, str]) -> list[str]:
    """Warnings of pose files beside the folders of splits."""
    beside: list[str] = []
    for path in sorted(folder.glob("*")):
        if path.name in splits or path.name.startswith("."):
            continue
        found = pose_files(path)[0] if path.is_dir() else [path] if _is_pose_file(path) else []
        beside += [str(each) for each in found]
    if not beside:
        return []
    names = ", ".join(f"{name}/" for name in splits)
    return [
        f"{folder}: {counted(len(beside), 'pose file')} beside {names}, of no split, left out: {summary(beside, 3)}"
    ]


def _is_pose_file(path: Path) -> bool:
    return path.suffix.lower() in READERS and path.is_file() and not (path.suffix == ".csv" and is_manifest(path))


__all__ = ["MANIFEST", "check_data", "check_trainable", "pose_files", "read_clips", "read_tree", "select_split"]
