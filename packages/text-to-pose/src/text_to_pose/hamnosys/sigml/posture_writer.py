"""Handshape and orientation to `handconfig` and `split_handconfig`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from text_to_pose.hamnosys.handshapes import Bend
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.sigml.unwritable import no_attribute
from text_to_pose.hamnosys.sigml.vocabulary import (
    BENDS,
    CEE_OPENINGS,
    FINGER_PARTS,
    FORMS,
    SUCCESSIONS,
    THUMBS,
    name_of,
)
from text_to_pose.hamnosys.sigml.written import Node, flags

if TYPE_CHECKING:
    from text_to_pose.hamnosys.handshapes import BaseShape, Digit, Handshape, JointBend
    from text_to_pose.hamnosys.movements import Growth
    from text_to_pose.hamnosys.postures import FingerDirection, Palm, Posture


def posture_nodes(posture: Posture, growth: Growth | None = None) -> list[Node]:
    """One element for the handshape, one for both orientations, or one for each where the hands differ in one.

    Raises:
        UserError: SiGML has no attribute for it.
    """
    succession = {"successivefingers": name_of(SUCCESSIONS, growth)} if growth is not None else {}
    if growth is not None and (posture.handshape is None or isinstance(posture.handshape, Pair)):
        raise no_attribute("fingers that change one by one without a handshape of one hand")
    nodes = []
    if posture.handshape is not None:
        nodes.append(_node([(posture.handshape, _handshape)], succession))
    orientation = [(part, _orientation) for part in (posture.direction, posture.palm) if part is not None]
    if len({isinstance(part, Pair) for part, _ in orientation}) == 1:
        return [*nodes, _node(orientation)]
    return nodes + [_node([part]) for part in orientation]


def _node(parts: list, extra: dict[str, str] | None = None) -> Node:
    """Parts that are all of one hand, or all of both."""
    if not isinstance(parts[0][0], Pair):
        return Node("handconfig", _attributes(parts) | (extra or {}))
    dominant = _attributes([(pair.dominant, write) for pair, write in parts])
    nondominant = _attributes([(pair.nondominant, write) for pair, write in parts])
    return Node("split_handconfig", {}, [Node("handconfig", dominant), Node("handconfig", nondominant)])


def _attributes(parts: list) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for part, write in parts:
        attributes |= write(part) if part is not None else {}
    return attributes


def _orientation(part: FingerDirection | Palm) -> dict[str, str]:
    short = "palmor" if hasattr(part, "absolute") else "extfidir"
    attributes = {short: part.direction.value}
    if part.between is not None:
        attributes[f"second_{short}"] = part.between.value
    marks = {"rel": part.relative, "abs": getattr(part, "absolute", False), "approx": part.approximate}
    return attributes | flags({f"{mark}_{short}": there for mark, there in marks.items()})


def _handshape(shape: Handshape) -> dict[str, str]:
    if shape.base is None:
        raise no_attribute("any handshape (hamnondominant hametc)")
    attributes = _base(shape.base, "")
    if shape.between is not None:
        attributes |= _base(shape.between, "second_")
    for each in shape.bends:
        attributes[f"bend{each.finger.number}"] = _bend(each.bend)
    for tag, contact in zip(("", "second_"), shape.contacts, strict=False):
        if contact.second_part is not None:
            raise no_attribute("a contact of fingers by parts of both")
        attributes[f"{tag}contactpair"] = f"{contact.first.number}{contact.second.number}"
        attributes[f"{tag}contactkind"] = name_of(FINGER_PARTS, contact.part)
    if len(shape.contacts) > 2:  # the attributes that there are
        raise no_attribute("more than two contacts of fingers")
    digits = {
        "specialfingers": shape.fingers,
        "opposedfinger": shape.opposed,
        "exempteddigits": shape.exempt,
        "thumbbetween": shape.thumb_between or (),
    }
    attributes |= {name: digits_text(some) for name, some in digits.items() if some}
    if shape.thumb_contact is not None:
        attributes["thumbcontact"] = name_of(FINGER_PARTS, shape.thumb_contact)
    return attributes | flags({"thumbenclosed": shape.thumb_enclosed, "approx_shape": shape.approximate})


def _base(base: BaseShape, tag: str) -> dict[str, str]:
    attributes = {f"{tag}handshape": name_of(FORMS, base.form)}
    if base.thumb is not None and base.form.is_cee and base.thumb in CEE_OPENINGS.values():
        attributes[f"{tag}ceeopening"] = name_of(CEE_OPENINGS, base.thumb)
    elif base.thumb is not None:
        attributes[f"{tag}thumbpos"] = name_of(THUMBS, base.thumb)
    if base.bend is not None:
        attributes[f"{tag}mainbend"] = _bend(base.bend)
    return attributes


def _bend(bend: Bend | JointBend) -> str:
    if isinstance(bend, Bend):
        return name_of(BENDS, bend)
    if all(joint == int(joint) for joint in bend.joints):
        return "".join(f"{joint:.0f}" for joint in bend.joints)
    return "".join(f"{joint:.1f}" for joint in bend.joints)


def digits_text(digits: tuple[Digit, ...]) -> str:
    """Fingers by number: "23"."""
    return "".join(str(digit.number) for digit in digits)
