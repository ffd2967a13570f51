"""Hands that are where the notation says: at places of the body, at each other, or before the signer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.directions import Direction
from text_to_pose.hamnosys.handshapes import Handshape
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.places import BodyPlace, ContactKind
from text_to_pose.hamnosys.postures import FingerDirection, Palm
from text_to_pose.signing.anatomy.comfort import BEARABLE, EASY, MIRROR, TILT_COST, easier, evasions, held, tilted
from text_to_pose.signing.frame import mirrored_rotation
from text_to_pose.signing.hands.hand import handshape_angles
from text_to_pose.signing.hands.solid_hand import SolidHand, solid_hand
from text_to_pose.signing.motion import HandPose
from text_to_pose.signing.placement.body_places import is_on_head
from text_to_pose.signing.placement.orientation import hand_rotation
from text_to_pose.signing.placement.two_hands import OTHER, TwoHands, is_at_other
from text_to_pose.signing.rotations import between, from_vector
from text_to_pose.signing.vectors import cross

if TYPE_CHECKING:
    from text_to_pose.hamnosys.places import Location
    from text_to_pose.signing.anatomy.arm import Arms
    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.motion import HandSide
    from text_to_pose.signing.placement.states import HandState, States
    from text_to_pose.signing.placement.touch import Touch
    from text_to_pose.signing.vectors import Array

_ARMS: dict[HandSide, int] = {"right": 0, "left": 1}
_ROUNDS, _SURE = 7, 2
"""How often hands that arms cannot turn so are placed again, turned as the arms can; after some rounds halfway."""
_TURNED = np.radians(1.0)
_NOT_OFF, _OFF = 0.004, 0.015
"""How far in metres a hand may make way from what it touches, and how far weighs as much as a radian."""
_UNSTABLE = 6.0
"""By how much more it weighs that an arm will turn a hand further, which then no longer touches, than that it has."""
_FAR_OFF = np.radians(40.0)
"""A hand that is turned farther from its notation is looked for again, elsewhere."""
_MOST_TILT = np.radians(20.0)
_ANYWHERE, _BEFORE, _NEAR = 0.14, 0.10, 0.05
"""The play in metres of hands somewhere before the body, before a named place, and close to one."""
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
    notated = {side: hand_rotation(state.direction, state.palm) for side, state in signing.items()}
    rotations = dict(notated)
    place = _Placer(states, signing, body)
    found = place(rotations)
    arms = held(found.hands, body)
    if any(arms.effort[_ARMS[side], 0] > EASY for side in signing):
        place.offsets = _offsets(states, signing, found, body)
        if any(offset.any() for offset in place.offsets.values()):
            found = place(rotations)
            arms = held(found.hands, body)
    hard = [side for side in signing if arms.effort[_ARMS[side], 0] > BEARABLE]
    if hard:
        for side in hard:
            rotations[side] = tilted(side, found.hands[side], _pivot(found, side), body)
        found = place(rotations)
        arms = held(found.hands, body)
    found = _within_limits(place, rotations, found, arms)
    if _off(found, notated) > _FAR_OFF:
        rotations = {side: tilted(side, found.hands[side], place.parts[side], body, notated[side]) for side in signing}
        again = place(rotations)
        again = _within_limits(place, rotations, again, held(again.hands, body))
        found = min(found, again, key=lambda each: _strain(each, notated, body))
    return found


def _off(found: Configuration, notated: dict[HandSide, Array]) -> float:
    """By how much the hand that is farthest from its notation is turned, in radians."""
    return max((_angle(found.hands[side].rotation, rotation) for side, rotation in notated.items()), default=0.0)


def _strain(found: Configuration, notated: dict[HandSide, Array], body: Body) -> float:
    """What the arms cost, and that the hands are turned otherwise than they are said to be."""
    efforts = held(found.hands, body).effort
    return float(sum(efforts[_ARMS[side], 0] for side in notated)) + _off(found, notated) / TILT_COST


@lru_cache(maxsize=256)
def _solid(shape: Handshape, body: Body, *, left: bool) -> SolidHand:
    """A hand in its handshape, not turned."""
    return solid_hand(handshape_angles(shape, body.hand), np.eye(3), body.hand, left=left)


@dataclass(eq=False)
class _Placer:
    """Hands of one moment, placed again and again as they are turned.

    Attributes:
        states, signing: what both hands are to be, and those that sign.
        body: the signer.
        offsets: by how much hands whose place is a region of space are elsewhere in it.
        parts: what of each hand is at its place, in its own frame; found when it is first placed.
    """

    states: States
    signing: dict[HandSide, HandState]
    body: Body
    offsets: dict[HandSide, Array] = field(default_factory=dict)
    parts: dict[HandSide, Array] = field(default_factory=dict)

    def __call__(self, rotations: dict[HandSide, Array]) -> Configuration:
        """The hands at their places, turned so."""
        body = self.body
        hands: dict[HandSide, HandPose] = {side: resting(side, body) for side in OTHER}
        solid = {}
        for side, state in self.signing.items():
            angles = handshape_angles(state.handshape, body.hand)
            hands[side] = HandPose(np.zeros(3), rotations[side], angles)
            solid[side] = _solid(state.handshape, body, left=side == "left").turned(rotations[side])

        def elbow(side: HandSide, pose: HandPose) -> Array:
            found: Array = held({**hands, side: pose}, body).elbow[_ARMS[side], 0]
            return found if side == "right" else found * MIRROR

        places = {side: state.location for side, state in self.signing.items()}
        offsets = {side: self.offsets.get(side, np.zeros(3)) for side in self.signing}
        dominant: HandSide = "left" if self.states.nondominant else "right"
        two = TwoHands(body, hands, solid, places, dominant, elbow, offsets, self.parts)
        if self.states.constellation is not None and len(solid) == 2:
            two.together(self.states.constellation)
        else:
            two.alone()
        return Configuration(two.hands, tuple(two.contacts))


def _within_limits(place: _Placer, wanted: dict[HandSide, Array], found: Configuration, arms: Arms) -> Configuration:
    """Hands turned so that arms, asked for it, do it, and what touches stays there.

    Those beyond what arms can do are turned as far as they go, those that would have to make way are tilted about what
    they touch. Where a hand is depends on how it is turned: the best of a few rounds is what is least off.
    """
    best, least, rotations = found, np.inf, dict(wanted)
    for attempt in range(_ROUNDS):
        if attempt > 0:
            found = place(rotations)
            arms = held(found.hands, place.body)
        ways = evasions(found.hands, arms, place.body) if found.contacts else dict.fromkeys(wanted, np.zeros(3))
        off = max((math.hypot(*ways[side]) for side in wanted), default=0.0)
        unstable = max((float(arms.turned[_ARMS[side], 0]) for side in wanted), default=0.0)
        turned = max((_angle(found.hands[side].rotation, wanted[side]) for side in wanted), default=0.0)
        score = turned + _UNSTABLE * unstable + off / _OFF
        if score < least:
            best, least = found, score
        if unstable < _TURNED and off < _NOT_OFF:
            break
        if attempt == 1 and unstable > _TURNED:
            # Where the hand is now, the arm may be able to do more.
            as_wanted = {side: _turned(found.hands[side], wanted[side]) for side in wanted}
            arms = held({**found.hands, **as_wanted}, place.body)
        rotations = {
            side: _making_way(found, side, ways[side]) @ _allowed(arms, side, rotations[side], attempt)
            for side in wanted
        }
    return best


def _allowed(arms: Arms, side: HandSide, rotation: Array, attempt: int) -> Array:
    """How an arm turns a hand (3, 3); after some rounds, halfway there from how it was turned."""
    allowed: Array = arms.rotation[_ARMS[side], 0]
    allowed = allowed if side == "right" else mirrored_rotation(allowed)
    return allowed if attempt < _SURE else between(rotation, allowed, np.array([0.5]))[0]


def _making_way(found: Configuration, side: HandSide, way: Array) -> Array:
    """The rotation (3, 3) about what a hand touches that moves its wrist so, as far as a rotation does."""
    pose = found.hands[side]
    arm = -pose.rotation @ _pivot(found, side)
    vector = cross(arm, way) / float(arm @ arm)
    angle = math.hypot(*vector)
    return from_vector(vector * min(1.0, _MOST_TILT / max(angle, 1e-9)))


def _turned(pose: HandPose, rotation: Array) -> HandPose:
    return HandPose(pose.wrist, rotation, pose.angles)


def _angle(first: Array, second: Array) -> float:
    """Between two rotations (3, 3), in radians."""
    return math.acos(min(max((float(np.vdot(first, second)) - 1) / 2, -1.0), 1.0))


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
            places = [meeting.location.dominant if isinstance(meeting.location, Pair) else meeting.location]
        play = min((_play(place) for place in places), default=0.0)
        if play > 0:
            hands = [(side, found.hands[side]) for side in signing]
            offsets = dict.fromkeys(signing, easier(hands, body, play=play, sideways=False))
        return offsets
    for side, state in signing.items():
        play = _play(state.location)
        if play > 0:
            offsets[side] = easier([(side, found.hands[side])], body, play=play, sideways=True)
    return offsets


def _pivot(found: Configuration, side: HandSide) -> Array:
    """(3,) about what a hand turns, in its own frame: what touches, else the middle of its palm."""
    parts = [touch.part for touch in found.contacts if touch.hand == side]
    parts += [touch.target for touch in found.contacts if touch.on == side]
    return parts[0] if parts else _PALM


def _play(place: Location | None) -> float:
    """How far a hand may be from a place, in metres: that much weighs as an effort of 1; 0 where it touches."""
    if place is None:
        return _ANYWHERE
    if not isinstance(place.place, BodyPlace) or is_at_other(place):
        return 0.0
    if place.contact is None:
        return _NEAR if is_on_head(place.place) else _BEFORE
    return _NEAR if place.contact.kind is ContactKind.CLOSE else 0.0
