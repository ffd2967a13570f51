"""Which part of a hand touches where the notation does not say: what faces the place and gets there first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from text_to_pose.signing.hands.solid_hand import SurfacePoint

if TYPE_CHECKING:
    from text_to_pose.signing.hands.solid_hand import SolidHand
    from text_to_pose.signing.vectors import Array

_PALM, _BACK = np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, -1.0])
_THUMBWARDS, _PINKYWARDS = np.array([1.0, 0.0, 0.0]), np.array([-1.0, 0.0, 0.0])
Kind = Literal["near", "face", "trunk", "hand"]
"""Where a hand touches, or whether it is only near a place."""

_SCALES: dict[Kind, float] = {"near": 0.04, "face": 0.015, "trunk": 0.008, "hand": 0.008}
_FEW_AT_FACE = 0.03
"""By how much later, in metres, a part gets there that is liked one point less: faces are no walls, least of all for
few fingers, beside which the fist goes past the face."""
_FINGERTIP, _FEW_FINGERTIPS = 0.8, 3.0
"""Points for the end of a finger that stands out, and that it has where few do: it is what signers see and show."""
_FEW = 2
_ON_BONES = np.array([2, 1, 0, 0]), np.array([0.6, 0.5, 1.0, 0.5])
"""Places on digits that are tried, each on four sides, besides the tips: bones, and where along them."""
_ALONG_FEW = np.array([3.0] + 4 * [3.0] + 4 * [1.5] + 8 * [0.0])
"""Points for places on a digit, the tip first, at the face: where few fingers stand out they touch, not the fist."""
_LAID_ASIDE = -4.0
"""Points for the thumb of a hand whose palm faces the place: it gives way."""
_FACES = 0.7
"""The least cosine between the palm's normal and the place's direction."""
_WHOLE_HAND: dict[Kind, float] = {"near": 0.0, "face": 0.0, "trunk": 4.5, "hand": 1.0}
"""Points for the middle of a hand that lies flat on something as wide as itself."""


_MANY = 3
_PARTS_OF_DIGIT = 17
_ENDS = np.array([1.0] + 4 * [1.0] + 12 * [0.0])
"""Which of them are at the end of the digit."""
_ON_PALM = [
    spot
    for y in (0.35, 0.65, 0.95)
    for spot in (
        *((x, y, normal) for x in (0.0, 0.5, 1.0) for normal in (_PALM, _BACK)),
        (0.0, y, _THUMBWARDS),
        (1.0, y, _PINKYWARDS),
    )
]
"""Places on the palm that are tried: across and along it, and which way they face."""
_ACROSS, _ALONG, _FACING = (np.array(each, dtype=np.float64) for each in zip(*_ON_PALM, strict=True))
_ON_WHOLE_HAND = np.array([float(x == 0.5 and y == 0.95) for x, y, _ in _ON_PALM])
_ON_EDGE = np.array([0.3 if normal is _PINKYWARDS else 0.0 for _, _, normal in _ON_PALM])


def contact_part(hand: SolidHand, towards: Array, kind: Kind) -> SurfacePoint:
    """The part of a hand, from its wrist, that touches a place.

    Args:
        hand: in its handshape, turned.
        towards: (3,) into the place: against its normal.
        kind: what it touches: on the trunk or an arm a flat hand lies whole, on the face its fingers touch.
    """
    points, normals, liked = _parts(hand, kind)
    ahead = points @ towards
    first = ahead.max()
    if lays_thumb_aside(hand, towards):
        liked[:_PARTS_OF_DIGIT] += _LAID_ASIDE
        first = ahead[_PARTS_OF_DIGIT:].max()
    scale = _FEW_AT_FACE if kind == "face" and hand.out.sum() <= _FEW else _SCALES[kind]
    late = np.maximum(first - ahead, 0.0) / scale
    best = int(np.argmax(1.5 * (normals @ towards) + liked * (normals @ towards > 0.6) - late))
    return SurfacePoint(points[best], normals[best])


def lays_thumb_aside(hand: SolidHand, towards: Array) -> bool:
    """Whether fingers lie on the place, and the thumb beside them."""
    return bool(hand.out[1:].any()) and float(hand.axes[:, 2] @ towards) > _FACES


def _parts(hand: SolidHand, kind: Kind) -> tuple[Array, Array, Array]:
    """Points and normals (n, 3) of the hand's skin, and how much each is liked (n,) there."""
    digits = hand.points[1:].reshape(5, 4, 3)
    sizes = hand.proportions
    few = hand.out.sum() <= _FEW
    of_digit = _ENDS * (_FEW_FINGERTIPS if few else _FINGERTIP)
    if few and kind in {"near", "face"}:
        of_digit = _ALONG_FEW
    bones, along = _ON_BONES
    middles = digits[:, bones] + (along * sizes.bones[:, bones])[..., None] * hand.directions[:, bones]
    facing = np.stack([hand.palmar, -hand.palmar, hand.thumbwards, -hand.thumbwards], axis=2)[:, bones]
    skin = middles[:, :, None] + sizes.radii[:, None, None, None] * facing
    points = np.concatenate([digits[:, 3:], skin.reshape(5, -1, 3)], axis=1).reshape(-1, 3)
    normals = np.concatenate([hand.directions[:, 2:], facing.reshape(5, -1, 3)], axis=1).reshape(-1, 3)
    liked = (hand.out[:, None] * of_digit).ravel()
    palm = hand.on_palm(_ACROSS, _ALONG, _FACING)
    whole = _WHOLE_HAND[kind] * _ON_WHOLE_HAND if hand.out[1:].sum() >= _MANY else np.zeros(len(_ON_PALM))
    return (
        np.concatenate([points, palm.point]),
        np.concatenate([normals, palm.normal]),
        np.concatenate([liked, whole + _ON_EDGE]),
    )
