"""Warnings about inputs: whatever is assumed about a file is reported in one line."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

_PACKAGE = f"{Path(__file__).parent}{os.sep}"  # a warning names the line that called this package
_names: ContextVar[dict[str, str]] = ContextVar("names", default={})  # noqa: B039 - never changed


class InputWarning(UserWarning):
    """A warning about an input file and how it was read.

    Attributes:
        kind: a few words for inputs of this kind; a command line that reads thousands of files prints the first few of
            each kind and counts the rest.
    """

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


def notify(path: str | Path, message: str, *, kind: str) -> None:
    """Warns about the file `path`; Python prints the same text once, command lines on one line of stderr."""
    path = _names.get().get(str(path), path)
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(InputWarning(f"{path}: {message}", kind), stacklevel=level)


@contextmanager
def called(path: str | Path, name: str | Path) -> Generator[None]:
    """Warnings about the file `path` name `name` within the block, as where it is a part of another file."""
    token = _names.set({**_names.get(), str(path): str(name)})
    try:
        yield
    finally:
        _names.reset(token)


@contextmanager
def collected() -> Generator[list[InputWarning]]:
    """Collects the warnings about inputs of the block, each text once, instead of showing them.

    Where the block raises an error, they are shown after all; other warnings are shown in any case.
    """
    found: list[InputWarning] = []
    shown: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.filterwarnings("always", category=InputWarning)
            try:
                yield found
            except BaseException:
                shown += said
                raise
            for each in said:
                if not isinstance(each.message, InputWarning):
                    shown.append(each)
                elif str(each.message) not in map(str, found):
                    found.append(each.message)
    finally:
        for each in shown:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
