"""Atomic output files, and checks of outputs before any work."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Collection, Generator


def check_name(path: str | Path) -> None:
    """Refuses names that no file can have.

    Raises:
        UserError: the name is longer than the file system allows, or holds a NUL character.
    """
    try:
        os.lstat(path)
    except ValueError as error:
        raise UserError(f"{str(path)[:80]!r}: no file can have such a name; name another") from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UserError(long_name(path)) from error


def long_name(path: str | Path | None) -> str:
    """Error message for a file name that is too long."""
    return f"{str(path)[:80]}...: the file name is too long ({len(str(path)):,} characters); name another"


def check_output(path: str | Path, *, overwrite: bool = False) -> None:
    """Checks that an output file can be written, before any work is done for it.

    Raises:
        UserError: it exists and `overwrite` is not set, no file can have its name, or its folder does not exist or
            cannot be written.
    """
    path = Path(path)
    check_name(path)
    if path.exists() and not overwrite:
        raise UserError(f"{path}: exists; use --overwrite to replace it or name another output")
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name a file")
    folder = path.parent
    if not folder.is_dir():
        raise UserError(f"{path}: there is no folder {folder}; create it first")
    if not os.access(folder, os.W_OK):
        raise UserError(f"{path}: the folder {folder} cannot be written; name an output elsewhere")


def check_output_folder(path: str | Path) -> None:
    """Creates an output folder if it is missing.

    Raises:
        UserError: it is a file, or it cannot be created or written.
    """
    path = Path(path)
    check_name(path)
    if path.exists() and not path.is_dir():
        raise UserError(f"{path}: is a file; name a folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: the folder cannot be created ({error.strerror}); name another") from error
    if not os.access(path, os.W_OK):
        raise UserError(f"{path}: the folder cannot be written; name another")


@contextmanager
def removed_if_empty(folder: str | Path | None) -> Generator[None]:
    """Removes `folder` if the block created it, failed, and left no file in it."""
    folder = Path(folder or ".")
    created = not folder.exists()
    try:
        yield
    except BaseException:
        if created:
            remove_empty(folder)
        raise


def remove_empty(folder: str | Path) -> None:
    """Removes a folder tree that holds no file."""
    folder = Path(folder)
    if folder.is_dir() and not any(path.is_file() for path in folder.rglob("*")):
        shutil.rmtree(folder, ignore_errors=True)


def apply_umask(path: str | Path) -> None:
    """Gives a file the permissions of new files (umask): some writers restrict theirs to the owner."""
    path = Path(path)
    new = path.with_name(f".{uuid.uuid4().hex}")
    new.touch()  # asking for the process's umask itself would mean to change it for a moment
    try:
        path.chmod(new.stat().st_mode)
    finally:
        new.unlink()


@contextmanager
def atomic_write(path: str | Path, *, overwrite: bool = False) -> Generator[Path]:
    """Yields a temporary path beside `path`, which is renamed to `path` when the block ends without an error.

    Raises:
        UserError: as `check_output`, or the disk refuses the file.
    """
    path = Path(path)
    check_output(path, overwrite=overwrite)
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{path.stem[:40]}-", dir=path.parent))
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); name an output elsewhere") from error
    try:
        temporary = folder / f"output{path.suffix}"
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); free some space or name another") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_replaceable(folder: str | Path, files: Collection[str], kind: str, *, overwrite: bool = False) -> None:
    """Refuses an output folder before any work is done for it.

    Args:
        folder: of the output.
        files: the names of what may be in a folder that is replaced.
        kind: what is written, for messages: "export".
        overwrite: replace an existing one.

    Raises:
        UserError: it holds something and `overwrite` is not set, it holds what is not one of `files`, it is a file, or
            its parent cannot be created or written.
    """
    folder = Path(folder)
    check_output_folder(folder.resolve().parent)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"{folder}: is a file; name a folder")
    existing = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    if existing and not overwrite:
        raise UserError(f"{folder}: is not empty; use --overwrite to replace the {kind} in it or name another folder")
    if existing - set(files):
        raise UserError(f"{folder}: holds {min(existing - set(files))}, which is of no {kind}; name another folder")


@contextmanager
def atomic_folder(folder: str | Path) -> Generator[Path]:
    """Yields a temporary folder beside `folder`, which takes its place when the block ends without an error.

    Raises:
        UserError: the disk refuses it.
    """
    target = Path(folder).resolve()  # a link stays one
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}-", dir=target.parent))
        try:
            new, old = temporary / "new", temporary / "old"
            new.mkdir()
            yield new
            if target.exists():
                target.rename(old)
            try:
                new.rename(target)
            except OSError:
                if old.exists():
                    old.rename(target)
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror}); free some space or name another") from error


def copy_to_stdout(path: str | Path) -> None:
    """Copies a file to standard output, for `--output -`.

    Raises:
        BrokenPipeError: its reader has gone.
        UserError: it refuses the file, as a full disk does.
    """
    try:
        with Path(path).open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # lest Python tries the rest again as it ends
        raise UserError(
            f"standard output: cannot be written ({error.strerror}); free some space or name a file"
        ) from error


def check_stdout() -> None:
    """Refuses to write a file's bytes to a terminal.

    Raises:
        UserError: standard output is one, or closed.
    """
    if sys.stdout is None:
        raise UserError("--output -: standard output is closed; send it to a file or another command")
    if sys.stdout.isatty():
        raise UserError("--output -: standard output is a terminal; send it to a file or another command")
