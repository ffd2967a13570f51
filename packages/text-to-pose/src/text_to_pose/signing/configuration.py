"""Hands that are where the notation says: at places of the body, at each other, or before the signer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.directions import Direction
from text_to_pose.hamnosys.handshapes import Handshape
from text_to_pose.hamnosys.postures import FingerDirection, Palm
from text_to_pose.signing.arm import Arms, solve
from text_to_pose.signing.frame import mirrored_rotation
from text_to_pose.signing.hand import handshape_angles
from text_to_pose.signing.motion import HandPose
from text_to_pose.signing.orientation import hand_rotation
from text_to_pose.signing.solid_hand import solid_hand
from text_to_pose.signing.two_hands import OTHER, TwoHands

if TYPE_CHECKING:
    from text_to_pose.signing.body import Body
    from text_to_pose.signing.hand_model import Array
    from text_to_pose.signing.motion import HandSide
    from text_to_pose.signing.states import HandState, States
    from text_to_pose.signing.touch import Touch

_MIRROR = np.array([-1.0, 1.0, 1.0])
_ARMS: dict[HandSide, int] = {"right": 0, "left": 1}
_FPS = 25.0
_ROUNDS = 3
"""How often hands that arms cannot turn so are placed again, turned as the arms can."""
_TURNED = np.radians(1.0)


@dataclass(frozen=True, eq=False)
class Configuration:
    """Both hands at one moment.

    Attributes:
        hands: where they are; a hand that does not sign hangs at the side.
        contacts: which places touch, as they should: `touch.contact_error` says by how much they miss.
    """

    hands: dict[HandSide, HandPose]
    contacts: tuple[Touch, ...] = ()


@lru_cache(maxsize=64)
def resting(side: HandSide, body: Body) -> HandPose:
    """A hand that hangs at the side, below the picture, its palm to the thigh."""
    wrist = body.shoulders[1] + np.array([-0.06, -0.985 * body.arm, 0.05])
    rotation = hand_rotation(FingerDirection(Direction.D), Palm(Direction.L, Direction.DL))
    angles = handshape_angles(Handshape(None), body.hand)
    if side == "right":
        return HandPose(wrist, rotation, angles)
    return HandPose(wrist * _MIRROR, mirrored_rotation(rotation), angles)


def configure(states: States, body: Body) -> Configuration:
    """Where both hands are, and how they are turned, as nearly as arms let them.

    A hand that its arm cannot turn as the notation says is turned as far as it goes, and still touches what it touches.
    """
    both: dict[HandSide, HandState | None] = {"right": states.right, "left": states.left}
    signing = {side: state for side, state in both.items() if state is not None}
    rotations = {side: hand_rotation(state.direction, state.palm) for side, state in signing.items()}
    found = _placed(states, signing, rotations, body)
    for _ in range(_ROUNDS):
        arms = _arms(found.hands, body)
        beyond = [side for side in rotations if arms.turned[_ARMS[side], 0] > _TURNED]
        if not beyond:
            break
        for side in beyond:
            allowed = arms.rotation[_ARMS[side], 0]
            rotations[side] = allowed if side == "right" else mirrored_rotation(allowed)
        found = _placed(states, signing, rotations, body)
    return found


def _placed(
    states: States, signing: dict[HandSide, HandState], rotations: dict[HandSide, Array], body: Body
) -> Configuration:
    """The hands at their places, turned so."""
    hands: dict[HandSide, HandPose] = {side: resting(side, body) for side in OTHER}
    solid = {}
    for side, state in signing.items():
        angles = handshape_angles(state.handshape, body.hand)
        hands[side] = HandPose(np.zeros(3), rotations[side], angles)
        solid[side] = solid_hand(angles, rotations[side], body.hand, left=side == "left")

    def elbow(side: HandSide, pose: HandPose) -> Array:
        found: Array = _arms({**hands, side: pose}, body).elbow[_ARMS[side], 0]
        return found if side == "right" else found * _MIRROR

    places = {side: state.location for side, state in signing.items()}
    two = TwoHands(body, hands, solid, places, "left" if states.weak else "right", elbow)
    if states.constellation is not None and len(solid) == 2:
        two.together(states.constellation)
    else:
        two.alone()
    return Configuration(two.hands, tuple(two.contacts))


def _arms(hands: dict[HandSide, HandPose], body: Body) -> Arms:
    """The arms that hold the hands, the left one mirrored; one frame."""
    right, left = hands["right"], hands["left"]
    shoulder = np.stack([body.shoulders[1], body.shoulders[0] * _MIRROR])[:, None]
    wrist = np.stack([right.wrist, left.wrist * _MIRROR])[:, None]
    rotation = np.stack([right.rotation, mirrored_rotation(left.rotation)])[:, None]
    return solve(body, shoulder, wrist, rotation, _FPS)
