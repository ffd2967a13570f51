"""Handshapes: a base form, its thumb and bends, and what single fingers do."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Form(enum.Enum):
    """Base forms; the value is the symbol's name without `ham`."""

    FIST = "fist"
    FLAT = "flathand"
    FINGER2 = "finger2"
    FINGER23 = "finger23"
    FINGER23_SPREAD = "finger23spread"
    FINGER2345 = "finger2345"
    PINCH12 = "pinch12"
    PINCH_ALL = "pinchall"
    PINCH12_OPEN = "pinch12open"
    CEE12 = "cee12"
    CEE_ALL = "ceeall"
    CEE12_OPEN = "ceeopen"

    @property
    def is_cee(self) -> bool:
        return self in {Form.CEE12, Form.CEE_ALL, Form.CEE12_OPEN}

    @property
    def is_pinch(self) -> bool:
        return self in {Form.PINCH12, Form.PINCH_ALL, Form.PINCH12_OPEN}


class Thumb(enum.Enum):
    """Where the thumb is; of a cee it says how far the hand is open: across is tight, opposed is slack."""

    OUT = "thumboutmod"
    ACROSS = "thumbacrossmod"
    OPPOSED = "thumbopenmod"


class Bend(enum.Enum):
    """How fingers bend. The symbols' names are older than their meaning: `hamfingerstraightmod` is bent at the knuckle.

    `joints` are the base, middle and end joint in quarters of their range.
    """

    BENT = "fingerstraightmod"
    ROUND = "fingerbendmod"
    HOOKED = "fingerhookmod"
    DOUBLE_BENT = "doublebent"
    DOUBLE_HOOKED = "doublehooked"

    @property
    def joints(self) -> tuple[float, float, float]:
        return _JOINTS[self]


_JOINTS = {
    Bend.BENT: (4.0, 0.0, 0.0),
    Bend.ROUND: (2.0, 2.0, 2.0),
    Bend.HOOKED: (0.0, 4.0, 4.0),
    Bend.DOUBLE_BENT: (4.0, 4.0, 0.0),
    Bend.DOUBLE_HOOKED: (4.0, 4.0, 4.0),
}


@dataclass(frozen=True)
class JointBend:
    """A bend by joints (base, middle, end), in quarters of their range; SiGML alone writes it (`mainbend="410"`)."""

    joints: tuple[float, float, float]


class Digit(enum.Enum):
    """Fingers; `number` counts from the thumb, 1 to 5, as SiGML does."""

    THUMB = "thumb"
    INDEX = "indexfinger"
    MIDDLE = "middlefinger"
    RING = "ringfinger"
    PINKY = "pinky"

    @property
    def number(self) -> int:
        return list(Digit).index(self) + 1


class FingerPart(enum.Enum):
    """Parts of a finger, from its tip down."""

    TIP = "fingertip"
    NAIL = "fingernail"
    PAD = "fingerpad"
    MID_JOINT = "fingermidjoint"
    BASE = "fingerbase"
    SIDE = "fingerside"


@dataclass(frozen=True)
class BaseShape:
    """A base form with its thumb position and the bend of its selected fingers; None: as the form has them."""

    form: Form
    thumb: Thumb | None = None
    bend: Bend | JointBend | None = None


@dataclass(frozen=True)
class FingerBend:
    """A finger that bends otherwise than the handshape says."""

    finger: Digit
    bend: Bend | JointBend


@dataclass(frozen=True)
class FingerContact:
    """Fingers that cross or touch: `part` of the first at the second, or at `second_part` of it."""

    first: Digit
    part: FingerPart
    second: Digit
    second_part: FingerPart | None = None


@dataclass(frozen=True)
class Handshape:
    """A handshape.

    Attributes:
        base: form, thumb, bend; None: whatever it happens to be (`hamnondominant hametc`).
        between: a second one; the shape is halfway between the two.
        thumb_contact: the part of the fingers at which the thumb touches them.
        bends: fingers with a bend of their own, from the thumb on.
        contacts: fingers that cross or touch.
        fingers: the fingers that take the place of the form's own: `hamfinger2 hampinky` points with the pinky.
        opposed: those of `fingers` that are opposed to the thumb.
        exempt: fingers that the bend leaves alone.
        thumb_between: the two fingers that the thumb is between.
        thumb_enclosed: the fingers enclose the thumb.
        approximate: about this shape (`hametc`).
    """

    base: BaseShape | None
    between: BaseShape | None = None
    thumb_contact: FingerPart | None = None
    bends: tuple[FingerBend, ...] = ()
    contacts: tuple[FingerContact, ...] = ()
    fingers: tuple[Digit, ...] = ()
    opposed: tuple[Digit, ...] = ()
    exempt: tuple[Digit, ...] = ()
    thumb_between: tuple[Digit, Digit] | None = None
    thumb_enclosed: bool = False
    approximate: bool = False


def are_exempt(base: BaseShape, between: BaseShape | None, digits: tuple[Digit, ...]) -> bool:
    """Whether fingers named after a form are those that its bend leaves alone; else they take the place of its own.

    The rule by which HamNoSys is turned into SiGML: a bent fist, flat hand or open hand has no fingers to choose from,
    and two fingers are not replaced by one.
    """
    if base.bend is None and (between is None or between.bend is None):
        return False
    if base.form in {Form.FIST, Form.FLAT, Form.FINGER2345} or digits == (Digit.THUMB,):
        return True
    return base.form in {Form.FINGER23, Form.FINGER23_SPREAD} and len(digits) == 1
