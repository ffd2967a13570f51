"""Locations, contacts and constellations from symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.places import (
    BodyPlace,
    Constellation,
    Contact,
    HandPart,
    HandPlace,
    Location,
    Side,
    Surface,
)
from text_to_pose.hamnosys.symbols import (
    BENDS,
    BODY_SITES,
    CONTACTS,
    DIGITS,
    FINGER_PARTS,
    HAND_PARTS,
    SIDES,
)

if TYPE_CHECKING:
    from text_to_pose.hamnosys.handshapes import Digit, FingerPart
    from text_to_pose.hamnosys.movements import Target
    from text_to_pose.hamnosys.symbols import Symbols

_HAND = {*HAND_PARTS, *FINGER_PARTS, *DIGITS}
_PLACES = {*BODY_SITES, *_HAND, *SIDES}
_SURFACES = {each.value: each for each in Surface}
_BEFORE = {"lrbeside": Side.LEFT_BESIDE, "lrat": Side.LEFT}
_BEHIND = {"lrbeside": Side.RIGHT_BESIDE, "lrat": Side.RIGHT}


def begins_target(symbols: Symbols) -> bool:
    """Whether a place, a contact or a pair of places comes next."""
    first = symbols.peek()
    if first in _PLACES or first in CONTACTS or first == "behind":
        return True
    return symbols.peek(1) in (CONTACTS if first == "seqbegin" else _PLACES if first == "parbegin" else ())


def parse_target(symbols: Symbols) -> Target:
    """A location, one for each hand, or a constellation.

    Raises:
        UserError: none of them.
    """
    if symbols.peek() == "parbegin":
        pair = _pair(symbols)
        if _begins_contact(symbols) or symbols.peek() == "behind":
            return _constellation(symbols, pair)
        return pair
    if _begins_contact(symbols) or symbols.peek() == "behind":
        return _constellation(symbols, None)
    location = parse_location(symbols)
    on_hand = isinstance(location.place, HandPlace)
    if on_hand and location.contact is not None and location.contact.by is None and _begins_body_place(symbols):
        # The same part of both hands, and where they are.
        bare = Location(location.place, location.between)
        where = _where(symbols)
        return Constellation(Pair(bare, bare), location.contact, location.behind, where)
    return location


def parse_location(symbols: Symbols) -> Location:
    """A place, or the middle between two, and the contact there."""
    place = parse_place(symbols)
    between = parse_place(symbols) if symbols.take("between") else None
    behind = symbols.take("behind")
    return Location(place, between, behind, _contact(symbols) if _begins_contact(symbols) else None)


def parse_place(symbols: Symbols) -> BodyPlace | HandPlace:
    """A place with its side: the mark of the side stands before it for left, behind it for right.

    Raises:
        UserError: no place is next, or marks on both sides of it.
    """
    side = symbols.take_of(_BEFORE)
    site = symbols.take_of(BODY_SITES)
    if site is None and symbols.peek() not in _HAND:
        raise symbols.error("a place on the body, the arm or the hand")
    mark = symbols.take_of(BENDS) if site is not None else None
    part = finger_part = surface = None
    fingers: tuple[Digit, ...] = ()
    if site is None:
        part, finger_part, fingers = _hand_place(symbols)
        if part in {HandPart.PALM, HandPart.BACK} and fingers:
            part, surface = None, _SURFACES[part.value]
    surface = surface or symbols.take_of(_SURFACES)
    if side is not None and symbols.peek() in SIDES:
        raise symbols.error("no second mark of a side: one stands before the place for left, or behind it for right")
    side = side or symbols.take_of(_BEHIND)
    if site is not None:
        return BodyPlace(site, side, surface, mark, symbols.take("etc"))
    return HandPlace(part, finger_part, fingers, side, surface)


def _hand_place(symbols: Symbols) -> tuple[HandPart | None, FingerPart | None, tuple[Digit, ...]]:
    """A part of the hand, or a part of fingers before or behind the fingers' names."""
    fingers = _fingers(symbols)
    part = symbols.take_of(HAND_PARTS)
    finger_part = symbols.take_of(FINGER_PARTS) if part is None else None
    if not fingers and finger_part is not None:
        fingers = _fingers(symbols)
    return part, finger_part, fingers


def _fingers(symbols: Symbols) -> tuple[Digit, ...]:
    fingers: list[Digit] = []
    while (digit := symbols.take_of(DIGITS)) is not None:
        fingers.append(digit)
    return tuple(fingers)


def _begins_contact(symbols: Symbols) -> bool:
    return symbols.peek() in CONTACTS or (symbols.peek() == "seqbegin" and symbols.peek(1) in CONTACTS)


def _contact(symbols: Symbols) -> Contact:
    """A contact symbol, or `[contact by what]`."""
    if not symbols.take("seqbegin"):
        kind = symbols.take_of(CONTACTS)
        assert kind is not None  # the caller has looked
        return Contact(kind)
    symbols.open_bracket()
    kind = symbols.take_of(CONTACTS)
    if kind is None:
        raise symbols.error("a contact symbol")
    by = parse_location(symbols) if symbols.peek() in _PLACES else None
    symbols.close_bracket("seqend")
    return Contact(kind, by)


def _pair(symbols: Symbols) -> Pair[Location]:
    """`{dominant + non-dominant}`."""
    symbols.take("parbegin")
    symbols.open_bracket()
    dominant = parse_location(symbols)
    symbols.expect("plus", "and the non-dominant hand's place, in brackets that begin with a place")
    nondominant = parse_location(symbols)
    symbols.close_bracket("parend")
    return Pair(dominant, nondominant)


def _constellation(symbols: Symbols, hands: Pair[Location] | None) -> Constellation:
    behind = symbols.take("behind")
    contact = _contact(symbols) if _begins_contact(symbols) else None
    return Constellation(hands, contact, behind, _where(symbols))


def _begins_body_place(symbols: Symbols) -> bool:
    return symbols.peek(1 if symbols.peek() in SIDES else 0) in BODY_SITES


def _where(symbols: Symbols) -> Location | Pair[Location] | None:
    if _begins_body_place(symbols):
        return parse_location(symbols)
    ahead = 2 if symbols.peek(1) in SIDES else 1
    if symbols.peek() == "parbegin" and symbols.peek(ahead) in BODY_SITES:
        return _pair(symbols)
    return None
