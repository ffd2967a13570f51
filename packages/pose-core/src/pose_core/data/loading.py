"""Loading of clips: read, prepared, and put on one skeleton."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Literal

from pose_core.data.audit import summary
from pose_core.data.held_out import ClipPart
from pose_core.errors import UserError
from pose_core.formats import read
from pose_core.notices import InputWarning
from pose_core.transforms import to_layout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pose_core.data.clip import Clip
    from pose_core.sequence import PoseSequence
    from pose_core.skeleton import Skeleton

MAX_SKIPPED = 0.05  # share of clips that a run does without; as many of shards


def read_clip(clip: Clip) -> PoseSequence:
    """Reads a clip's part of its file, every value as the file has it.

    Raises:
        UserError: as `read`.
    """
    return read(clip.path, clip=clip.name or None, start=clip.start, end=clip.end, fps=clip.fps)


def on_layout_of(sequence: PoseSequence, skeleton: Skeleton | None) -> PoseSequence:
    """Maps a clip of another estimator by anatomy to the layout that a skeleton is of.

    Args:
        sequence: (T, K, D); it stays as it is if it is of that layout, or of one that is not known.
        skeleton: None: the sequence stays as it is.

    Raises:
        UserError: as `to_layout`.
    """
    if skeleton is None:
        return sequence
    theirs, ours = sequence.skeleton.layout, skeleton.layout
    if theirs is None or ours is None or theirs.name == ours.name:
        return sequence
    return to_layout(sequence, skeleton)


def read_prepared(
    clips: Sequence[Clip], prepare: Callable[..., PoseSequence], skeleton: Skeleton | None = None
) -> list[PoseSequence]:
    """Reads clips and prepares them.

    Args:
        clips: see `read_clips`.
        prepare: called with a sequence and `skeleton`, the one to put it on or None: its own.
        skeleton: of all; None: that of the first clip prepared.

    Raises:
        UserError: clips cannot be used; the message names their files, all of them at once.
    """
    return read_usable(clips, prepare, skeleton, on_error="raise")[1]


def read_usable(
    clips: Sequence[Clip],
    prepare: Callable[..., PoseSequence],
    skeleton: Skeleton | None = None,
    *,
    load: Callable[[Clip], PoseSequence] = read_clip,
    on_error: Literal["raise", "skip"] = "skip",
    resampled: bool = True,
    by_anatomy: bool = True,
) -> tuple[list[Clip], list[PoseSequence]]:
    """Reads and prepares clips; a few that cannot be used are skipped with a warning each.

    Args:
        clips, prepare, skeleton: as `read_prepared`'s.
        load: reads a clip.
        on_error: "skip", up to `MAX_SKIPPED` of the clips, rounded up, or "raise" after all were read.
        resampled: whether `prepare` makes frame rates alike; different ones are warned of otherwise.
        by_anatomy: map clips of other estimators to the skeleton, see `on_layout_of`.

    Returns:
        The clips that can be used, and their sequences.

    Raises:
        UserError: clips, or too many of them, cannot be used; the message names them.
    """
    usable: list[Clip] = []
    sequences: list[PoseSequence] = []
    problems: list[str] = []
    kinds = Kinds()
    for clip in clips:
        try:
            sequence = load(clip)
            mapped = on_layout_of(sequence, skeleton) if by_anatomy else sequence
            prepared = prepare(mapped, skeleton=skeleton)
            sequences.append(clip.of(prepared) if isinstance(clip, ClipPart) else prepared)
        except UserError as error:
            problems.append(with_path(error, clip))
            continue
        kinds.count(sequence)
        kinds.mapped += mapped is not sequence
        usable.append(clip)
        skeleton = skeleton or sequences[-1].skeleton
    check_skipped(problems, len(clips), MAX_SKIPPED if on_error == "skip" else 0.0)
    for problem in problems:
        warnings.warn(InputWarning(f"skipped: {problem}", "clips skipped"), stacklevel=2)
    if len(problems) > 1:
        warnings.warn(f"skipped {len(problems)} of {len(clips)} clips", stacklevel=2)
    for notice in kinds.notices(rates=not resampled):
        warnings.warn(notice, stacklevel=2)
    return usable, sequences


class Kinds:
    """Counts of keypoint layouts and frame rates among clips.

    Attributes:
        mapped: how many were mapped by anatomy.
    """

    def __init__(self) -> None:
        self.mapped = 0
        self._layouts: Counter[tuple[tuple[str, int], ...]] = Counter()
        self._rates: Counter[float] = Counter()

    def count(self, sequence: PoseSequence) -> None:
        """Adds a clip as its file has it."""
        self._layouts[tuple((part.name, len(part.points)) for part in sequence.skeleton.components)] += 1
        self._rates[round(sequence.fps, 2)] += 1

    def add(self, other: Kinds) -> None:
        """Adds all clips that another has counted."""
        self.mapped += other.mapped
        self._layouts += other._layouts
        self._rates += other._rates

    def notices(self, *, rates: bool = False) -> list[str]:
        """Warnings that layouts or frame rates differ, one line each.

        Args:
            rates: whether frame rates matter, which they do where clips are not resampled.
        """
        found = []
        if len(self._layouts) > 1:
            counts = [
                f"{count} of {sum(points for _, points in layout)} keypoints"
                for layout, count in self._layouts.most_common()
            ]
            mapped = f" ({self.mapped} mapped by anatomy)" if self.mapped else ""
            found.append(
                f"clips differ in layout: {summary(counts)}{mapped}; what a clip lacks of the others' counts as missing"
            )
        if rates and len(self._rates) > 1:
            counts = [f"{count} of {fps:g} fps" for fps, count in self._rates.most_common()]
            found.append(f"clips differ in frame rate, and are taken frame by frame: {summary(counts)}")
        return found


def check_skipped(problems: Sequence[str], clips: int, max_skipped: float = MAX_SKIPPED) -> None:
    """Refuses data if too many clips cannot be used.

    Args:
        problems: a line for each.
        clips: how many there are, those that can be used among them.
        max_skipped: share of them that may be done without, rounded up to whole clips.

    Raises:
        UserError: there are more, or no clip can be used.
    """
    if not problems:
        return
    cure = "mend the clip or remove it from the data"
    allowed = math.ceil(max_skipped * clips)
    if len(problems) == 1 and not allowed:
        raise UserError(f"{problems[0]}; {cure}")
    if len(problems) == clips:
        raise UserError(f"none of {clips} clips can be used: {summary(problems)}; {cure}")
    if len(problems) > allowed:
        limit = f", more than the {allowed} that may be skipped" if allowed else ""
        raise UserError(f"{len(problems)} of {clips} clips cannot be used{limit}: {summary(problems)}; {cure}")


def with_path(error: UserError, clip: Clip) -> str:
    """The error message, beginning with the path of the clip's file."""
    message = str(error)
    return message if str(clip.path) in message else f"{clip.path}: {message}"
