"""Clips read and prepared, all on one skeleton."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core.errors import UserError
from pose_core.formats import read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pose_core.data.manifest import Clip
    from pose_core.sequence import PoseSequence
    from pose_core.skeleton import Skeleton


def read_prepared(
    clips: Sequence[Clip], prepare: Callable[..., PoseSequence], skeleton: Skeleton | None = None
) -> list[PoseSequence]:
    """Reads clips and prepares them.

    Args:
        clips: see `read_clips`.
        prepare: called with a sequence and `skeleton`, the one to put it on or None: its own.
        skeleton: of all; None: that of the first clip prepared.

    Raises:
        UserError: a clip cannot be used; the message names its file.
    """
    sequences: list[PoseSequence] = []
    for clip in clips:
        try:
            sequences.append(prepare(read(clip.path), skeleton=skeleton))
        except UserError as error:
            message = str(error)
            prefix = "" if message.startswith(str(clip.path)) else f"{clip.path}: "
            raise UserError(f"{prefix}{message}; mend the clip or remove it from the data") from error
        skeleton = skeleton or sequences[-1].skeleton
    return sequences
