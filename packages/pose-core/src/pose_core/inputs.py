"""Input files of command lines: files, folders, glob patterns, standard input."""

from __future__ import annotations

import glob
import itertools
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pose_core.atomic_files import check_name
from pose_core.errors import UserError
from pose_core.formats import is_clip_folder
from pose_core.formats.arrow_clips import is_saved_folder
from pose_core.formats.sniffing import SNIFFED, is_manifest, pose_suffix
from pose_core.notices import called

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence

PIPE = "-"  # standard input or output
PIPE_NAME = "standard input"


@dataclass(frozen=True)
class Input:
    """An input file.

    Attributes:
        path: of the file; `-` for standard input.
        below: the path below the folder that was named, or the file's name.
        folder: the folder that was named, if it was found in one.
    """

    path: Path
    below: Path
    folder: Path | None = None

    @property
    def piped(self) -> bool:
        """Whether it is standard input."""
        return str(self.path) == PIPE

    @property
    def name(self) -> str:
        """Name of the input in messages."""
        return PIPE_NAME if self.piped else str(self.path)


def find_inputs(inputs: Sequence[str | Path], suffixes: Collection[str]) -> list[Input]:
    """Expands arguments to files, in their order; of a folder all files below it, sorted.

    Args:
        inputs: a file, whether it exists or not; a folder; a pattern as in `glob`, `**` for folders within folders; or
            `-`.
        suffixes: of files that count in a folder, in lower case.

    Raises:
        UserError: a folder or pattern without such files, or `-` beside others.
    """
    if len(inputs) > 1 and any(str(given) == PIPE for given in inputs):
        raise UserError("-: standard input stands alone; name the other files in a call of their own")
    found: list[Input] = []
    for given in inputs:
        found += _named(given, suffixes)
    return found


def _named(given: str | Path, suffixes: Collection[str]) -> Iterable[Input]:
    """The files that one argument names."""
    path = Path(given)
    check_name(path)
    if str(given) == PIPE:
        return [Input(path, Path("standard-input"))]
    if _is_clip(path, suffixes):
        return [Input(path, Path(path.resolve().name))]
    if path.is_dir():
        below = [Input(file, file.relative_to(path), path) for file in _files_below(path, suffixes)]
        if not below:
            raise UserError(f"{path}: holds no file that ends in {', '.join(suffixes)}")
        return below
    if path.exists() or not glob.has_magic(str(given)):
        return [Input(path, Path(path.name))]
    matches = sorted(glob.glob(str(given), recursive=True))  # noqa: PTH207 - absolute patterns, too
    if not matches:
        raise UserError(f"{given}: no file matches")
    return itertools.chain.from_iterable(_matched(Path(match), suffixes) for match in matches)


def _matched(match: Path, suffixes: Collection[str]) -> Iterable[Input]:
    """The files of one match of a pattern: the files below a folder, under the folder's name."""
    if match.is_dir() and not _is_clip(match, suffixes):
        return [Input(file, file.relative_to(match.parent), match) for file in _files_below(match, suffixes)]
    return [Input(match, Path(match.name))]


def _files_below(folder: Path, suffixes: Collection[str]) -> Iterator[Path]:
    """Files of a folder and the folders in it, links to folders followed once, sorted.

    Hidden ones do not count, nor does a manifest, which is not landmarks.
    """
    seen = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:  # a link to a folder above it
            folders.clear()
            continue
        seen.add(real)
        if parent != str(folder) and _is_clip(Path(parent), suffixes):
            folders.clear()
            yield Path(parent)
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            suffix, path = Path(name).suffix.lower(), Path(parent, name)
            if suffix in suffixes and not name.startswith(".") and not (suffix == ".csv" and is_manifest(path)):
                yield path


def _is_clip(path: Path, suffixes: Collection[str]) -> bool:
    """Whether a folder is one input where poses are wanted: a JSON file for each frame, or a saved data set."""
    return ".pose" in suffixes and path.is_dir() and (is_clip_folder(path) or is_saved_folder(path))


@contextmanager
def local_files(inputs: Sequence[Input], sniff: Callable[[bytes], str] | None = None) -> Generator[list[Path]]:
    """The paths of inputs, of standard input that of a temporary file, which messages call standard input.

    Args:
        inputs: as found.
        sniff: the suffix of standard input by its first bytes; None: that of a pose file.
    """
    with tempfile.TemporaryDirectory(prefix="pose-") as folder, ExitStack() as names:
        paths = [spooled(Path(folder), sniff) if each.piped else each.path for each in inputs]
        for path, each in zip(paths, inputs, strict=True):
            if each.piped:
                names.enter_context(called(path, each.name))
        try:
            yield paths
        except UserError as error:
            message = str(error)
            for path, each in zip(paths, inputs, strict=True):
                message = message.replace(str(path), each.name) if each.piped else message
            raise UserError(message) from error


def spooled(folder: Path, sniff: Callable[[bytes], str] | None = None) -> Path:
    """Standard input as a file in `folder`, its suffix chosen by its first bytes.

    Raises:
        UserError: standard input is closed, a terminal or empty.
    """
    if sys.stdin is None:
        raise UserError("standard input is closed; send a file to it, as `command - < file` does")
    if sys.stdin.isatty():
        raise UserError("standard input is a terminal; send a file to it, as `command - < file` does")
    start = sys.stdin.buffer.read(SNIFFED)
    if not start:
        raise UserError("standard input is empty")
    path = folder / f"standard-input{(sniff or pose_suffix)(start)}"
    with path.open("wb") as file:
        file.write(start)
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path
