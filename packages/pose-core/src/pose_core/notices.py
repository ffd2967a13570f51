"""What was assumed about an input, said in one line: nothing is read in an unexpected way without a word."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class InputWarning(UserWarning):
    """An input that is not what it seems, and how it was read.

    Attributes:
        kind: a few words for inputs of this kind; a command line that reads thousands of files prints the first few of
            each kind and counts the rest.
    """

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


def notify(path: str | Path, message: str, *, kind: str) -> None:
    """Warns about the file `path`; Python prints the same text once, command lines on one line of stderr."""
    warnings.warn(InputWarning(f"{path}: {message}", kind), stacklevel=1)
