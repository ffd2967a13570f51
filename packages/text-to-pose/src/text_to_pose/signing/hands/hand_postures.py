"""What fingers and thumbs do in handshapes, in degrees.

Taken from photographed hands in the SignWriting shapes that are named (benchmarks/handshape_angles.py measures them),
rounded, made alike for all fingers, and stretched so that a straight finger is straight and a folded one folded: an
estimator of hands takes a flat hand for one whose joints are bent by 10 to 25 degrees, and a fist for a looser one.
"""

from __future__ import annotations

from text_to_pose.hamnosys.handshapes import Bend, Digit, JointBend

FINGERS = (Digit.INDEX, Digit.MIDDLE, Digit.RING, Digit.PINKY)

STRAIGHT = (1.0, 5.0, 3.0)
"""Base, middle and end joint of a finger that is extended."""
FOLDED = {
    Digit.INDEX: (58.0, 100.0, 55.0),
    Digit.MIDDLE: (62.0, 100.0, 58.0),
    Digit.RING: (70.0, 97.0, 58.0),
    Digit.PINKY: (66.0, 95.0, 58.0),
}
"""Of one that lies in the palm (S203, S1f8, S100, S10e, S192): the knuckle as it is seen, or the fists of people who
fingerspell are 7 % farther away; the other joints stretched."""
LIFTED = (25.0, 15.0)
"""By how much less base and middle joint of a folded finger bend that lies on the thumb (M and N of fingerspelling)."""
RELAXED = (22.0, 32.0, 18.0)
"""Of a hand of which nothing is said."""
JOINT_RANGES = (80.0, 95.0, 65.0)
"""What four quarters of a bend are: all of it in base (S14b, S10c), middle and end joint (S106, S110)."""

PINCHED: dict[Bend | None, tuple[float, float, float]] = {
    None: (52.0, 42.0, 25.0),  # S1f4, S1eb, S177
    Bend.BENT: (70.0, 12.0, 10.0),  # S1f4, S185
    Bend.ROUND: (40.0, 58.0, 40.0),  # S1ce, S176
    Bend.HOOKED: (20.0, 85.0, 45.0),  # S16b
}
"""Of a finger that meets the thumb; it is adapted until it does."""
CURVED: dict[Bend | None, tuple[float, float, float]] = {
    None: (36.0, 45.0, 30.0),  # S1ec, S16d
    Bend.BENT: (50.0, 10.0, 8.0),  # S1f0, S17d
    Bend.ROUND: (34.0, 48.0, 32.0),
    Bend.HOOKED: (15.0, 75.0, 50.0),
}
"""Of one that makes a C with the thumb."""
OPENED = (16.0, 12.0, 12.0)
"""By how much less it bends where the C is wide open (S1ed, S16c)."""
OPENINGS = {"across": 0.018, "default": 0.042, "opposed": 0.075}
"""From the tip of the thumb to those of the fingers in a C, in metres (S1f1, S1ec, S1ee)."""

TOGETHER = {Digit.INDEX: -5.0, Digit.MIDDLE: -1.0, Digit.RING: 4.0, Digit.PINKY: 6.0}
"""Tilt towards the thumb of extended fingers that lie side by side."""
SPREAD = {Digit.INDEX: 14.0, Digit.MIDDLE: 1.0, Digit.RING: -10.0, Digit.PINKY: -20.0}
"""Of spread ones (S14c, S14e; the W of 14 people who fingerspell: 16 between the first two)."""
FORKED = {Digit.INDEX: 13.0, Digit.MIDDLE: -12.0, Digit.RING: -10.0, Digit.PINKY: -20.0}
"""Of index and middle finger in a V (S10e has 13 between them; 15 people who fingerspell have 26)."""
ALONE = -11.0
"""Of a pinky that is extended alone (S192); with the thumb out it is spread (S19a)."""
FANNED = {Digit.INDEX: 2.0, Digit.MIDDLE: 4.0, Digit.RING: -6.0, Digit.PINKY: -17.0}
"""Of fingers that are left over in open pinches (S1ce, S1cd)."""
CURLED = {Digit.INDEX: -3.0, Digit.MIDDLE: -1.0, Digit.RING: 2.0, Digit.PINKY: 4.0}
"""Of folded ones: they point to the ball of the thumb."""

THUMB_OUT = (58.0, 8.0, 60.0, 0.0, 0.0)  # S1f5, S19a, S1dc, S12d, S15d: 44 to the index finger; L of 15 people: 66
THUMB_OPPOSED = (18.0, 42.0, 35.0, 5.0, 18.0)  # S17a, S1fa
THUMB_ACROSS = (2.0, 27.0, -8.0, 34.0, 45.0)  # S203, S10e
THUMB_IN_PALM = (0.0, 30.0, -15.0, 34.0, 25.0)  # S147, S201
THUMB_BESIDE = (24.0, 4.0, -5.0, 12.0, 20.0)  # S1f8, S12e, S15a
THUMB_PINCHING = (13.0, 32.0, 0.0, 15.0, 32.0)  # S176, S1ce, S1eb, S1f4
THUMB_RELAXED = (26.0, 16.0, 15.0, 10.0, 15.0)
THUMB_RANGES = (50.0, 70.0)
"""What four quarters of a bend are in the thumb's two joints."""


def bent(bend: Bend | JointBend, *, stretched: tuple[float, float, float] = STRAIGHT) -> tuple[float, float, float]:
    """Base, middle and end joint of a finger that bends so."""
    quarters = bend.joints
    base, middle, end = (
        full * quarter / 4 + straight * (1 - quarter / 4)
        for full, quarter, straight in zip(JOINT_RANGES, quarters, stretched, strict=True)
    )
    return base, middle, end


def opened(joints: tuple[float, float, float]) -> tuple[float, float, float]:
    """Those of a finger in a C that is wide open."""
    base, middle, end = joints
    return base - OPENED[0], middle - OPENED[1], end - OPENED[2]


def bent_thumb(bend: Bend | JointBend) -> tuple[float, float]:
    """Its two joints."""
    base, middle, end = bend.joints
    return THUMB_RANGES[0] * base / 4, THUMB_RANGES[1] * max(middle, end) / 4
