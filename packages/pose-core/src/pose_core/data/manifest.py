"""Manifests: CSV files with one clip per row and what is signed in it."""

from __future__ import annotations

import os
import stat
import unicodedata
import warnings
from functools import lru_cache
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

from pose_core.data.audit import notices, summary
from pose_core.data.clip import Clip
from pose_core.data.segments import Segments
from pose_core.data.splits import split_name
from pose_core.errors import UserError
from pose_core.formats import READABLE, clips_of, is_clip_folder
from pose_core.formats.clip_files import holds_clips
from pose_core.formats.sniffing import MANIFEST_COLUMNS
from pose_core.table import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pose_core.table import Row, Table

PERSON = ("person", "signer", "signer_id", "person_id", "participant")  # the first that a manifest has


def read_manifest(path: str | Path) -> list[Clip]:
    """Reads a manifest and checks that its files exist; warns of what `audit` finds.

    Args:
        path: CSV, see `table.read_table`, with a header row naming at least path, text, signed_language and split;
            also read are spoken_language, person (or signer), origin, fps, clip (its name in a file that holds several)
            and where in its file a clip begins and ends, see `segments.Segments`. Further columns are left alone. Paths
            are relative to the manifest's folder and stay inside it; links in it may lead elsewhere. Splits may be
            called val, dev and so on, see `splits`.

    Raises:
        UserError: no manifest, a column or a value is missing, or a row names a file that is not there or lies outside
            the folder; the message names manifest, line and file, of several rows all lines and the first few files.
    """
    clips, found = load_manifest(Path(path))
    for notice in [*found, *notices(clips, path)]:
        warnings.warn(notice, stacklevel=2)
    return clips


def load_manifest(path: Path) -> tuple[list[Clip], list[str]]:
    """`read_manifest` without `audit`; warnings are returned, one line each."""
    table = _table(path)
    segments = Segments(table)
    for cache in (_file, _holds_clips, _names):
        cache.cache_clear()  # files come and go
    clips, problems = [], []
    for row in table.rows:
        try:
            clips.append(_clip(row, len(table.columns), segments, str(path.parent)))
        except UserError as error:
            problems.append((row.line, str(error)))
    if len(problems) == 1:
        raise UserError(f"{path}, line {problems[0][0]}: {problems[0][1]}")
    if problems:
        lines = [f"line {line}: {problem}" for line, problem in problems]
        raise UserError(f"{path}: {len(problems)} of {len(table.rows)} rows cannot be used: {summary(lines)}")
    return clips, [f"{path}: {notice}" for notice in segments.notices]


def _table(path: Path) -> Table:
    """The rows of a manifest.

    Raises:
        UserError: it is none, or names no clips.
    """
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name the manifest CSV in it")
    if path.suffix.lower() in READABLE and path.suffix.lower() != ".csv" and path.is_file():
        raise UserError(f"{path}: is a pose file; name the folder it is in, or a manifest CSV")
    table = read_table(path)
    missing = [column for column in MANIFEST_COLUMNS if column not in table.columns]
    if missing:
        raise UserError(
            f"{path}: lacks the column(s) {', '.join(missing)}; a manifest has {', '.join(MANIFEST_COLUMNS)}, "
            f"this has {', '.join(table.columns)[:100] or 'none'}"
        )
    if not table.rows:
        raise UserError(f"{path}: names no clips")
    return table


def _clip(row: Row, columns: int, segments: Segments, folder: str) -> Clip:
    """The clip of a row.

    Raises:
        UserError: saying what is wrong with it, without its line.
    """
    for column in MANIFEST_COLUMNS:
        if not row.cells.get(column):
            raise UserError(f"no {column}")
    if row.extra:
        raise UserError(
            f"has more than the header's {columns} values ({row.extra[0][:20]!r}); quote a text with commas"
        )
    start, end = segments.of(row)
    path = _file(row.cells["path"], folder)
    return Clip(
        path=path,
        text=row.cells["text"],
        signed_language=row.cells["signed_language"],
        split=split_name(row.cells["split"]),
        spoken_language=row.cells.get("spoken_language", ""),
        start=start,
        end=end,
        person=next((row.cells[name] for name in PERSON if row.cells.get(name)), ""),
        origin=row.cells.get("origin", ""),
        fps=_rate(row.cells.get("fps", "")),
        name=_name_in(path, row.cells.get("clip", "")),
        line=row.line,
    )


def _name_in(path: Path, clip: str) -> str:
    """The name of a clip in its file; of a file that is one clip, nothing: the column may hold something else.

    Raises:
        UserError: a file of several clips, and no name.
    """
    if not _holds_clips(path):
        return ""
    if not clip and len(_names(path)) > 1:
        raise UserError(f"{path.name} holds {len(_names(path)):,} clips; name one in a column `clip`")
    if clip and clip not in _names(path):
        raise UserError(f"{path.name} has no clip {clip[:40]!r}")
    return clip


@lru_cache(maxsize=1024)
def _holds_clips(path: Path) -> bool:
    try:
        return holds_clips(path)
    except UserError:  # a damaged file is met when it is read, and may be left out
        return False


@lru_cache(maxsize=4)
def _names(path: Path) -> frozenset[str]:
    """The clips of a file; rows of one file stand next to each other."""
    return frozenset(clips_of(path))


def _rate(text: str) -> float | None:
    if not text:
        return None
    try:
        fps = float(text.replace(",", "."))
    except ValueError:
        fps = 0.0
    if not 0 < fps < float("inf"):
        raise UserError(f"fps {text[:20]!r} is not a number of frames per second above 0")
    return fps


@lru_cache(maxsize=1024)  # parts of one file are rows next to each other
def _file(name: str, folder: str) -> Path:
    """The file of that name in the folder; backslashes separate folders, too, and Unicode forms are tried.

    Raises:
        UserError: there is none, or it is outside of the folder.
    """
    posix = name.replace("\\", "/")
    # Texts, since of a hundred thousand rows paths would take longer than the files.
    there = [os.path.join(folder, each) for each in _spellings(name, posix)]  # noqa: PTH118
    try:
        file = next((each for each in there if _is_clip(each)), None)
    except (OSError, ValueError) as error:  # too long, a zero byte: another column's value, more likely
        raise UserError(f"{name[:40]!r}... is no file name ({error.args[-1]})") from error
    # As it is written: what a link in the folder leads to may be anywhere.
    absolute = posix.startswith("/") or PureWindowsPath(name).is_absolute()
    if absolute or os.path.normpath(posix).split("/")[0] == "..":
        written = os.path.abspath(Path(folder, posix))  # noqa: PTH100 - `resolve` follows links
        if absolute or not Path(written).is_relative_to(os.path.abspath(folder)):  # noqa: PTH100
            cure = "name it relative to the manifest" if absolute else "move the clip into it"
            raise UserError(f"{name} lies outside the manifest's folder; {cure}, or a link to its folder")
    if file is None:
        raise UserError(f"there is no file {there[0]}; remove the row or restore the file")
    return Path(file)


def _spellings(name: str, posix: str) -> Iterable[str]:
    if name == posix and name.isascii():
        return (name,)
    return dict.fromkeys((name, posix, *(unicodedata.normalize(form, posix) for form in ("NFC", "NFD"))))


def _is_clip(path: str) -> bool:
    """Whether the file exists, or is a folder of an estimator's files, one per frame."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISREG(mode) or (stat.S_ISDIR(mode) and (is_clip_folder(Path(path)) or holds_clips(Path(path))))
