"""A sign as a tree: what HamNoSys 4 and gestural SiGML say, with everything typed.

The terms are those of the HamNoSys 4 manual and of SiGML. The dominant hand is the right one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from text_to_pose.hamnosys.movements import Action, Target
    from text_to_pose.hamnosys.nonmanual import Nonmanual
    from text_to_pose.hamnosys.postures import Posture


@dataclass(frozen=True)
class Symmetry:
    """Symmetry operator: the non-dominant hand does what the dominant hand does.

    Attributes:
        mirrored: left and right mirrored (`hamsymmlr`); else parallel (`hamsymmpar`).
        up_down: up and down are mirrored, too.
        out_in: out and in are mirrored, too.
        alternating: half a cycle later (`hamalternatingmotion`).
        real_space: directions are those of the room, not of each hand (`hamnonipsi`).
    """

    mirrored: bool
    up_down: bool = False
    out_in: bool = False
    alternating: bool = False
    real_space: bool = False


@dataclass(frozen=True)
class Segment:
    """A sign, or one of several that are joined by `hamplus`.

    Attributes:
        posture: handshape and orientation at the start.
        location: where the hands are at the start; None: in front of the body.
        actions: one after the other; none: the hands are held.
        symmetry: None: one hand, or two that are described one by one.
        nondominant: the non-dominant hand signs.
        holdover: the non-dominant hand stays as it was; SiGML alone has it.
    """

    posture: Posture
    location: Target | None = None
    actions: tuple[Action, ...] = ()
    symmetry: Symmetry | None = None
    nondominant: bool = False
    holdover: bool = False


@dataclass(frozen=True)
class Sign:
    """A whole sign. `gloss` and `nonmanual` come from SiGML; HamNoSys has neither."""

    segments: tuple[Segment, ...]
    gloss: str | None = None
    nonmanual: tuple[Nonmanual, ...] = ()
