"""Locations, contacts and constellations to symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.places import BodyPlace, Constellation, Contact, HandPlace, Location, Side
from text_to_pose.hamnosys.unwritable import no_symbol

if TYPE_CHECKING:
    from text_to_pose.hamnosys.movements import Target

_MARKS = {Side.LEFT: "lrat", Side.RIGHT: "lrat", Side.LEFT_BESIDE: "lrbeside", Side.RIGHT_BESIDE: "lrbeside"}


def target_symbols(target: Target) -> list[str]:
    """A location, one for each hand, or a constellation."""
    if isinstance(target, Constellation):
        return _constellation(target)
    if isinstance(target, Pair):
        return _pair(target)
    return location_symbols(target)


def location_symbols(location: Location) -> list[str]:
    """A place, or the middle between two, and the contact there."""
    names = place_symbols(location.place)
    if location.between is not None:
        names += ["between", *place_symbols(location.between)]
    return names + ["behind"] * location.behind + _contact(location.contact)


def place_symbols(place: BodyPlace | HandPlace) -> list[str]:
    """A place with its side: the mark stands before it for left, behind it for right."""
    if isinstance(place, BodyPlace):
        names = [place.site.value] + ([place.mark.value] if place.mark is not None else [])
    else:
        parts = (place.finger_part, *place.fingers, place.part)
        names = [part.value for part in parts if part is not None]
    names += [place.surface.value] if place.surface is not None else []
    if place.side is None:
        pass
    elif place.side not in _MARKS:
        raise no_symbol(f"the side {place.side.value!r}")
    elif place.side in {Side.LEFT, Side.LEFT_BESIDE}:
        names.insert(0, _MARKS[place.side])
    else:
        names.append(_MARKS[place.side])
    return names + ["etc"] * (isinstance(place, BodyPlace) and place.approximate)


def _contact(contact: Contact | None) -> list[str]:
    if contact is None:
        return []
    if contact.by is None:
        return [contact.kind.value]
    return ["seqbegin", contact.kind.value, *location_symbols(contact.by), "seqend"]


def _pair(pair: Pair[Location]) -> list[str]:
    if pair.dominant is None or pair.nondominant is None:
        raise no_symbol("a place of one hand in brackets for both")
    return ["parbegin", *location_symbols(pair.dominant), "plus", *location_symbols(pair.nondominant), "parend"]


def _constellation(constellation: Constellation) -> list[str]:
    hands, where = constellation.hands, constellation.location
    names = _pair(hands) if hands is not None and not _said_once(constellation) else []
    if hands is not None and hands.dominant is not None and not names:
        names = location_symbols(hands.dominant)
    names += ["behind"] * constellation.behind + _contact(constellation.contact)
    if isinstance(where, Pair):
        return names + _pair(where)
    return names + (location_symbols(where) if where is not None else [])


def _said_once(constellation: Constellation) -> bool:
    """Whether both hands touch with the same part, which is named once then: `hampalm hamtouch hamchest`."""
    hands, contact = constellation.hands, constellation.contact
    return (
        hands is not None
        and hands.dominant is not None
        and hands.dominant == hands.nondominant
        and isinstance(hands.dominant.place, HandPlace)
        and hands.dominant.contact is None
        and not hands.dominant.behind
        and contact is not None
        and contact.by is None
        and isinstance(constellation.location, Location)
    )
