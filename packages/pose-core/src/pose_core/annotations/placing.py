"""From annotations to parts of a pose file: tiers chosen, times shifted, what cannot be cut left out and counted."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from pose_core.annotations.pairing import beginnings, is_called, pose_stem
from pose_core.annotations.tiers import select_tiers
from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pose_core.annotations.segment import Annotations, Segment, Tier

_AUDIO = (".wav", ".mp3", ".aif", ".aiff", ".m4a", ".flac", ".ogg")
_INDEX = re.compile(r"\d{1,4}", re.ASCII)


@dataclass(frozen=True)
class TierChoice:
    """A tier, and whose it is.

    Attributes:
        name: of the tier.
        person: index of the person in the pose file who signs it; None: the one that the command takes.
        pose: the name of the pose file that it is of, see `is_called`; "": of each.
    """

    name: str
    person: int | None = None
    pose: str = ""


@dataclass(frozen=True)
class Part:
    """A part of a pose file with what is signed in it."""

    frames: slice
    text: str
    tier: str
    person: str
    person_index: int | None


@dataclass
class Parts:
    """Parts of a pose file.

    Attributes:
        found: in the order of their starts.
        left_out: numbers of segments that cannot be cut, by reason.
        shortened: segments that go on behind the file's end, and are cut there.
    """

    found: list[Part] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    shortened: int = 0


@dataclass(frozen=True)
class Placing:
    """How segments become parts.

    Attributes:
        offset: seconds to add to their times.
        padding: seconds to add before and behind.
        shortest: seconds; shorter segments are left out, whatever the padding.
    """

    offset: float = 0.0
    padding: float = 0.0
    shortest: float = 0.0

    def parts(self, tiers: Iterable[tuple[Tier, int | None]], *, fps: float, frames: int) -> Parts:
        """The parts of a pose file of so many frames that tiers annotate; each tier comes with its person's index."""
        parts = Parts()
        for tier, person in tiers:
            for segment in tier.segments:
                start, end = (each / fps if isinstance(each, int) else each for each in (segment.start, segment.end))
                start, end = start + self.offset, end + self.offset
                reason = self._reason(segment, start, end, frames / fps)
                if reason:
                    parts.left_out[reason] += 1
                    continue
                parts.shortened += end > (frames + 1) / fps
                taken = _frames(start - self.padding, end + self.padding, fps, frames)
                parts.found.append(Part(taken, segment.text, tier.name, segment.person, person))
        parts.found.sort(key=lambda part: (part.frames.start, part.frames.stop))
        return parts

    def _reason(self, segment: Segment, start: float, end: float, duration: float) -> str:
        """Why a segment cannot be cut; "" if it can."""
        if not segment.text:
            return "without text"
        if end <= start:
            return "without duration"
        if end - start < self.shortest:
            return f"shorter than {self.shortest:g} s"
        if end <= 0:
            return "before the file begins"
        return "after the file ends" if start >= duration else ""


def _frames(start: float, end: float, fps: float, frames: int) -> slice:
    """The frames between two times, to the nearest: where signs follow each other, none is in both clips.

    ELAN's whole milliseconds lie before or behind the edge of the frame they mean. One frame at least.
    """
    first = min(max(0, math.floor(start * fps + 0.5)), frames - 1)
    return slice(first, min(max(first + 1, math.floor(end * fps + 0.5)), frames))


def chosen_tiers(
    annotations: Annotations, names: Sequence[str], path: Path, pose: Path, strangers: Collection[str] = ()
) -> list[tuple[Tier, int | None]]:
    """The tiers of the annotation file `path` that are of a pose file, and the index of the person who signs each.

    Args:
        annotations: of the file.
        names: of tiers, or `NAME=WHO` as `tier_choice` reads it; see `select_tiers`.
        path: of the annotation file.
        pose: the pose file.
        strangers: what no pose file of the command is called.

    Raises:
        UserError: as `select_tiers`, none of the tiers is of the pose file, or one is of a stranger.
    """
    known = {tier.name for tier in annotations.tiers}
    choices = [TierChoice(name) if name in known else tier_choice(name) for name in names]
    if not choices:
        return [(tier, None) for tier in select_tiers(annotations, [], path)]
    unknown = next((choice for choice in choices if choice.pose in strangers), None)
    if unknown is not None:
        raise UserError(
            f"--tier {unknown.name}={unknown.pose}: no pose file is called {unknown.pose!r} or *_{unknown.pose}"
        )
    its = [choice for choice in choices if not choice.pose or is_called(pose, choice.pose)]
    if not its:
        raise UserError(f"none of the tiers is said to be of it: {', '.join(names)}")
    return [(select_tiers(annotations, [choice.name], path)[0], choice.person) for choice in dict.fromkeys(its)]


def tier_choice(text: str) -> TierChoice:
    """Parses `NAME`, `NAME=1` (a person's index) or `NAME=session_A` (a pose file's name, or what it ends in)."""
    name, equals, who = text.rpartition("=")
    if not equals or not name or not who:
        return TierChoice(text)
    return TierChoice(name, person=int(who)) if _INDEX.fullmatch(who) else TierChoice(name, pose=who)


def time_origin(annotations: Annotations, pose: Path, path: Path) -> tuple[float, str]:
    """Where in the pose file the annotation's time 0 lies, in seconds, and the recording that this is known of.

    Raises:
        UserError: it differs between the recordings, and none of them is called as the pose file.
    """
    video = [each for each in annotations.media if PurePath(each.name).suffix.lower() not in _AUDIO]
    media = video or annotations.media
    if len({each.origin for each in media}) > 1:
        names = beginnings(pose_stem(pose))
        media = [each for each in media if PurePath(each.name).stem in names]
    if len({each.origin for each in media}) > 1 or (annotations.media and not media):
        said = ", ".join(f"{each.name} at {each.origin:g} s" for each in (video or annotations.media)[:4])
        raise UserError(
            f"{path}: its recordings begin at different times ({said}), and none is called as {pose.name}; "
            "say with --offset how many seconds to add"
        )
    return (media[0].origin, media[0].name) if media else (0.0, "")
