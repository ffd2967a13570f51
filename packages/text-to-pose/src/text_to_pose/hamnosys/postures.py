"""Postures: handshape, extended finger direction and palm orientation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from text_to_pose.hamnosys.directions import Direction
    from text_to_pose.hamnosys.handshapes import Handshape
    from text_to_pose.hamnosys.pairs import Pair


@dataclass(frozen=True)
class FingerDirection:
    """Extended finger direction: where the fingers would point if they were stretched.

    Attributes:
        direction: from the signer's point of view.
        between: a second one; the fingers point halfway between the two.
        relative: it turns with the movement (`hamorirelative`).
        approximate: about there (`hametc`).
    """

    direction: Direction
    between: Direction | None = None
    relative: bool = False
    approximate: bool = False


@dataclass(frozen=True)
class Palm:
    """Palm orientation: where the palm faces, as far as the finger direction lets it.

    Attributes:
        direction: one of eight. It is the hand turned about its fingers: for fingers that point out, `d` is palm down
            and `l` palm left; others are pitched and then headed there (`signing.placement.orientation`).
        between: a second one; halfway.
        relative: it turns with the movement (`hamorirelative`).
        absolute: `direction` is the palm's own, of 26, whatever the fingers do; SiGML alone has it.
        approximate: about there (`hametc`).
    """

    direction: Direction
    between: Direction | None = None
    relative: bool = False
    absolute: bool = False
    approximate: bool = False


@dataclass(frozen=True)
class Posture:
    """Handshape and orientation, each of both hands or a `Pair`; None: not said."""

    handshape: Handshape | Pair[Handshape] | None = None
    direction: FingerDirection | Pair[FingerDirection] | None = None
    palm: Palm | Pair[Palm] | None = None
