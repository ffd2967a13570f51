"""Progress on standard error: lines, or a bar on a terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

LONGEST = 40  # characters of a name beside the bar
_quiet = False  # one command a process


def be_quiet(quiet: bool) -> None:
    """Turns progress off or on; warnings and errors are always printed."""
    global _quiet
    _quiet = quiet


def is_quiet() -> bool:
    """Whether progress is turned off."""
    return _quiet


def say(message: str) -> None:
    """Prints progress on standard error, unless `be_quiet`."""
    if not _quiet:
        print(message, file=sys.stderr)


def warn(message: str) -> None:
    """Prints a one-line warning on standard error."""
    print("Warning:", " ".join(message.split()), file=sys.stderr)


@contextmanager
def progress(total: int, verb: str) -> Generator[Callable[[str], None]]:
    """Progress through many things: a bar where standard error is a terminal, else a line each.

    Args:
        total: how many.
        verb: what is done to them ("encoding").

    Yields:
        What takes the name of each as it is begun.
    """
    if _quiet:
        yield lambda name: None
    elif total > 1 and sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn()
        # Results go to standard output as they are; only messages are kept apart from the bar.
        with Progress(
            *columns, TimeRemainingColumn(), console=Console(stderr=True), redirect_stdout=False, transient=True
        ) as bar:
            task, begun = bar.add_task(verb, total=total), 0

            def advance(name: str) -> None:
                nonlocal begun
                shown = name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"
                bar.update(task, description=f"{verb} {shown}", completed=begun)
                begun += 1

            yield advance
            bar.update(task, completed=begun)
    else:
        begun = 0

        def line(name: str) -> None:
            nonlocal begun
            begun += 1
            say(f"{verb} {name} ({begun} of {total})" if total > 1 else f"{verb} {name}")

        yield line
