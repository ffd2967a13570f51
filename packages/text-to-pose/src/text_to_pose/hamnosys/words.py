"""The parts of a tree in English words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.directions import Direction
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
from text_to_pose.hamnosys.postures import FingerDirection
from text_to_pose.signing.placement.orientation import hand_rotation

if TYPE_CHECKING:
    import enum
    from collections.abc import Sequence

    from text_to_pose.hamnosys.handshapes import BaseShape, Handshape, JointBend
    from text_to_pose.hamnosys.movements import Target
    from text_to_pose.hamnosys.places import Contact, Location
    from text_to_pose.hamnosys.postures import Palm

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
    BodySite.SHOULDERS: "shoulders",
    BodySite.UNDER_CHIN: "underside of the chin",
    BodySite.BELOW_STOMACH: "lower belly",
    BodySite.NEUTRAL_SPACE: "space in front of the body",
    BodySite.UPPER_ARM: "upper arm",
    BodySite.ELBOW_INSIDE: "inside of the elbow",
    BodySite.LOWER_ARM: "forearm",
}
SIDES = {
    Side.LEFT_BESIDE: "left of the {}",
    Side.LEFT: "the left side of the {}",
    Side.RIGHT: "the right side of the {}",
    Side.RIGHT_BESIDE: "right of the {}",
    Side.FRONT: "the front of the {}",
}
CONTACTS = {
    ContactKind.CLOSE: "near {}",
    ContactKind.TOUCH: "touching {}",
    ContactKind.INTERLOCK: "interlocked with {}",
    ContactKind.CROSS: "crossing {}",
    ContactKind.ARM_EXTENDED: "at {}, arm stretched",
}
"""Of a hand, and the place that it is at."""
MEETINGS = {
    None: "held to each other",
    ContactKind.CLOSE: "near each other",
    ContactKind.TOUCH: "touching each other",
    ContactKind.INTERLOCK: "interlocked",
    ContactKind.CROSS: "crossed",
    ContactKind.ARM_EXTENDED: "with the arms stretched",
}
"""Of both hands."""
ENDS = {
    None: "until one hand is behind the other",
    ContactKind.CLOSE: "until near",
    ContactKind.TOUCH: "until there is contact",
    ContactKind.INTERLOCK: "until the hands interlock",
    ContactKind.CROSS: "until the hands cross",
    ContactKind.ARM_EXTENDED: "until the arm is stretched",
}
"""Of a movement that says how near it leads, and not where."""
SURFACES = {Surface.PALMAR: "palm side", Surface.DORSAL: "back side"}
_LETTERS = {
    "u": "up",
    "d": "down",
    "l": "left",
    "r": "right",
    "o": "away from the signer",
    "i": "towards the signer",
}
_ORDER = "udlroi"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def direction(first: Direction, between: Direction | None = None) -> str:
    """`up and away from the signer`; `halfway between (up) and (up and away from the signer)`."""
    words = listed([_LETTERS[letter] for letter in sorted(first.value, key=_ORDER.index)])
    return words if between is None else f"halfway between ({words}) and ({direction(between)})"


def bend(how: Bend | JointBend) -> str:
    """`bent at the knuckles`."""
    if isinstance(how, Bend):
        return BENDS[how]
    return "joints bent by {:.0%}, {:.0%} and {:.0%}".format(*(joint / 4 for joint in how.joints))


def digits(some: Sequence[Digit]) -> str:
    """`index finger and pinky`."""
    return listed([DIGITS[digit] for digit in some])


def _form(form: Form, fingers: Sequence[Digit]) -> str:
    """`index finger extended`; with other fingers in place of the form's own, `pinky extended`."""
    own = FORMS[form]
    if not fingers:
        return own
    named = digits(fingers)
    if form in {Form.FINGER2, Form.FINGER23, Form.FINGER23_SPREAD}:
        return f"{named} extended{', spread' * (form is Form.FINGER23_SPREAD and len(fingers) > 1)}"
    if form.is_pinch or form.is_cee:
        others = ", other fingers extended" * (form in {Form.PINCH12_OPEN, Form.CEE12_OPEN})
        return f"thumb and {named} {'pinched' if form.is_pinch else 'in a C'}{others}"
    return f"{own}, {named} extended" if form is Form.FIST else f"{own} of {named}"


def _base(base: BaseShape, fingers: Sequence[Digit] = ()) -> str:
    words = [_form(base.form, [digit for digit in fingers if digit is not Digit.THUMB])]
    if base.thumb is not None:
        words.append((OPENINGS if base.form.is_cee else THUMBS)[base.thumb])
    if base.bend is not None:
        words.append(bend(base.bend))
    if Digit.THUMB in fingers:
        words.append("with the thumb")
    return ", ".join(words)


def handshape(shape: Handshape) -> str:
    """`pinky extended, thumb out`; `flat hand; ring finger hooked`."""
    if shape.base is None:
        return "any"
    chosen = [digit for digit in shape.fingers if digit not in shape.opposed]
    words = [_base(shape.base, chosen)]
    if shape.between is not None:
        words = [f"halfway between ({words[0]}) and ({_base(shape.between, chosen)})"]
    words += [f"{DIGITS[each.finger]} {bend(each.bend)}" for each in shape.bends]
    for contact in shape.contacts:
        at = f"the {FINGER_PARTS[contact.second_part]} of the " if contact.second_part is not None else "the "
        part = FINGER_PARTS[contact.part]
        words.append(f"{part} of the {DIGITS[contact.first]} at {at}{DIGITS[contact.second]}")
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


def fingers(one: FingerDirection) -> str:
    """`up and away from the signer`, with what is special about it."""
    return _marked(direction(one.direction, one.between), one)


def palm(one: Palm, pointing: FingerDirection | None) -> str:
    """Where a palm faces, by the rule of `signing.placement.orientation`.

    Args:
        one: the palm orientation.
        pointing: where the fingers point; None: not said, and taken for away from the signer.
    """
    normal = hand_rotation(pointing or FingerDirection(Direction.O), one)[:, 2]
    # The body frame's first axis is to the left, a direction's to the right.
    seen = np.array([-normal[0], normal[1], normal[2]])
    nearest = max(Direction, key=lambda each: float(np.dot(each.vector, seen)))
    return _marked(direction(nearest), one)


def _marked(words: str, one: FingerDirection | Palm) -> str:
    named = {"relative": "turning with the movement", "approximate": "about"}
    return ", ".join([words, *(text for mark, text in named.items() if getattr(one, mark))])


def place(one: BodyPlace | HandPlace) -> str:
    """`the right side of the chest`; `the tip of the thumb`."""
    if isinstance(one, BodyPlace):
        name = SITES.get(one.site, one.site.value)
    else:
        parts = [FINGER_PARTS[one.finger_part]] if one.finger_part is not None else []
        parts += [HAND_PARTS[one.part]] if one.part is not None else []
        parts += [digits(one.fingers)] if one.fingers else ["fingers"] * (one.finger_part is not None)
        name = " of the ".join(parts)
    words = SIDES[one.side].format(name) if one.side is not None else f"the {name}"
    words += f" ({SURFACES[one.surface]})" if one.surface is not None else ""
    if isinstance(one, BodyPlace) and one.mark is not None:
        words += f" (with the mark ham{one.mark.value})"
    return words + " (about)" * (isinstance(one, BodyPlace) and one.approximate)


def _level(one: BodyPlace | HandPlace) -> str:
    """Of a hand that is before the shoulders rather than at them: `shoulder level, on the right`."""
    if not isinstance(one, BodyPlace) or one.site is not BodySite.SHOULDERS:
        return place(one)
    sides = {
        Side.LEFT: ", on the left",
        Side.RIGHT: ", on the right",
        Side.LEFT_BESIDE: ", left of the body",
        Side.RIGHT_BESIDE: ", right of the body",
    }
    return f"shoulder level{sides.get(one.side, '') if one.side is not None else ''}"


def where(one: Location) -> str:
    """The place of a location, without how near a hand is to it."""
    near = one.contact is None or one.contact.kind in {ContactKind.CLOSE, ContactKind.ARM_EXTENDED}
    name = _level if near else place
    words = name(one.place) if one.between is None else f"a point between {name(one.place)} and {name(one.between)}"
    return f"behind {words}" if one.behind else words


def _by(contact: Contact | None) -> str:
    return f" with {where(contact.by)}" if contact is not None and contact.by is not None else ""


def location(one: Location) -> str:
    """`touching the right side of the chest with the tip of the thumb`."""
    words = where(one)
    if one.contact is None:
        beside = isinstance(one.place, BodyPlace) and one.place.side in {Side.LEFT_BESIDE, Side.RIGHT_BESIDE}
        said = one.behind or (beside and one.between is None and not words.startswith("shoulder"))
        return words if said else f"at {words}"
    return CONTACTS[one.contact.kind].format(words) + _by(one.contact)


def target(one: Target) -> str:
    """Where the hands are."""
    if isinstance(one, Pair):
        return for_hands([location(each) if each is not None else None for each in (one.dominant, one.nondominant)])
    if not isinstance(one, Constellation):
        return location(one)
    words = [meeting(one)]
    words += [target(one.location)] if one.location is not None else []
    return ", ".join(words)


def meeting(one: Constellation) -> str:
    """How the hands are to each other: `the hands touching each other at the palms`."""
    how = MEETINGS[None if one.contact is None else one.contact.kind] + _by(one.contact)
    parts = (one.hands.dominant, one.hands.nondominant) if one.hands is not None else (None, None)
    if one.contact is None and one.behind:
        how = "one behind the other"
    else:
        how += ", one behind the other" * one.behind
    first, second = (None if part is None else where(part) for part in parts)
    if first is None and second is None:
        return f"the hands {how}"
    if first == second:
        return f"the hands {how}, each at {first}"
    return f"the hands {how}, {for_hands([first and f'at {first}', second and f'at {second}'])}"


def end(one: Constellation) -> str:
    """How near a movement leads: `until there is contact with the tip of the thumb`."""
    words = [ENDS[None if one.contact is None else one.contact.kind] + _by(one.contact)]
    words += ["one hand behind the other"] * (one.behind and one.contact is not None)
    words += [target(one.location)] if one.location is not None else []
    return ", ".join(words)


def for_hands(words: Sequence[str | None]) -> str:
    """Of the dominant and of the non-dominant hand."""
    if words[0] == words[1] and words[0]:
        return f"both hands {words[0]}"
    return "; ".join(
        f"{name} hand {each}" for name, each in zip(("dominant", "non-dominant"), words, strict=True) if each
    )


def small(each: enum.Enum | None) -> str:
    """A size before a noun: `small `, or nothing."""
    return "" if each is None else f"{each.name.lower()} "
