"""What each hand is to be at one moment of a sign: handshape, orientation, place; and how that changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from text_to_pose.hamnosys.directions import Direction
from text_to_pose.hamnosys.handshapes import BaseShape, Form, Handshape
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.places import (
    BodyPlace,
    BodySite,
    Constellation,
    ContactKind,
    HandPart,
    HandPlace,
    Location,
    Side,
)
from text_to_pose.hamnosys.postures import FingerDirection, Palm
from text_to_pose.signing.placement.orientation import mirrored_direction, mirrored_palm

if TYPE_CHECKING:
    from text_to_pose.hamnosys.movements import Target
    from text_to_pose.hamnosys.postures import Posture
    from text_to_pose.hamnosys.tree import Segment, Symmetry

    T = TypeVar("T")

_FLAT = Handshape(BaseShape(Form.FLAT))
_USUAL_DIRECTION, _USUAL_PALM = FingerDirection(Direction.OL), Palm(Direction.L)
"""Of the right hand where the notation does not say: a hand that somebody holds out."""
_MIRRORED_SIDES = {
    Side.LEFT: Side.RIGHT,
    Side.RIGHT: Side.LEFT,
    Side.LEFT_BESIDE: Side.RIGHT_BESIDE,
    Side.RIGHT_BESIDE: Side.LEFT_BESIDE,
}
_SPACE = {
    BodySite.SHOULDER_TOP,
    BodySite.SHOULDERS,
    BodySite.CHEST,
    BodySite.STOMACH,
    BodySite.BELOW_STOMACH,
    BodySite.NEUTRAL_SPACE,
}
_ACROSS_THE_BODY = {BodySite.LOWER_ARM, BodySite.ELBOW, BodySite.ELBOW_INSIDE}


@dataclass(frozen=True)
class HandState:
    """One hand.

    Attributes:
        handshape, direction, palm: its posture.
        location: where it is; None: before the body, or where the constellation of both hands puts it.
    """

    handshape: Handshape
    direction: FingerDirection
    palm: Palm
    location: Location | None = None


@dataclass(frozen=True)
class States:
    """Both hands; None: the hand does not sign.

    Attributes:
        right, left: the hands.
        constellation: how they are to each other.
        symmetry: the segment's symmetry operator.
        nondominant: the left hand is the one that the notation describes.
    """

    right: HandState | None
    left: HandState | None
    constellation: Constellation | None = None
    symmetry: Symmetry | None = None
    nondominant: bool = False

    @property
    def dominant(self) -> HandState | None:
        """The hand that the notation describes."""
        return self.left if self.nondominant else self.right

    @property
    def other(self) -> HandState | None:
        """The one that mirrors it, or is described in the second half of a pair."""
        return self.right if self.nondominant else self.left

    def with_hands(self, dominant: HandState | None, other: HandState | None) -> States:
        """The same with other hands."""
        return replace(
            self, **({"right": other, "left": dominant} if self.nondominant else {"right": dominant, "left": other})
        )


def initial_states(segment: Segment) -> States:
    """The hands at the start of a segment, with what is not said filled in as signers would."""
    states = States(None, None, symmetry=segment.symmetry, nondominant=segment.nondominant)
    posture = segment.posture
    direction, palm = _USUAL_DIRECTION, _USUAL_PALM
    if states.nondominant:
        direction, palm = mirrored_direction(direction), mirrored_palm(palm)
    dominant = HandState(
        _first(posture.handshape) or _FLAT, _first(posture.direction) or direction, _first(posture.palm) or palm
    )
    other = _other(segment, dominant) if _is_two_handed(segment) else None
    states = states.with_hands(dominant, other)
    return states if segment.location is None else located(states, segment.location)


def replaced(states: States, posture: Posture) -> States:
    """The hands with another posture; what it does not say stays.

    A value that is no pair is the dominant hand's, and with symmetry also the non-dominant hand's, mirrored.
    """
    dominant, other = states.dominant, states.other
    if dominant is not None:
        dominant = replace(
            dominant,
            handshape=_first(posture.handshape) or dominant.handshape,
            direction=_first(posture.direction) or dominant.direction,
            palm=_first(posture.palm) or dominant.palm,
        )
    symmetric = states.symmetry is not None
    if other is not None:
        direction, palm = _second(posture.direction), _second(posture.palm)
        handshape = _second(posture.handshape)
        if symmetric and not isinstance(posture.handshape, Pair):
            handshape = posture.handshape
        if symmetric and isinstance(posture.direction, FingerDirection):
            direction = mirrored_direction(posture.direction)
        if symmetric and isinstance(posture.palm, Palm):
            palm = mirrored_palm(posture.palm)
        other = replace(
            other,
            handshape=handshape or other.handshape,
            direction=direction or other.direction,
            palm=palm or other.palm,
        )
    return states.with_hands(dominant, other)


def located(states: States, target: Target) -> States:
    """The hands at another place; a bare contact changes how near they are to where they were."""
    dominant, other = states.dominant, states.other
    if dominant is None:
        return states
    if isinstance(target, Location) and other is not None:
        target = _holding_each_other(target)
    if isinstance(target, Pair):
        meeting = _meeting(target)
        if meeting is None:
            return _at_each(replace(states, constellation=None), target)
        target = meeting
    if isinstance(target, Constellation):
        places = _each_on_the_body(target)
        if places is not None:
            return _at_each(replace(states, constellation=None), places)
        return _at_arm(states, target) or _in_constellation(states, target)
    if isinstance(target.place, HandPlace):
        return _at_other_hand(states, target)
    both = other is not None and (states.symmetry is not None or _is_a_height(target))
    dominant = replace(dominant, location=target)
    if both and other is not None:
        other = replace(other, location=mirrored_location(target) if states.symmetry is not None else target)
    elif _is_across(target.place) and other is None:
        other = _across_the_body(states)
    return replace(states.with_hands(dominant, other), constellation=None)


def mirrored_location(location: Location) -> Location:
    """That of the other hand, left and right exchanged."""
    return replace(
        location,
        place=_mirrored_place(location.place),
        between=None if location.between is None else _mirrored_place(location.between),
        contact=None
        if location.contact is None
        else replace(
            location.contact, by=None if location.contact.by is None else mirrored_location(location.contact.by)
        ),
    )


def _mirrored_place(place: BodyPlace | HandPlace) -> BodyPlace | HandPlace:
    return replace(place, side=_MIRRORED_SIDES.get(place.side, place.side)) if place.side is not None else place


def _first(value: T | Pair[T] | None) -> T | None:
    return value.dominant if isinstance(value, Pair) else value


def _second(value: T | Pair[T] | None) -> T | None:
    return value.nondominant if isinstance(value, Pair) else None


def _is_two_handed(segment: Segment) -> bool:
    parts = (segment.posture.handshape, segment.posture.direction, segment.posture.palm)
    location = segment.location
    if segment.symmetry is not None or any(isinstance(part, Pair) for part in parts):
        return True
    if isinstance(location, Constellation):
        return True
    return isinstance(location, Pair) and location.nondominant is not None


def _other(segment: Segment, dominant: HandState) -> HandState:
    """The hand that is not described first: what is not said of it, it has of the other, mirrored."""
    posture = segment.posture
    return HandState(
        _second(posture.handshape) or dominant.handshape,
        _second(posture.direction) or mirrored_direction(dominant.direction),
        _second(posture.palm) or mirrored_palm(dominant.palm),
    )


def _at_each(states: States, target: Pair[Location]) -> States:
    dominant, other = states.dominant, states.other
    if dominant is not None and target.dominant is not None:
        dominant = replace(dominant, location=target.dominant)
    if other is None and target.nondominant is not None and dominant is not None:
        other = replace(dominant, direction=mirrored_direction(dominant.direction), palm=mirrored_palm(dominant.palm))
    if other is not None and target.nondominant is not None:
        other = replace(other, location=target.nondominant)
    return states.with_hands(dominant, other)


def _holding_each_other(target: Location) -> Target:
    """Hands that interlock at a place of the body hold each other there, not the body."""
    if target.contact is None or target.contact.kind is not ContactKind.INTERLOCK:
        return target
    if not isinstance(target.place, BodyPlace):
        return target
    return Constellation(contact=target.contact, location=replace(target, contact=None))


def _meeting(target: Pair[Location]) -> Constellation | None:
    """A place on each hand or arm is how the hands are to each other, whichever of them has the contact."""
    first, second = target.dominant, target.nondominant
    if first is None or second is None or not (_is_on_hand_or_arm(first) and _is_on_hand_or_arm(second)):
        return None
    hands = Pair(replace(first, contact=None, behind=False), replace(second, contact=None, behind=False))
    return Constellation(hands, second.contact or first.contact, first.behind or second.behind)


def _each_on_the_body(target: Constellation) -> Pair[Location] | None:
    """The places of hands that are not at each other, but each at its own place of the body, touching it or close."""
    hands = target.hands
    if hands is None or hands.dominant is None or hands.nondominant is None or target.location is not None:
        return None
    both = hands.dominant, hands.nondominant
    if any(_is_on_hand_or_arm(each) for each in both):
        return None
    return Pair(*(replace(each, contact=each.contact or target.contact) for each in both))


def _is_on_hand_or_arm(location: Location) -> bool:
    return isinstance(location.place, HandPlace) or _is_across(location.place)


def _at_arm(states: States, target: Constellation) -> States | None:
    """One hand with a place of its own at the other one's arm; None: no arm is named, or one of both."""
    dominant, other, hands = states.dominant, states.other, target.hands
    if dominant is None or hands is None or hands.dominant is None or hands.nondominant is None:
        return None
    own, its = hands.dominant, hands.nondominant
    if not (_is_on_hand_or_arm(own) and _is_on_hand_or_arm(its)) or _is_across(own.place) == _is_across(its.place):
        return None
    other = other or replace(
        dominant, direction=mirrored_direction(dominant.direction), palm=mirrored_palm(dominant.palm)
    )
    where = target.location
    where = where.dominant or where.nondominant if isinstance(where, Pair) else where
    arm, hand = (own, its) if _is_across(own.place) else (its, own)
    contact = None if target.contact is None else replace(target.contact, by=replace(hand, contact=None))
    there = replace(arm, behind=target.behind, contact=contact)
    places = (where, there) if arm is own else (there, where)
    states = replace(states, constellation=None)
    return states.with_hands(replace(dominant, location=places[0]), replace(other, location=places[1]))


def _in_constellation(states: States, target: Constellation) -> States:
    dominant, other = states.dominant, states.other
    assert dominant is not None  # the caller has looked
    if other is None and target.hands is None:
        # One hand: as near to the place it is at.
        place = dominant.location
        if place is None:
            place = Location(BodyPlace(BodySite.CHEST))
        contact = target.contact or place.contact
        return states.with_hands(replace(dominant, location=replace(place, contact=contact)), None)
    if other is None:
        other = replace(dominant, direction=mirrored_direction(dominant.direction), palm=mirrored_palm(dominant.palm))
    kept = states.constellation
    if target.hands is None and target.contact is not None and target.location is None and kept is not None:
        target = replace(target, hands=kept.hands, location=kept.location)
    if target.hands is None and target.location is None and not target.behind and _are_apart(dominant, other):
        # Not how the hands are to each other, but how near each is to its place.
        return states.with_hands(*(_with_contact(hand, target) for hand in (dominant, other)))
    return replace(
        states.with_hands(replace(dominant, location=None), replace(other, location=None)), constellation=target
    )


def _are_apart(dominant: HandState, other: HandState) -> bool:
    """Whether each hand is at a place of the body that it touches or is close to."""
    return all(
        hand.location is not None and isinstance(hand.location.place, BodyPlace) and hand.location.contact is not None
        for hand in (dominant, other)
    )


def _with_contact(hand: HandState, target: Constellation) -> HandState:
    if hand.location is None:
        return hand
    return replace(hand, location=replace(hand.location, contact=target.contact or hand.location.contact))


def _at_other_hand(states: States, target: Location) -> States:
    dominant, other = states.dominant, states.other
    assert dominant is not None  # the caller has looked
    if states.symmetry is not None and other is not None:
        bare = replace(target, contact=None, behind=False)
        by = target.contact.by if target.contact is not None else None
        hands = Pair(bare if by is None else by, bare)
        contact = None if target.contact is None else replace(target.contact, by=None)
        meeting = Constellation(hands, contact, target.behind)
        at_rest = (replace(dominant, location=None), replace(other, location=None))
        return replace(states.with_hands(*at_rest), constellation=meeting)
    if other is None:
        faces = (
            Direction.U if isinstance(target.place, HandPlace) and target.place.part is HandPart.PALM else Direction.D
        )
        direction = FingerDirection(Direction.OL if states.nondominant else Direction.OR)
        other = HandState(_FLAT, direction, Palm(faces))
    return replace(states.with_hands(replace(dominant, location=target), other), constellation=None)


def _is_a_height(target: Location) -> bool:
    """Whether it is a part of the space before the trunk, where both hands may be."""
    return isinstance(target.place, BodyPlace) and target.contact is None and target.place.site in _SPACE


def _is_across(place: BodyPlace | HandPlace) -> bool:
    return isinstance(place, BodyPlace) and place.site in _ACROSS_THE_BODY


def _across_the_body(states: States) -> HandState:
    """An arm that is held before the body for the other hand to touch it."""
    direction = FingerDirection(Direction.OL if states.nondominant else Direction.OR)
    return HandState(Handshape(BaseShape(Form.FIST)), direction, Palm(Direction.D), Location(BodyPlace(BodySite.CHEST)))
