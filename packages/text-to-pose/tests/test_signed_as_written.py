"""The body does what the notation says, both hands, and as far as it says."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from text_to_pose.hamnosys.parser import parse
from text_to_pose.signing.anatomy.body import MEAN_BODY
from text_to_pose.signing.anatomy.body_surface import front
from text_to_pose.signing.anatomy.figure import Figure, figure
from text_to_pose.signing.departures import departures
from text_to_pose.signing.movement.choreography import choreograph
from text_to_pose.signing.signer import sign

ONE_UP_ONE_DOWN = (
    "hamparbegin hamflathand hamextfingero hampalmu hamplus hamflathand hamextfingero hampalmd hamparend hamchest"
)
THE_OTHER_WAY_ROUND = "hamreplace hamparbegin hamextfingero hampalmd hamplus hamextfingero hampalmu hamparend"
UP_AND_OUT = "hamextfingeruo hampalml"
LEFT, RIGHT = 0, 1


def stroke(text: str) -> Figure:
    """The body while the sign lasts."""
    motion = choreograph([parse(text)], MEAN_BODY, 50.0)
    whole, span = figure(motion, MEAN_BODY), slice(*motion.spans[0])
    parts = {name: getattr(whole, name)[span] for name in ("joints", "hands", "face", "moved", "turned")}
    return Figure(whole.fps, whole.body, **parts)


def palms(points: np.ndarray) -> np.ndarray:
    """The rotation of the palm (..., 3, 3) of right hands (..., 21, 3)."""
    along = points[..., 9, :] - points[..., 0, :]
    normal = np.cross(points[..., 5, :] - points[..., 17, :], along)
    axes = np.stack([np.cross(along, normal), along, normal], axis=-1)
    return axes / np.linalg.norm(axes, axis=-2, keepdims=True)


def turned(points: np.ndarray) -> float:
    """The angle in degrees between the two orientations that are farthest from each other."""
    rotations = palms(points)
    traces = np.einsum("aij,bij->ab", rotations, rotations)
    return float(np.degrees(np.arccos(np.clip((traces.min() - 1) / 2, -1, 1))))


@pytest.mark.parametrize("movement", [THE_OTHER_WAY_ROUND, f"hamparbegin hammoveu {THE_OTHER_WAY_ROUND} hamparend"])
def test_both_hands_change_without_a_symmetry(movement: str) -> None:
    hands = stroke(f"{ONE_UP_ONE_DOWN} {movement}").hands
    # Up is out of the palm of the right hand, into that of the left one, whose rotation is taken as a right one's.
    right, left = palms(hands[:, RIGHT])[:, 1, 2], -palms(hands[:, LEFT])[:, 1, 2]
    assert right[0] > 0.8
    assert left[0] < -0.8
    assert right[-1] < -0.8
    assert left[-1] > 0.8


def test_both_handshapes_change_without_a_symmetry() -> None:
    change = "hamreplace hamparbegin hamfist hamplus hamfist hamparend"
    hands = stroke(f"{ONE_UP_ONE_DOWN} {change}").hands
    length = np.linalg.norm(hands[:, :, 12] - hands[:, :, 0], axis=-1)
    assert (length[-1] < 0.6 * length[0]).all()


@pytest.mark.parametrize("posture", ["hamextfingeru hampalmu", "hamextfingeru hampalmd", "hamextfingero hampalmu"])
@pytest.mark.parametrize(("movement", "degrees"), [("hamtwisting", 60), ("hamnodding", 45), ("hamswinging", 33)])
def test_wrist_movements_are_seen_in_full_and_in_their_sizes(posture: str, movement: str, degrees: float) -> None:
    sizes = ("hamsmallmod", "", "hamlargemod")
    small, usual, large = (turned(stroke(f"hamflathand {posture} {movement} {size}").hands[:, RIGHT]) for size in sizes)
    assert usual > degrees
    assert small < 0.7 * usual
    assert large > 1.3 * usual


@pytest.mark.parametrize("palm", ["hampalmdl", "hampalml"])
def test_the_finger_that_stands_out_touches_the_far_side_of_the_forehead(palm: str) -> None:
    figure = stroke(f"hamfinger2 hamextfingerul {palm} hamlrat hamforehead hamtouch")
    joints, index = figure.hands[0, RIGHT, [7, 8]], figure.face[0, 333]
    assert np.linalg.norm(joints - index, axis=-1).min() < 0.03
    assert figure.hands[0, RIGHT, 0, 1] < figure.face[0, 151, 1] - 0.03  # the wrist is below the forehead


def test_a_finger_that_points_to_its_signer_gets_to_the_chest() -> None:
    figure = stroke("hamfinger2 hamextfingeri hampalmd hamchest hamclose hammovei hamsmallmod hamtouch")
    tip, wrist = figure.hands[-1, RIGHT, 8], figure.hands[-1, RIGHT, 0]
    chest, _ = front(MEAN_BODY, *tip[:2])
    assert tip[2] - chest[2] < 0.02
    assert abs(tip[0]) < 0.04
    assert wrist[2] > tip[2] + 0.04  # it points in
    assert (figure.hands[:, RIGHT, 0, 1] < -0.05).all()  # below the shoulders


TREE = (
    "hamparbegin hamfinger2345 hamthumboutmod hamextfingeru hampalmu hamplus hamflathand hamextfingerr hampalmd "
    "hamparend hamparbegin hamelbow hamplus hamhandback hamparend hamtouch hamtwisting hamrepeatfromstart"
)
PALM_AT_ELBOW = (
    "hamparbegin hamflathand hamextfingerl hampalmd hamplus hamflathand hamextfingeru hampalml hamparend "
    "hamparbegin hampalm hamplus hamelbow hamparend hamtouch hamchest"
)


@pytest.mark.parametrize(("notation", "elbow", "hand"), [(TREE, 14, LEFT), (PALM_AT_ELBOW, 13, RIGHT)])
def test_a_hand_touches_the_elbow_of_the_other_arm(notation: str, elbow: int, hand: int) -> None:
    figure = stroke(notation)
    knuckles = figure.hands[:, hand, [0, 5, 9, 13, 17]].mean(axis=1)
    assert np.linalg.norm(knuckles - figure.joints[:, elbow], axis=-1).max() < 0.09


def test_each_hand_touches_its_own_place_of_the_body() -> None:
    figure = stroke(
        "hamsymmlr hamfist hamextfingerul hampalml hamparbegin hamlrat hamchest hamplus hamstomach hamparend hamtouch"
    )
    assert figure.hands[0, RIGHT, 9, 0] > 0.0
    assert figure.hands[0, LEFT, 9, 1] < figure.hands[0, RIGHT, 9, 1] - 0.08


FRIEND = (
    "hamparbegin hamfinger2 hamfingerhookmod hamextfingerol hampalmd hamplus hamfinger2 hamfingerhookmod "
    "hamextfingeror hampalmu hamparend hamparbegin hamindexfinger hamplus hamindexfinger hamparend haminterlock "
)
HAND_BY_HAND = "hamparbegin hamreplace hamextfingerol hampalmu hamplus hamreplace hamextfingeror hampalmd hamparend"
AT_ONCE = "hamreplace hamparbegin hamextfingerol hampalmu hamplus hamextfingeror hampalmd hamparend"
AT_THE_CHEST = "hamsymmlr hamfinger2 hamfingerhookmod hamextfingerol hampalml hamchest haminterlock"


@pytest.mark.parametrize("notation", [FRIEND + HAND_BY_HAND, FRIEND + AT_ONCE, AT_THE_CHEST])
def test_fingers_that_interlock_hold_each_other(notation: str) -> None:
    figure = stroke(notation)
    for hands in figure.hands[[0, -1]]:
        left, right = hands[:, 6:9]  # joints and tip of the index fingers
        assert np.linalg.norm(left[:, None] - right, axis=-1).min() < 0.035


NOT_AS_WRITTEN = "hamfinger2 hamextfingeri hampalmd hamchest hamclose hammovei hamsmallmod hamtouch"


def test_what_arms_cannot_do_is_said_of_the_sign_and_of_the_hand() -> None:
    fine, cannot = parse(f"hamflathand {UP_AND_OUT} hammoveu"), parse(NOT_AS_WRITTEN)
    none, one = sign([fine, cannot]).departures
    assert none == ()
    assert re.fullmatch(r"the dominant hand is turned \d+ degrees away from what is written", one[0])
    assert len(one) == 1
    of_other = parse(f"hamnondominant {NOT_AS_WRITTEN}")
    assert sign([of_other]).departures[0][0].startswith("the non-dominant hand is turned")


def test_a_hand_that_misses_what_it_touches_or_where_it_is_to_be_is_named() -> None:
    notation = parse("hamflathand hamextfingeruo hampalml hamchin hamtouch")
    motion = choreograph([notation], MEAN_BODY)
    done = figure(motion, MEAN_BODY)
    assert departures(notation, motion.spans[0], motion, done) == []
    hands, moved = done.hands.copy(), done.moved.copy()
    hands[:, RIGHT] += [0.0, 0.0, 0.06]
    elsewhere = replace(done, hands=hands)
    expected = ["the dominant hand misses what it touches by 6 cm"]
    assert departures(notation, motion.spans[0], motion, elsewhere) == expected
    moved[:, LEFT] = 0.12
    far = ["the non-dominant hand is up to 12 cm from where it is to be"]
    assert departures(notation, motion.spans[0], motion, replace(done, moved=moved)) == far
