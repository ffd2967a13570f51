"""Handshapes and orientation to symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

from text_to_pose.hamnosys.directions import COMPASS, STRAIGHT, corner_parts
from text_to_pose.hamnosys.handshapes import Bend, Handshape
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.postures import FingerDirection, Palm, Posture
from text_to_pose.hamnosys.unwritable import no_symbol

if TYPE_CHECKING:
    from text_to_pose.hamnosys.directions import Direction
    from text_to_pose.hamnosys.handshapes import BaseShape, Digit, JointBend


def posture_symbols(posture: Posture) -> list[str]:
    """What differs between the hands is in brackets, together where it stands together."""
    handshape, direction, palm = posture.handshape, posture.direction, posture.palm
    groups: list[list[object]] = []
    for part in (handshape, direction, palm):
        if part is None:
            continue
        if groups and isinstance(part, Pair) and isinstance(groups[-1][-1], Pair):
            groups[-1].append(part)
        else:
            groups.append([part])
    return [name for group in groups for name in _group(group)]


def _group(group: list[object]) -> list[str]:
    if not isinstance(group[0], Pair):
        return _part(group[0], nondominant=False)
    hands = []
    for nondominant in (False, True):
        parts = [pair.nondominant if nondominant else pair.dominant for pair in group if isinstance(pair, Pair)]
        hands.append(
            [name for part in parts if part is not None for name in _part(part, nondominant=nondominant)]
            or ["nomotion"]
        )
    return ["parbegin", *hands[0], "plus", *hands[1], "parend"]


def _part(part: object, *, nondominant: bool) -> list[str]:
    if isinstance(part, Handshape):
        return _handshape(part, nondominant=nondominant)
    if isinstance(part, FingerDirection):
        return _finger_direction(part)
    assert isinstance(part, Palm)
    return _palm(part)


def _finger_direction(finger_direction: FingerDirection) -> list[str]:
    names = _direction(finger_direction.direction)
    if finger_direction.between is not None:
        names += ["between", *_direction(finger_direction.between)]
    return names + ["orirelative"] * finger_direction.relative + ["etc"] * finger_direction.approximate


def _direction(direction: Direction) -> list[str]:
    parts = (direction,) if direction in STRAIGHT else corner_parts(direction)
    return [f"extfinger{part.value}" for part in parts]


def _palm(palm: Palm) -> list[str]:
    names: list[str] = []
    for direction in (palm.direction, palm.between):
        if direction is None:
            continue
        if palm.absolute or direction not in COMPASS:
            raise no_symbol(f"the palm orientation {direction.value!r}{' (absolute)' * palm.absolute}")
        names += ["between"] * bool(names) + [f"palm{direction.value}"]
    return names + ["orirelative"] * palm.relative + ["etc"] * palm.approximate


def _handshape(shape: Handshape, *, nondominant: bool) -> list[str]:
    if shape.base is None:
        if not nondominant:
            raise no_symbol("any handshape of the dominant hand")
        return ["nondominant", "etc"]
    names = _base(shape.base)
    if shape.between is not None:
        names += ["between", *_base(shape.between)]
    if shape.thumb_contact is not None:
        names.append(shape.thumb_contact.value)
    for each in shape.bends:
        names += [each.finger.value, bend_symbol(each.bend)]
    for contact in shape.contacts:
        names += [contact.first.value, contact.part.value, contact.second.value]
        names += [contact.second_part.value] if contact.second_part is not None else []
    for digit in shape.fingers:
        names += [digit.value] + ["largemod"] * (digit in shape.opposed)
    names += _digits(shape.exempt)
    if shape.thumb_between is not None:
        names += [shape.thumb_between[0].value, "between", shape.thumb_between[1].value]
    return names + ["between"] * shape.thumb_enclosed + ["etc"] * shape.approximate


def _base(base: BaseShape) -> list[str]:
    thumb = [base.thumb.value] if base.thumb is not None else []
    return [base.form.value, *thumb, *([bend_symbol(base.bend)] if base.bend is not None else [])]


def bend_symbol(bend: Bend | JointBend) -> str:
    """The symbol's name.

    Raises:
        UserError: it is one of joints, which SiGML alone has.
    """
    if not isinstance(bend, Bend):
        raise no_symbol(f"the bend {bend.joints} of single joints")
    return bend.value


def _digits(digits: tuple[Digit, ...]) -> list[str]:
    return [digit.value for digit in digits]
