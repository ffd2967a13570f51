"""What each hand is to be, as the notation says it."""

from __future__ import annotations

from text_to_pose.hamnosys.directions import Direction
from text_to_pose.hamnosys.handshapes import BaseShape, Form, Handshape
from text_to_pose.hamnosys.movements import Replace, Targeted
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.places import BodyPlace, BodySite, Constellation, ContactKind, Location, Side
from text_to_pose.hamnosys.postures import FingerDirection, Posture
from text_to_pose.signing.placement.states import HandState, States, initial_states, located, replaced


def _states(notation: str) -> States:
    return initial_states(parse(" ".join(f"ham{name}" for name in notation.split())).segments[0])


def _hands(notation: str) -> tuple[HandState, HandState]:
    states = _states(notation)
    assert states.right is not None
    assert states.left is not None
    return states.right, states.left


def test_both_symmetries_mirror_posture_and_place() -> None:
    for symmetry in ("symmlr", "symmpar"):
        right, left = _hands(f"{symmetry} flathand extfingerul palmdl chest lrat touch")
        assert (left.direction.direction, left.palm.direction) == (Direction.UR, Direction.DR)
        assert left.handshape == right.handshape
        assert right.location is not None
        assert left.location is not None
        assert (right.location.place.side, left.location.place.side) == (Side.RIGHT, Side.LEFT)


def test_a_pair_is_each_hands_own() -> None:
    right, left = _hands("symmlr parbegin fist extfingeru palml plus flathand extfingerl palmd parend")
    assert right.handshape == Handshape(BaseShape(Form.FIST))
    assert (left.direction.direction, left.palm.direction) == (Direction.L, Direction.D)


def test_one_hand_leaves_the_other_at_rest() -> None:
    states = _states("flathand extfingeru palmd")
    assert states.left is None
    assert _states("nondominant flathand extfingeru palmd").right is None


def test_a_hand_that_is_touched_is_there() -> None:
    right, left = _hands("flathand extfingerl palmd palm touch")
    assert left.palm.direction is Direction.U
    assert left.location is None
    assert right.location is not None


def test_the_same_part_of_both_hands_is_a_constellation() -> None:
    states = _states("symmlr finger2 extfingerl palml indexfinger fingertip touch")
    assert states.constellation is not None
    assert states.constellation.hands is not None
    assert states.constellation.hands.dominant == states.constellation.hands.nondominant


def test_a_place_on_each_hand_is_a_constellation_whichever_has_the_contact() -> None:
    pair = "parbegin fist plus flathand parend parbegin extfingerl palml plus extfingerr palmr parend"
    for places in ("handback touch plus indexfinger fingerpad", "handback plus indexfinger fingerpad touch"):
        states = _states(f"{pair} parbegin {places} parend")
        assert states.constellation is not None
        assert states.constellation.contact is not None
        assert states.constellation.contact.kind is ContactKind.TOUCH


def test_what_a_replacement_does_not_say_stays_and_the_weak_hand_mirrors_it() -> None:
    sign = parse("hamsymmlr hamfist hamextfingeru hampalml hamreplace hamflathand hamextfingerol")
    states = initial_states(sign.segments[0])
    action = sign.segments[0].actions[0]
    assert isinstance(action, Replace)
    after = replaced(states, action.posture)
    assert after.right is not None
    assert after.left is not None
    assert after.right.handshape == after.left.handshape == Handshape(BaseShape(Form.FLAT))
    assert (after.right.direction.direction, after.left.direction.direction) == (Direction.OL, Direction.OR)
    assert after.left.palm.direction is Direction.R
    one = replaced(states, Posture(direction=Pair(None, FingerDirection(Direction.D))))
    assert one.right == states.right
    assert one.left is not None
    assert one.left.direction.direction is Direction.D


def test_a_target_moves_the_hand_and_a_bare_contact_brings_it_nearer() -> None:
    sign = parse("hamflathand hamextfingeru hampalmd hamchest hammovei hamchin hamtouch")
    states = initial_states(sign.segments[0])
    action = sign.segments[0].actions[0]
    assert isinstance(action, Targeted)
    moved = located(states, action.target)
    assert moved.right is not None
    assert moved.right.location is not None
    assert moved.right.location.place == BodyPlace(BodySite.CHIN)
    touching = _states("symmlr flathand extfingeru palml chest close")
    meeting = located(touching, Constellation(contact=None, location=Location(BodyPlace(BodySite.CHEST))))
    assert meeting.constellation is not None
    assert meeting.right is not None
    assert meeting.right.location is None


def test_places_that_both_hands_share_and_those_of_one() -> None:
    pair = "parbegin fist plus flathand parend parbegin extfingerl palml plus extfingerr palmr parend"
    right, left = _hands(f"{pair} shoulders")
    assert right.location == left.location is not None
    right, left = _hands(f"{pair} chin touch")
    assert right.location is not None
    assert right.location.contact is not None
    assert right.location.contact.kind is ContactKind.TOUCH
    assert left.location is None
