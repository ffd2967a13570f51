"""Exceptions for mistakes of the user, and for batches of which some files failed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


class UserError(Exception):
    """A mistake of the user: one line with file, problem and cure; commands print it and exit with 2."""


class BatchError(Exception):
    """Some files of a batch failed, the others are done; commands print it and exit with 3.

    Args:
        message: how many failed, and how to go on.
        failures: a line each, naming the file.
        ours: whether one of them is a defect of the program; commands then exit with 1.
    """

    def __init__(self, message: str, failures: list[str], *, ours: bool = False) -> None:
        super().__init__(message)
        self.failures = failures
        self.ours = ours


@contextmanager
def naming(path: Path | str, cure: str = "") -> Generator[None]:
    """Prefixes the message of a `UserError` raised inside with the file's name, unless it begins with it already.

        with naming(path):
            sequence = model.prepare(read(path))

    Args:
        path: the file, or whatever the message has to name.
        cure: what to do about it; added to the message where the name is.
    """
    try:
        yield
    except UserError as error:
        message = str(error)
        if message.startswith(str(path)):
            raise
        raise UserError(f"{path}: {message}{f'; {cure}' if cure else ''}") from error


def reason(error: BaseException, length: int = 200) -> str:
    """The message of a foreign exception as one line of at most `length` characters."""
    if callable(problems := getattr(error, "errors", None)):  # pydantic's, of which the first will do
        first = problems()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= length else f"{text[:length]}..."
