"""What a handshape asks of a hand: angles, and which places meet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.handshapes import Bend, Digit, FingerPart, Form, Thumb
from text_to_pose.signing.hands import hand_postures as postures
from text_to_pose.signing.hands.hand_contacts import PALM, Contact, Spot
from text_to_pose.signing.hands.hand_model import ABDUCTION, MCP, PIP
from text_to_pose.signing.hands.hand_postures import FINGERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from text_to_pose.hamnosys.handshapes import BaseShape, FingerContact, Handshape, JointBend
    from text_to_pose.signing.vectors import Array

_THUMB_WEIGHTS = (0.35, 0.35, 0.25, 0.4, 0.4)
_FINGER_WEIGHTS = (1.0, 1.5, 1.0, 0.7)
_LOOSE = 0.008
"""The tolerance of a thumb that lies somewhere rather than touches it: it does not push the fingers about."""
_SOFT = 0.002
_ROUGHLY = 0.004

_SELECTED = {
    Form.FIST: (),
    Form.FLAT: FINGERS,
    Form.FINGER2: FINGERS[:1],
    Form.FINGER23: FINGERS[:2],
    Form.FINGER23_SPREAD: FINGERS[:2],
    Form.FINGER2345: FINGERS,
    Form.PINCH12: FINGERS[:1],
    Form.PINCH_ALL: FINGERS,
    Form.PINCH12_OPEN: FINGERS[:1],
    Form.CEE12: FINGERS[:1],
    Form.CEE_ALL: FINGERS,
    Form.CEE12_OPEN: FINGERS[:1],
}
_OPEN = {Form.PINCH12_OPEN, Form.CEE12_OPEN}
_SPREAD = {Form.FINGER2345: postures.SPREAD, Form.FINGER23_SPREAD: postures.FORKED}
_SPOTS = {
    FingerPart.TIP: (2, 1.0, 0.0, 0.0),
    FingerPart.NAIL: (2, 0.75, -1.0, 0.0),
    FingerPart.PAD: (2, 0.6, 1.0, 0.0),
    FingerPart.MID_JOINT: (0, 1.0, 1.0, 0.0),
    FingerPart.BASE: (0, 0.2, 1.0, 0.0),
    FingerPart.SIDE: (1, 0.5, 0.0, 1.0),
}
"""Where the parts of a finger are: bone, along it, towards the palm's and towards the thumb's side."""
_FACING = {
    FingerPart.NAIL: FingerPart.PAD,
    FingerPart.PAD: FingerPart.NAIL,
    FingerPart.MID_JOINT: FingerPart.PAD,
}
"""What is met on the other finger where the notation does not say; else its pad."""


_IN_PALM = Contact(
    Spot(0, *_SPOTS[FingerPart.PAD]), tuple(Spot(PALM + finger, 0, 0.8, 1.0) for finger in (2, 3)), tolerance=_LOOSE
)


@dataclass(frozen=True, eq=False)
class Goal:
    """What a hand should be.

    Attributes:
        angles: (21,) in degrees.
        weights: (21,) how much each counts.
        contacts: what has to meet.
        start: (21,) where the search begins, if not there.
    """

    angles: Array
    weights: Array
    contacts: tuple[Contact, ...] = ()
    start: Array | None = None


def spot(digit: Digit, part: FingerPart) -> Spot:
    """A part of a finger as a place on the hand."""
    return Spot(digit.number - 1, *_SPOTS[part])


def relaxed_goal() -> Goal:
    """A hand of which nothing is said."""
    fingers = [(base, postures.TOGETHER[digit] / 2, middle, end) for digit, (base, middle, end) in _all_relaxed()]
    return _goal(postures.THUMB_RELAXED, fingers)


def base_goal(base: BaseShape, shape: Handshape) -> Goal:
    """A base form with thumb and bend, and the fingers that are chosen, bend otherwise or are exempt."""
    selected = _selected(base.form, shape)
    meeting = tuple(digit for digit in shape.opposed if digit in selected) or selected
    own = {each.finger: each.bend for each in shape.bends}
    fingers, folded = [], []
    for digit in FINGERS:
        joints, lies_folded = _joints(base, digit, digit in selected, digit in meeting, digit in shape.exempt)
        if digit in own:
            joints, lies_folded = postures.bent(own[digit]), _is_folded(own[digit])
        if lies_folded:
            folded.append(digit)
        fingers.append((joints[0], _tilt(base, digit, selected, joints[0], folded=lies_folded), *joints[1:]))
    thumb, contacts = _thumb(base, meeting, folded, bends=Digit.THUMB not in shape.exempt)
    if Digit.THUMB in own:
        thumb = (*thumb[:3], *postures.bent_thumb(own[Digit.THUMB]))
    return _goal(thumb, fingers, contacts)


def with_details(goal: Goal, shape: Handshape) -> Goal:
    """The same, with what single fingers touch, and where the thumb is put."""
    fingers = _selected(shape.base.form, shape) if shape.base is not None else FINGERS
    contacts = list(shape.contacts)
    for contact in contacts:
        goal = _touching(goal, contact)
    if shape.thumb_contact is not None:
        touched = tuple(spot(digit, shape.thumb_contact) for digit in fingers or FINGERS[:1])
        goal = _with_thumb(goal, Contact(spot(Digit.THUMB, FingerPart.TIP), touched))
    if shape.thumb_between is not None:
        goal = _thumb_between(goal, *shape.thumb_between)
    if shape.thumb_enclosed:
        goal = _with_thumb(goal, _IN_PALM, postures.THUMB_IN_PALM)
        # The fingers close about it, or they would keep it out.
        goal = replace(goal, start=np.concatenate([postures.THUMB_IN_PALM, 0.3 * goal.angles[5:]]))
    return goal


def _goal(thumb: Sequence[float], fingers: Sequence[Sequence[float]], contacts: tuple[Contact, ...] = ()) -> Goal:
    # A thumb that lies on fingers does not move them.
    firm = 3.0 if all(contact.tolerance == _LOOSE for contact in contacts) else 1.0
    weights = np.concatenate([_THUMB_WEIGHTS, firm * np.array(4 * _FINGER_WEIGHTS)])
    return Goal(np.concatenate([thumb, *fingers]), weights, contacts)


def _all_relaxed() -> list[tuple[Digit, tuple[float, float, float]]]:
    more = {Digit.INDEX: 0.8, Digit.MIDDLE: 1.0, Digit.RING: 1.1, Digit.PINKY: 1.1}
    base, middle, end = postures.RELAXED
    return [(digit, (base * more[digit], middle * more[digit], end * more[digit])) for digit in FINGERS]


def _selected(form: Form, shape: Handshape) -> tuple[Digit, ...]:
    chosen = tuple(digit for digit in FINGERS if digit in shape.fingers)
    return chosen or _SELECTED[form]


def _is_folded(bend: Bend | JointBend) -> bool:
    return bend.joints[0] >= 3 and bend.joints[1] >= 3


def _joints(
    base: BaseShape, digit: Digit, chosen: bool, meets: bool, exempt: bool
) -> tuple[tuple[float, float, float], bool]:
    """A finger's three joints, and whether it lies folded in the palm."""
    form, bend = base.form, base.bend
    if not chosen:
        straight = form in _OPEN
        return (postures.STRAIGHT if straight else postures.FOLDED[digit]), not straight
    if form.is_pinch or form.is_cee:
        table = postures.PINCHED if form.is_pinch else postures.CURVED
        if meets and not exempt:
            joints = table[bend] if bend in table else postures.bent(bend)  # ty: ignore[invalid-argument-type]
            if form.is_cee and base.thumb is Thumb.OPPOSED:
                joints = postures.opened(joints)
            return joints, False
    if bend is None or exempt:
        return postures.STRAIGHT, False
    return postures.bent(bend), _is_folded(bend)


def _tilt(base: BaseShape, digit: Digit, selected: tuple[Digit, ...], base_joint: float, *, folded: bool) -> float:
    """Towards the thumb; a bent knuckle does not let fingers spread."""
    form = base.form
    if folded:
        return postures.CURLED[digit]
    if digit not in selected:
        return postures.FANNED[digit]
    if form in _SPREAD:
        return _SPREAD[form][digit] * (1 - 0.6 * max(base_joint, 0.0) / postures.JOINT_RANGES[0])
    if any(abs(other.number - digit.number) == 1 for other in selected):
        return postures.TOGETHER[digit]
    # A finger that lies beside no other one has no reason to lean, but for the pinky, which leads away.
    return (postures.SPREAD[digit] if base.thumb is Thumb.OUT else postures.ALONE) if digit is Digit.PINKY else 0.0


def _thumb(
    base: BaseShape, meeting: tuple[Digit, ...], folded: list[Digit], *, bends: bool
) -> tuple[Sequence[float], tuple[Contact, ...]]:
    """The thumb's angles, and what it touches."""
    form, pad = base.form, spot(Digit.THUMB, FingerPart.PAD)
    if form.is_pinch and meeting:
        return postures.THUMB_PINCHING, _pinch(meeting)
    if form.is_cee and meeting:
        return postures.THUMB_PINCHING, _cee(base, meeting)
    if base.thumb in {Thumb.OUT, Thumb.OPPOSED}:
        return _thumb_apart(base, bends=bends), ()
    if base.thumb is None and form is Form.FINGER2345:
        return postures.THUMB_RELAXED, ()
    if base.thumb is None and (form in {Form.FIST, Form.FLAT} or not folded):
        lies_at = Spot(1, 1, 0.4, 0.0, 1.2) if Digit.INDEX in folded else Spot(1, 0, 0.2, 0.3, 1.2)
        return postures.THUMB_BESIDE, (Contact(pad, (lies_at,), tolerance=_LOOSE),)
    return _thumb_across(base, folded)


def _thumb_apart(base: BaseShape, *, bends: bool) -> Sequence[float]:
    """The angles of a thumb that stands out or opposite the fingers."""
    angles = postures.THUMB_OUT if base.thumb is Thumb.OUT else postures.THUMB_OPPOSED
    if base.bend is None or base.bend is Bend.BENT or not bends:
        return angles
    first, second = postures.bent_thumb(base.bend)
    return (*angles[:3], max(angles[3], 0.5 * first), max(angles[4], 0.7 * second))


def _thumb_across(base: BaseShape, folded: list[Digit]) -> tuple[Sequence[float], tuple[Contact, ...]]:
    """The angles of a thumb that lies across the palm or the folded fingers, and what it touches."""
    if not folded:
        return postures.THUMB_IN_PALM, (_IN_PALM,)
    # It lies on the folded fingers, a little further with `thumbacross`.
    first = folded[1] if len(folded) > 1 and folded[0] is Digit.INDEX else folded[0]
    along, side = (0.55, 0.0) if base.thumb is Thumb.ACROSS else (0.45, 0.7)
    on_it = Spot(first.number - 1, 1, along, -1.0 if side == 0 else -0.7, side)
    return postures.THUMB_ACROSS, (Contact(spot(Digit.THUMB, FingerPart.PAD), (on_it,), tolerance=_LOOSE),)


def _pinch(meeting: tuple[Digit, ...]) -> tuple[Contact, ...]:
    """The tip of the thumb meets that of a finger, of several the middle of the first three, which lie side by side."""
    tips = tuple(spot(digit, FingerPart.TIP) for digit in meeting)
    return (Contact(spot(Digit.THUMB, FingerPart.TIP), tips[:3]), *_side_by_side(tips))


def _cee(base: BaseShape, meeting: tuple[Digit, ...]) -> tuple[Contact, ...]:
    name = {Thumb.ACROSS: "across", Thumb.OPPOSED: "opposed"}.get(base.thumb, "default")
    tips = tuple(spot(digit, FingerPart.TIP) for digit in meeting)
    opening = Contact(spot(Digit.THUMB, FingerPart.TIP), tips[:2], below=postures.OPENINGS[name], tolerance=_SOFT)
    return (opening, *_side_by_side(tips))


def _side_by_side(tips: tuple[Spot, ...]) -> tuple[Contact, ...]:
    return tuple(
        Contact(first, (second,), gap=0.0135, tolerance=_ROUGHLY)
        for first, second in pairwise(tips)
        if second.digit == first.digit + 1
    )


def _touching(goal: Goal, contact: FingerContact) -> Goal:
    """Two fingers cross or touch: what is before the other begins on the palm's side of it."""
    facing = contact.second_part or _FACING.get(contact.part, FingerPart.PAD)
    first = spot(contact.first, contact.part)
    if contact.part is FingerPart.MID_JOINT:
        # The thumb lies at its side, a pad of a finger on its back.
        palmar, side = (0.3, 0.95) if contact.second is Digit.THUMB else (-1.0, 0.0)
        first = replace(first, palmar=palmar, side=side)
    meets = Contact(first, (spot(contact.second, facing),), tolerance=_SOFT)
    if Digit.THUMB in {contact.first, contact.second}:
        return _with_thumb(goal, meets)
    start = goal.angles.copy()
    front, back = contact.first, contact.second
    if contact.part is FingerPart.PAD or facing is FingerPart.NAIL:
        front, back = back, front
    towards = 1.0 if back.number < front.number else -1.0
    front_at, back_at = (5 + 4 * (digit.number - 2) for digit in (front, back))
    start[front_at + MCP] += 20.0
    start[front_at + PIP] += 25.0
    start[front_at + ABDUCTION] = 12.0 * towards
    start[back_at + ABDUCTION] = -12.0 * towards
    weights = goal.weights.copy()
    for at in (front_at, back_at):
        weights[at + ABDUCTION : at + 4] *= 0.1
    return replace(goal, contacts=(*goal.contacts, meets), start=start, weights=weights)


def _with_thumb(goal: Goal, meets: Contact, angles: Sequence[float] | None = None) -> Goal:
    """The thumb touches this and nothing else."""
    thumb = Digit.THUMB.number - 1
    others = tuple(each for each in goal.contacts if each.first.digit != thumb)
    wanted = goal.angles.copy()
    if angles is not None:
        wanted[:5] = angles
    return replace(goal, angles=wanted, contacts=(*others, meets))


def _thumb_between(goal: Goal, first: Digit, second: Digit) -> Goal:
    """Its tip comes out between the middle joints of two fingers, which make room."""
    low, high = sorted((first, second), key=lambda digit: digit.number)
    joints = tuple(Spot(digit.number - 1, 1, 0.1, -0.8, 0.0) for digit in (low, high))
    wanted, weights = goal.angles.copy(), goal.weights.copy()
    for digit, tilt in ((low, 10.0), (high, -10.0)):
        at = 5 + 4 * (digit.number - 2)
        wanted[at + ABDUCTION] += tilt
        weights[at : at + 4] *= 0.5
    for digit in FINGERS[: low.number - 1]:  # they lie on the thumb
        at = 5 + 4 * (digit.number - 2)
        wanted[at + MCP] -= postures.LIFTED[0]
        wanted[at + PIP] -= postures.LIFTED[1]
    goal = replace(goal, angles=wanted, weights=weights)
    return _with_thumb(goal, Contact(spot(Digit.THUMB, FingerPart.TIP), joints, tolerance=_SOFT), postures.THUMB_ACROSS)
