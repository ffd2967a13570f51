"""Handshapes and orientation from symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

from text_to_pose.hamnosys.directions import corner
from text_to_pose.hamnosys.handshapes import (
    BaseShape,
    Digit,
    FingerBend,
    FingerContact,
    Handshape,
    are_exempt,
)
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.postures import FingerDirection, Palm, Posture
from text_to_pose.hamnosys.symbols import (
    BENDS,
    CONTACTS,
    DIGITS,
    FINGER_DIRECTIONS,
    FINGER_PARTS,
    FORMS,
    HAND_PARTS,
    PALMS,
    SIDES,
    THUMBS,
)

if TYPE_CHECKING:
    from text_to_pose.hamnosys.directions import Direction
    from text_to_pose.hamnosys.symbols import Symbols

_ORIENTATION = {*FINGER_DIRECTIONS, *PALMS}
# What follows a finger or a part of fingers shows that a place has begun, not that the handshape goes on.
_OF_A_PLACE = {*CONTACTS, *HAND_PARTS, *SIDES, "behind"}


def parse_posture(symbols: Symbols) -> Posture:
    """Handshape, finger direction, palm: those that are there, each for both hands or `{dominant + non-dominant}`."""
    posture = Posture()
    while True:
        start = symbols.at
        if symbols.peek() == "parbegin" and _is_posture_pair(symbols):
            mixed = _pair(symbols)
        else:
            mixed = _half(symbols, paired=False)
        if mixed == Posture():
            return posture
        for name in ("handshape", "direction", "palm"):
            if getattr(posture, name) is not None and getattr(mixed, name) is not None:
                symbols.at = start
                raise symbols.error("a location or a movement: handshape and orientation are complete")
        posture = Posture(
            posture.handshape or mixed.handshape, posture.direction or mixed.direction, posture.palm or mixed.palm
        )


def _is_posture_pair(symbols: Symbols) -> bool:
    ahead = 3 if symbols.peek(1) == "nomotion" and symbols.peek(2) == "plus" else 1
    return symbols.peek(ahead) in {*FORMS, *_ORIENTATION, "nondominant"}


def _pair(symbols: Symbols) -> Posture:
    """`{dominant + non-dominant}`; a hand of which nothing is said is `hamnomotion`."""
    symbols.take("parbegin")
    symbols.open_bracket()
    dominant = _half(symbols, paired=True)
    symbols.expect(
        "plus", "and the non-dominant hand's part, in brackets that begin with a handshape or an orientation"
    )
    nondominant = _half(symbols, paired=True)
    symbols.close_bracket("parend")
    pairs = [
        Pair(a, b) if a is not None or b is not None else None
        for a, b in (
            (dominant.handshape, nondominant.handshape),
            (dominant.direction, nondominant.direction),
            (dominant.palm, nondominant.palm),
        )
    ]
    return Posture(*pairs)  # ty: ignore[invalid-argument-type]


def _half(symbols: Symbols, *, paired: bool) -> Posture:
    if paired and symbols.take("nomotion"):
        return Posture()
    return Posture(_handshape(symbols, paired=paired), _finger_direction(symbols), _palm(symbols))


def _finger_direction(symbols: Symbols) -> FingerDirection | None:
    direction = _one_or_corner(symbols)
    if direction is None:
        return None
    between = None
    if symbols.peek() == "between" and symbols.peek(1) in FINGER_DIRECTIONS:
        symbols.take("between")
        between = _one_or_corner(symbols)
    relative, approximate = symbols.take("orirelative"), symbols.take("etc")
    return FingerDirection(direction, between, relative, approximate)


def _one_or_corner(symbols: Symbols) -> Direction | None:
    first = symbols.take_of(FINGER_DIRECTIONS)
    second = FINGER_DIRECTIONS.get(symbols.peek())
    if first is None or second is None:
        return first
    both = corner(first, second)
    if both is None:
        raise symbols.error(
            f"a palm orientation; hamextfinger{first.value} and this one make no direction between them"
        )
    symbols.at += 1
    return both


def _palm(symbols: Symbols) -> Palm | None:
    direction = symbols.take_of(PALMS)
    if direction is None:
        return None
    between = None
    if symbols.peek() == "between" and symbols.peek(1) in PALMS:
        symbols.take("between")
        between = symbols.take_of(PALMS)
    relative, approximate = symbols.take("orirelative"), symbols.take("etc")
    return Palm(direction, between, relative=relative, approximate=approximate)


def _handshape(symbols: Symbols, *, paired: bool) -> Handshape | None:
    if paired and symbols.take("nondominant"):
        if symbols.take("etc"):
            return Handshape(None)
        if symbols.peek() not in FORMS:
            raise symbols.error("hametc or a handshape of the non-dominant hand")
    base = _base(symbols)
    if base is None:
        return None
    between = None
    if symbols.peek() == "between" and symbols.peek(1) in FORMS:
        symbols.take("between")
        between = _base(symbols)
    return _details(symbols, base, between)


def _base(symbols: Symbols) -> BaseShape | None:
    form = symbols.take_of(FORMS)
    if form is None:
        return None
    thumb, bend = symbols.take_of(THUMBS), symbols.take_of(BENDS)
    return BaseShape(form, thumb or symbols.take_of(THUMBS), bend)


def _details(symbols: Symbols, base: BaseShape, between: BaseShape | None) -> Handshape:
    """What single fingers do, in any order."""
    contact = None
    if symbols.peek() in FINGER_PARTS and not _begins_place(symbols):
        contact = symbols.take_of(FINGER_PARTS)
    bends: list[FingerBend] = []
    contacts: list[FingerContact] = []
    bent: list[Digit] = []
    fingers: list[Digit] = []
    opposed: list[Digit] = []
    thumb_between: tuple[Digit, Digit] | None = None
    while (run := _run_of_digits(symbols)) and not _begins_place(symbols):
        after = symbols.peek(run)
        digits = [DIGITS[symbols.peek(i)] for i in range(run)]
        if after == "between" and symbols.peek(run + 1) in DIGITS and thumb_between is None:
            _add(symbols, fingers, digits[:-1])
            symbols.at += run + 1
            thumb_between = digits[-1], DIGITS[symbols.peek()]
            symbols.at += 1
        elif after in FINGER_PARTS:
            _add(symbols, fingers, digits[:-1])
            symbols.at += run
            contacts.append(_finger_contact(symbols, digits[-1]))
        elif (bend := BENDS.get(after)) is not None:
            _add(symbols, bent, digits)
            bends += [FingerBend(digit, bend) for digit in digits]
            symbols.at += run + 1
        else:
            _add(symbols, fingers, digits)
            symbols.at += run
            if symbols.take("largemod"):
                opposed.append(digits[-1])
    enclosed = symbols.peek() == "between" and symbols.peek(1) not in FORMS and symbols.take("between")
    exempt = are_exempt(base, between, tuple(fingers)) and not opposed
    return Handshape(
        base,
        between,
        thumb_contact=contact,
        bends=tuple(sorted(bends, key=lambda each: each.finger.number)),
        contacts=tuple(contacts),
        fingers=() if exempt else tuple(fingers),
        opposed=tuple(opposed),
        exempt=tuple(fingers) if exempt else (),
        thumb_between=thumb_between,
        thumb_enclosed=enclosed,
        approximate=symbols.take("etc"),
    )


def _add(symbols: Symbols, fingers: list[Digit], new: list[Digit]) -> None:
    if len({*fingers, *new}) < len(fingers) + len(new):
        raise symbols.error("each finger once")
    fingers += new


def _finger_contact(symbols: Symbols, first: Digit) -> FingerContact:
    part, second = symbols.take_of(FINGER_PARTS), symbols.take_of(DIGITS)
    if part is None or second is None:
        raise symbols.error("the finger that is touched")
    return FingerContact(first, part, second, symbols.take_of(FINGER_PARTS))


def _run_of_digits(symbols: Symbols) -> int:
    run = 0
    while symbols.peek(run) in DIGITS:
        run += 1
    return run


def _begins_place(symbols: Symbols) -> bool:
    """Whether the fingers or the part of fingers to come are a place where something touches, not part of the shape."""
    ahead = 1 if symbols.peek() in FINGER_PARTS else 0
    while symbols.peek(ahead) in DIGITS:
        ahead += 1
    if symbols.peek() not in FINGER_PARTS:
        ahead += symbols.peek(ahead) in FINGER_PARTS
    after = symbols.peek(ahead)
    return after in _OF_A_PLACE or (after == "seqbegin" and symbols.peek(ahead + 1) in {*CONTACTS, "brushing"})
