"""`location_bodyarm`, `location_hand`, `split_location` and `handconstellation`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.places import (
    BodyPlace,
    BodySite,
    Constellation,
    Contact,
    HandPart,
    HandPlace,
    Location,
    Surface,
)
from text_to_pose.hamnosys.sigml.attributes import Attributes
from text_to_pose.hamnosys.sigml.vocabulary import (
    BODY_SITES,
    CONTACTS,
    FINGER_PARTS,
    HAND_PARTS,
    SIDES,
    SURFACES,
)

if TYPE_CHECKING:
    from text_to_pose.hamnosys.movements import Target
    from text_to_pose.hamnosys.sigml.elements import Element

LOCATIONS = {"location_bodyarm", "location_hand"}
TARGETS = {*LOCATIONS, "split_location", "handconstellation"}


def read_target(element: Element) -> Target | None:
    """One of the elements that say where the hands are; None, and a notice: it names no place.

    Raises:
        UserError: it is malformed.
    """
    if element.tag == "split_location":
        Attributes(element).finish()
        element.has_children(1, 2)
        places = [read_location(child) for child in element.children]
        return Pair(places[0], places[1] if len(places) > 1 else None)
    if element.tag == "handconstellation":
        return _constellation(element)
    return read_location(element)


def _constellation(element: Element) -> Constellation:
    attributes = Attributes(element)
    contact = attributes.choice("contact", CONTACTS)
    attributes.finish()
    hands = [child for child in element.children if child.tag == "location_hand"]
    where = [child for child in element.children if child.tag != "location_hand"]
    if len(hands) not in {0, 2} or len(where) > 1:
        raise element.error("<handconstellation> holds other than two <location_hand>, or none, and one location")
    places = [read_location(hand) for hand in hands]
    pair = Pair(places[0], places[1]) if hands else None
    location = read_target(where[0]) if where else None  # of one hand or, as HamNoSys may have it, of each
    if isinstance(location, Constellation):
        raise element.error("<handconstellation> holds another")
    return Constellation(pair, Contact(contact) if contact is not None else None, location=location)


def read_location(element: Element) -> Location | None:
    """A place with its contact, and in a child the part of the hand that is there; None, and a notice: no place.

    Raises:
        UserError: it is malformed.
    """
    if element.tag not in LOCATIONS:
        raise element.error(f"<{element.tag}> where a location is expected")
    attributes = Attributes(element)
    place = _place(attributes, "", body=element.tag == "location_bodyarm")
    between = _place(attributes, "second_", body=element.tag == "location_bodyarm")
    behind = attributes.flag("behind")
    kind = attributes.choice("contact", CONTACTS)
    attributes.finish()
    element.has_children(0, 1)
    by = read_location(element.children[0]) if element.children else None
    if element.children and kind is None:
        raise element.error(f"<{element.tag}> holds <{element.children[0].tag}> without saying which contact")
    contact = Contact(kind, by) if kind is not None else None
    if place is None and element.tag == "location_hand":
        element.notify("<location_hand> names no place; it is left out")
        return None
    return Location(place or BodyPlace(BodySite.NEUTRAL_SPACE), between, behind, contact)


def _place(attributes: Attributes, tag: str, *, body: bool) -> BodyPlace | HandPlace | None:
    """A place, or with `second_` before its attributes the second, which may be another side of the first."""
    kinds = {**BODY_SITES, **HAND_PARTS, **FINGER_PARTS}
    site = attributes.choice(f"{tag}location", BODY_SITES if body else kinds)
    fingers = attributes.digits(f"{tag}digits")
    where = attributes.choice(f"{tag}side", {**SIDES, **SURFACES})
    side, surface = (None, where) if isinstance(where, Surface) else (where, None)
    approximate = attributes.flag(f"{tag}approx_location")
    if site is None and tag and not fingers and where is not None:
        site = kinds.get(attributes.element.attributes.get("location", ""))
    if site is None and body and not tag and (where is not None or approximate):
        site = BodySite.NEUTRAL_SPACE
    if isinstance(site, BodySite):
        return BodyPlace(site, side, surface, approximate=approximate)
    if site is None and not fingers:
        return None
    if site in {HandPart.PALM, HandPart.BACK} and fingers and surface is None:
        return HandPlace(None, None, fingers, side, Surface(site.value))
    if isinstance(site, HandPart):
        return HandPlace(site, None, fingers, side, surface)
    return HandPlace(None, site, fingers, side, surface)
