"""Validation clips held out of data that has no validation split."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pose_core.data.audit import shared_clips
from pose_core.data.clip import Clip
from pose_core.data.clips import read_clips
from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pose_core.sequence import PoseSequence


@dataclass(frozen=True)
class ClipPart(Clip):
    """The frames of a clip before its last share, or that share.

    Attributes:
        share: in (0, 1), of the frames.
        last: whether it is the last share or the frames before it.
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
    """Train clips and validation clips, which share no frame.

    Of data without a validation split, a share of its files is held out, chosen by a hash of their names: the same on
    every machine. Of a single file, its end is.

    Args:
        data: manifests or folders, as `read_clips` takes them.
        share: of the files that are held out, at least one; 0: none.
        say: called with what is held out.

    Raises:
        UserError: no such data, nothing to train on, or a file in both splits.
    """
    train, validation = [], []
    for path in map(Path, data):
        clips = read_clips(path)
        train_part = [clip for clip in clips if clip.split == "train"]
        validation_part = [clip for clip in clips if clip.split == "validation"]
        if train_part and not validation_part and share:
            root = path if path.is_dir() else path.parent
            train_part, validation_part, names = _hold_out(train_part, root, share)
            say(f"{path}: no validation split; held out for it: {names}")
        train += train_part
        validation += validation_part
    if not train:
        raise UserError(f"{data[0]}: no clip has split train; there is nothing to train on")
    whole = [replace(clip, split="validation") for clip in validation if not isinstance(clip, ClipPart)]
    both = [clip.path for clip, _ in shared_clips(train + whole)]
    if both:
        raise UserError(f"{min(both)}: is to be trained on and to validate with; leave it in one split")
    return train, validation


def _hold_out(clips: list[Clip], root: Path, share: float) -> tuple[list[Clip], list[Clip], str]:
    """Train clips, held-out clips, and the latter in words."""
    files = sorted({_source(clip) for clip in clips}, key=lambda source: _hash(source, root))
    if len(files) == 1:
        parts: list[list[Clip]] = [
            [
                ClipPart(**{f.name: getattr(clip, f.name) for f in fields(Clip)}, share=share, last=last)
                for clip in clips
            ]
            for last in (False, True)
        ]
        return parts[0], parts[1], f"the last {share:.0%} of {_called(files[0])}"
    held_out = files[: max(1, round(share * len(files)))]
    names = ", ".join(map(_called, held_out[:3])) + (", ..." if len(held_out) > 3 else "")
    chosen = set(held_out)
    return (
        [clip for clip in clips if _source(clip) not in chosen],
        [clip for clip in clips if _source(clip) in chosen],
        f"{len(held_out)} of {len(files)} files ({names})",
    )


def _source(clip: Clip) -> tuple[Path, str]:
    """What is held out as a whole: a file, or a clip of a file that holds several."""
    return clip.path, clip.name


def _called(source: tuple[Path, str]) -> str:
    return source[1] or source[0].name


def _hash(source: tuple[Path, str], root: Path) -> str:
    path, name = source
    return hashlib.sha256(f"{path.relative_to(root).as_posix()}{name}".encode()).hexdigest()
