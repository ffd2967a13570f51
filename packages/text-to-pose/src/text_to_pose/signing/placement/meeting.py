"""How two hands are to each other: which parts of them meet, how near, and from which side."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from text_to_pose.hamnosys.places import ContactKind, HandPlace
from text_to_pose.signing.hands.contact_parts import contact_part
from text_to_pose.signing.hands.hand_places import fingers_of, on_hand
from text_to_pose.signing.hands.solid_hand import SurfacePoint

if TYPE_CHECKING:
    from text_to_pose.hamnosys.places import Constellation, Location
    from text_to_pose.signing.hands.solid_hand import SolidHand
    from text_to_pose.signing.vectors import Array

CLOSE = 0.03
"""How far apart hands are that are close to each other, in metres."""
_APART = 0.07
"""And where only one is behind the other."""
_INTO_THE_OTHER = np.array([1.0, 0.0, 0.0])
"""Where the right hand meets the left one if nothing says it."""
_MIDDLE = 1
"""The middle bone of a finger."""
_FEW = 2


class Meeting(NamedTuple):
    """Places on the right and on the left hand, from their wrists, and (3,) from the first to the second."""

    right: Array
    left: Array
    gap: Array


def meet(
    right: SolidHand, left: SolidHand, constellation: Constellation, *, dominant_left: bool, mirrored: bool
) -> Meeting:
    """Which places of two hands are together, and how far apart.

    Args:
        right, left: the hands.
        constellation: what is said of them.
        dominant_left: the left hand is the one that the notation describes.
        mirrored: the hands mirror each other, and meet in the middle.
    """
    kind = None if constellation.contact is None else constellation.contact.kind
    named = _named(constellation, dominant_left=dominant_left)
    if kind is ContactKind.CROSS and named == (None, None):
        return _crossing(right, left, dominant_left=dominant_left)
    if kind is ContactKind.INTERLOCK and all(place is None or _is_fingers(place) for place in named):
        return Meeting(_hooked(right, named[0]), _hooked(left, named[1]), np.zeros(3))
    # The dominant hand is the one behind: nearer to the signer.
    behind = np.array([0.0, 0.0, -1.0 if dominant_left else 1.0])
    towards = behind if constellation.behind else _towards(right, left, named, mirrored=mirrored)
    first = _part(named[0], right, towards) or contact_part(right, towards, "hand")
    second = _part(named[1], left, -towards) or contact_part(left, -towards, "hand")
    gap = {ContactKind.CLOSE: CLOSE, None: _APART}.get(kind, 0.0)
    return Meeting(first.point, second.point, gap * towards)


def _towards(
    right: SolidHand, left: SolidHand, named: tuple[Location | None, Location | None], *, mirrored: bool
) -> Array:
    """From where the right hand comes to the left one, (3,): as the places face that are named on them."""
    first, second = (_part(place, hand, None) for place, hand in zip(named, (right, left), strict=True))
    if _have_no_side(named, (first, second)):
        return _INTO_THE_OTHER
    facing: Array = np.zeros(3)
    facing += 0.0 if first is None else first.normal
    facing -= 0.0 if second is None else second.normal
    length = float(np.linalg.norm(facing))
    if length > 0.8:
        return facing / length
    return _INTO_THE_OTHER if mirrored else _approach(right, left)


def _named(constellation: Constellation, *, dominant_left: bool) -> tuple[Location | None, Location | None]:
    """The places that are named on the right and on the left hand."""
    if constellation.hands is None:
        return None, None
    both = [
        place if place is not None and isinstance(place.place, HandPlace) else None
        for place in (constellation.hands.dominant, constellation.hands.nondominant)
    ]
    return (both[1], both[0]) if dominant_left else (both[0], both[1])


def _part(named: Location | None, hand: SolidHand, towards: Array | None) -> SurfacePoint | None:
    if named is None or not isinstance(named.place, HandPlace):
        return None
    spot = on_hand(named.place, hand, towards)
    if isinstance(named.between, HandPlace):
        other = on_hand(named.between, hand, towards)
        middle = spot.normal + other.normal
        length = float(np.linalg.norm(middle))
        return SurfacePoint((spot.point + other.point) / 2, middle / length if length > 0.1 else spot.normal)
    return spot


def _have_no_side(named: tuple[Location | None, Location | None], spots: tuple[SurfacePoint | None, ...]) -> bool:
    """Whether the same part of both hands faces the same way: they meet side by side."""
    if named[0] is None or named[1] is None or spots[0] is None or spots[1] is None:
        return False
    return named[0].place == named[1].place and float(spots[0].normal @ spots[1].normal) > 0.5


def _approach(right: SolidHand, left: SolidHand) -> Array:
    """From where the right hand comes to the left one: parts that face it, palms and fingertips above all."""
    ways = np.array([(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if (x, y, z) != (0, 0, 0)])
    ways = ways / np.linalg.norm(ways, axis=1, keepdims=True)
    likely = _facing(right, ways) + _facing(left, -ways) + 0.3 * ways[:, 0] - 0.15 * ways[:, 1]
    best: Array = ways[int(np.argmax(likely))]
    return best


def _facing(hand: SolidHand, ways: Array) -> Array:
    thumb, fingers, palm = (ways @ axis for axis in hand.axes.T)
    pointing = (0.9 if hand.out[1:].any() else 0.6) * fingers
    return np.max([palm, pointing, 0.7 * thumb, -0.7 * thumb, -0.6 * palm], axis=0)


def _crossing(right: SolidHand, left: SolidHand, *, dominant_left: bool) -> Meeting:
    """Index fingers, whole fingers or wrists lie across each other, the dominant hand outside or above."""
    few = 0 < min(right.out[1:].sum(), left.out[1:].sum()) <= _FEW
    first, second = (_crossed(hand, few=few) for hand in (right, left))
    across = np.cross(right.axes[:, 1], left.axes[:, 1])
    length = float(np.linalg.norm(across))
    across = across / length if length > 0.3 else np.array([0.0, 0.0, 1.0])
    if across @ np.array([0.0, 0.6, 0.8]) > 0:
        across = -across
    thick = 0.014 if few else 0.045
    return Meeting(first, second, (-1.0 if dominant_left else 1.0) * thick * across)


def _crossed(hand: SolidHand, *, few: bool) -> Array:
    if not few:
        return -0.01 * hand.axes[:, 1]
    finger = int(np.argmax(hand.out[1:])) + 1
    return hand.points[4 * finger + 2]


def _is_fingers(named: Location) -> bool:
    return isinstance(named.place, HandPlace) and named.place.part is None


def _hooked(hand: SolidHand, named: Location | None) -> Array:
    """Where the other hand is held: inside the middle bone of one or two fingers, else between the first bones."""
    if named is not None and isinstance(named.place, HandPlace):
        fingers = [finger for finger in fingers_of(named.place, hand) if finger > 0]
    else:
        fingers = [finger for finger in range(1, 5) if hand.out[finger]]
    if 0 < len(fingers) <= _FEW:
        return hand.on_digit(fingers[0], _MIDDLE, 0.5, palmar=1.0).point
    knuckles: Array = hand.points[[9, 10]].mean(axis=0)
    return knuckles
