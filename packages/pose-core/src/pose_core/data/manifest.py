"""Manifests: a CSV that names clips, one a row, and says what is signed in each."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from pose_core.errors import UserError

REQUIRED = ("path", "text", "signed_language", "split")


@dataclass(frozen=True)
class Clip:
    """One row of a manifest.

    Attributes:
        path: the pose file.
        text: what is signed.
        signed_language: ISO 639-3.
        split: "train", "validation" or "test".
        spoken_language: language of the text, "" where the manifest does not say.
    """

    path: Path
    text: str
    signed_language: str
    split: str
    spoken_language: str = ""


def read_manifest(path: str | Path) -> list[Clip]:
    """Reads a manifest, and checks that every file it names is there.

    Args:
        path: UTF-8 CSV with a header row naming at least path, text, signed_language and split; further columns are
            left alone. Paths are relative to the manifest's folder and stay inside it.

    Raises:
        UserError: no manifest, a column or a value is missing, or a row names a file that is not there or lies outside
            the folder; the message names manifest, line and file.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name the manifest CSV in it")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            rows = [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise UserError(f"{path}: no such manifest") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a readable UTF-8 CSV ({error})") from error
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise UserError(f"{path}: lacks the column(s) {', '.join(missing)}; a manifest has {', '.join(REQUIRED)}")
    if not rows:
        raise UserError(f"{path}: names no clips")
    return [_clip(row, f"{path}, line {line}", path.parent) for line, row in rows]


def _clip(row: dict[str, str | None], place: str, folder: Path) -> Clip:
    values = {column: (row.get(column) or "").strip() for column in (*REQUIRED, "spoken_language")}
    for column in REQUIRED:
        if not values[column]:
            raise UserError(f"{place}: no {column}")
    file = folder / values["path"]
    try:
        inside = not Path(values["path"]).is_absolute() and file.resolve().is_relative_to(folder.resolve())
        there = file.is_file()
    except (OSError, ValueError) as error:  # too long, a zero byte: another column's value, more likely
        raise UserError(f"{place}: {values['path'][:40]!r}... is no file name ({error.args[-1]})") from error
    if not inside:
        raise UserError(f"{place}: {values['path']} lies outside the manifest's folder; move the clip into it")
    if not there:
        raise UserError(f"{place}: there is no file {file}; remove the row or restore the file")
    return Clip(
        path=file,
        text=values["text"],
        signed_language=values["signed_language"],
        split=values["split"],
        spoken_language=values["spoken_language"],
    )
