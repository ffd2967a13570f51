"""The values of SiGML's attributes, and what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from text_to_pose.hamnosys.handshapes import Bend, Digit, FingerPart, Form, Thumb
from text_to_pose.hamnosys.movements import (
    EllipseDirection,
    Growth,
    RepetitionKind,
    Size,
    WristMovementKind,
    ZigzagStyle,
)
from text_to_pose.hamnosys.places import BodySite, ContactKind, HandPart, Side, Surface

if TYPE_CHECKING:
    import enum
    from collections.abc import Mapping

FORMS = {each.value: each for each in Form} | {"flat": Form.FLAT, "cee12open": Form.CEE12_OPEN}
del FORMS["flathand"], FORMS["ceeopen"]
THUMBS = {"out": Thumb.OUT, "across": Thumb.ACROSS, "opposed": Thumb.OPPOSED}
CEE_OPENINGS = {"tight": Thumb.ACROSS, "slack": Thumb.OPPOSED}
BENDS = {
    "bent": Bend.BENT,
    "round": Bend.ROUND,
    "hooked": Bend.HOOKED,
    "dblbent": Bend.DOUBLE_BENT,
    "dblhooked": Bend.DOUBLE_HOOKED,
}
DIGITS = {str(each.number): each for each in Digit}
FINGER_PARTS = {
    "tip": FingerPart.TIP,
    "nail": FingerPart.NAIL,
    "pad": FingerPart.PAD,
    "midjoint": FingerPart.MID_JOINT,
    "base": FingerPart.BASE,
    "side": FingerPart.SIDE,
}
HAND_PARTS = {each.value: each for each in HandPart}
BODY_SITES = {each.value: each for each in BodySite if each is not BodySite.NEUTRAL_SPACE}
SIDES = {each.value: each for each in Side}
SURFACES = {"palmar": Surface.PALMAR, "dorsal": Surface.DORSAL}
CONTACTS = {each.value: each for each in ContactKind}
SIZES = {"small": Size.SMALL, "big": Size.LARGE}
ZIGZAGS = {each.value: each for each in ZigzagStyle}
ELLIPSES = {
    "h": EllipseDirection.HORIZONTAL,
    "ur": EllipseDirection.UP_RIGHT,
    "v": EllipseDirection.VERTICAL,
    "ul": EllipseDirection.UP_LEFT,
}
WRIST_MOVEMENTS = {each.value: each for each in WristMovementKind}
GROWTHS = {each.value: each for each in Growth}
SUCCESSIONS = {"towards_pinky": Growth.INCREASING, "towards_thumb": Growth.DECREASING}
REPETITIONS = {
    "fromstart": RepetitionKind.FROM_START,
    "fromstart_several": RepetitionKind.FROM_START_SEVERAL,
    "continue": RepetitionKind.CONTINUE,
    "continue_several": RepetitionKind.CONTINUE_SEVERAL,
    "reverse": RepetitionKind.REVERSE,
    "tofroto": RepetitionKind.TO_AND_FRO,
}

NONMANUAL_TIERS = {
    "shoulder_tier",
    "body_tier",
    "head_tier",
    "eyegaze_tier",
    "facialexpr_tier",
    "mouthing_tier",
    "extra_tier",
}
NONMANUAL_PARTS = {
    "shoulder_par",
    "body_par",
    "head_par",
    "eye_par",
    "facial_expr_par",
    "mouthing_par",
    "extra_par",
    "shoulder_movement",
    "body_movement",
    "head_movement",
    "eye_gaze",
    "eye_brows",
    "eye_lids",
    "nose",
    "mouth_picture",
    "mouth_gesture",
    "extra_movement",
}
NONMANUAL_ATTRIBUTES = {
    "movement",
    "direction",
    "picture",
    "speed",
    "amount",
    "big",
    "fitpicturetomanual",
    "postsynchronization",
}


def name_of(kinds: Mapping[str, enum.Enum], value: enum.Enum) -> str:
    """The attribute value that means this."""
    return next(name for name, each in kinds.items() if each is value)
