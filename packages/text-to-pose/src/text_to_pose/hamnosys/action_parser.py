"""Movements from symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

from text_to_pose.hamnosys.movements import (
    Alternating,
    Arc,
    BodyAction,
    Brushing,
    CircularMovement,
    CrossMovement,
    Ellipse,
    FingerPlay,
    Manner,
    NoMovement,
    Parallel,
    Repeated,
    Repetition,
    Replace,
    Sequence,
    Split,
    StraightMovement,
    Targeted,
    WristMovement,
    Zigzag,
)
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.place_parser import begins_target, parse_location, parse_place, parse_target
from text_to_pose.hamnosys.posture_parser import parse_posture
from text_to_pose.hamnosys.postures import Posture
from text_to_pose.hamnosys.symbols import (
    ARCS,
    BODY_SITES,
    CIRCLES,
    CLOCK,
    CROSSES,
    DIGITS,
    ELLIPSES,
    GROWTHS,
    MANNERS,
    MOVES,
    REPETITIONS,
    SIDES,
    SIZES,
    WRIST_MOVEMENTS,
    ZIGZAGS,
)

if TYPE_CHECKING:
    from text_to_pose.hamnosys.movements import Action
    from text_to_pose.hamnosys.places import Location
    from text_to_pose.hamnosys.symbols import Symbols

MOST_BEHIND = 12
"""The most targets, repetitions and other that may stand behind one movement; real signs have four."""

_BEGINNINGS = {
    *MOVES,
    *CIRCLES,
    *WRIST_MOVEMENTS,
    *CROSSES,
    "fingerplay",
    "nomotion",
    "replace",
    "seqbegin",
    "parbegin",
    "fusionbegin",
}


def parse_actions(symbols: Symbols) -> tuple[Action, ...]:
    """Movements one after the other, as many as there are."""
    actions: list[Action] = []
    while symbols.peek() in _BEGINNINGS:
        actions.append(parse_action(symbols))
    return tuple(actions)


def parse_action(symbols: Symbols) -> Action:
    """One movement, with the target, brushing, repetition and alternation that stand behind it.

    Raises:
        UserError: none is next.
    """
    at = symbols.at
    action = _plain(symbols)
    symbols.begin(at, action)
    for _ in range(MOST_BEHIND):
        at = symbols.at
        if symbols.peek() == "seqbegin" and symbols.peek(1) == "brushing":
            action = Brushing(action, _brushed(symbols))
        elif symbols.peek() in REPETITIONS or (symbols.peek() == "seqbegin" and symbols.peek(1) in REPETITIONS):
            action = Repeated(action, _repetition(symbols))
        elif symbols.take("alternatingmotion"):
            action = Alternating(action)
        elif begins_target(symbols):
            action = Targeted(action, parse_target(symbols))
        else:
            return action
        symbols.begin(at, action)
    raise symbols.error(f"another movement: {MOST_BEHIND} targets and repetitions stand behind one already")


def _plain(symbols: Symbols) -> Action:
    first = symbols.peek()
    if first in {"seqbegin", "parbegin", "fusionbegin"}:
        return _bracket(symbols)
    if first in MOVES:
        return _straight(symbols)
    if first in CIRCLES:
        return _circular(symbols)
    if (wrist := symbols.take_of(WRIST_MOVEMENTS)) is not None:
        return WristMovement(wrist, symbols.take_of(SIZES), _manner(symbols))
    if (cross := symbols.take_of(CROSSES)) is not None:
        return CrossMovement(cross, symbols.take_of(SIZES), _manner(symbols))
    if symbols.take("fingerplay"):
        fingers = []
        while (digit := symbols.take_of(DIGITS)) is not None:
            fingers.append(digit)
        return FingerPlay(tuple(fingers), _manner(symbols))
    if symbols.take("nomotion"):
        return NoMovement(_manner(symbols))
    if symbols.take("replace"):
        return _replace(symbols)
    raise symbols.error("a movement")


def _replace(symbols: Symbols) -> Replace:
    growth = symbols.take_of(GROWTHS)
    posture = parse_posture(symbols)
    manner = _manner(symbols)
    if posture == Posture() and not begins_target(symbols):
        raise symbols.error("the new handshape or orientation behind hamreplace")
    return Replace(posture, growth, manner)


def _straight(symbols: Symbols) -> StraightMovement:
    direction = MOVES[symbols.peek()]
    symbols.at += 1
    size = symbols.take_of(SIZES)
    between = between_size = None
    if symbols.peek() == "between" and symbols.peek(1) in MOVES:
        symbols.take("between")
        between, between_size = symbols.take_of(MOVES), symbols.take_of(SIZES)
    rest = _Modifiers(symbols)
    return StraightMovement(
        direction, size, between, between_size, rest.arc, rest.zigzag, rest.ellipse, rest.growth, rest.manner
    )


def _circular(symbols: Symbols) -> CircularMovement:
    axis = CIRCLES[symbols.peek()]
    symbols.at += 1
    size = symbols.take_of(SIZES)
    between = between_size = None
    if symbols.peek() == "between" and symbols.peek(1) in CIRCLES:
        symbols.take("between")
        between, between_size = symbols.take_of(CIRCLES), symbols.take_of(SIZES)
    start, turns = symbols.take_of(CLOCK), 0
    while turns < 2 and symbols.take("clockfull"):
        turns += 1
    end = symbols.take_of(CLOCK)
    rest = _Modifiers(symbols, arcs=False)
    return CircularMovement(
        axis,
        size,
        between,
        between_size,
        start,
        turns,
        end,
        ellipse=rest.ellipse,
        zigzag=rest.zigzag,
        growth=rest.growth,
        manner=rest.manner,
    )


class _Modifiers:
    """What stands behind a movement, in any order: each at most once."""

    def __init__(self, symbols: Symbols, *, arcs: bool = True) -> None:
        self.arc = self.zigzag = self.ellipse = self.growth = None
        self.manner = Manner()
        while True:
            if arcs and self.arc is None and (direction := symbols.take_of(ARCS)):
                self.arc = Arc(direction, symbols.take_of(SIZES))
            elif self.zigzag is None and (style := symbols.take_of(ZIGZAGS)):
                self.zigzag = Zigzag(style, symbols.take_of(SIZES))
            elif self.ellipse is None and (ellipse := symbols.take_of(ELLIPSES)):
                self.ellipse = Ellipse(ellipse, symbols.take_of(SIZES))
            elif self.growth is None and (growth := symbols.take_of(GROWTHS)):
                self.growth = growth
            elif self.manner == Manner() and symbols.peek() in MANNERS:
                self.manner = _manner(symbols)
            else:
                break


def _manner(symbols: Symbols) -> Manner:
    """Each at most once, in any order."""
    manners: set[str] = set()
    degree = None
    while True:
        if symbols.peek() in MANNERS and symbols.peek() not in manners:
            manners.add(symbols.peek())
            symbols.at += 1
        elif not manners or degree is not None or (degree := symbols.take_of(SIZES)) is None:
            return Manner(**dict.fromkeys(manners, True), degree=degree)


def _brushed(symbols: Symbols) -> Location:
    symbols.take("seqbegin")
    symbols.open_bracket()
    symbols.take("brushing")
    at = parse_location(symbols)
    symbols.close_bracket("seqend")
    return at


def _repetition(symbols: Symbols) -> Repetition:
    bracket = symbols.take("seqbegin")
    if bracket:
        symbols.open_bracket()
    kind = symbols.take_of(REPETITIONS)
    assert kind is not None  # the caller has looked
    second, growth = symbols.take_of(REPETITIONS), symbols.take_of(GROWTHS)
    shift = None
    if bracket:
        if symbols.peek() not in MOVES:
            raise symbols.error("the direction in which the repetitions shift")
        shift = _straight(symbols)
        symbols.close_bracket("seqend")
    return Repetition(kind, second, shift, growth)


def _bracket(symbols: Symbols) -> Action:
    """`[one after the other]`, `{at the same time}`, `{dominant + non-dominant}`, or fused; of one it says nothing."""
    opening = symbols.peek()
    symbols.at += 1
    symbols.open_bracket()
    if opening == "seqbegin" and _begins_body_action(symbols):
        part = parse_place(symbols)
        actions = parse_actions(symbols)
        if not actions:
            raise symbols.error("the movement of that part of the body")
        symbols.close_bracket("seqend")
        return BodyAction(part, actions)  # ty: ignore[invalid-argument-type]
    actions = parse_actions(symbols)
    if not actions:
        raise symbols.error("a movement")
    if opening != "parbegin":
        symbols.close_bracket("seqend" if opening == "seqbegin" else "fusionend")
        if opening == "fusionbegin" and len(actions) == 1 and isinstance(actions[0], Sequence):
            actions = actions[0].actions
        return actions[0] if len(actions) == 1 else Sequence(actions, fused=opening == "fusionbegin")
    if symbols.take("plus"):
        nondominant = parse_actions(symbols)
        if not nondominant:
            raise symbols.error("the non-dominant hand's movement")
        symbols.close_bracket("parend")
        return Split(Pair(_together(actions), _together(nondominant)))
    symbols.close_bracket("parend")
    return _together(actions)


def _together(actions: tuple[Action, ...]) -> Action:
    return actions[0] if len(actions) == 1 else Parallel(actions)


def _begins_body_action(symbols: Symbols) -> bool:
    return symbols.peek(1 if symbols.peek() in SIDES else 0) in BODY_SITES
