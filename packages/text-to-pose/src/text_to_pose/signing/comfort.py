"""Where hands that may be here or there are easy to hold: the notation names a region of space, not a point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.arm import Arms, solve
from text_to_pose.signing.frame import mirrored_rotation
from text_to_pose.signing.rotations import from_vector

if TYPE_CHECKING:
    from text_to_pose.signing.body import Body
    from text_to_pose.signing.hand_model import Array
    from text_to_pose.signing.motion import HandPose, HandSide

MIRROR = np.array([-1.0, 1.0, 1.0])
_APART_IN_TIME = 0.1
"""Frames per second at which the frames of an arm are poses of their own: nothing is smoothed over them."""

_ASIDE, _UP, _OUT = (0.0, -0.05), (0.0, 0.05, 0.10, 0.15, -0.06), (0.0, -0.05, -0.10, 0.05)
_WAYS = np.array([(x, y, z) for x in _ASIDE for y in _UP for z in _OUT])
"""Where the right hand may be instead, (n, 3) metres; the first is where it is."""
_TURNED = np.radians(12.0)
_LOOSE, _NAMED = 0.10, 0.05
"""The turn of a hand, and the distance from a place that is not said or is said, which weigh alike."""
_RAISED, _RAISED_PER = -0.10, 0.06
"""Above which height an elbow is raised, over the shoulders, and by how much that weighs as much, in metres."""
_CROSSED, _CROSSED_PER = 0.08, 0.08
"""How near to the middle an elbow is that is crossed, and by how much that weighs as much, in metres."""
EASY, BEARABLE = 1.0, 2.5
"""What costs less needs no other place, and no other turn than the limits of the joints ask for."""
_TILT, _TILT_COST = np.radians(20.0), np.radians(28.0)
"""By how much a hand may be turned otherwise than it is said, about each of its axes, which is less than half the step
from one direction to the next, and the turn that weighs as much as what is `EASY`."""
_TILTS: Array = _TILT * np.array([(x, y, z) for x in (0, -1, 1) for y in (0, -1, 1, -2, 2) for z in (0, -1, 1)])
"""About its fingers a hand may turn more: of a palm, readers see less."""


def held(hands: dict[HandSide, HandPose], body: Body) -> Arms:
    """The arms that hold both hands, the right one and the left one mirrored; one frame."""
    right, left = hands["right"], hands["left"]
    wrist = np.stack([right.wrist, left.wrist * MIRROR])[:, None]
    rotation = np.stack([right.rotation, mirrored_rotation(left.rotation)])[:, None]
    return _solved(body, wrist, rotation)


def easier(hands: list[tuple[HandSide, HandPose]], body: Body, *, named: bool, sideways: bool) -> Array:
    """By how much hands should be elsewhere, together, so that arms can turn them, (3,) metres.

    Args:
        hands: one, or both; of the left one alone it is mirrored.
        body: the signer.
        named: whether the notation says at which height they are.
        sideways: whether they may go to the side, the first away from the other.
    """
    mirrored = hands[0][0] == "left"
    ways = _WAYS if sideways else _WAYS[_WAYS[:, 0] == 0]
    wrist, rotation = [], []
    for side, pose in hands:
        way = ways if side == "right" or mirrored else ways * MIRROR
        wrist.append((pose.wrist if side == "right" else pose.wrist * MIRROR) + way)
        turned = pose.rotation if side == "right" else mirrored_rotation(pose.rotation)
        rotation.append(np.broadcast_to(turned, (len(ways), 3, 3)))
    costs = effort(_solved(body, np.stack(wrist), np.stack(rotation))).sum(axis=0)
    weight = _NAMED if named else _LOOSE
    best: Array = ways[int(np.argmin(costs + (ways**2).sum(axis=1) / weight**2))]
    return best * MIRROR if mirrored else best


def tilted(side: HandSide, pose: HandPose, pivot: Array, body: Body) -> Array:
    """How a hand is turned (3, 3), near what is said, so that an arm can turn it.

    Args:
        side: which hand.
        pose: the hand as it is said.
        pivot: (3,) what of it stays where it is, in its own frame.
        body: the signer.
    """
    rotation = pose.rotation if side == "right" else mirrored_rotation(pose.rotation)
    wrist, pivot = (pose.wrist, pivot) if side == "right" else (pose.wrist * MIRROR, pivot * MIRROR)
    turned = rotation @ from_vector(_TILTS)
    wrists = wrist + rotation @ pivot - turned @ pivot
    costs = effort(_solved(body, wrists[None], turned[None]))[0]
    best = turned[int(np.argmin(costs + (_TILTS**2).sum(axis=1) / _TILT_COST**2))]
    return best if side == "right" else mirrored_rotation(best)


def _solved(body: Body, wrist: Array, rotation: Array) -> Arms:
    shoulder = np.broadcast_to(body.shoulders[1], wrist.shape)
    return solve(body, shoulder, wrist, rotation, _APART_IN_TIME)


def effort(arms: Arms) -> Array:
    """How hard arms are to hold, (A, n): hands turned otherwise, elbows raised or crossed, places out of reach."""
    raised = np.maximum(arms.elbow[..., 1] - np.maximum(arms.wrist[..., 1], _RAISED), 0.0) / _RAISED_PER
    crossed = np.maximum(arms.elbow[..., 0] + _CROSSED, 0.0) / _CROSSED_PER
    each: Array = (arms.turned / _TURNED) ** 2 + raised**2 + crossed**2 + (arms.moved / _LOOSE) ** 2
    return each
