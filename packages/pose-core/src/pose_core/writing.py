"""Writing poses by suffix: a pose file or a picture."""

from __future__ import annotations

from collections import ChainMap
from typing import TYPE_CHECKING, Any

from pose_core.formats import WRITERS, write
from pose_core.outputs import check_suffix
from pose_core.rendering import PICTURES, write_html, write_picture
from pose_core.sequence import PoseSequence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pose_core.rendering import Caption

PLAYER = ".html"  # shows several sequences side by side
WRITABLE = ChainMap[str, Any](PICTURES, WRITERS)  # suffixes that `write_poses` takes


def write_poses(
    poses: PoseSequence | Mapping[str, PoseSequence],
    path: Path,
    *,
    captions: Sequence[Caption] = (),
    overwrite: bool = False,
) -> None:
    """Writes poses, the format chosen by the suffix.

    Args:
        poses: of several, by name, the last is written; an `.html` page shows all of them side by side.
        path: ends in one of `WRITABLE`.
        captions: letters or signs; pictures show them while they are signed, pose files leave them out.
        overwrite: replace an existing file.

    Raises:
        UserError: as `pose_core.write` and `pose_core.rendering.write_picture`, or nothing writes such a file.
    """
    suffix = path.suffix.lower()
    check_suffix(path, WRITABLE)
    if suffix == PLAYER:
        write_html(poses, path, captions=captions, overwrite=overwrite)
        return
    sequence = poses if isinstance(poses, PoseSequence) else list(poses.values())[-1]
    if suffix in PICTURES:
        write_picture(sequence, path, captions=captions, overwrite=overwrite)
    else:
        write(sequence, path, overwrite=overwrite)
