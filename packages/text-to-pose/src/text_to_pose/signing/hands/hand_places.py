"""Places on a hand, as HamNoSys names them, on a hand in its handshape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.handshapes import Digit, FingerPart
from text_to_pose.hamnosys.places import HandPart, Side, Surface
from text_to_pose.signing.hands.solid_hand import SurfacePoint

if TYPE_CHECKING:
    from text_to_pose.hamnosys.places import HandPlace
    from text_to_pose.signing.hands.solid_hand import SolidHand
    from text_to_pose.signing.vectors import Array

_LEFT = np.array([1.0, 0.0, 0.0])
_BESIDE = 0.02
"""How far beside a finger or the hand is beside it, in metres."""
_WRIST = (0.027, 0.019)
"""Half the breadth and thickness of a wrist."""
_PALM, _BACK = np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, -1.0])
_THUMBWARDS, _PINKYWARDS = np.array([1.0, 0.0, 0.0]), np.array([-1.0, 0.0, 0.0])

_SIDES = ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0))
"""Palm's, back's, thumb's and pinky's side of a finger."""
_BONES = {
    FingerPart.TIP: (2, 1.0),
    FingerPart.NAIL: (2, 0.75),
    FingerPart.PAD: (2, 0.6),
    FingerPart.MID_JOINT: (0, 1.0),
    FingerPart.BASE: (0, 0.15),
    FingerPart.SIDE: (1, 0.5),
    None: (1, 0.5),
}
"""On which bone of a finger its parts are, and where along it."""
_FACING = {FingerPart.NAIL: _SIDES[1:2], FingerPart.PAD: _SIDES[:1], FingerPart.SIDE: _SIDES[2:]}
"""On which of its sides."""


def on_hand(place: HandPlace, hand: SolidHand, towards: Array | None = None) -> SurfacePoint:
    """The place on a hand, in the signer's frame from its wrist.

    Args:
        place: which.
        hand: in its handshape, turned.
        towards: (3,) where the other thing is: of a finger's sides, and of several fingers, what is nearest to it is
            meant where the notation does not say; None: the palm's side, and the finger in the middle.
    """
    beside = place.side in {Side.LEFT_BESIDE, Side.RIGHT_BESIDE}
    if place.side is not None and place.side is not Side.FRONT:
        towards = _LEFT if place.side in {Side.LEFT, Side.LEFT_BESIDE} else -_LEFT
    found = _on_part(place, hand) if place.part is not None else _on_fingers(place, hand, towards)
    if place.part is not None and towards is not None and place.side is not None:
        found = _to_side(found, hand, towards)
    if beside and towards is not None:
        found = SurfacePoint(found.point + _BESIDE * towards, towards)
    return found


def fingers_of(place: HandPlace, hand: SolidHand) -> list[int]:
    """Which digits a place means, 0 to 4 from the thumb: those that are named, else those that stand out."""
    if place.fingers:
        return [digit.number - 1 for digit in place.fingers]
    out = [digit for digit in range(1, 5) if hand.out[digit]]
    if not out and hand.out[0]:
        return [0]
    return out or [Digit.INDEX.number - 1, Digit.MIDDLE.number - 1]


def _on_part(place: HandPlace, hand: SolidHand) -> SurfacePoint:
    part = place.part
    if part in {HandPart.WRIST_BACK, HandPart.WRIST_PULSE}:
        palmar = part is HandPart.WRIST_PULSE if place.surface is None else place.surface is Surface.PALMAR
        facing = hand.axes @ (_PALM if palmar else _BACK)
        return SurfacePoint(_WRIST[1] * facing - 0.005 * hand.axes[:, 1], facing)
    if part is HandPart.PALM:
        return hand.on_palm(0.45, 0.6, _PALM)
    if part is HandPart.BACK:
        return hand.on_palm(0.45, 0.6, _BACK)
    if part is HandPart.PINKY_SIDE:
        return hand.on_palm(1.0, 0.75, _PINKYWARDS)
    if part is HandPart.THUMB_BALL:
        ball = hand.points[[1, 2]].mean(axis=0)
        return SurfacePoint(ball + 1.3 * hand.proportions.radii[0] * hand.axes[:, 2], hand.axes[:, 2])
    return _thumb_side(hand)


def _thumb_side(hand: SolidHand) -> SurfacePoint:
    """The edge of the index finger's knuckle, or the thumb that lies beside it."""
    edge = hand.on_palm(0.0, 0.95, _THUMBWARDS)
    if hand.out[0]:
        return edge
    thumbwards = hand.axes[:, 0]
    beside = [hand.points[joint] + hand.proportions.radii[0] * thumbwards for joint in (3, 4)]
    farthest = max([edge.point, *beside], key=lambda point: float(point @ thumbwards))
    return SurfacePoint(farthest, thumbwards)


def _on_fingers(place: HandPlace, hand: SolidHand, towards: Array | None) -> SurfacePoint:
    fingers = fingers_of(place, hand)
    spots = [spot for finger in fingers for spot in _on_finger(place, hand, finger)]
    if towards is not None:
        # What reaches farthest, by a centimetre or by facing there.
        return max(spots, key=lambda spot: float(spot.point @ towards) / 0.01 + float(spot.normal @ towards))
    each = len(spots) // len(fingers)
    return spots[each * ((len(fingers) - 1) // 2)]


def _on_finger(place: HandPlace, hand: SolidHand, finger: int) -> list[SurfacePoint]:
    """Where it may be on one finger: the most usual first."""
    bone, along = _BONES[place.finger_part]
    if place.finger_part is FingerPart.TIP and place.surface is None:
        return [hand.on_digit(finger, bone, along)]
    if place.surface is not None:
        sides = _SIDES[:1] if place.surface is Surface.PALMAR else _SIDES[1:2]
    else:
        sides = _FACING.get(place.finger_part, _SIDES) if place.finger_part is not None else _SIDES
    if place.finger_part is FingerPart.TIP:
        along = 0.85
    return [hand.on_digit(finger, bone, along, palmar, side) for palmar, side in sides]


def _to_side(found: SurfacePoint, hand: SolidHand, towards: Array) -> SurfacePoint:
    """The same part of the palm or wrist, to one side of it."""
    across = hand.axes[:, 0] if abs(hand.axes[:, 0] @ found.normal) < 0.5 else hand.axes[:, 1]
    sign = 1.0 if across @ towards >= 0 else -1.0
    return SurfacePoint(found.point + 0.8 * _WRIST[0] * sign * across, found.normal)
