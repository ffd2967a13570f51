"""Places: on body, arm and hand, what is there at them, and constellations of the two hands."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from text_to_pose.hamnosys.handshapes import Bend, Digit, FingerPart
    from text_to_pose.hamnosys.pairs import Pair


class BodySite(enum.Enum):
    """Places on head, trunk and arm; the value is the symbol's name without `ham`."""

    HEAD = "head"
    HEAD_TOP = "headtop"
    FOREHEAD = "forehead"
    EYEBROWS = "eyebrows"
    EYES = "eyes"
    NOSE = "nose"
    NOSTRILS = "nostrils"
    EAR = "ear"
    EARLOBE = "earlobe"
    CHEEK = "cheek"
    LIPS = "lips"
    TONGUE = "tongue"
    TEETH = "teeth"
    CHIN = "chin"
    UNDER_CHIN = "underchin"
    NECK = "neck"
    SHOULDER_TOP = "shouldertop"
    SHOULDERS = "shoulders"
    CHEST = "chest"
    STOMACH = "stomach"
    BELOW_STOMACH = "belowstomach"
    NEUTRAL_SPACE = "neutralspace"
    UPPER_ARM = "upperarm"
    ELBOW = "elbow"
    ELBOW_INSIDE = "elbowinside"
    LOWER_ARM = "lowerarm"


class HandPart(enum.Enum):
    """Places on the hand but for the fingers."""

    WRIST_BACK = "wristback"
    WRIST_PULSE = "wristpulse"
    THUMB_BALL = "thumbball"
    PALM = "palm"
    BACK = "handback"
    THUMB_SIDE = "thumbside"
    PINKY_SIDE = "pinkyside"


class Side(enum.Enum):
    """Where at a place: no side is its middle. Left and right are the signer's; beside is off the body."""

    LEFT_BESIDE = "left_beside"
    LEFT = "left_at"
    RIGHT = "right_at"
    RIGHT_BESIDE = "right_beside"
    FRONT = "front"  # SiGML alone has it


class Surface(enum.Enum):
    """The palm's side or the back's side of a finger, a wrist or an arm."""

    PALMAR = "palm"
    DORSAL = "handback"


@dataclass(frozen=True)
class BodyPlace:
    """A place on the body or an arm.

    `mark` is a bend symbol behind the place (`hamlips hamdoublebent`), which Greek transcriptions have and no manual
    explains: it is kept, and says nothing to a signer. `approximate`: somewhere there (`hametc`).
    """

    site: BodySite
    side: Side | None = None
    surface: Surface | None = None
    mark: Bend | None = None
    approximate: bool = False


@dataclass(frozen=True)
class HandPlace:
    """A place on a hand: a part of the hand, or fingers, or a part of fingers; at least one of the three is given."""

    part: HandPart | None = None
    finger_part: FingerPart | None = None
    fingers: tuple[Digit, ...] = ()
    side: Side | None = None
    surface: Surface | None = None


class ContactKind(enum.Enum):
    """How near, or how joined."""

    CLOSE = "close"
    TOUCH = "touch"
    INTERLOCK = "interlock"
    CROSS = "cross"
    ARM_EXTENDED = "armextended"


@dataclass(frozen=True)
class Contact:
    """Nearness or contact, and `by` what: in `hamchest [hamtouch hamthumb hamfingertip]` by the tip of the thumb."""

    kind: ContactKind
    by: Location | None = None


@dataclass(frozen=True)
class Location:
    """A place where the hand is.

    Attributes:
        place: on body or arm; or on the other hand.
        between: a second one; the hand is halfway between the two.
        behind: behind it.
        contact: None: at the usual distance.
    """

    place: BodyPlace | HandPlace
    between: BodyPlace | HandPlace | None = None
    behind: bool = False
    contact: Contact | None = None


@dataclass(frozen=True)
class Constellation:
    """How the two hands are to each other; of one hand, how it is to the place it was at.

    Attributes:
        hands: the place on the dominant hand and that on the non-dominant one which are near or touch; None: not said,
            the hands as they naturally meet.
        contact: how near they are.
        behind: one behind the other.
        location: where the constellation is.
    """

    hands: Pair[Location] | None = None
    contact: Contact | None = None
    behind: bool = False
    location: Location | Pair[Location] | None = None
