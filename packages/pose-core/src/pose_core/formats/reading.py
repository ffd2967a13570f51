"""Errors of file readers, as one line that names the file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pose_core.errors import UserError, naming, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path


@contextmanager
def reading(
    path: Path,
    damage: tuple[type[Exception], ...] = (),
    describe: Callable[[Exception], str] | None = None,
) -> Generator[None]:
    """Turns errors of the block into a `UserError` that begins with the path.

    Args:
        path: of the file that the block reads.
        damage: what its parser raises on bytes that are no such file, or a part of one.
        describe: what to say of those; by default that it is not a whole file.
    """
    try:
        with naming(path):
            yield
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or reason(error)})") from error
    except damage as error:
        what = (
            describe(error) if describe else f"not a whole {path.suffix} file ({reason(error)}); write or copy it again"
        )
        raise UserError(f"{path}: {what}") from error
