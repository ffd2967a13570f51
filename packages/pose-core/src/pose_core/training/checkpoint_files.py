"""Finds and verifies a run's checkpoints, without torch."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from pose_core.command_line import say
from pose_core.errors import UserError
from pose_core.training.ranks import is_main_process

if TYPE_CHECKING:
    from pathlib import Path

CHECKPOINTS = "checkpoints"
LAST = "last.ckpt"
BEFORE = "before-last.ckpt"


def newest_checkpoint(run: Path) -> Path | None:
    """The newest intact checkpoint of a run's folder; None if there is none.

    Raises:
        UserError: all of them are damaged.
    """
    found = [path for name in (LAST, BEFORE) if (path := run / CHECKPOINTS / name).is_file()]
    for path in found:
        if is_whole(path):
            return path
        if is_main_process():
            say(f"{path}: is damaged, and skipped")
    if found:
        raise UserError(f"{run}: none of its checkpoints is whole; --overwrite starts the run again")
    return None


def is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint is complete, by the checksums of its parts."""
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            return archive.testzip() is None
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False
