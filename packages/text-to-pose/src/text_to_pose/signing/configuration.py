"""Hands that are where the notation says: at places of the body, at each other, or before the signer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.directions import Direction
from text_to_pose.hamnosys.handshapes import Handshape
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.places import BodyPlace
from text_to_pose.hamnosys.postures import FingerDirection, Palm
from text_to_pose.signing.body_places import is_on_head
from text_to_pose.signing.comfort import BEARABLE, EASY, MIRROR, easier, efforts, held, tilted
from text_to_pose.signing.frame import mirrored_rotation
from text_to_pose.signing.hand import handshape_angles
from text_to_pose.signing.motion import HandPose
from text_to_pose.signing.orientation import hand_rotation
from text_to_pose.signing.solid_hand import solid_hand
from text_to_pose.signing.two_hands import OTHER, TwoHands, is_at_other

if TYPE_CHECKING:
    from text_to_pose.hamnosys.places import Location
    from text_to_pose.signing.body import Body
    from text_to_pose.signing.hand_model import Array
    from text_to_pose.signing.motion import HandSide
    from text_to_pose.signing.states import HandState, States
    from text_to_pose.signing.touch import Touch

_ARMS: dict[HandSide, int] = {"right": 0, "left": 1}
_ROUNDS = 3
"""How often hands that arms cannot turn so are placed again, turned as the arms can."""
_TURNED = np.radians(1.0)
_PALM = np.array([0.0, 0.08, 0.0])


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
    return HandPose(wrist * MIRROR, mirrored_rotation(rotation), angles)


@lru_cache(maxsize=1024)
def configure(states: States, body: Body) -> Configuration:
    """Where both hands are, and how they are turned, as nearly as arms let them.

    A hand whose place is a region of space is where its arm can turn it so. One that its arm cannot turn as the
    notation says is turned as far as it goes, and still touches what it touches.
    """
    both: dict[HandSide, HandState | None] = {"right": states.right, "left": states.left}
    signing = {side: state for side, state in both.items() if state is not None}
    rotations = {side: hand_rotation(state.direction, state.palm) for side, state in signing.items()}
    offsets: dict[HandSide, Array] = dict.fromkeys(signing, np.zeros(3))
    found = _placed(states, signing, rotations, offsets, body)
    costs = efforts(found.hands, body)
    if max((costs[side] for side in signing), default=0.0) > EASY:
        offsets = _offsets(states, signing, found, body)
        found = _placed(states, signing, rotations, offsets, body)
        costs = efforts(found.hands, body)
    hard = [side for side in signing if costs[side] > BEARABLE]
    if hard:
        for side in hard:
            rotations[side] = tilted(side, found.hands[side], _pivot(found, side), body)
        found = _placed(states, signing, rotations, offsets, body)
    return _within_limits(states, signing, rotations, offsets, found, body)


def _within_limits(
    states: States,
    signing: dict[HandSide, HandState],
    wanted: dict[HandSide, Array],
    offsets: dict[HandSide, Array],
    found: Configuration,
    body: Body,
) -> Configuration:
    """Hands that are beyond what arms can do, turned as far as they go: where a hand is depends on how it is turned."""
    best, least = found, np.inf
    for _ in range(_ROUNDS):
        asked = {
            side: HandPose(pose.wrist, wanted.get(side, pose.rotation), pose.angles)
            for side, pose in found.hands.items()
        }
        arms = held(asked, body)
        turned = {side: float(arms.turned[_ARMS[side], 0]) for side in signing}
        worst = max(turned.values(), default=0.0)
        if worst < _TURNED:
            return found if worst < least else best
        rotations = dict(wanted)
        for side in signing:
            if turned[side] > _TURNED:
                allowed = arms.rotation[_ARMS[side], 0]
                rotations[side] = allowed if side == "right" else mirrored_rotation(allowed)
        found = _placed(states, signing, rotations, offsets, body)
        if worst < least - _TURNED:
            best, least = found, worst
    return best


def _offsets(
    states: States, signing: dict[HandSide, HandState], found: Configuration, body: Body
) -> dict[HandSide, Array]:
    """By how much hands whose place is a region of space are better elsewhere."""
    offsets: dict[HandSide, Array] = dict.fromkeys(signing, np.zeros(3))
    meeting = states.constellation
    together = len(signing) == 2 and (meeting is not None or any(is_at_other(s.location) for s in signing.values()))
    if together:
        places = [state.location for state in signing.values() if not is_at_other(state.location)]
        if meeting is not None:
            places = [meeting.location] if not isinstance(meeting.location, Pair) else [meeting.location.dominant]
        if all(_is_region(place) for place in places):
            hands = [(side, found.hands[side]) for side in signing]
            named = any(place is not None for place in places)
            offset = easier(hands, body, named=named, sideways=False)
            offsets = dict.fromkeys(signing, offset)
        return offsets
    for side, state in signing.items():
        if _is_region(state.location):
            named = state.location is not None
            offsets[side] = easier([(side, found.hands[side])], body, named=named, sideways=True)
    return offsets


def _pivot(found: Configuration, side: HandSide) -> Array:
    """(3,) about what a hand turns, in its own frame: what touches, else the middle of its palm."""
    parts = [touch.part for touch in found.contacts if touch.hand == side]
    parts += [touch.target for touch in found.contacts if touch.on == side]
    return parts[0] if parts else _PALM


def _is_region(place: Location | None) -> bool:
    """Whether a place is a part of the space before the trunk, and not a place on the skin."""
    if place is None:
        return True
    return isinstance(place.place, BodyPlace) and place.contact is None and not is_on_head(place.place)


def _placed(
    states: States,
    signing: dict[HandSide, HandState],
    rotations: dict[HandSide, Array],
    offsets: dict[HandSide, Array],
    body: Body,
) -> Configuration:
    """The hands at their places or so far from them, turned so."""
    hands: dict[HandSide, HandPose] = {side: resting(side, body) for side in OTHER}
    solid = {}
    for side, state in signing.items():
        angles = handshape_angles(state.handshape, body.hand)
        hands[side] = HandPose(np.zeros(3), rotations[side], angles)
        solid[side] = solid_hand(angles, rotations[side], body.hand, left=side == "left")

    def elbow(side: HandSide, pose: HandPose) -> Array:
        found: Array = held({**hands, side: pose}, body).elbow[_ARMS[side], 0]
        return found if side == "right" else found * MIRROR

    places = {side: state.location for side, state in signing.items()}
    two = TwoHands(body, hands, solid, places, "left" if states.weak else "right", elbow, offsets)
    if states.constellation is not None and len(solid) == 2:
        two.together(states.constellation)
    else:
        two.alone()
    return Configuration(two.hands, tuple(two.contacts))
