"""Movements in English words."""

from __future__ import annotations

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
    FingerPlay,
    Growth,
    NoMovement,
    Parallel,
    Repeated,
    RepetitionKind,
    Replace,
    Sequence,
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
    from text_to_pose.hamnosys.postures import Posture

T = TypeVar("T")

_WRIST = {
    WristMovementKind.NODDING: "nodding of the wrist",
    WristMovementKind.SWINGING: "swinging of the wrist from side to side",
    WristMovementKind.TWISTING: "twisting of the forearm",
    WristMovementKind.STIR_CLOCKWISE: "stirring, clockwise",
    WristMovementKind.STIR_COUNTERCLOCKWISE: "stirring, counterclockwise",
}
_REPETITIONS = {
    RepetitionKind.FROM_START: "repeated once from the start",
    RepetitionKind.FROM_START_SEVERAL: "repeated several times from the start",
    RepetitionKind.CONTINUE: "repeated once from where it ended",
    RepetitionKind.CONTINUE_SEVERAL: "repeated several times from where it ended",
    RepetitionKind.REVERSE: "and back",
    RepetitionKind.TO_AND_FRO: "to and fro",
}


def movement(action: Action) -> str:
    """A movement, with its target and repetition."""
    return _DESCRIBE[type(action)](action)


def _straight(action: StraightMovement) -> str:
    parts = [f"{words.small(action.size)}movement {words.direction(action.direction, action.between)}"]
    if action.arc is not None:
        article = "an" if action.arc.size is None and action.arc.direction is Direction.U else "a"
        parts.append(f"in {article} {words.small(action.arc.size)}{_arc(action.arc.direction.value)} arc")
    return ", ".join(parts + _path(action))


def _arc(letter: str) -> str:
    return {"u": "upward", "d": "downward", "l": "leftward", "r": "rightward"}[letter]


def _path(action: StraightMovement | CircularMovement) -> list[str]:
    parts = []
    if action.zigzag is not None:
        parts.append(f"in {words.small(action.zigzag.size)}{action.zigzag.style.value} lines")
    if action.ellipse is not None:
        shape = action.ellipse.direction.name.lower().replace("_", "-")
        parts.append(f"elliptic ({words.small(action.ellipse.size)}{shape})")
    return parts + _growing(action.growth) + _manner(action.manner)


def _growing(growth: Growth | None) -> list[str]:
    return [] if growth is None else [growth.name.lower()]


def _circular(action: CircularMovement) -> str:
    parts = [f"{words.small(action.size)}circle about the axis {words.direction(action.axis, action.between)}"]
    parts += [f"from {words.direction(action.start)}"] if action.start is not None else []
    parts += [("", "one full turn", "two full turns")[action.turns]] if action.turns else []
    parts += [f"to {words.direction(action.end)}"] if action.end is not None else []
    return ", ".join(parts + _path(action))


def _wrist(action: WristMovement) -> str:
    return ", ".join([words.small(action.size) + _WRIST[action.kind], *_manner(action.manner)])


def _fingers(action: FingerPlay) -> str:
    of = f" of {words.digits(action.fingers)}" if action.fingers else ""
    return ", ".join([f"wiggling{of or ' of the fingers'}", *_manner(action.manner)])


def _cross(action: CrossMovement) -> str:
    kind = "upright" if action.kind is CrossKind.PLUS else "slanting"
    return ", ".join([f"{words.small(action.size)}{kind} cross", *_manner(action.manner)])


def _none(action: NoMovement) -> str:
    return ", ".join(["no movement", *_manner(action.manner)])


def _manner(manner: Manner) -> list[str]:
    named = {"fast": "fast", "slow": "slow", "tense": "tense", "rest": "with a rest", "halt": "with a sharp stop"}
    parts = [word for name, word in named.items() if getattr(manner, name)]
    if parts and manner.degree is not None:
        parts[-1] += f" ({manner.degree.name.lower()})"
    return parts + ([f"{manner.speed:g} times as fast"] if manner.speed is not None else [])


def _replace(action: Replace) -> str:
    parts = [f"{part} {text}" for part, text in posture(action.posture)]
    one_by_one = [f"finger by finger, {action.growth.name.lower()}"] if action.growth is not None else []
    return ", ".join([f"change to {', '.join(parts)}" if parts else "move", *one_by_one, *_manner(action.manner)])


def posture(one: Posture) -> list[tuple[str, str]]:
    """What is said of handshape, fingers and palm, by name."""
    parts = (
        ("handshape", _described(one.handshape, words.handshape)),
        ("fingers", _described(one.direction, words.orientation)),
        ("palm", _described(one.palm, words.orientation)),
    )
    return [(name, text) for name, text in parts if text is not None]


def _described(part: T | Pair[T] | None, describe: Callable[[T], str]) -> str | None:
    if part is None:
        return None
    if isinstance(part, Pair):
        return words.for_hands(
            [describe(each) if each is not None else None for each in (part.dominant, part.nondominant)]
        )
    return describe(part)


def _sequence(action: Sequence) -> str:
    joined = ", then ".join(map(movement, action.actions))
    return f"({joined}{', melted into one path' * action.fused})"


def _parallel(action: Parallel) -> str:
    return f"({' and at the same time '.join(map(movement, action.actions))})"


def _split(action: Split) -> str:
    hands = (action.hands.dominant, action.hands.nondominant)
    return f"({words.for_hands([movement(each) if each is not None else 'no movement' for each in hands])})"


def _targeted(action: Targeted) -> str:
    to = ", ending" if isinstance(action.target, Constellation) and action.target.hands is None else ", to"
    return f"{movement(action.action)}{to} {words.target(action.target)}"


def _brushing(action: Brushing) -> str:
    return f"{movement(action.action)}, brushing {words.location(action.at)}"


def _repeated(action: Repeated) -> str:
    return f"{movement(action.action)}, {_repetition(action.repetition)}"


def _repetition(repetition: Repetition) -> str:
    parts = [_REPETITIONS[repetition.kind], *_growing(repetition.growth)]
    parts += [f"once more {_REPETITIONS[repetition.second]}"] if repetition.second is not None else []
    parts += [f"each shifted by a {_straight(repetition.shift)}"] if repetition.shift is not None else []
    return ", ".join(parts)


def _alternating(action: Alternating) -> str:
    return f"{movement(action.action)}, the hands in turn"


def _body(action: BodyAction) -> str:
    return f"{words.place(action.part)} moves: {', then '.join(map(movement, action.actions))}"


_DESCRIBE: dict[type, Callable[..., str]] = {
    StraightMovement: _straight,
    CircularMovement: _circular,
    WristMovement: _wrist,
    FingerPlay: _fingers,
    CrossMovement: _cross,
    NoMovement: _none,
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
