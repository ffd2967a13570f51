"""The parts of a tree in English words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from text_to_pose.hamnosys.handshapes import Bend, Digit, FingerPart, Form, Thumb
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.places import (
    BodyPlace,
    BodySite,
    Constellation,
    ContactKind,
    HandPart,
    HandPlace,
    Side,
    Surface,
)

if TYPE_CHECKING:
    import enum
    from collections.abc import Sequence

    from text_to_pose.hamnosys.directions import Direction
    from text_to_pose.hamnosys.handshapes import BaseShape, Handshape, JointBend
    from text_to_pose.hamnosys.movements import Target
    from text_to_pose.hamnosys.places import Contact, Location
    from text_to_pose.hamnosys.postures import FingerDirection, Palm

FORMS = {
    Form.FIST: "fist",
    Form.FLAT: "flat hand",
    Form.FINGER2: "index finger extended",
    Form.FINGER23: "index and middle finger extended, together",
    Form.FINGER23_SPREAD: "index and middle finger extended, spread",
    Form.FINGER2345: "open hand, fingers spread",
    Form.PINCH12: "thumb and index finger pinched",
    Form.PINCH_ALL: "thumb and all fingers pinched",
    Form.PINCH12_OPEN: "thumb and index finger pinched, other fingers extended",
    Form.CEE12: "thumb and index finger in a C",
    Form.CEE_ALL: "thumb and all fingers in a C",
    Form.CEE12_OPEN: "thumb and index finger in a C, other fingers extended",
}
THUMBS = {Thumb.OUT: "thumb out", Thumb.ACROSS: "thumb across", Thumb.OPPOSED: "thumb opposed"}
OPENINGS = {Thumb.ACROSS: "nearly closed", Thumb.OPPOSED: "wide open", Thumb.OUT: "thumb out"}
BENDS = {
    Bend.BENT: "bent at the knuckles",
    Bend.ROUND: "rounded",
    Bend.HOOKED: "hooked",
    Bend.DOUBLE_BENT: "bent at the knuckles and middle joints",
    Bend.DOUBLE_HOOKED: "bent at all joints",
}
DIGITS = {
    Digit.THUMB: "thumb",
    Digit.INDEX: "index finger",
    Digit.MIDDLE: "middle finger",
    Digit.RING: "ring finger",
    Digit.PINKY: "pinky",
}
FINGER_PARTS = {
    FingerPart.TIP: "tip",
    FingerPart.NAIL: "nail",
    FingerPart.PAD: "pad",
    FingerPart.MID_JOINT: "middle joint",
    FingerPart.BASE: "base",
    FingerPart.SIDE: "side",
}
HAND_PARTS = {
    HandPart.WRIST_BACK: "wrist",
    HandPart.WRIST_PULSE: "inside of the wrist",
    HandPart.THUMB_BALL: "ball of the thumb",
    HandPart.PALM: "palm",
    HandPart.BACK: "back of the hand",
    HandPart.THUMB_SIDE: "thumb side of the hand",
    HandPart.PINKY_SIDE: "pinky side of the hand",
}
SITES = {
    BodySite.HEAD_TOP: "top of the head",
    BodySite.SHOULDER_TOP: "top of the shoulder",
    BodySite.SHOULDERS: "shoulder line",
    BodySite.UNDER_CHIN: "underside of the chin",
    BodySite.BELOW_STOMACH: "lower belly",
    BodySite.NEUTRAL_SPACE: "space in front of the body",
    BodySite.UPPER_ARM: "upper arm",
    BodySite.ELBOW_INSIDE: "inside of the elbow",
    BodySite.LOWER_ARM: "forearm",
}
SIDES = {
    Side.LEFT_BESIDE: "left beside the {}",
    Side.LEFT: "the {}, left side",
    Side.RIGHT: "the {}, right side",
    Side.RIGHT_BESIDE: "right beside the {}",
    Side.FRONT: "the {}, front",
}
CONTACTS = {
    ContactKind.CLOSE: "close",
    ContactKind.TOUCH: "touching",
    ContactKind.INTERLOCK: "interlocked",
    ContactKind.CROSS: "crossed",
    ContactKind.ARM_EXTENDED: "arm extended",
}
SURFACES = {Surface.PALMAR: "palm side", Surface.DORSAL: "back side"}
_LETTERS = {"u": "up", "d": "down", "l": "left", "r": "right", "o": "out", "i": "in"}


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def direction(first: Direction, between: Direction | None = None) -> str:
    """`up and out`; `halfway between up and out`."""
    words = listed([_LETTERS[letter] for letter in first.value])
    return words if between is None else f"halfway between {words.replace(' and ', '-')} and {_hyphened(between)}"


def _hyphened(one: Direction) -> str:
    return "-".join(_LETTERS[letter] for letter in one.value)


def bend(how: Bend | JointBend) -> str:
    """`bent at the knuckles`."""
    if isinstance(how, Bend):
        return BENDS[how]
    return "joints bent by {:.0%}, {:.0%} and {:.0%}".format(*(joint / 4 for joint in how.joints))


def digits(some: Sequence[Digit]) -> str:
    """`index finger and pinky`."""
    return listed([DIGITS[digit] for digit in some])


def _base(base: BaseShape) -> str:
    words = [FORMS[base.form]]
    if base.thumb is not None:
        words.append((OPENINGS if base.form.is_cee else THUMBS)[base.thumb])
    if base.bend is not None:
        words.append(bend(base.bend))
    return ", ".join(words)


def handshape(shape: Handshape) -> str:
    """`flat hand, thumb out, bent at the knuckles; pinky instead of its own fingers`."""
    if shape.base is None:
        return "any"
    words = [_base(shape.base)]
    if shape.between is not None:
        words = [f"halfway between ({words[0]}) and ({_base(shape.between)})"]
    words += [f"{DIGITS[each.finger]} {bend(each.bend)}" for each in shape.bends]
    for contact in shape.contacts:
        at = f"the {FINGER_PARTS[contact.second_part]} of the " if contact.second_part is not None else "the "
        part = FINGER_PARTS[contact.part]
        words.append(f"{part} of the {DIGITS[contact.first]} at {at}{DIGITS[contact.second]}")
    if shape.fingers:
        words.append(f"with {digits(shape.fingers)}")
    if shape.opposed:
        words.append(f"{digits(shape.opposed)} opposed to the thumb")
    if shape.exempt:
        words.append(f"{digits(shape.exempt)} not bent")
    if shape.thumb_between is not None:
        words.append(f"thumb between {digits(shape.thumb_between)}")
    if shape.thumb_enclosed:
        words.append("thumb enclosed by the fingers")
    if shape.thumb_contact is not None:
        words.append(f"thumb at the {FINGER_PARTS[shape.thumb_contact]} of the fingers")
    return ("about " if shape.approximate else "") + "; ".join(words)


def orientation(one: FingerDirection | Palm) -> str:
    """`up and out`, with what is special about it."""
    marks = [mark for mark in ("relative", "absolute", "approximate") if getattr(one, mark, False)]
    named = {"relative": "turning with the movement", "absolute": "whatever the fingers do", "approximate": "about"}
    return ", ".join([direction(one.direction, one.between), *(named[mark] for mark in marks)])


def place(one: BodyPlace | HandPlace) -> str:
    """`the chest, right side`; `the tip of the thumb`."""
    if isinstance(one, BodyPlace):
        name = SITES.get(one.site, one.site.value)
    else:
        parts = [FINGER_PARTS[one.finger_part]] if one.finger_part is not None else []
        parts += [HAND_PARTS[one.part]] if one.part is not None else []
        parts += [digits(one.fingers)] if one.fingers else ["fingers"] * (one.finger_part is not None)
        name = " of the ".join(parts)
    words = SIDES[one.side].format(name) if one.side is not None else f"the {name}"
    words += f", {SURFACES[one.surface]}" if one.surface is not None else ""
    if isinstance(one, BodyPlace) and one.mark is not None:
        words += f" (with the mark ham{one.mark.value})"
    return words + " (about)" * (isinstance(one, BodyPlace) and one.approximate)


def _contact(contact: Contact) -> str:
    return CONTACTS[contact.kind] + (f" with {location(contact.by)}" if contact.by is not None else "")


def location(one: Location) -> str:
    """`the chest, right side, touching with the tip of the thumb`."""
    words = place(one.place)
    words = words if one.between is None else f"between {words} and {place(one.between)}"
    words = f"behind {words}" if one.behind else words
    return words if one.contact is None else f"{words}, {_contact(one.contact)}"


def target(one: Target) -> str:
    """Where the hands are."""
    if isinstance(one, Pair):
        return for_hands([location(each) if each is not None else None for each in (one.dominant, one.nondominant)])
    if not isinstance(one, Constellation):
        return location(one)
    words = []
    if one.hands is not None and one.hands.dominant is not None and one.hands.dominant == one.hands.nondominant:
        words.append(f"both hands at {location(one.hands.dominant)}")
    elif one.hands is not None:
        words.append(target(one.hands))
    words += ["one behind the other"] if one.behind else []
    words += [_contact(one.contact)] if one.contact is not None else []
    words += [f"at {target(one.location)}"] if one.location is not None else []
    return ", ".join(words)


def for_hands(words: Sequence[str | None]) -> str:
    """Of the strong and of the weak hand."""
    if words[0] == words[1] and words[0]:
        return f"both hands {words[0]}"
    return "; ".join(f"{name} hand {each}" for name, each in zip(("strong", "weak"), words, strict=True) if each)


def small(each: enum.Enum | None) -> str:
    """A size before a noun: `small `, or nothing."""
    return "" if each is None else f"{each.name.lower()} "
