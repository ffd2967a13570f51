"""Places on head, trunk and arms, as HamNoSys names them, on a body."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from text_to_pose.hamnosys.places import BodySite, Side, Surface
from text_to_pose.signing.anatomy.body_surface import front, head_point, on_head
from text_to_pose.signing.hands.solid_hand import SurfacePoint

if TYPE_CHECKING:
    from text_to_pose.hamnosys.places import BodyPlace
    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.vectors import Array


class Arm(NamedTuple):
    """An arm at rest or in signing: its joints (3,) each, and where its hand's palm faces."""

    shoulder: Array
    elbow: Array
    wrist: Array
    palm: Array


# Points of the face mesh: in the middle, at the signer's right, at the signer's left. Where there is no middle, a hand
# is at its own side.
_FACE: dict[BodySite, tuple[int | None, int, int]] = {
    BodySite.HEAD: (6, 116, 345),
    BodySite.FOREHEAD: (151, 104, 333),
    BodySite.EYEBROWS: (9, 105, 334),
    BodySite.EYES: (6, 145, 374),
    BodySite.NOSE: (1, 198, 420),
    BodySite.NOSTRILS: (2, 98, 327),
    BodySite.CHEEK: (None, 50, 280),
    BodySite.LIPS: (0, 61, 291),
    BodySite.TONGUE: (14, 61, 291),
    BodySite.TEETH: (13, 61, 291),
    BodySite.CHIN: (199, 211, 431),
    BodySite.UNDER_CHIN: (152, 150, 379),
}
_EARS = {BodySite.EAR: 0.0, BodySite.EARLOBE: -0.026}
"""How much higher than MediaPipe's ears they are, in metres."""
_EAR_LANDMARKS = {"left": 7, "right": 8}
# In shoulder widths. Heights of the trunk's places over the shoulders' middle: HamNoSys divides it evenly, from the
# top of the shoulders to below the stomach, which is at the hips.
_HEIGHTS = {
    BodySite.NECK: 0.27,
    BodySite.SHOULDER_TOP: 0.11,
    BodySite.SHOULDERS: -0.11,
    BodySite.CHEST: -0.45,
    BodySite.STOMACH: -0.83,
    BodySite.BELOW_STOMACH: -1.18,
    BodySite.NEUTRAL_SPACE: -0.45,
}
_ACROSS = {BodySite.NECK: 0.12, BodySite.SHOULDER_TOP: 0.34, BodySite.SHOULDERS: 0.36, BodySite.BELOW_STOMACH: 0.28}
"""How far to the left or the right are left and right of them; others:"""
_USUALLY_ACROSS = 0.3
_BESIDE = 0.72
_HEAD = {BodySite.HEAD_TOP, *_EARS, *_FACE}
_ARM = {BodySite.UPPER_ARM, BodySite.ELBOW, BodySite.ELBOW_INSIDE, BodySite.LOWER_ARM}
_ON_ARM = {BodySite.UPPER_ARM: 0.5, BodySite.LOWER_ARM: 0.5}
_ARM_RADII = {BodySite.UPPER_ARM: 0.045, BodySite.LOWER_ARM: 0.033, BodySite.ELBOW: 0.04, BodySite.ELBOW_INSIDE: 0.035}
_TO_THE_SIDE = {"left": 1.0, "right": -1.0}


def is_on_head(place: BodyPlace) -> bool:
    """Whether it is on head or face."""
    return place.site in _HEAD


def is_on_arm(place: BodyPlace) -> bool:
    """Whether it is on the other hand's arm."""
    return place.site in _ARM


def side_of(place: BodyPlace, hand: str, *, both: bool = False) -> str | None:
    """At which side of the body a hand is there; None: in the middle.

    Args:
        place: where.
        hand: which hand, `left` or `right`.
        both: whether the other hand is there, too: each is at its own side then.
    """
    if place.side in {Side.LEFT, Side.LEFT_BESIDE}:
        return "left"
    if place.side in {Side.RIGHT, Side.RIGHT_BESIDE}:
        return "right"
    has_middle = place.site not in _EARS and _FACE.get(place.site, (0, 0, 0))[0] is not None
    return None if has_middle and not both and place.site is not BodySite.SHOULDER_TOP else hand


@lru_cache(maxsize=1024)
def on_body(place: BodyPlace, body: Body, hand: str, *, both: bool = False) -> SurfacePoint:
    """A place on the skin of head or trunk, in the signer's frame."""
    side = side_of(place, hand, both=both)
    beside = place.side in {Side.LEFT_BESIDE, Side.RIGHT_BESIDE}
    if place.site in _HEAD:
        return _on_head(place.site, body, side, beside=beside)
    return _on_trunk(place.site, body, side, beside=beside)


def on_arm(place: BodyPlace, arm: Arm, towards: Array) -> SurfacePoint:
    """A place on the skin of an arm.

    Args:
        place: where.
        arm: of the other hand.
        towards: (3,) from which side it is touched where the notation does not say.
    """
    first, second = (arm.shoulder, arm.elbow) if place.site is BodySite.UPPER_ARM else (arm.elbow, arm.wrist)
    bone = (second - first) / np.linalg.norm(second - first)
    if place.site in {BodySite.ELBOW, BodySite.ELBOW_INSIDE}:
        bend = (arm.elbow - arm.shoulder) / np.linalg.norm(arm.elbow - arm.shoulder) - bone
        outwards = bend if place.site is BodySite.ELBOW else -bend
        middle, towards = arm.elbow, outwards if np.linalg.norm(bend) > 0.1 else towards
    else:
        middle = first + _ON_ARM[place.site] * (second - first)
    if place.surface is not None and place.site is BodySite.LOWER_ARM:
        towards = arm.palm if place.surface is Surface.PALMAR else -arm.palm
    across = towards - (towards @ bone) * bone if place.site in _ON_ARM else towards
    length = float(np.linalg.norm(across))
    if length < 0.1:
        across = np.array([0.0, 0.0, 1.0]) - bone[2] * bone
        length = float(np.linalg.norm(across))
    normal = across / length
    return SurfacePoint(middle + _ARM_RADII[place.site] * normal, normal)


def _on_head(site: BodySite, body: Body, side: str | None, *, beside: bool) -> SurfacePoint:
    if site is BodySite.HEAD_TOP:
        across = 0.0 if side is None else 0.6 * _TO_THE_SIDE[side]
        return SurfacePoint(*head_point(body, np.array([across, 1.0, 0.05])))
    if side is None:
        middle = _FACE[site][0]
        assert middle is not None  # places without a middle have a side
        point, normal = on_head(body, body.face[middle])
        if site is BodySite.UNDER_CHIN:
            return _under_chin(body)
        return SurfacePoint(point, normal)
    sign = _TO_THE_SIDE[side]
    if site in _EARS:
        ear = body.head[_EAR_LANDMARKS[side]] + np.array([0.0, _EARS[site], 0.0])
        # The ear stands off the head.
        return SurfacePoint(ear + np.array([0.012 * sign, 0.0, 0.0]), np.array([sign, 0.0, 0.0]))
    on_face = body.face[_FACE[site][2 if side == "left" else 1]]
    if not beside:
        return SurfacePoint(*on_head(body, on_face))
    temple = body.head[_EAR_LANDMARKS[side]]
    level = np.array([temple[0], on_face[1], (temple[2] + on_face[2]) / 2])
    point, normal = on_head(body, level)
    outwards = np.array([sign, 0.0, 0.3]) / np.hypot(1.0, 0.3)
    normal = normal + 2 * outwards
    return SurfacePoint(point, normal / np.linalg.norm(normal))


def _under_chin(body: Body) -> SurfacePoint:
    tip = body.face[152]
    down = np.array([0.0, -0.95, 0.31])
    return SurfacePoint(tip + np.array([0.0, -0.004, -0.012]), down / np.linalg.norm(down))


def _on_trunk(site: BodySite, body: Body, side: str | None, *, beside: bool) -> SurfacePoint:
    width = body.shoulder_width
    height = _HEIGHTS[site] * width
    across = 0.0
    if side is not None:
        across = _TO_THE_SIDE[side] * width * (_BESIDE if beside else _ACROSS.get(site, _USUALLY_ACROSS))
    if site is BodySite.NECK:
        chin = float(body.face[152, 1])
        height = 0.45 * chin + 0.55 * 0.045 * width / 0.3
    point, normal = front(body, across, height)
    if beside and side is not None:
        # Off the body: where the side would be touched, seen from there.
        normal = np.array([_TO_THE_SIDE[side], 0.0, 0.0])
    return SurfacePoint(point, normal)
