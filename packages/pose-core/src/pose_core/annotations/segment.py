"""`Segment`, `Tier` and `Annotations`: what an annotation file says is signed when."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Segment:
    """One annotation.

    Attributes:
        start, end: in the time of the annotation file, as `pose_core.read` takes positions: seconds if float, frames if
            int; the end is exclusive.
        text: what is signed; may be empty.
        person: who signs, "" where the file does not say.
        line: of the file, for messages.
    """

    start: float
    end: float
    text: str
    person: str = ""
    line: int | None = None


@dataclass(frozen=True)
class Tier:
    """Annotations that belong together; a subtitle file has one, whose name is "".

    Attributes:
        name: as the file has it.
        segments: in the order of their starts.
        parent: the tier that this one refers to, of ELAN's; else "".
        notices: what was assumed about its times, one line each.
    """

    name: str
    segments: tuple[Segment, ...]
    parent: str = ""
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Media:
    """A recording that an ELAN file annotates.

    Attributes:
        name: of the file, without its folder.
        origin: where in the recording the annotation's time 0 lies, in seconds (ELAN's TIME_ORIGIN).
    """

    name: str
    origin: float


@dataclass(frozen=True)
class Annotations:
    """An annotation file: its tiers in the file's order, and its recordings, if it names them."""

    tiers: tuple[Tier, ...]
    media: tuple[Media, ...] = ()
