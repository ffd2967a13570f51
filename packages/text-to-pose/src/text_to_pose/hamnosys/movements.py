"""Movements, and how they are put together."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from text_to_pose.hamnosys.directions import Direction
    from text_to_pose.hamnosys.handshapes import Digit
    from text_to_pose.hamnosys.pairs import Pair
    from text_to_pose.hamnosys.places import BodyPlace, Constellation, Location
    from text_to_pose.hamnosys.postures import Posture


class Size(enum.Enum):
    """Smaller or larger than usual."""

    SMALL = "smallmod"
    LARGE = "largemod"


class Growth(enum.Enum):
    """What increases or decreases: the movement, or the repetitions. Of fingers: one by one towards pinky or thumb."""

    INCREASING = "increasing"
    DECREASING = "decreasing"


@dataclass(frozen=True)
class Manner:
    """How a movement is done.

    `rest` is with a pause, `halt` with a sharp stop; `degree` says how much of it (`hamhalt hamlargemod`, very sharp);
    `speed` (SiGML alone has it) multiplies the usual one.
    """

    fast: bool = False
    slow: bool = False
    tense: bool = False
    rest: bool = False
    halt: bool = False
    degree: Size | None = None
    speed: float | None = None


@dataclass(frozen=True)
class Arc:
    """A path that bows towards `direction` (up, down, left or right)."""

    direction: Direction
    size: Size | None = None


class ZigzagStyle(enum.Enum):
    """Round swings, or sharp ones."""

    WAVY = "wavy"
    ZIGZAG = "zigzag"


@dataclass(frozen=True)
class Zigzag:
    """A path that swings to both sides."""

    style: ZigzagStyle
    size: Size | None = None


class EllipseDirection(enum.Enum):
    """Along which line an ellipse is long: horizontal, vertical, or slanting up to that side."""

    HORIZONTAL = "ellipseh"
    UP_RIGHT = "ellipseur"
    VERTICAL = "ellipsev"
    UP_LEFT = "ellipseul"


@dataclass(frozen=True)
class Ellipse:
    """The shape of a circle that is none, or of a zigzag's swings."""

    direction: EllipseDirection
    size: Size | None = None


@dataclass(frozen=True)
class StraightMovement:
    """A movement along a line, or with `arc` or `zigzag` along a bowed or swinging one.

    `between`: a second direction, the movement is halfway; `between_size` its size.
    """

    direction: Direction
    size: Size | None = None
    between: Direction | None = None
    between_size: Size | None = None
    arc: Arc | None = None
    zigzag: Zigzag | None = None
    ellipse: Ellipse | None = None
    growth: Growth | None = None
    manner: Manner = Manner()


@dataclass(frozen=True)
class CircularMovement:
    """A circle.

    Attributes:
        axis: what it turns about, clockwise when seen along it: `hamcircleo` turns in the plane of the body.
        between: a second axis, the circle's is halfway.
        start: point of the dial where it begins.
        turns: full turns that are said expressly, 0 to 2; 0 and no `end`: one.
        end: point of the dial where it ends.
    """

    axis: Direction
    size: Size | None = None
    between: Direction | None = None
    between_size: Size | None = None
    start: Direction | None = None
    turns: int = 0
    end: Direction | None = None
    ellipse: Ellipse | None = None
    zigzag: Zigzag | None = None
    growth: Growth | None = None
    manner: Manner = Manner()


class WristMovementKind(enum.Enum):
    """Up and down, sideways, about the forearm, round."""

    NODDING = "nodding"
    SWINGING = "swinging"
    TWISTING = "twisting"
    STIR_CLOCKWISE = "stircw"
    STIR_COUNTERCLOCKWISE = "stirccw"


@dataclass(frozen=True)
class WristMovement:
    """A movement of the wrist (nodding up and down, swinging sideways) or of the forearm (twisting), or a stirring."""

    kind: WristMovementKind
    size: Size | None = None
    manner: Manner = Manner()


@dataclass(frozen=True)
class FingerPlay:
    """Wiggling fingers: those named, or all."""

    fingers: tuple[Digit, ...] = ()
    manner: Manner = Manner()


class CrossKind(enum.Enum):
    """An upright cross, or a slanting one."""

    PLUS = "movecross"
    DIAGONAL = "moveX"


@dataclass(frozen=True)
class CrossMovement:
    """The drawing of a cross."""

    kind: CrossKind
    size: Size | None = None
    manner: Manner = Manner()


@dataclass(frozen=True)
class NoMovement:
    """The hand rests."""

    manner: Manner = Manner()


@dataclass(frozen=True)
class Replace:
    """A change to another posture; what `posture` does not say stays as it is.

    `growth`: the fingers change one by one, increasing from thumb to pinky.
    """

    posture: Posture
    growth: Growth | None = None
    manner: Manner = Manner()


@dataclass(frozen=True)
class Sequence:
    """Movements one after the other; `fused` into one path without a stop. At least two."""

    actions: tuple[Action, ...]
    fused: bool = False


@dataclass(frozen=True)
class Parallel:
    """Movements of one hand (or both, mirrored) at the same time; at least two."""

    actions: tuple[Action, ...]


@dataclass(frozen=True)
class Split:
    """Movements of the dominant and of the non-dominant hand at the same time."""

    hands: Pair[Action]


@dataclass(frozen=True)
class Targeted:
    """A movement that ends at a place."""

    action: Action
    target: Target


@dataclass(frozen=True)
class Brushing:
    """A movement that brushes `at` a place on its way."""

    action: Action
    at: Location


class RepetitionKind(enum.Enum):
    """From the start again, from where it ended, there and back; `TO_AND_FRO` is SiGML's alone (`tofroto`)."""

    FROM_START = "repeatfromstart"
    FROM_START_SEVERAL = "repeatfromstartseveral"
    CONTINUE = "repeatcontinue"
    CONTINUE_SEVERAL = "repeatcontinueseveral"
    REVERSE = "repeatreverse"
    TO_AND_FRO = "tofroto"


@dataclass(frozen=True)
class Repetition:
    """How often and how a movement is repeated.

    Attributes:
        kind: once more, or several times.
        second: a second symbol behind the first: once more than that.
        shift: each repetition is that much further (`[hamrepeatfromstart hammover]`).
        growth: the repetitions grow or shrink.
    """

    kind: RepetitionKind
    second: RepetitionKind | None = None
    shift: StraightMovement | None = None
    growth: Growth | None = None


@dataclass(frozen=True)
class Repeated:
    """A movement with its repetition. It is the movement right before the symbol: all of it, brackets included."""

    action: Action
    repetition: Repetition


@dataclass(frozen=True)
class Alternating:
    """A movement that the hands do in turn."""

    action: Action


@dataclass(frozen=True)
class BodyAction:
    """Movements of another part of the body, shoulder, elbow or head: `[hamelbow hammovedl]`."""

    part: BodyPlace
    actions: tuple[Action, ...]


Action: TypeAlias = (
    StraightMovement
    | CircularMovement
    | WristMovement
    | FingerPlay
    | CrossMovement
    | NoMovement
    | Replace
    | Sequence
    | Parallel
    | Split
    | Targeted
    | Brushing
    | Repeated
    | Alternating
    | BodyAction
)
Target: TypeAlias = "Location | Pair[Location] | Constellation"
