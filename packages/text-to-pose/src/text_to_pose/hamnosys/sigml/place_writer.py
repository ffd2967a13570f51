"""Locations and constellations to elements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.places import BodyPlace, BodySite, Constellation, Location
from text_to_pose.hamnosys.sigml.posture_writer import digits_text
from text_to_pose.hamnosys.sigml.unwritable import no_attribute
from text_to_pose.hamnosys.sigml.vocabulary import (
    BODY_SITES,
    CONTACTS,
    FINGER_PARTS,
    HAND_PARTS,
    SIDES,
    SURFACES,
    name_of,
)
from text_to_pose.hamnosys.sigml.written import Node, flags

if TYPE_CHECKING:
    from text_to_pose.hamnosys.movements import Target
    from text_to_pose.hamnosys.places import HandPlace


def target_node(target: Target) -> Node:
    """The element of a location, of one for each hand, or of a constellation.

    Raises:
        UserError: SiGML has no attribute for it.
    """
    if isinstance(target, Location):
        return location_node(target)
    if isinstance(target, Pair):
        hands = [each for each in (target.dominant, target.nondominant) if each is not None]
        if target.dominant is None:
            raise no_attribute("a place of the non-dominant hand alone")
        return Node("split_location", {}, [location_node(each) for each in hands])
    return _constellation(target)


def _constellation(constellation: Constellation) -> Node:
    node = Node("handconstellation")
    contact = constellation.contact
    if constellation.behind or (contact is not None and contact.by is not None):
        raise no_attribute("a constellation that is behind, or touched with a part of the hand")
    if contact is not None:
        node.attributes["contact"] = name_of(CONTACTS, contact.kind)
    if constellation.hands is not None:
        if constellation.hands.dominant is None or constellation.hands.nondominant is None:
            raise no_attribute("a constellation of which one hand's part is not said")
        for hand in (constellation.hands.dominant, constellation.hands.nondominant):
            node.children.append(location_node(hand, on_hand=True))
    if constellation.location is not None:
        where = target_node(constellation.location)
        if where.tag == "location_hand":
            raise no_attribute("a constellation on a hand")
        node.children.append(where)
    return node


def location_node(location: Location, *, on_hand: bool = False) -> Node:
    """The element of a place and its contact.

    Args:
        location: the place.
        on_hand: it stands where a part of the hand is expected.

    Raises:
        UserError: SiGML has no attribute for it.
    """
    body = isinstance(location.place, BodyPlace)
    if on_hand and isinstance(location.place, BodyPlace) and location.place.site is BodySite.NEUTRAL_SPACE:
        raise no_attribute("neutral space where a part of the hand is expected")
    node = Node("location_bodyarm" if body and not on_hand else "location_hand", _place(location.place, ""))
    if location.between is not None:
        if isinstance(location.between, BodyPlace) != body:
            raise no_attribute("a place between the body and the hand")
        node.attributes |= _place(location.between, "second_")
    node.attributes |= flags({"behind": location.behind})
    if location.contact is not None:
        node.attributes["contact"] = name_of(CONTACTS, location.contact.kind)
        if location.contact.by is not None:
            node.children.append(location_node(location.contact.by, on_hand=True))
    return node


def _place(place: BodyPlace | HandPlace, tag: str) -> dict[str, str]:
    attributes: dict[str, str] = {}
    if isinstance(place, BodyPlace):
        if place.mark is not None:
            raise no_attribute(f"the mark ham{place.mark.value} behind a place")
        if place.site is not BodySite.NEUTRAL_SPACE:
            attributes[f"{tag}location"] = name_of(BODY_SITES, place.site)
        elif tag:
            raise no_attribute("a place halfway to neutral space")
    else:
        if place.part is not None:
            attributes[f"{tag}location"] = name_of(HAND_PARTS, place.part)
        if place.finger_part is not None:
            attributes[f"{tag}location"] = name_of(FINGER_PARTS, place.finger_part)
        if place.fingers:
            attributes[f"{tag}digits"] = digits_text(place.fingers)
    if place.side is not None and place.surface is not None:
        raise no_attribute("a side and a surface of one place")
    if place.side is not None:
        attributes[f"{tag}side"] = name_of(SIDES, place.side)
    if place.surface is not None:
        attributes[f"{tag}side"] = name_of(SURFACES, place.surface)
    return attributes | flags({f"{tag}approx_location": isinstance(place, BodyPlace) and place.approximate})
