"""Where one hand is: which part of it, at which place."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from text_to_pose.hamnosys.places import BodyPlace, BodySite, ContactKind, HandPlace, Side
from text_to_pose.signing.anatomy.body_surface import front
from text_to_pose.signing.hands.contact_parts import Kind, contact_part
from text_to_pose.signing.hands.hand_places import on_hand
from text_to_pose.signing.hands.solid_hand import SurfacePoint
from text_to_pose.signing.placement.body_places import is_on_arm, is_on_head, on_arm, on_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from text_to_pose.hamnosys.places import Location
    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.hands.solid_hand import SolidHand
    from text_to_pose.signing.motion import HandSide
    from text_to_pose.signing.placement.body_places import Arm
    from text_to_pose.signing.vectors import Array

# Metres.
_CLOSE_TO_FACE, _CLOSE_TO_TRUNK, _CLOSE_TO_HAND = 0.025, 0.05, 0.03
_BEFORE_FACE, _BEFORE_HAND = 0.09, 0.07
_BEFORE_TRUNK = 0.20
"""From the skin to the middle of the hand: half an arm's length, elbows at the sides."""
_CLOSE_BESIDE = 0.08
_BEHIND = 0.04
_ASIDE, _BASE_ASIDE = 0.12, 0.02
"""How far to its side of the middle a hand is that is only before the signer, and one that the other hand comes to."""
_UPRIGHT = 0.6
"""The height of a unit vector along fingers that point up."""
_AT_UPRIGHT_ARM = np.array([0.4, 0.2, 0.2])
"""The middle of a hand whose upright arm the other one touches: to its side, up, before the chest; shoulder widths."""
_NEUTRAL_HEIGHT, _TOGETHER_HEIGHT = -0.45, -0.60
"""Of the middle of a hand, and of hands that are together, in shoulder widths: wrists of people who sign are 0.27 below
the shoulders and 0.44 to the side (medians over German sentences, and over finger spelling in 19 languages)."""
_WIDER = 1.15
"""How much farther to the side places before the trunk are than those on it."""
_BESIDE = 0.75
"""In shoulder widths, beside the trunk."""
_STRETCHED = 0.97
"""Of the arm's length, shoulder to wrist."""
_FINGERS_TOUCH = {BodySite.SHOULDER_TOP, BodySite.NECK}
"""Places beside the face at which a flat hand does not lie whole either."""
_BESIDE_SIDES = {Side.LEFT_BESIDE, Side.RIGHT_BESIDE}
_IN_FRONT, _CURVED = 0.5, 0.4
_SIGN = {"right": -1.0, "left": 1.0}
OUT = np.array([0.0, 0.0, 1.0])


class Held(NamedTuple):
    """The other hand, for what is at it."""

    hand: SolidHand
    wrist: Array
    arm: Callable[[], Arm]


class Aim(NamedTuple):
    """What of a hand is to be where.

    Attributes:
        part: (3,) the part of the hand, from its wrist.
        target: (3,) the place on the skin.
        away: (3,) out of the skin there.
        gap: how far from the skin the part is, in metres.
        touches: whether it is a contact.
        on_hand: whether it is with the other hand.
        named: whether the notation says which part.
    """

    part: Array
    target: Array
    away: Array
    gap: float = 0.0
    touches: bool = False
    on_hand: bool = False
    named: bool = False

    @property
    def wrist(self) -> Array:
        """(3,) where the wrist is then."""
        return self.target + self.gap * self.away - self.part


def before_body(hand: SolidHand, side: HandSide, body: Body, *, base: bool = False, arm_is_base: bool = False) -> Aim:
    """The space before the signer; a base is what the other hand comes to: the hand, or its arm, if that is upright."""
    if arm_is_base and hand.axes[1, 1] > _UPRIGHT:
        point = body.shoulder_width * _AT_UPRIGHT_ARM * [_SIGN[side], 1.0, 1.0] + _chest(body) * OUT
        return Aim(hand.middle, point, OUT)
    x = _SIGN[side] * (_BASE_ASIDE if base else _ASIDE)
    height = _TOGETHER_HEIGHT if base else _NEUTRAL_HEIGHT
    point = np.array([x, height * body.shoulder_width, _chest(body)])
    return Aim(hand.middle, point, OUT, _BEFORE_TRUNK)


def at(
    location: Location, hand: SolidHand, side: HandSide, body: Body, *, both: bool = False, other: Held | None = None
) -> Aim:
    """A place as the notation names it.

    Args:
        location: where, how near, and with what.
        hand: the hand, turned.
        side: which hand it is.
        body: the signer.
        both: the other hand is at the same place, too.
        other: the other hand, for places on it and on its arm.
    """
    if isinstance(location.place, BodyPlace) and not is_on_arm(location.place):
        return _at_body(location, location.place, hand, side, body, both=both)
    if other is None:
        return before_body(hand, side, body)
    return _at_other(location, hand, other)


def _at_body(location: Location, place: BodyPlace, hand: SolidHand, side: HandSide, body: Body, *, both: bool) -> Aim:
    kind = None if location.contact is None else location.contact.kind
    spot = _spot(location, place, side, body, both=both)
    if kind is ContactKind.ARM_EXTENDED:
        return _arm_extended(spot, side, body)
    on_face = is_on_head(place)
    if not on_face and (kind is None or (kind is ContactKind.CLOSE and place.side in _BESIDE_SIDES)):
        return _before_trunk(spot, place, hand, side, body, both=both, close=kind is not None)
    close = _CLOSE_TO_FACE if on_face else _CLOSE_TO_TRUNK
    gap = {None: _BEFORE_FACE, ContactKind.CLOSE: close}.get(kind, 0.0)
    kind_of_place: Kind = "trunk"
    if on_face or place.site in _FINGERS_TOUCH:
        kind_of_place = "near" if gap > 0 else "face"
    named = _named_part(location, hand, -spot.normal)
    part = named or contact_part(hand, -_flatter(spot.normal), kind_of_place)
    return Aim(part.point, spot.point, spot.normal, gap, touches=gap == 0, named=named is not None)


def _spot(location: Location, place: BodyPlace, side: HandSide, body: Body, *, both: bool) -> SurfacePoint:
    """A place on the skin, halfway to another one, or behind it."""
    spot = on_body(place, body, side, both=both)
    if isinstance(location.between, BodyPlace) and not is_on_arm(location.between):
        spot = _halfway(spot, on_body(location.between, body, side, both=both))
    return SurfacePoint(spot.point - np.array([0.0, 0.0, _BEHIND]), spot.normal) if location.behind else spot


def before_trunk(location: Location | None, body: Body) -> Array:
    """(3,) the middle of the space before the trunk, at the height of a place; None: between chest and stomach."""
    if location is None or not isinstance(location.place, BodyPlace):
        x, y = 0.0, _TOGETHER_HEIGHT * body.shoulder_width
    else:
        spot = on_body(location.place, body, "right")
        if isinstance(location.between, BodyPlace):
            spot = _halfway(spot, on_body(location.between, body, "right"))
        x = 0.0 if location.place.side is None else float(spot.point[0]) * _WIDER
        y = float(spot.point[1])
    return np.array([x, y, _chest(body) + _BEFORE_TRUNK])


@lru_cache(maxsize=64)
def _chest(body: Body) -> float:
    """How far out the chest is."""
    point, _ = front(body, 0.0, -0.4 * body.shoulder_width)
    return float(point[2])


def _before_trunk(
    spot: SurfacePoint, place: BodyPlace, hand: SolidHand, side: HandSide, body: Body, *, both: bool, close: bool
) -> Aim:
    """In the space before the trunk, at the height of a place and to its side; beside the trunk a hand is in front."""
    x = float(spot.point[0]) * _WIDER
    if place.side in _BESIDE_SIDES:
        x = float(np.sign(x)) * _BESIDE * body.shoulder_width
    elif place.side is None and not both:
        x = 0.3 * _SIGN[side] * _ASIDE
    gap = _CLOSE_BESIDE if close else _BEFORE_TRUNK
    return Aim(hand.middle, np.array([x, spot.point[1], _chest(body)]), OUT, gap)


def _flatter(normal: Array) -> Array:
    """The way that a place in front faces for a hand, which is larger than what is curved there."""
    if normal[2] < _IN_FRONT:
        return normal
    flat = normal * np.array([_CURVED, _CURVED, 1.0])
    result: Array = flat / np.linalg.norm(flat)
    return result


def _arm_extended(spot: SurfacePoint, side: HandSide, body: Body) -> Aim:
    shoulder = body.shoulders[0 if side == "left" else 1]
    across = spot.point[:2] - shoulder[:2]
    reach = _STRETCHED * body.arm
    across = across * min(1.0, 0.8 * reach / max(float(np.linalg.norm(across)), 1e-6))
    wrist = shoulder + np.array([*across, np.sqrt(reach**2 - across @ across)])
    return Aim(np.zeros(3), wrist, OUT)


def _at_other(location: Location, hand: SolidHand, other: Held) -> Aim:
    """At a place on the other hand or its arm."""
    kind = None if location.contact is None else location.contact.kind
    faces = -hand.axes[:, 2] + np.array([0.0, 0.3, 0.4])
    spot = _on_other(location.place, other, faces)
    if location.between is not None:
        spot = _halfway(spot, _on_other(location.between, other, faces))
    if location.behind:
        spot = SurfacePoint(spot.point, -OUT)
    on_hand_itself = isinstance(location.place, HandPlace)
    gap = {None: _BEFORE_HAND, ContactKind.CLOSE: _CLOSE_TO_HAND}.get(kind, 0.0)
    named = _named_part(location, hand, -spot.normal)
    part = named or contact_part(hand, -spot.normal, "hand" if on_hand_itself else "trunk")
    return Aim(part.point, spot.point, spot.normal, gap, gap == 0, on_hand_itself, named is not None)


def _on_other(place: BodyPlace | HandPlace, other: Held, towards: Array) -> SurfacePoint:
    if isinstance(place, BodyPlace):
        return on_arm(place, other.arm(), towards)
    spot = on_hand(place, other.hand, towards)
    return SurfacePoint(other.wrist + spot.point, spot.normal)


def _named_part(location: Location, hand: SolidHand, towards: Array) -> SurfacePoint | None:
    """What of the hand the notation says is there."""
    by = None if location.contact is None else location.contact.by
    if by is None or not isinstance(by.place, HandPlace):
        return None
    spot = on_hand(by.place, hand, towards)
    return _halfway(spot, on_hand(by.between, hand, towards)) if isinstance(by.between, HandPlace) else spot


def _halfway(first: SurfacePoint, second: SurfacePoint) -> SurfacePoint:
    normal = first.normal + second.normal
    length = float(np.linalg.norm(normal))
    return SurfacePoint((first.point + second.point) / 2, normal / length if length > 0.1 else first.normal)
