"""Data sets that others hold as rows, unpacked into files: a `.pose` per clip, and a manifest of them.

rows = datasets.load_dataset(...)                                    # of Hugging Face
rows = tfds.as_numpy(tfds.load(...)["train"])                        # of sign-language-datasets
unpack_rows(rows, "folder", signed_language="gsg", split="train")    # makes folder/index.csv
"""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.atomic_files import atomic_write, check_output_folder
from pose_core.data.splits import SPLITS, split_name
from pose_core.errors import UserError
from pose_core.formats import read_row, write
from pose_core.formats.clip_file import NAMES
from pose_core.formats.sniffing import MANIFEST_COLUMNS
from pose_core.notices import notify
from pose_core.texts import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pose_core.sequence import PoseSequence

__all__ = ["RowColumns", "Unpacking", "read_row", "unpack_rows"]

INDEX = "index.csv"
# Columns of rows, by what the manifest calls them; the first that a row has.
_COLUMNS = {
    "text": ("text", "sentence", "translation", "transcription", "transcript", "caption", "subtitle", "txt", "word"),
    "gloss": ("gloss", "glosses", "gls"),
    "signed_language": ("signed_language", "sign_language"),
    "split": ("split", "fold", "subset"),
    "spoken_language": ("spoken_language",),
    "person": ("person", "signer", "signer_id", "person_id", "participant", "speaker"),
}
_UNKNOWN_LANGUAGE = "und"  # ISO 639-3: undetermined
_LONGEST = 100  # characters of a file's name
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # names that Windows keeps for devices


@dataclass(frozen=True)
class RowColumns:
    """What to take from rows, and what to say where they do not.

    Attributes:
        text: the column of the text; None: that of the usual name.
        signed_language: of all rows, ISO 639-3; None: as each row says.
        split: of all rows; None: as each row says.
    """

    text: str | None = None
    signed_language: str | None = None
    split: str | None = None

    def of(self, row: Mapping[str, Any]) -> dict[str, str]:
        """The texts of a row by column of the manifest, those that it has.

        Raises:
            UserError: it lacks the column that was named.
        """
        found = {
            name: next(filter(None, (as_text(row.get(key)) for key in keys)), "") for name, keys in _COLUMNS.items()
        }
        if self.text is not None:
            if self.text not in row:
                raise UserError(f"has no column {self.text!r}; it has {', '.join(map(str, row))[:200]}")
            found["text"] = as_text(row[self.text])
        found["signed_language"] = self.signed_language or found["signed_language"]
        found["split"] = split_name(self.split or found["split"])
        return found


def as_text(value: Any) -> str:
    """A text, number, or list of texts of a row in one line; of anything else nothing."""
    if hasattr(value, "numpy") and not isinstance(value, np.ndarray):
        value = value.numpy()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, list | tuple) and all(isinstance(each, str | bytes) for each in value):
        value = " ".join(map(as_text, value))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(str(value).split())


def unpack_rows(
    rows: Iterable[Mapping[str, Any]],
    folder: str | Path,
    *,
    column: str | None = None,
    text: str | None = None,
    signed_language: str | None = None,
    split: str | None = None,
    fps: float | None = None,
    person: int | None = None,
    overwrite: bool = False,
) -> Path:
    """Writes a `.pose` file for each row, and the manifest `index.csv`; one row is in memory at a time.

    Rows whose poses cannot be read are left out, with a warning each.

    Args:
        rows: see `read_row`; their texts, languages, splits and signers get into the manifest.
        folder: made if it is missing.
        column: of the poses, and `text` that of the texts; found out by default.
        signed_language, split: of all rows, where these do not say.
        fps, person: as of `read_row`.
        overwrite: replace files that exist.

    Returns:
        The manifest, as `read_clips`, `pose-core pack` and every `train` take it.

    Raises:
        UserError: no row can be read, or a file exists.
    """
    unpacking = Unpacking(Path(folder), RowColumns(text, signed_language, split), overwrite=overwrite)
    number = 0
    for number, row in enumerate(rows, 1):
        name = next(filter(None, (as_text(row.get(key)) for key in NAMES)), f"{number - 1:05}")

        def read(row: Mapping[str, Any] = row, name: str = name) -> PoseSequence:
            return read_row(row, column, path=f"row {name}", fps=fps, person=person)

        try:
            unpacking.add(unpacking.place(name), name, row, read)
        except UserError as error:
            notify(f"row {name}", str(error).removeprefix(f"row {name}: "), kind="rows left out")
    if not unpacking.clips:
        raise UserError(f"{folder}: none of {number} rows could be read; nothing is unpacked")
    return unpacking.finish()


@dataclass
class Unpacking:
    """The files and the manifest of a data set that is being unpacked.

    Attributes:
        folder: of the manifest.
        columns: see `RowColumns`.
        overwrite: replace files that exist; skip_existing: leave those as they are.
        clips: rows of the manifest so far.
    """

    folder: Path
    columns: RowColumns
    overwrite: bool = False
    skip_existing: bool = False
    clips: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        check_output_folder(self.folder)
        if (self.folder / INDEX).exists() and not (self.overwrite or self.skip_existing):
            raise UserError(f"{self.folder / INDEX}: exists; use --overwrite to replace it or name another folder")
        self._names: set[str] = set()
        self._assumed: dict[str, int] = {}
        self._two_texts = 0

    def place(self, name: str, below: str = "") -> Path:
        """The file of a clip, called by its name as far as files can be, in the folder `below` of this one."""
        stem = base = safe_name(name)
        number = 1
        while f"{below}/{stem}".casefold() in self._names:  # whatever its case, as on Windows and macOS
            number += 1
            stem = f"{base}-{number}"
        self._names.add(f"{below}/{stem}".casefold())
        return self.folder / below / f"{stem}.pose"

    def add(
        self, path: Path, name: str, row: Mapping[str, Any], read: Callable[[], PoseSequence], split: str = ""
    ) -> None:
        """Writes a clip, and notes it down for the manifest.

        Args:
            path: of its file, see `place`.
            name: of the clip.
            row: what is known of it.
            read: its poses.
            split: of the clip, where neither its row nor `columns` says one.

        Raises:
            UserError: it cannot be read or written.
        """
        texts = self.columns.of(row)
        if not (self.skip_existing and path.is_file()):
            sequence = read()
            check_output_folder(path.parent)
            write(sequence, path, overwrite=self.overwrite)
        texts["split"] = texts["split"] or split
        other = as_text(row.get("txt"))  # a WebDataset sample's .txt, beside what its .json says
        self._two_texts += self.columns.text is None and other not in ("", texts["text"])
        for column, value in (
            ("text", texts["gloss"] or name),
            ("signed_language", _UNKNOWN_LANGUAGE),
            ("split", "train"),
        ):
            if not texts[column]:
                texts[column] = value
                kind = "text, of its gloss" if column == "text" and texts["gloss"] else column
                self._assumed[kind] = self._assumed.get(kind, 0) + 1
        self.clips.append({"path": path.relative_to(self.folder).as_posix(), "name": name, **texts})

    def finish(self) -> Path:
        """Writes the manifest, and says what it had to assume."""
        path = self.folder / INDEX
        self._report(path)
        extra = [name for name in ("name", "gloss", "spoken_language", "person") if any(c[name] for c in self.clips)]
        with (
            atomic_write(path, overwrite=self.overwrite or self.skip_existing) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            rows = csv.DictWriter(file, [*MANIFEST_COLUMNS, *extra], extrasaction="ignore")
            rows.writeheader()
            rows.writerows(self.clips)
        return path

    def _report(self, path: Path) -> None:
        cures = {
            "text": "their names are in its place; --text-column names another column",
            "text, of its gloss": "their glosses are in its place; --text-column names another column",
            "signed_language": f"it is {_UNKNOWN_LANGUAGE!r} (undetermined) in the manifest; --signed-language says it",
            "split": "all are 'train'; --split says another",
        }
        if self._two_texts:
            said = f"another text in the .txt of {counted(self._two_texts, 'clip')} than in the .json, which counts"
            notify(path, f"{said}; --text-column txt takes the .txt", kind="clips with two texts")
        for kind, count in self._assumed.items():
            notify(
                path,
                f"no {kind.split(',')[0]} is stated of {counted(count, 'clip')}; {cures[kind]}",
                kind="manifests with gaps",
            )


def safe_name(name: str) -> str:
    """A clip's name as a file can be called on any system: letters, digits, `-`, `_`, `.`; others become `_`."""
    text = unicodedata.normalize("NFC", name)
    text = re.sub(r"[^\w.-]+", "_", text).strip("._ ")[:_LONGEST].rstrip(".")
    while len(text.encode()) > 2 * _LONGEST:
        text = text[:-1]
    return f"_{text}" if not text or _RESERVED.match(text) else text


def split_of_file(path: Path) -> str:
    """The split that a file's name says: `dev.pt`, `phoenix.train-00000-of-00002.parquet`; "" of other names."""
    words = re.split(r"[^a-z]+", path.name.casefold())
    found = {SPLITS[word] for word in words if word in SPLITS}
    return found.pop() if len(found) == 1 else ""
