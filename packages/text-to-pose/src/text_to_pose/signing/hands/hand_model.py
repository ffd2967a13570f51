"""A hand of bones: joint angles to 21 points in MediaPipe's order (its hand landmarks).

The frame of the right hand, in metres from the wrist: y along the extended fingers (from the wrist to the knuckle of
the middle finger), z out of the palm, x towards the thumb. The left hand is its mirror image in x.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from text_to_pose.signing.vectors import Array

THUMB_JOINTS = ("radial", "palmar", "roll", "mcp", "ip")
"""Metacarpal away from the index finger in the plane of the palm, and out of that plane; its turn about itself (0: the
thumb bends across the palm, 90: towards the fingers' side of it); bend of both joints."""
FINGER_JOINTS = ("mcp", "abduction", "pip", "dip")
"""Bend at the knuckle, tilt towards the thumb, bend of the middle and the end joint."""
DIGITS = ("thumb", "index", "middle", "ring", "pinky")
ANGLES = tuple([f"thumb_{joint}" for joint in THUMB_JOINTS] + [f"{d}_{j}" for d in DIGITS[1:] for j in FINGER_JOINTS])
"""Names of the 21 angles of a hand."""
MCP, ABDUCTION, PIP, DIP = range(4)
BONES = tuple((0 if k == 0 else 4 * d + k, 4 * d + k + 1) for d in range(5) for k in range(4))
"""Pairs of points that a bone joins, four per digit, from the wrist."""

# Degrees. Fingers and the thumb's joints: American Academy of Orthopaedic Surgeons, Joint Motion (1965), and C. Eaton,
# "Normal Range of Motion Reference Values" (e-hand.com): MCP 0-90 (hyperextension to 45, held to 20 here), PIP 0-100,
# DIP 0-80, abduction 20 to either side; thumb MCP -10 to 55, IP -15 to 80. Fists fold the middle joint a little
# further. The thumb's metacarpal moves by 60 in the palm's plane and 45 out of it; where it rests is not 0 in
# MediaPipe's points, so these are wider, as is the roll, which in a joint is coupled to both.
_THUMB_LIMITS = ((-25, 70), (-20, 60), (-20, 90), (-10, 60), (-15, 80))
_FINGER_LIMITS = ((-20, 92), (-22, 22), (0, 110), (-5, 85))
LIMITS: Array = np.radians(np.array(_THUMB_LIMITS + 4 * _FINGER_LIMITS, dtype=np.float64))
"""Least and greatest of each angle, (21, 2), radians."""


@dataclass(frozen=True, eq=False)
class Proportions:
    """The sizes of a hand, in metres.

    Attributes:
        palm: where the thumb's first joint and the four knuckles are, (5, 3), in the frame of the hand.
        bones: lengths of three bones per digit, from there to the tip, (5, 3).
        radii: half the thickness of the digits, (5,).
        palm_radius: half the thickness of the palm.
    """

    palm: Array
    bones: Array
    radii: Array
    palm_radius: float

    @property
    def lengths(self) -> Array:
        """Lengths of the 20 `BONES`."""
        return np.concatenate([np.linalg.norm(self.palm, axis=1)[:, None], self.bones], axis=1).ravel()

    def scaled(self, factor: float) -> Proportions:
        """The same hand, larger or smaller."""
        return Proportions(self.palm * factor, self.bones * factor, self.radii * factor, self.palm_radius * factor)

    def with_lengths(self, lengths: Array) -> Proportions:
        """The hand of a person whose 20 `BONES` have these lengths in metres; the palm's directions stay.

        NaN or what is not positive is taken from this hand, made larger or smaller as the others are.
        """
        given = np.asarray(lengths, dtype=np.float64).reshape(20)
        known = np.isfinite(given) & (given > 0)
        factor = float(np.median((given / self.lengths)[known])) if known.any() else 1.0
        new = np.where(known, given, self.lengths * factor).reshape(5, 4)
        palm = self.palm * (new[:, 0] / np.linalg.norm(self.palm, axis=1))[:, None]
        return replace(self.scaled(factor), palm=palm, bones=new[:, 1:])


# Measured (benchmarks/handshape_angles.py) on one adult hand in 261 shapes (3d-hands-benchmark, MIT): medians of the
# views that MediaPipe is sure of; bones of fingers where they are straight. Radii: breadths of an adult's finger joints
# (Garrett, "The adult human hand", Human Factors 13, 1971: 16 to 22 mm), less the flesh that gives way.
MEAN_HAND = Proportions(
    palm=np.array(
        [[24.6, 26.0, 19.8], [24.3, 99.1, 7.3], [0.0, 98.8, 0.0], [-23.9, 94.2, 4.0], [-37.4, 75.4, 7.3]],
        dtype=np.float64,
    )
    / 1000,
    bones=np.array(
        [[31.9, 34.6, 26.6], [29.1, 25.9, 28.6], [37.8, 27.1, 29.4], [30.5, 27.0, 26.5], [25.4, 23.1, 20.3]],
        dtype=np.float64,
    )
    / 1000,
    radii=np.array([7.5, 7.0, 7.0, 6.5, 5.5]) / 1000,
    palm_radius=0.008,
)
"""A mean adult hand."""


@dataclass(frozen=True, eq=False)
class Hands:
    """Hands in three dimensions.

    Attributes:
        points: (..., 21, 3) in metres, in the frame of the hand.
        directions: of the three bones of each digit, (..., 5, 3, 3), length 1.
        palmar: square to them, to where the digit bends, (..., 5, 3, 3), length 1.
    """

    points: Array
    directions: Array
    palmar: Array


def forward(angles: Array, proportions: Proportions = MEAN_HAND) -> Hands:
    """The right hands that have these angles, (..., 21) in radians, ordered as `ANGLES`."""
    angles = np.asarray(angles, dtype=np.float64)
    thumb, fingers = angles[..., :5], angles[..., 5:].reshape(*angles.shape[:-1], 4, 4)
    bent = np.zeros((*angles.shape[:-1], 5, 3))
    bent[..., 0, 1], bent[..., 0, 2] = thumb[..., 3], thumb[..., 3] + thumb[..., 4]
    bent[..., 1:, 1], bent[..., 1:, 2] = fingers[..., PIP], fingers[..., PIP] + fingers[..., DIP]
    cosine, sine = np.cos(bent), np.sin(bent)
    # A quarter turn on is where the digit bends to.
    directions, palmar = _digits(cosine, sine, thumb, fingers), _digits(-sine, cosine, thumb, fingers)
    joints = proportions.palm[:, None] + np.cumsum(proportions.bones[..., None] * directions, axis=-2)
    palm = np.broadcast_to(proportions.palm[:, None], (*joints.shape[:-2], 1, 3))
    digits = np.concatenate([palm, joints], axis=-2).reshape(*angles.shape[:-1], 20, 3)
    wrist = np.zeros_like(digits[..., :1, :])
    return Hands(np.concatenate([wrist, digits], axis=-2), directions, palmar)


def mirrored(points: Array) -> Array:
    """The left hand of the same shape, in the frame of the right one (x points from its thumb away)."""
    return points * np.array([-1.0, 1.0, 1.0])


def bone_lengths(points: Array) -> Array:
    """Lengths of the 20 `BONES` of hands, (..., 21, 3) -> (..., 20)."""
    first, second = np.array(BONES).T
    return np.linalg.norm(points[..., second, :] - points[..., first, :], axis=-1)


def _digits(cosine: Array, sine: Array, thumb: Array, fingers: Array) -> Array:
    """Directions (..., 5, 3, 3) of bones that are bent, from the base of the digit on, by angles of which these are."""
    result = np.empty((*cosine.shape, 3))
    _of_thumb(result[..., 0, :, :], cosine[..., 0, :], sine[..., 0, :], thumb)
    _of_fingers(result[..., 1:, :, :], cosine[..., 1:, :], sine[..., 1:, :], fingers)
    return result


def _of_fingers(result: Array, cosine: Array, sine: Array, fingers: Array) -> None:
    """Directions (..., 4, 3, 3): along y, bent about x, tilted about z at the knuckle, and bent there about x."""
    tilt, knuckle = fingers[..., ABDUCTION, None], fingers[..., MCP, None]
    y, straight, aslant = np.cos(tilt) * cosine, np.cos(knuckle), np.sin(knuckle)
    result[..., 0] = np.sin(tilt) * cosine
    result[..., 1] = y * straight - sine * aslant
    result[..., 2] = y * aslant + sine * straight


def _of_thumb(result: Array, cosine: Array, sine: Array, base: Array) -> None:
    """Directions (..., 3, 3): along y, bent about -z turned by the roll, out of the palm's plane and in it."""
    radial, palmar, roll = (base[..., i, None] for i in range(3))
    x, z = -sine * np.cos(roll), sine * np.sin(roll)
    y = cosine * np.cos(palmar) - z * np.sin(palmar)
    result[..., 0] = x * np.cos(radial) + y * np.sin(radial)
    result[..., 1] = y * np.cos(radial) - x * np.sin(radial)
    result[..., 2] = cosine * np.sin(palmar) + z * np.cos(palmar)
