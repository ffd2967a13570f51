"""Symbols of a string, one by one with their places, and the classes that a parser asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from pose_core import UserError
from text_to_pose.hamnosys.directions import COMPASS, STRAIGHT, Direction
from text_to_pose.hamnosys.handshapes import Bend, Digit, FingerPart, Form, Thumb
from text_to_pose.hamnosys.movements import (
    CrossKind,
    EllipseDirection,
    Growth,
    RepetitionKind,
    Size,
    WristMovementKind,
    ZigzagStyle,
)
from text_to_pose.hamnosys.places import BodySite, ContactKind, HandPart
from text_to_pose.text.hamnosys import placed_tokens

if TYPE_CHECKING:
    import enum
    from collections.abc import Iterable, Mapping

T = TypeVar("T")
E = TypeVar("E", bound="enum.Enum")

LONGEST = 5000
"""The most symbols that a string may have; the longest real sign has some hundred."""
DEEPEST = 40
"""The most brackets that may be open at once; real signs have five."""

UNSPOKEN = {"space", "version40"}
"""Symbols that say nothing about a sign: blanks, and the mark of the version."""


def _by_value(kind: type[E]) -> dict[str, E]:
    return {each.value: each for each in kind}


FORMS, THUMBS, BENDS = _by_value(Form), _by_value(Thumb), _by_value(Bend)
DIGITS, FINGER_PARTS, HAND_PARTS = _by_value(Digit), _by_value(FingerPart), _by_value(HandPart)
BODY_SITES, CONTACTS, SIZES, GROWTHS = _by_value(BodySite), _by_value(ContactKind), _by_value(Size), _by_value(Growth)
WRIST_MOVEMENTS, CROSSES, ZIGZAGS = _by_value(WristMovementKind), _by_value(CrossKind), _by_value(ZigzagStyle)
ELLIPSES = _by_value(EllipseDirection)
REPETITIONS = {each.value: each for each in RepetitionKind if each is not RepetitionKind.TO_AND_FRO}


def _directions(prefix: str, directions: Iterable[Direction]) -> dict[str, Direction]:
    return {prefix + each.value: each for each in directions}


FINGER_DIRECTIONS = _directions("extfinger", STRAIGHT)
PALMS = _directions("palm", COMPASS)
MOVES = _directions("move", STRAIGHT)
CIRCLES = _directions("circle", STRAIGHT)
ARCS = _directions("arc", [Direction.L, Direction.U, Direction.R, Direction.D])
CLOCK = _directions("clock", COMPASS)
MANNERS = ("fast", "slow", "tense", "rest", "halt")
SIDES = ("lrbeside", "lrat")


@dataclass(frozen=True)
class Symbol:
    """A symbol's name without `ham`, its number in the string and the character it is at, both from 1."""

    name: str
    number: int
    character: int


def read_symbols(text: str) -> list[Symbol]:
    """The symbols of HamNoSys in Unicode, or of symbol names with blanks between (`hamfist hamthumboutmod`).

    Blanks and the mark of the version are left out, but count for the places.

    Raises:
        UserError: another script, an unknown name, nothing, or too much.
    """
    if not text.strip():
        raise UserError("there is no HamNoSys: the text is empty")
    if len(text) > 32 * LONGEST:
        raise UserError(f"{len(text):,} characters are no sign: give one sign, of at most {LONGEST:,} symbols")
    named = placed_tokens(text.rstrip("\r\n"))
    if len(named) > LONGEST:
        raise UserError(f"{len(named):,} symbols are no sign: give one sign, of at most {LONGEST:,} symbols")
    symbols = [Symbol(name.removeprefix("ham"), i, place) for i, (name, place) in enumerate(named, start=1)]
    return [symbol for symbol in symbols if symbol.name not in UNSPOKEN]


@dataclass
class Symbols:
    """The symbols that a parser has still to read."""

    symbols: list[Symbol]
    at: int = 0
    depth: int = field(default=0, init=False)
    begun: list[tuple[int, object]] = field(default_factory=list, init=False)
    """Parts of the tree, each with the number of the symbol that it begins with; see `begin`."""

    def peek(self, ahead: int = 0) -> str:
        """The name of a symbol to come; "" behind the last."""
        place = self.at + ahead
        return self.symbols[place].name if place < len(self.symbols) else ""

    def take(self, *names: str) -> bool:
        """Whether the next symbol is one of these; it is read then."""
        if self.peek() in names:
            self.at += 1
            return True
        return False

    def take_of(self, kinds: Mapping[str, T]) -> T | None:
        """What the next symbol means, if it is one of these; it is read then."""
        found = kinds.get(self.peek())
        if found is not None:
            self.at += 1
        return found

    def expect(self, name: str, why: str) -> None:
        """Reads a symbol that has to be there.

        Raises:
            UserError: another one is.
        """
        if not self.take(name):
            raise self.error(f"ham{name} {why}")

    def begin(self, at: int, part: object) -> None:
        """Keeps which symbol a part of the tree begins with, the one at `at`."""
        self.begun.append((self.symbols[at].number, part))

    def open_bracket(self) -> None:
        """Counts a bracket; `close_bracket` counts it back.

        Raises:
            UserError: too many are open.
        """
        self.depth += 1
        if self.depth > DEEPEST:
            raise UserError(f"{self._place(self.at - 1)}: more than {DEEPEST} brackets are open at once")

    def close_bracket(self, name: str) -> None:
        self.expect(name, "that closes the bracket")
        self.depth -= 1

    def error(self, expected: str) -> UserError:
        """The message that names the next symbol, its place, and what was expected there."""
        if self.at < len(self.symbols):
            return UserError(f"{self._place(self.at)}: expected {expected}")
        last = self.symbols[-1]
        return UserError(f"the string ends after symbol {last.number} (ham{last.name}): expected {expected}")

    def _place(self, at: int) -> str:
        symbol = self.symbols[at]
        return f"symbol {symbol.number} (ham{symbol.name}) at character {symbol.character}"
