import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from text_to_pose.signing.hands.hand_contacts import Contact, Spot, deepest
from text_to_pose.signing.hands.hand_model import (
    ANGLES,
    BONES,
    LIMITS,
    MEAN_HAND,
    bone_lengths,
    forward,
    mirrored,
)
from text_to_pose.signing.hands.hand_solver import solve

FRACTIONS = arrays(np.float64, (3, 21), elements=st.floats(0, 1))


def with_angles(**degrees):
    angles = np.zeros(21)
    for name, value in degrees.items():
        angles[ANGLES.index(name)] = np.radians(value)
    return angles


@given(FRACTIONS)
def test_bones_keep_their_lengths_whatever_the_angles(fractions):
    low, high = LIMITS.T
    hands = forward(low + fractions * (high - low))
    assert hands.points.shape == (3, 21, 3)
    np.testing.assert_allclose(bone_lengths(hands.points), np.tile(MEAN_HAND.lengths, (3, 1)), atol=1e-12)
    np.testing.assert_allclose((hands.directions * hands.palmar).sum(-1), 0, atol=1e-12)


def test_hands_at_once_are_those_one_by_one():
    angles = np.random.default_rng(0).uniform(*LIMITS.T, size=(4, 5, 21))
    np.testing.assert_array_equal(forward(angles).points[2, 3], forward(angles[2, 3]).points)


def test_straight_fingers_point_along_y_and_bend_out_of_the_palm():
    straight = forward(np.zeros(21)).directions[1:]
    np.testing.assert_allclose(straight, np.broadcast_to([0.0, 1.0, 0.0], straight.shape), atol=1e-12)
    bent = forward(with_angles(middle_mcp=90)).directions
    np.testing.assert_allclose(bent[2], np.tile([0.0, 0.0, 1.0], (3, 1)), atol=1e-12)
    hooked = forward(with_angles(index_pip=90, index_dip=90)).directions
    np.testing.assert_allclose(hooked[1], [[0, 1, 0], [0, 0, 1], [0, -1, 0]], atol=1e-12)
    tilted = forward(with_angles(index_abduction=20, pinky_abduction=-20)).directions
    assert tilted[1, 0, 0] > 0 > tilted[4, 0, 0]


def test_the_thumb_goes_to_its_side_out_of_the_palm_and_bends_across_it():
    np.testing.assert_allclose(forward(with_angles(thumb_radial=90)).directions[0, 0], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(forward(with_angles(thumb_palmar=90)).directions[0, 0], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(forward(with_angles(thumb_mcp=90)).directions[0, 1], [-1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(forward(with_angles(thumb_roll=90, thumb_ip=90)).directions[0, 2], [0, 0, 1], atol=1e-12)


def test_the_left_hand_is_the_mirror_image():
    points = forward(with_angles(index_mcp=30)).points
    left = mirrored(points)
    np.testing.assert_array_equal(left * [-1, 1, 1], points)
    np.testing.assert_allclose(bone_lengths(left), MEAN_HAND.lengths)


def test_a_persons_hand_has_the_bones_that_were_measured():
    lengths = MEAN_HAND.lengths * np.random.default_rng(1).uniform(0.8, 1.2, 20)
    hand = MEAN_HAND.with_lengths(lengths)
    np.testing.assert_allclose(hand.lengths, lengths)
    np.testing.assert_allclose(bone_lengths(forward(np.full(21, 0.3), hand).points), lengths)


def test_bones_that_were_not_seen_follow_the_others():
    lengths = 0.8 * MEAN_HAND.lengths
    lengths[[3, 7]] = np.nan, 0.0
    np.testing.assert_allclose(MEAN_HAND.with_lengths(lengths).lengths, 0.8 * MEAN_HAND.lengths)
    np.testing.assert_allclose(MEAN_HAND.with_lengths(np.full(20, np.nan)).lengths, MEAN_HAND.lengths)
    np.testing.assert_allclose(MEAN_HAND.scaled(1.5).lengths, 1.5 * MEAN_HAND.lengths)


def test_bones_are_those_of_mediapipe():
    assert len(BONES) == 20
    assert {(0, 1), (0, 5), (0, 17), (3, 4), (19, 20)} <= set(BONES)


def test_parts_that_run_into_each_other_are_told():
    assert deepest(with_angles(thumb_radial=45)) < 0
    # The end of the index finger inside the palm; index and middle finger in one place.
    assert deepest(with_angles(index_mcp=88, index_pip=110, index_dip=85)) > 0.004
    assert deepest(with_angles(index_abduction=-20, middle_abduction=20)) > 0.004


def test_the_solver_moves_what_is_asked_and_no_more():
    goal = with_angles(index_mcp=50, index_pip=45, index_dip=30, thumb_radial=15, thumb_palmar=30)
    contact = Contact(Spot(0), (Spot(1),))
    angles = solve(goal, np.ones(21), (contact,))
    assert contact.distance(goal) > 0.01
    assert contact.distance(angles) < 0.001
    assert deepest(angles, contacts=(contact,)) < 0.0005
    assert np.abs(angles - goal)[9:].max() < 0.15
    assert ((angles >= LIMITS[:, 0]) & (angles <= LIMITS[:, 1])).all()
    free = solve(goal, np.ones(21))
    np.testing.assert_allclose(free, goal, atol=0.02)


def test_the_solver_stops_at_the_limits():
    goal = np.where(np.arange(21) == ANGLES.index("thumb_radial"), 3.0, 0.0)
    assert solve(goal, np.ones(21))[0] == pytest.approx(LIMITS[0, 1])
