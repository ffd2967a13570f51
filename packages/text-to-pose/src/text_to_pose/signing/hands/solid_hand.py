"""One hand with its flesh: where points of its skin are, and which way they face."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from text_to_pose.signing.hands.hand_contacts import capsules
from text_to_pose.signing.hands.hand_model import DIP, MCP, MEAN_HAND, PIP, forward
from text_to_pose.signing.vectors import cross

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from text_to_pose.signing.hands.hand_model import Proportions
    from text_to_pose.signing.vectors import Array

_OUT = np.radians(160.0)
"""A finger whose three joints bend by less than that together stands out of the hand."""
_THUMB_OUT = 0.016
"""A thumb whose tip is as far from the skin of fingers and palm stands out, in metres."""
_BEYOND_KNUCKLES = 0.02


_VECTORS = ("points", "directions", "palmar", "thumbwards", "starts", "ends")


class SurfacePoint(NamedTuple):
    """A place on skin: where it is and which way it faces, (3,) each; the normal has length 1."""

    point: Array
    normal: Array


@dataclass(frozen=True, eq=False)
class SolidHand:
    """A hand in its handshape, turned, its wrist at the origin.

    Attributes:
        points: MediaPipe's landmarks, (21, 3), in metres.
        directions: of the three bones of each digit, (5, 3, 3).
        palmar, thumbwards: square to them, to where the digit bends and to the thumb's side, (5, 3, 3).
        axes: columns are the hand's x to the thumb, y along the extended fingers, z out of the palm.
        starts, ends, radii: its flesh, 19 capsules as `hand_contacts.capsules` has them.
        out: which digits stand out of the hand, (5,).
        proportions: its sizes.
        left: the left hand.
    """

    points: Array
    directions: Array
    palmar: Array
    thumbwards: Array
    axes: Array
    starts: Array
    ends: Array
    radii: Array
    out: NDArray[np.bool_]
    proportions: Proportions
    left: bool

    def on_digit(self, digit: int, bone: int, along: float, palmar: float = 0.0, side: float = 0.0) -> SurfacePoint:
        """A place on a digit: on which bone, where along it, and how far to the palm's and the thumb's side of it.

        With neither, it is the end of the bone, which faces along it.
        """
        start = self.points[4 * digit + bone + 1]
        on_bone = start + along * self.proportions.bones[digit, bone] * self.directions[digit, bone]
        normal = palmar * self.palmar[digit, bone] + side * self.thumbwards[digit, bone]
        length = math.hypot(*normal)
        if length == 0:
            return SurfacePoint(on_bone, self.directions[digit, bone])
        normal = normal / length
        return SurfacePoint(on_bone + self.proportions.radii[digit] * normal, normal)

    def on_palm(self, x: float | Array, y: float | Array, normal: Array) -> SurfacePoint:
        """A place on the palm's flesh, or many, (...,).

        Args:
            x: across the knuckles, 0 at the index finger's, 1 at the pinky's.
            y: from the wrist, 0, to the knuckles, 1.
            normal: (..., 3) which way it faces, in the hand's own axes.
        """
        knuckles = self.points[[5, 9, 13, 17]]
        low = np.minimum(3 * np.asarray(x), 2).astype(int)
        knuckle = knuckles[low] + (3 * x - low)[..., None] * (knuckles[low + 1] - knuckles[low])
        facing = normal @ self.axes.T
        return SurfacePoint(np.asarray(y)[..., None] * knuckle + self.proportions.palm_radius * facing, facing)

    def reach(self, direction: Array, *, thumb: bool = True) -> float:
        """How far the hand, with its thumb or without, reaches from its wrist in a direction (3,), in metres."""
        ahead = np.maximum(self.starts @ direction, self.ends @ direction) + self.radii
        return float(ahead[0 if thumb else 3 :].max())

    def turned(self, rotation: Array) -> SolidHand:
        """The same hand, turned further by a rotation (3, 3)."""
        moved = {name: getattr(self, name) @ rotation.T for name in _VECTORS}
        return replace(self, axes=rotation @ self.axes, **moved)

    @property
    def middle(self) -> Array:
        """(3,) the middle of the hand, which is the same in every handshape: a little beyond its knuckles."""
        middle: Array = self.points[[5, 9, 13, 17]].mean(axis=0) + _BEYOND_KNUCKLES * self.axes[:, 1]
        return middle


def solid_hand(
    angles: Array, rotation: Array, proportions: Proportions = MEAN_HAND, *, left: bool = False
) -> SolidHand:
    """The hand that has these angles (21,), turned by a rotation (3, 3)."""
    hands = forward(angles, proportions)
    axes = rotation * (np.array([-1.0, 1.0, 1.0]) if left else 1.0)
    starts, ends, radii = capsules(hands, proportions)
    bend = angles[5:].reshape(4, 4)[:, [MCP, PIP, DIP]].sum(axis=1)
    bones = ends[3:] - starts[3:]
    tip = hands.points[4] - starts[3:]
    along = np.clip((tip * bones).sum(axis=1) / (bones * bones).sum(axis=1), 0.0, 1.0)
    gap = float((np.linalg.norm(tip - along[:, None] * bones, axis=1) - radii[3:]).min())
    return SolidHand(
        points=hands.points @ axes.T,
        directions=hands.directions @ axes.T,
        palmar=hands.palmar @ axes.T,
        thumbwards=cross(hands.directions, hands.palmar) @ axes.T,
        axes=axes,
        starts=starts @ axes.T,
        ends=ends @ axes.T,
        radii=radii,
        out=np.concatenate([[gap > _THUMB_OUT], bend < _OUT]),
        proportions=proportions,
        left=left,
    )
