"""Movements to symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

from text_to_pose.hamnosys.directions import STRAIGHT
from text_to_pose.hamnosys.handshape_writer import posture_symbols
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
    RepetitionKind,
    Replace,
    Sequence,
    Split,
    StraightMovement,
    Targeted,
    WristMovement,
    Zigzag,
)
from text_to_pose.hamnosys.place_writer import location_symbols, place_symbols, target_symbols
from text_to_pose.hamnosys.postures import Posture
from text_to_pose.hamnosys.symbols import DIGITS, FINGER_PARTS, MANNERS
from text_to_pose.hamnosys.unwritable import no_symbol

if TYPE_CHECKING:
    import enum

    from text_to_pose.hamnosys.directions import Direction
    from text_to_pose.hamnosys.movements import Action


def action_symbols(action: Action) -> list[str]:
    """A movement with all that stands behind it.

    Raises:
        UserError: HamNoSys has no symbol for it.
    """
    if isinstance(action, Sequence):
        opening, closing = ("fusionbegin", "fusionend") if action.fused else ("seqbegin", "seqend")
        return [opening, *_all(action.actions), closing]
    if isinstance(action, Parallel):
        return ["parbegin", *_all(action.actions), "parend"]
    if isinstance(action, Split):
        return _split(action)
    if isinstance(action, BodyAction):
        return ["seqbegin", *place_symbols(action.part), *_all(action.actions), "seqend"]
    if isinstance(action, Targeted):
        target = target_symbols(action.target)
        return _before_target(action.action, target) + target
    if isinstance(action, Brushing):
        return [*action_symbols(action.action), "seqbegin", "brushing", *location_symbols(action.at), "seqend"]
    if isinstance(action, Repeated):
        inner = action_symbols(action.action)
        inner = _bracketed(inner) if isinstance(action.action, Repeated) else inner
        return inner + _repetition(action.repetition)
    if isinstance(action, Alternating):
        return [*action_symbols(action.action), "alternatingmotion"]
    return _plain(action)


def _all(actions: tuple[Action, ...]) -> list[str]:
    return [name for action in actions for name in action_symbols(action)]


def _bracketed(names: list[str]) -> list[str]:
    return ["seqbegin", *names, "seqend"]


def _before_target(action: Action, target: list[str]) -> list[str]:
    """In brackets where the target's first symbol would be read as one of the movement."""
    names = action_symbols(action)
    posture = action.posture if isinstance(action, Replace) else Posture()
    ends_in_handshape = posture.handshape is not None and posture.direction is None and posture.palm is None
    by_fingers = isinstance(action, FingerPlay) or ends_in_handshape
    if isinstance(action, Targeted) or (by_fingers and target[0] in {*DIGITS, *FINGER_PARTS}):
        return _bracketed(names)
    return names


def _split(split: Split) -> list[str]:
    dominant, nondominant = split.hands.dominant, split.hands.nondominant
    return [
        "parbegin",
        *(action_symbols(dominant) if dominant is not None else ["nomotion"]),
        "plus",
        *(action_symbols(nondominant) if nondominant is not None else ["nomotion"]),
        "parend",
    ]


def _repetition(repetition: Repetition) -> list[str]:
    kinds = [kind for kind in (repetition.kind, repetition.second) if kind is not None]
    if RepetitionKind.TO_AND_FRO in kinds:
        raise no_symbol("the repetition 'tofroto'")
    names = [kind.value for kind in kinds] + _values(repetition.growth)
    return _bracketed(names + _plain(repetition.shift)) if repetition.shift is not None else names


def _plain(action: Action) -> list[str]:
    if isinstance(action, StraightMovement):
        names = _directions("move", action.direction, action.size, action.between, action.between_size)
        names += _sized("arc", action.arc) + _sized("", action.zigzag) + _sized("", action.ellipse)
        return names + _values(action.growth) + _manner(action.manner)
    if isinstance(action, CircularMovement):
        names = _directions("circle", action.axis, action.size, action.between, action.between_size)
        names += [f"clock{action.start.value}"] if action.start is not None else []
        names += ["clockfull"] * action.turns
        names += [f"clock{action.end.value}"] if action.end is not None else []
        names += _sized("", action.zigzag) + _sized("", action.ellipse)
        return names + _values(action.growth) + _manner(action.manner)
    if isinstance(action, Replace):
        return ["replace", *_values(action.growth), *posture_symbols(action.posture), *_manner(action.manner)]
    if isinstance(action, WristMovement | CrossMovement):
        return [action.kind.value, *_values(action.size), *_manner(action.manner)]
    if isinstance(action, FingerPlay):
        return ["fingerplay", *(finger.value for finger in action.fingers), *_manner(action.manner)]
    assert isinstance(action, NoMovement)
    return ["nomotion", *_manner(action.manner)]


def _directions(
    prefix: str, first: Direction, size: enum.Enum | None, between: Direction | None, between_size: enum.Enum | None
) -> list[str]:
    for direction in (first, between):
        if direction is not None and direction not in STRAIGHT:
            raise no_symbol(f"a {'circle about' if prefix == 'circle' else 'movement to'} {direction.value!r}")
    names = [prefix + first.value, *_values(size)]
    return names + (["between", prefix + between.value, *_values(between_size)] if between is not None else [])


def _sized(prefix: str, path: Arc | Zigzag | Ellipse | None) -> list[str]:
    if path is None:
        return []
    kind = path.style if isinstance(path, Zigzag) else path.direction
    return [f"{prefix}{kind.value}", *_values(path.size)]


def _values(each: enum.Enum | None) -> list[str]:
    return [each.value] if each is not None else []


def _manner(manner: Manner) -> list[str]:
    if manner.speed is not None:
        raise no_symbol(f"the speed {manner.speed:g}")
    names = [name for name in MANNERS if getattr(manner, name)]
    return names + (_values(manner.degree) if names else [])
