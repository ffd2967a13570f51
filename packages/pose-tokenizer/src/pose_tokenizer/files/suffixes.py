"""Names of the formats of token files, and the suffix of each; what needs no file to be read, and no numpy."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

TokenFormat = Literal["tokens", "json", "text"]
SUFFIXES: dict[str, str] = {"tokens": ".tokens", "json": ".json", "text": ".txt"}


def check_token_files(names: Iterable[str]) -> None:
    """Refuses names of token files that are not there, before slower imports; other names may be folders or models.

    Raises:
        UserError: naming the first.
    """
    for name in names:
        path = Path(name)
        if path.suffix in SUFFIXES.values() and not glob.has_magic(name) and not path.exists():
            raise UserError(f"{name}: no such file")
