"""Times of ELAN's annotations: by their slots, interpolated where a slot has none, or by the annotation referred to."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pose_core.annotations.segment import Segment, Tier
from pose_core.texts import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SUBDIVISION = "Symbolic_Subdivision"


@dataclass
class Annotation:
    """An annotation as the file has it: between two time slots, or a reference to another annotation."""

    line: int
    slots: tuple[str, str] | None = None
    parent: str = ""
    text: str = ""


@dataclass
class ElanTier:
    """A tier as the file has it."""

    name: str
    participant: str
    parent: str
    type: str
    annotations: list[Annotation] = field(default_factory=list)


@dataclass
class Document:
    """A file.

    Attributes:
        slots: seconds of each time slot, in the file's order; None where it has none.
        tiers, annotations: by name and id.
        constraints: of each linguistic type.
    """

    slots: dict[str, float | None] = field(default_factory=dict)
    tiers: dict[str, ElanTier] = field(default_factory=dict)
    annotations: dict[str, Annotation] = field(default_factory=dict)
    constraints: dict[str, str] = field(default_factory=dict)


def timed(document: Document) -> tuple[Tier, ...]:
    """The tiers with the times of their annotations."""
    order = {slot: number for number, slot in enumerate(document.slots)}
    times: dict[int, tuple[float, float]] = {}  # id() of an annotation -> start and end
    estimated: set[int] = set()
    for tier in document.tiers.values():
        seconds = _seconds(tier, document.slots, order)
        for each in tier.annotations:
            if each.slots is None:
                continue
            start, end = (seconds[slot] for slot in each.slots)
            if start is not None and end is not None:
                times[id(each)] = start, end
                if None in (document.slots[each.slots[0]], document.slots[each.slots[1]]):
                    estimated.add(id(each))
    return tuple(_tier(tier, document, times, estimated) for tier in document.tiers.values())


def _tier(tier: ElanTier, document: Document, times: Mapping[int, tuple[float, float]], estimated: set[int]) -> Tier:
    segments, untimed, interpolated = [], [], 0
    for each in tier.annotations:
        root = _root(each, document)
        if root is None or id(root) not in times:
            untimed.append(each.line)
            continue
        interpolated += id(root) in estimated
        segments.append(Segment(*times[id(root)], each.text, tier.participant, each.line))
    notices = []
    if untimed:
        notices.append(
            f"{counted(len(untimed), 'annotation')} of tier {tier.name!r} without a time left out, first in line "
            f"{untimed[0]}"
        )
    if interpolated:
        notices.append(
            f"{counted(interpolated, 'annotation')} of tier {tier.name!r} without a time slot of their own: times "
            "interpolated, as ELAN shows them"
        )
    if segments and document.constraints.get(tier.type) == _SUBDIVISION:
        notices.append(
            f"tier {tier.name!r} subdivides annotations of tier {tier.parent!r} without times; each part is cut with "
            "all of its parent's time"
        )
    segments.sort(key=lambda segment: (segment.start, segment.end))
    return Tier(tier.name, tuple(segments), tier.parent, tuple(notices))


def _root(annotation: Annotation, document: Document) -> Annotation | None:
    """The annotation with time slots that this one refers to, over others; None if it leads nowhere or in a circle."""
    passed = set()
    while annotation.slots is None:
        if id(annotation) in passed or annotation.parent not in document.annotations:
            return None
        passed.add(id(annotation))
        annotation = document.annotations[annotation.parent]
    return annotation


def _seconds(tier: ElanTier, slots: Mapping[str, float | None], order: Mapping[str, int]) -> dict[str, float | None]:
    """Seconds of the slots of a tier.

    Slots without a time divide evenly what lies between the tier's slots before and after them, as ELAN draws them;
    None where the tier has none on either side.
    """
    used = {slot for each in tier.annotations if each.slots is not None for slot in each.slots}
    names = sorted(used, key=order.__getitem__)
    return dict(zip(names, _interpolated([slots[name] for name in names]), strict=True))


def _interpolated(values: Sequence[float | None]) -> list[float | None]:
    found = list(values)
    known = [place for place, value in enumerate(values) if value is not None]
    for before, after in itertools.pairwise(known):
        first, last = values[before], values[after]
        for place in range(before + 1, after):
            if first is not None and last is not None:
                found[place] = first + (last - first) * (place - before) / (after - before)
    return found
