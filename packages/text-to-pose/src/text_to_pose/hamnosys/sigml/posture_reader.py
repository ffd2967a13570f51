"""`handconfig` and `split_handconfig`: handshape and orientation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from text_to_pose.hamnosys.handshapes import BaseShape, Digit, FingerBend, FingerContact, Handshape
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.postures import FingerDirection, Palm, Posture
from text_to_pose.hamnosys.sigml.attributes import Attributes
from text_to_pose.hamnosys.sigml.vocabulary import (
    CEE_OPENINGS,
    DIGITS,
    FINGER_PARTS,
    FORMS,
    SUCCESSIONS,
    THUMBS,
)

if TYPE_CHECKING:
    from text_to_pose.hamnosys.movements import Growth
    from text_to_pose.hamnosys.sigml.elements import Element

HANDCONFIGS = {"handconfig", "split_handconfig"}


def read_posture(elements: list[Element]) -> tuple[Posture, Growth | None]:
    """What several `handconfig` say together, and in which order the fingers change.

    Raises:
        UserError: they contradict each other, or one is malformed.
    """
    posture, growth = Posture(), None
    for element in elements:
        if element.tag == "handconfig":
            part, grows = _handconfig(element)
            growth = growth or grows
        else:
            part = _split(element)
        for name in ("handshape", "direction", "palm"):
            if getattr(part, name) is not None and getattr(posture, name) is not None:
                raise element.error(f"<{element.tag}> gives the {name} a second time")
        posture = Posture(
            posture.handshape or part.handshape, posture.direction or part.direction, posture.palm or part.palm
        )
    return posture, growth


def _split(element: Element) -> Posture:
    element.has_children(2)
    (dominant, grows), (nondominant, grows_too) = (_handconfig(child) for child in element.children)
    if grows or grows_too:
        raise element.error("<split_handconfig> has fingers that change one by one (successivefingers)")
    pairs = [
        Pair(a, b) if a is not None or b is not None else None
        for a, b in (
            (dominant.handshape, nondominant.handshape),
            (dominant.direction, nondominant.direction),
            (dominant.palm, nondominant.palm),
        )
    ]
    return Posture(*pairs)  # ty: ignore[invalid-argument-type]


def _handconfig(element: Element) -> tuple[Posture, Growth | None]:
    if element.tag != "handconfig":
        raise element.error(f"<{element.tag}> where <handconfig> is expected")
    element.has_children(0)
    attributes = Attributes(element)
    growth = attributes.choice("successivefingers", SUCCESSIONS)
    posture = Posture(_handshape(attributes), _finger_direction(attributes), _palm(attributes))
    attributes.finish()
    return posture, growth


def _finger_direction(attributes: Attributes) -> FingerDirection | None:
    direction, between = attributes.direction("extfidir")
    if direction is None:
        return None
    relative, approximate = attributes.flag("rel_extfidir"), attributes.flag("approx_extfidir")
    return FingerDirection(direction, between, relative, approximate)


def _palm(attributes: Attributes) -> Palm | None:
    direction, between = attributes.direction("palmor")
    if direction is None:
        return None
    flags = {name: attributes.flag(f"{short}_palmor") for name, short in _PALM_FLAGS.items()}
    return Palm(direction, between, **flags)


_PALM_FLAGS = {"relative": "rel", "absolute": "abs", "approximate": "approx"}


def _handshape(attributes: Attributes) -> Handshape | None:
    if "handshape" not in attributes.left:
        return None
    base, between = _base(attributes, ""), _base(attributes, "second_")
    assert base is not None  # there is a handshape
    bends = tuple(
        FingerBend(digit, bend) for digit in Digit if (bend := attributes.bend(f"bend{digit.number}")) is not None
    )
    contacts = tuple(contact for tag in ("", "second_") if (contact := _contact(attributes, tag)) is not None)
    between_digits = attributes.digits("thumbbetween")
    if len(between_digits) not in {0, 2}:
        raise attributes.element.error("<handconfig> has thumbbetween for other than two fingers")
    return Handshape(
        base,
        between,
        thumb_contact=attributes.choice("thumbcontact", FINGER_PARTS),
        bends=bends,
        contacts=contacts,
        fingers=attributes.digits("specialfingers"),
        opposed=attributes.digits("opposedfinger"),
        exempt=attributes.digits("exempteddigits"),
        thumb_between=(between_digits[0], between_digits[1]) if between_digits else None,
        thumb_enclosed=attributes.flag("thumbenclosed"),
        approximate=attributes.flag("approx_shape"),
    )


def _base(attributes: Attributes, tag: str) -> BaseShape | None:
    """The first shape, or the second, whose form may be left out where it is the first one's."""
    form = attributes.choice(f"{tag}handshape", FORMS)
    thumb = attributes.choice(f"{tag}thumbpos", THUMBS)
    thumb = attributes.choice(f"{tag}ceeopening", CEE_OPENINGS) or thumb
    bend = attributes.bend(f"{tag}mainbend")
    if form is None and (thumb is not None or bend is not None):
        form = FORMS[attributes.element.attributes["handshape"]]
    return BaseShape(form, thumb, bend) if form is not None else None


def _contact(attributes: Attributes, tag: str) -> FingerContact | None:
    pair = attributes.text(f"{tag}contactpair")
    part = attributes.choice(f"{tag}contactkind", FINGER_PARTS)
    if pair is None and part is None:
        return None
    if pair is None or part is None or len(pair) != 2 or not set(pair) <= set(DIGITS):
        element = attributes.element
        raise element.error(f"<handconfig> has {tag}contactpair={pair!r}: expected two digits, and {tag}contactkind")
    return FingerContact(DIGITS[pair[0]], part, DIGITS[pair[1]])
