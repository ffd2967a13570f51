"""Attributes of an element, taken one by one; what is left at the end is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from text_to_pose.hamnosys.directions import Direction
from text_to_pose.hamnosys.handshapes import JointBend
from text_to_pose.hamnosys.sigml.vocabulary import BENDS, DIGITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from text_to_pose.hamnosys.handshapes import Bend, Digit
    from text_to_pose.hamnosys.sigml.elements import Element

T = TypeVar("T")


class Attributes:
    """The attributes of one element.

    Every method takes an attribute by its name, and raises a `UserError` with the line where its value is none of those
    that it may have.
    """

    def __init__(self, element: Element) -> None:
        self.element = element
        self.left = dict(element.attributes)

    def text(self, name: str) -> str | None:
        """The value as it stands."""
        return self.left.pop(name, None)

    def flag(self, name: str) -> bool:
        """Whether it is "true"."""
        return self.choice(name, {"true": True, "false": False}) or False

    def choice(self, name: str, kinds: Mapping[str, T]) -> T | None:
        """What the value means; None: it is not there."""
        value = self.text(name)
        if value is None:
            return None
        if value not in kinds:
            raise self.wrong(name, value, f"expected {', '.join(kinds)}")
        return kinds[value]

    def number(self, name: str) -> float | None:
        """A number above 0."""
        value = self.text(name)
        if value is None:
            return None
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not 0 < number < 1000:
            raise self.wrong(name, value, "expected a number above 0 and below 1000")
        return number

    def digits(self, name: str) -> tuple[Digit, ...]:
        """Fingers by number: "23"."""
        value = self.text(name) or ""
        if not all(digit in DIGITS for digit in value):
            raise self.wrong(name, value, "expected digits from 1, the thumb, to 5, the pinky")
        return tuple(DIGITS[digit] for digit in value)

    def bend(self, name: str) -> Bend | JointBend | None:
        """A bend by name, or by its joints in quarters of their range: "400", "0.50.50.5"."""
        value = self.text(name)
        if value is None or value in BENDS:
            return BENDS[value] if value is not None else None
        parts = list(value) if len(value) == 3 else [value[i : i + 3] for i in range(0, len(value), 3)]
        try:
            base, middle, end = (float(part) for part in parts)
        except ValueError:
            raise self.wrong(
                name, value, f"expected {', '.join(BENDS)}, or a digit from 0 to 4 for each joint"
            ) from None
        if not all(0 <= joint <= 4 for joint in (base, middle, end)):
            raise self.wrong(name, value, "a joint bends by 0 to 4 quarters")
        return JointBend((base, middle, end))

    def direction(self, name: str) -> tuple[Direction | None, Direction | None]:
        """A direction, and with `second_` before its name the one that it is halfway to.

        "uuo" is halfway between "u" and "uo".
        """
        second_name = f"second_{name}"
        given, value = self.left.get(name), self.left.get(second_name)
        first, halfway = self._direction(name)
        second, rounded = self._direction(second_name)
        if value and second is None:
            self.element.notify(f"{second_name}={value!r} says no direction; it is left out")
        if rounded is not None and second is not None:
            self.element.notify(f"{second_name}={value!r} is taken for {second.value!r}")
        if halfway is not None and second is not None and first is not None:
            self.element.notify(f"{name}={given!r} is taken for {first.value!r}")
        return first, second or halfway

    def _direction(self, name: str) -> tuple[Direction | None, Direction | None]:
        value = self.text(name)
        if value is None:
            return None, None
        found, halfway = parse_direction(value)
        if found is None and (not name.startswith("second_") or not value or set(value) - set("udlroi")):
            raise self.wrong(name, value, "expected u, d, l, r, o, i or two or three of them")
        return found, halfway

    def wrong(self, name: str, value: str, expected: str) -> Exception:
        """The error of a value."""
        shown = value if len(value) <= 40 else f"{value[:40]}..."
        return self.element.error(f"<{self.element.tag}> has {name}={shown!r}: {expected}")

    def finish(self) -> None:
        """Refuses what has not been taken.

        Raises:
            UserError: an attribute is left; it is unknown.
        """
        for name in self.left:
            raise self.element.error(f"<{self.element.tag}> has an unknown attribute {name!r}")


def parse_direction(value: str) -> tuple[Direction | None, Direction | None]:
    """A direction of SiGML, letters in any order; where one stands twice, also the direction it is halfway to."""
    if not 1 <= len(value) <= 3 or set(value) - set("udlroi"):
        return None, None
    steps = [value.count(a) - value.count(b) for a, b in ("rl", "ud", "oi")]
    right, up, out = (max(-1, min(1, step)) for step in steps)
    both = Direction.of(right, up, out)
    twice = [letter for letter in set(value) if value.count(letter) > 1]
    if both is None or not twice or len(set(value)) == 1:
        return both, None
    return Direction(twice[0]), both
