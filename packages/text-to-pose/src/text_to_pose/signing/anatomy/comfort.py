"""Where hands that may be here or there are easy to hold: the notation names a region of space, not a point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.anatomy.arm import Arms, ease, solve
from text_to_pose.signing.anatomy.collisions import Limbs, evasion
from text_to_pose.signing.anatomy.elbow import choices
from text_to_pose.signing.anatomy.wrist import hand_rotation, within_limits, wrist_angles
from text_to_pose.signing.frame import mirrored_rotation
from text_to_pose.signing.hands.hand_model import forward, mirrored
from text_to_pose.signing.rotations import from_vector

if TYPE_CHECKING:
    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.motion import HandPose, HandSide
    from text_to_pose.signing.vectors import Array

MIRROR = np.array([-1.0, 1.0, 1.0])
_SIDES: tuple[HandSide, ...] = ("left", "right")
_FPS = 25.0

_ASIDE, _UP, _OUT = (0.0, -0.05, 0.05, -0.10), (0.0, 0.05, 0.10, 0.15, -0.06, -0.12), (0.0, -0.05, -0.10, 0.05, 0.10)
_WAYS = np.array([(x, y, z) for x in _ASIDE for y in _UP for z in _OUT])
"""Where the right hand may be instead, (n, 3) metres; the first is where it is."""
EASY, BEARABLE = 0.8, 5.0
"""Efforts that need no other place, and no other turn than the limits of the joints ask for."""
_TILT, TILT_COST = np.radians(20.0), np.radians(10.0)
"""By how much a hand may be turned otherwise than it is said, about each of its axes, which is less than half the step
from one direction to the next, and the turn that weighs as much as an effort of 1."""
_TILTS: Array = _TILT * np.array([(x, y, z) for x in (0, -1, 1) for y in (0, -1, 1, -2, 2) for z in (0, -1, 1)])
"""About its fingers a hand may turn more: of a palm, readers see less."""
_TILTED, _TILT_COSTS = from_vector(_TILTS), (_TILTS**2).sum(axis=1) / TILT_COST**2

_FAR = np.radians([0.0, 30.0, -30.0, 60.0, -60.0])
_FAR_TILTS = np.array([(x, y, z) for x in _FAR for y in (*_FAR, *np.radians([-90.0, 90.0])) for z in _FAR])
_FAR_TILTS = _FAR_TILTS[np.linalg.norm(_FAR_TILTS, axis=1) < np.radians(91.0)]
_FAR_TILTED, _FAR_COSTS = from_vector(_FAR_TILTS), np.linalg.norm(_FAR_TILTS, axis=1) / TILT_COST

_FAR_OFF = np.radians(35.0)
"""What arms can do to that is as it is said: limits do the rest."""
_AWKWARD = 6.0
"""By how much harder an elbow may be than the easiest one, as in `arm.ease`."""


def held(hands: dict[HandSide, HandPose], body: Body) -> Arms:
    """The arms that hold both hands, the right one and the left one mirrored; one frame."""
    wrist, rotation = _as_right_hands(hands)
    return solve(body, np.broadcast_to(body.shoulders[1], (2, 1, 3)), wrist[:, None], rotation[:, None], _FPS)


def evasions(hands: dict[HandSide, HandPose], arms: Arms, body: Body) -> dict[HandSide, Array]:
    """By how much each hand will make way, (3,): it is out of reach, or limbs are in the body or in each other."""
    poses = [hands[side] for side in _SIDES]
    left, right = forward(np.stack([pose.angles for pose in poses]), body.hand).points
    shapes = (mirrored(left), right)
    points = [pose.wrist + shape @ pose.rotation.T for pose, shape in zip(poses, shapes, strict=True)]
    elbows = np.stack([arms.elbow[1] * MIRROR, arms.elbow[0]])
    limbs = Limbs(np.stack(points)[:, None], elbows)
    shift = evasion(body, limbs, np.eye(3)[None], np.zeros((1, 3)), _FPS)
    reached = {"right": arms.wrist[0, 0], "left": arms.wrist[1, 0] * MIRROR}
    return {side: shift[row, 0] + reached[side] - hands[side].wrist for row, side in enumerate(_SIDES)}


def _as_right_hands(hands: dict[HandSide, HandPose]) -> tuple[Array, Array]:
    """Wrists (2, 3) and rotations (2, 3, 3) of the right hand and of the left one, mirrored."""
    right, left = hands["right"], hands["left"]
    return (
        np.stack([right.wrist, left.wrist * MIRROR]),
        np.stack([right.rotation, mirrored_rotation(left.rotation)]),
    )


def easier(hands: list[tuple[HandSide, HandPose]], body: Body, *, play: float, sideways: bool) -> Array:
    """By how much hands should be elsewhere, together, so that arms can turn them, (3,) metres.

    Args:
        hands: one, or both; of the left one alone it is mirrored.
        body: the signer.
        play: the distance in metres that weighs as much as an effort of 1.
        sideways: whether they may go to the side, the first away from the other.
    """
    of_left = hands[0][0] == "left"
    ways = _WAYS if sideways else _WAYS[_WAYS[:, 0] == 0]
    wrists, rotations = [], []
    for side, pose in hands:
        way = ways if side == "right" or of_left else ways * MIRROR
        wrists.append(way + (pose.wrist if side == "right" else pose.wrist * MIRROR))
        rotation = pose.rotation if side == "right" else mirrored_rotation(pose.rotation)
        rotations.append(np.broadcast_to(rotation, (len(ways), 3, 3)))
    costs = ease(body, body.shoulders[1], np.concatenate(wrists), np.concatenate(rotations))
    costs = costs.reshape(len(hands), -1).sum(axis=0) + (ways**2).sum(axis=1) / play**2
    best: Array = ways[int(np.argmin(costs))]
    return best * MIRROR if of_left else best


def attainable(side: HandSide, pose: HandPose, body: Body) -> Array:
    """How a hand is turned (3, 3) that arms can turn nearly so; else the nearest that they can.

    Where the two differ much, a hand that went for the first would be turned over, to the other limit of the forearm.
    """
    rotation = pose.rotation if side == "right" else mirrored_rotation(pose.rotation)
    wrist = pose.wrist if side == "right" else pose.wrist * MIRROR
    shoulder = body.shoulders[1]
    circles, costs = choices(body, shoulder[None, None], wrist[None, None], rotation[None, None])
    possible = costs[0, 0] < costs[0, 0].min() + _AWKWARD
    elbow = shoulder + circles.offsets()[:, 0, 0].T[possible]
    places = np.broadcast_to(wrist, elbow.shape)
    joints = within_limits(wrist_angles(shoulder, elbow, places, rotation))
    turned = hand_rotation(shoulder, elbow, places, joints)
    off = np.arccos(np.clip((np.einsum("nij,ij->n", turned, rotation) - 1) / 2, -1.0, 1.0))
    best = int(off.argmin())
    if off[best] < _FAR_OFF:
        return pose.rotation
    return turned[best] if side == "right" else mirrored_rotation(turned[best])


def tilted(side: HandSide, pose: HandPose, pivot: Array, body: Body, notated: Array | None = None) -> Array:
    """How a hand is turned (3, 3), near what is said, so that an arm can turn it.

    Args:
        side: which hand.
        pose: the hand as it is said.
        pivot: (3,) what of it stays where it is, in its own frame.
        body: the signer.
        notated: (3, 3) how it is said to be turned, where no arm can turn it nearly so: all that is less than a right
            angle from it is looked at.
    """
    rotation = pose.rotation if side == "right" else mirrored_rotation(pose.rotation)
    wrist, pivot = (pose.wrist, pivot) if side == "right" else (pose.wrist * MIRROR, pivot * MIRROR)
    if notated is None:
        turned, costs = rotation @ _TILTED, _TILT_COSTS
    else:
        turned, costs = (notated if side == "right" else mirrored_rotation(notated)) @ _FAR_TILTED, _FAR_COSTS
    wrists = wrist + rotation @ pivot - turned @ pivot
    best = turned[int(np.argmin(ease(body, body.shoulders[1], wrists, turned) + costs))]
    return best if side == "right" else mirrored_rotation(best)
