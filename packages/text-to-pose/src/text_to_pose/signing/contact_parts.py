"""Which part of a hand touches where the notation does not say: what faces the place and gets there first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from text_to_pose.signing.solid_hand import SurfacePoint

if TYPE_CHECKING:
    from text_to_pose.signing.hand_model import Array
    from text_to_pose.signing.solid_hand import SolidHand

_PALM, _BACK = np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, -1.0])
_THUMBWARDS, _PINKYWARDS = np.array([1.0, 0.0, 0.0]), np.array([-1.0, 0.0, 0.0])
Kind = Literal["near", "face", "trunk", "hand"]
"""Where a hand touches, or whether it is only near a place."""

_SCALES: dict[Kind, float] = {"near": 0.04, "face": 0.015, "trunk": 0.008, "hand": 0.008}
"""By how much later, in metres, a part gets there that is liked one point less: faces are no walls."""
_FINGERTIP, _FEW_FINGERTIPS = 0.8, 2.0
"""Points for the end of a finger that stands out, and that it has where few do: it is what signers see and show."""
_LAID_ASIDE = -4.0
"""Points for the thumb of a hand whose palm faces the place: it gives way."""
_FACES = 0.7
"""The least cosine between the palm's normal and the place's direction."""
_WHOLE_HAND: dict[Kind, float] = {"near": 0.0, "face": 0.0, "trunk": 3.0, "hand": 1.0}
"""Points for the middle of a hand that lies flat on something as wide as itself."""


_PARTS_OF_DIGIT = 17
"""How many parts of each digit are tried."""


def contact_part(hand: SolidHand, towards: Array, kind: Kind) -> SurfacePoint:
    """The part of a hand, from its wrist, that touches a place.

    Args:
        hand: in its handshape, turned.
        towards: (3,) into the place: against its normal.
        kind: what it touches: on the trunk or an arm a flat hand lies whole, on the face its fingers touch.
    """
    points, normals, liked = _parts(hand, _WHOLE_HAND[kind])
    ahead = points @ towards
    first = ahead.max()
    if lays_thumb_aside(hand, towards):
        liked[:_PARTS_OF_DIGIT] += _LAID_ASIDE
        first = ahead[_PARTS_OF_DIGIT:].max()
    late = np.maximum(first - ahead, 0.0) / _SCALES[kind]
    best = int(np.argmax(1.5 * (normals @ towards) + liked * (normals @ towards > 0.6) - late))
    return SurfacePoint(points[best], normals[best])


def lays_thumb_aside(hand: SolidHand, towards: Array) -> bool:
    """Whether fingers lie on the place, and the thumb beside them."""
    return bool(hand.out[1:].any()) and float(hand.axes[:, 2] @ towards) > _FACES


def _parts(hand: SolidHand, lies: float) -> tuple[Array, Array, Array]:
    """Points and normals (n, 3) of the hand's skin, and how much each is liked (n,); `lies` whole."""
    spots: list[SurfacePoint] = []
    liked: list[float] = []
    tip = _FEW_FINGERTIPS if hand.out[1:].sum() in {1, 2} else _FINGERTIP
    for digit in range(5):
        ends = (tip if digit else _FINGERTIP) if hand.out[digit] else 0.0
        spots.append(hand.on_digit(digit, 2, 1.0))
        liked.append(ends)
        for bone, along in ((2, 0.6), (1, 0.5), (0, 1.0), (0, 0.5)):
            for palmar, side in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)):
                spots.append(hand.on_digit(digit, bone, along, palmar, side))
                liked.append(ends if bone == 2 else 0.0)
    stands_out = hand.out[1:].sum() >= 3
    for y, bonus in ((0.35, 0.0), (0.65, 0.0), (0.95, lies)):
        for x in (0.0, 0.5, 1.0):
            middle = bonus if x == 0.5 and stands_out else 0.0
            spots += [hand.on_palm(x, y, _PALM), hand.on_palm(x, y, _BACK)]
            liked += [middle, middle]
        spots += [hand.on_palm(0.0, y, _THUMBWARDS), hand.on_palm(1.0, y, _PINKYWARDS)]
        liked += [0.0, 0.3]
    return np.array([spot.point for spot in spots]), np.array([spot.normal for spot in spots]), np.array(liked)
