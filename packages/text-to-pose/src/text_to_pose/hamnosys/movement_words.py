"""Movements in English words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from text_to_pose.hamnosys import words
from text_to_pose.hamnosys.directions import Direction
from text_to_pose.hamnosys.movements import (
    Alternating,
    BodyAction,
    Brushing,
    CircularMovement,
    CrossKind,
    CrossMovement,
    EllipseDirection,
    FingerPlay,
    Growth,
    NoMovement,
    Parallel,
    Repeated,
    RepetitionKind,
    Replace,
    Sequence,
    Size,
    Split,
    StraightMovement,
    Targeted,
    WristMovement,
    WristMovementKind,
)
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.places import Constellation

if TYPE_CHECKING:
    from collections.abc import Callable

    from text_to_pose.hamnosys.movements import Action, Manner, Repetition
    from text_to_pose.hamnosys.postures import FingerDirection, Palm, Posture

T = TypeVar("T")

_WRIST = {
    WristMovementKind.NODDING: "nod the hand at the wrist",
    WristMovementKind.SWINGING: "swing the hand from side to side at the wrist",
    WristMovementKind.TWISTING: "twist the forearm",
    WristMovementKind.STIR_CLOCKWISE: "stir clockwise",
    WristMovementKind.STIR_COUNTERCLOCKWISE: "stir counterclockwise",
}
_REPETITIONS = {
    RepetitionKind.FROM_START: "repeated once",
    RepetitionKind.FROM_START_SEVERAL: "repeated several times",
    RepetitionKind.CONTINUE: "and once more from where it ended",
    RepetitionKind.CONTINUE_SEVERAL: "and several times more from where it ended",
    RepetitionKind.REVERSE: "and back",
    RepetitionKind.TO_AND_FRO: "to and fro",
}
_SECOND_REPETITIONS = {
    RepetitionKind.FROM_START: "all of it once more",
    RepetitionKind.FROM_START_SEVERAL: "all of it several times more",
    RepetitionKind.CONTINUE: "then once more from where that ended",
    RepetitionKind.CONTINUE_SEVERAL: "then several times more from where that ended",
    RepetitionKind.REVERSE: "and back again",
    RepetitionKind.TO_AND_FRO: "again to and fro",
}
_ARCS = {Direction.U: "an upward", Direction.D: "a downward", Direction.L: "a leftward", Direction.R: "a rightward"}
_CIRCLES = {
    Direction.O: "clockwise as the signer sees it",
    Direction.I: "counterclockwise as the signer sees it",
    Direction.U: "counterclockwise as seen from above",
    Direction.D: "clockwise as seen from above",
    Direction.L: "like a wheel that rolls away from the signer",
    Direction.R: "like a wheel that rolls towards the signer",
}
"""A circle turns clockwise as seen along its axis."""
_CLOCK = {
    Direction.U: "12 o'clock",
    Direction.UR: "half past 1",
    Direction.R: "3 o'clock",
    Direction.DR: "half past 4",
    Direction.D: "6 o'clock",
    Direction.DL: "half past 7",
    Direction.L: "9 o'clock",
    Direction.UL: "half past 10",
}
_ELLIPSES = {
    EllipseDirection.HORIZONTAL: "horizontally",
    EllipseDirection.UP_RIGHT: "up to the right",
    EllipseDirection.VERTICAL: "vertically",
    EllipseDirection.UP_LEFT: "up to the left",
}
_GROWTHS = {Growth.INCREASING: "growing", Growth.DECREASING: "shrinking"}
_DISTANCES = {None: "", Size.SMALL: "a short way ", Size.LARGE: "a long way "}
_EXTENTS = {None: [], Size.SMALL: ["slightly"], Size.LARGE: ["widely"]}
_MANNERS = {
    "fast": {None: "fast", Size.SMALL: "somewhat fast", Size.LARGE: "very fast"},
    "slow": {None: "slowly", Size.SMALL: "somewhat slowly", Size.LARGE: "very slowly"},
    "tense": {None: "tensely", Size.SMALL: "somewhat tensely", Size.LARGE: "very tensely"},
    "rest": {None: "then a pause", Size.SMALL: "then a short pause", Size.LARGE: "then a long pause"},
    "halt": {None: "with a sharp stop", Size.SMALL: "with a slight stop", Size.LARGE: "with a very sharp stop"},
}


@dataclass
class Fingers:
    """Where fingers point as the parts of a sign go by, which a palm that turns by itself faces by."""

    direction: FingerDirection | Pair[FingerDirection] | None = None

    def turn(self, posture: Posture) -> None:
        """They point as a posture says from now on, where it does."""
        new = posture.direction
        if isinstance(new, Pair):
            old = self.of_hands()
            new = Pair(new.dominant or old.dominant, new.nondominant or old.nondominant)
        self.direction = new or self.direction

    def of_hands(self) -> Pair[FingerDirection]:
        """Of each hand; both are as the dominant one where nothing else is said."""
        return self.direction if isinstance(self.direction, Pair) else Pair(self.direction, self.direction)


def movement(action: Action, fingers: Fingers) -> str:
    """A movement, with its target and repetition."""
    kind = type(action)
    return _SIMPLE[kind](action) if kind in _SIMPLE else _NESTED[kind](action, fingers)


def _straight(action: StraightMovement) -> str:
    way = _DISTANCES[action.size] + words.direction(action.direction, action.between)
    parts = [f"move {way}"]
    if action.arc is not None:
        article, bow = _ARCS[action.arc.direction].split()
        size = words.small(action.arc.size)
        parts.append(f"in {'a' if size else article} {size}{bow} arc")
    return ", ".join(parts + _path(action))


def _path(action: StraightMovement | CircularMovement) -> list[str]:
    parts = []
    if action.zigzag is not None:
        parts.append(f"in {words.small(action.zigzag.size)}{action.zigzag.style.value} lines")
    if action.ellipse is not None:
        longer = {None: "longer", Size.SMALL: "somewhat longer", Size.LARGE: "much longer"}[action.ellipse.size]
        parts.append(f"as an ellipse that is {longer} {_ELLIPSES[action.ellipse.direction]}")
    return parts + _growing(action.growth) + _manner(action.manner)


def _growing(growth: Growth | None) -> list[str]:
    return [] if growth is None else [_GROWTHS[growth]]


def _circular(action: CircularMovement) -> str:
    drawn = f"draw a {words.small(action.size)}circle"
    if action.between is None and action.axis in _CIRCLES:
        parts = [f"{drawn} {_CIRCLES[action.axis]}"]
    else:
        parts = [f"{drawn} clockwise as seen when looking {words.direction(action.axis, action.between)}"]
    parts += [f"from {_CLOCK[action.start]}"] if action.start is not None else []
    parts += [("", "one full turn", "two full turns")[action.turns]] if action.turns else []
    parts += [f"to {_CLOCK[action.end]}"] if action.end is not None else []
    return ", ".join(parts + _path(action))


def _wrist(action: WristMovement) -> str:
    return ", ".join([_WRIST[action.kind], *_EXTENTS[action.size], *_manner(action.manner)])


def _wiggling(action: FingerPlay) -> str:
    return ", ".join([f"wiggle the {words.digits(action.fingers) or 'fingers'}", *_manner(action.manner)])


def _cross(action: CrossMovement) -> str:
    size = words.small(action.size)
    kind = "upright" if action.kind is CrossKind.PLUS else "slanting"
    return ", ".join(
        [f"draw {'a' if size or kind == 'slanting' else 'an'} {size}{kind} cross", *_manner(action.manner)]
    )


def _none(action: NoMovement) -> str:
    return ", ".join(["hold still", *_manner(action.manner)])


def _manner(manner: Manner) -> list[str]:
    named = [name for name in _MANNERS if getattr(manner, name)]
    parts = [_MANNERS[name][manner.degree if name == named[-1] else None] for name in named]
    return parts + ([f"at {manner.speed:g} times the usual speed"] if manner.speed is not None else [])


def _replace(action: Replace, fingers: Fingers) -> str:
    parts = [f"{_CHANGES[name]} {text}" for name, text in posture(action.posture, fingers)]
    one_by_one = [f"finger by finger, {_GROWTHS[action.growth]}"] if action.growth is not None else []
    return ", ".join([", ".join(parts) or "move", *one_by_one, *_manner(action.manner)])


_CHANGES = {
    "handshape": "change the handshape to",
    "fingers": "turn the fingers",
    "palm": "turn the palm",
}


def posture(one: Posture, pointing: Fingers) -> list[tuple[str, str]]:
    """What is said of handshape, fingers and palm, by name; fingers point as it says afterwards."""
    pointing.turn(one)
    parts = (
        ("handshape", _described(one.handshape, words.handshape)),
        ("fingers", _described(one.direction, words.fingers)),
        ("palm", _palms(one.palm, pointing)),
    )
    return [(name, text) for name, text in parts if text is not None]


def _palms(part: Palm | Pair[Palm] | None, pointing: Fingers) -> str | None:
    each = pointing.of_hands()
    if isinstance(part, Pair):
        texts = [
            words.palm(palm, fingers) if palm is not None else None
            for palm, fingers in ((part.dominant, each.dominant), (part.nondominant, each.nondominant))
        ]
        return words.for_hands(texts)
    return None if part is None else words.palm(part, each.dominant)


def _described(part: T | Pair[T] | None, describe: Callable[[T], str]) -> str | None:
    if part is None:
        return None
    if isinstance(part, Pair):
        return words.for_hands(
            [describe(each) if each is not None else None for each in (part.dominant, part.nondominant)]
        )
    return describe(part)


def _sequence(action: Sequence, fingers: Fingers) -> str:
    joined = ", then ".join(movement(each, fingers) for each in action.actions)
    return f"({joined}{', in one smooth path' * action.fused})"


def _parallel(action: Parallel, fingers: Fingers) -> str:
    return f"({' and at the same time '.join(movement(each, fingers) for each in action.actions)})"


def _split(action: Split, fingers: Fingers) -> str:
    before = fingers.of_hands()
    texts, after = [], []
    for each, pointing in ((action.hands.dominant, before.dominant), (action.hands.nondominant, before.nondominant)):
        own = Fingers(pointing)
        texts.append("hold still" if each is None else movement(each, own))
        after.append(own.of_hands().dominant)
    fingers.direction = Pair(after[0], after[1])
    if texts[0] == texts[1]:
        return f"(both hands: {texts[0]})"
    return f"(dominant hand: {texts[0]}; non-dominant hand: {texts[1]})"


def _targeted(action: Targeted, fingers: Fingers) -> str:
    text = movement(action.action, fingers)
    if isinstance(action.target, Constellation) and action.target.hands is None:
        return f"{text}, {words.end(action.target)}"
    return f"{text}, ending {words.target(action.target)}"


def _brushing(action: Brushing, fingers: Fingers) -> str:
    return f"{movement(action.action, fingers)}, brushing {words.where(action.at)}"


def _repeated(action: Repeated, fingers: Fingers) -> str:
    return f"{movement(action.action, fingers)}, {_repetition(action.repetition)}"


def _repetition(repetition: Repetition) -> str:
    parts = [_REPETITIONS[repetition.kind], *_growing(repetition.growth)]
    parts += [_SECOND_REPETITIONS[repetition.second]] if repetition.second is not None else []
    if repetition.shift is not None:
        parts.append(f"each time shifted {_straight(repetition.shift).removeprefix('move ')}")
    return ", ".join(parts)


def _alternating(action: Alternating, fingers: Fingers) -> str:
    return f"{movement(action.action, fingers)}, the hands in turn"


def _body(action: BodyAction, fingers: Fingers) -> str:
    return f"{words.place(action.part)}: {', then '.join(movement(each, fingers) for each in action.actions)}"


_SIMPLE: dict[type, Callable[..., str]] = {
    StraightMovement: _straight,
    CircularMovement: _circular,
    WristMovement: _wrist,
    FingerPlay: _wiggling,
    CrossMovement: _cross,
    NoMovement: _none,
}
_NESTED: dict[type, Callable[..., str]] = {
    Replace: _replace,
    Sequence: _sequence,
    Parallel: _parallel,
    Split: _split,
    Targeted: _targeted,
    Brushing: _brushing,
    Repeated: _repeated,
    Alternating: _alternating,
    BodyAction: _body,
}
