"""Which files are trained on, and which are kept to see whether it helps."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pose_core import PoseSequence, UserError
from pose_core.data import Clip, read_clips
from pose_core.data.audit import shared_clips

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Part(Clip):
    """The frames of a clip before its last share, or that share.

    Attributes:
        share: in (0, 1), of the frames.
        last: whether it is the share or what is before it.
    """

    share: float = 0.0
    last: bool = False

    def of(self, sequence: PoseSequence) -> PoseSequence:
        """Its frames of the clip's; at least one.

        Raises:
            UserError: the clip has a single frame.
        """
        T = len(sequence)
        if T < 2:
            raise UserError("is all there is and has one frame: none is left for validation; set validation_share to 0")
        cut = min(T - 1, max(1, round(T * (1 - self.share))))
        return sequence[cut:] if self.last else sequence[:cut]


def split_clips(
    data: Sequence[str | Path], share: float, say: Callable[[str], None] = lambda message: None
) -> tuple[list[Clip], list[Clip]]:
    """The clips to train on and those to validate with, which share no frame.

    Data that names no validation split lends a share of its files, chosen by a hash of their names: the same today and
    tomorrow, here and elsewhere. A single file lends its end.

    Args:
        data: manifests or folders, as `read_clips` takes them.
        share: of the files that are lent, at least one; 0: none.
        say: told what is held out.

    Raises:
        UserError: no such data, nothing to train on, or a file in both splits.
    """
    train, validation = [], []
    for path in map(Path, data):
        clips = read_clips(path)
        taught = [clip for clip in clips if clip.split == "train"]
        held = [clip for clip in clips if clip.split == "validation"]
        if taught and not held and share:
            taught, held, what = _held_out(taught, path if path.is_dir() else path.parent, share)
            say(f"{path}: no validation split; held out for it: {what}")
        train += taught
        validation += held
    if not train:
        raise UserError(f"{data[0]}: no clip has split train; there is nothing to train on")
    held_out = [replace(clip, split="validation") for clip in validation if not isinstance(clip, Part)]
    both = [clip.path for clip, _ in shared_clips(train + held_out)]
    if both:
        raise UserError(f"{min(both)}: is to be trained on and to validate with; leave it in one split")
    return train, validation


def _held_out(clips: list[Clip], root: Path, share: float) -> tuple[list[Clip], list[Clip], str]:
    """Clips to train on, those held out, and these in words."""
    files = sorted({clip.path for clip in clips}, key=lambda path: _rank(path, root))
    if len(files) == 1:
        parts: list[list[Clip]] = [
            [Part(**{f.name: getattr(clip, f.name) for f in fields(Clip)}, share=share, last=last) for clip in clips]
            for last in (False, True)
        ]
        return parts[0], parts[1], f"the last {share:.0%} of {files[0].name}"
    held = files[: max(1, round(share * len(files)))]
    names = ", ".join(path.name for path in held[:3]) + (", ..." if len(held) > 3 else "")
    chosen = set(held)
    return (
        [clip for clip in clips if clip.path not in chosen],
        [clip for clip in clips if clip.path in chosen],
        f"{len(held)} of {len(files)} files ({names})",
    )


def _rank(path: Path, root: Path) -> str:
    return hashlib.sha256(path.relative_to(root).as_posix().encode()).hexdigest()
