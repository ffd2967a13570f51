"""Paths, wrist movements, finger play and timing of the signer."""

from __future__ import annotations

import numpy as np
import pytest

from text_to_pose.hamnosys.directions import STRAIGHT, Direction
from text_to_pose.hamnosys.handshapes import Digit
from text_to_pose.hamnosys.movements import (
    Arc,
    CircularMovement,
    CrossKind,
    CrossMovement,
    Ellipse,
    EllipseDirection,
    FingerPlay,
    Growth,
    Manner,
    Size,
    StraightMovement,
    WristMovement,
    WristMovementKind,
    Zigzag,
    ZigzagStyle,
)
from text_to_pose.signing import timing
from text_to_pose.signing.frame import vector
from text_to_pose.signing.hands.hand_model import LIMITS
from text_to_pose.signing.movement import paths
from text_to_pose.signing.movement.finger_play import bends
from text_to_pose.signing.movement.wrist_movements import turns
from text_to_pose.signing.rotations import between, from_vector, shortest, to_vector

EVERY = np.linspace(0.0, 1.0, 201)


@pytest.mark.parametrize("direction", STRAIGHT)
def test_a_straight_movement_goes_its_way(direction: Direction) -> None:
    end = paths.straight(StraightMovement(direction)).end
    np.testing.assert_allclose(end, 0.12 * vector(direction))


def test_between_two_directions_is_halfway_and_sizes_count() -> None:
    halfway = paths.straight(StraightMovement(Direction.R, Size.LARGE, between=Direction.O)).end
    np.testing.assert_allclose(halfway, 0.2 * np.array([-1, 0, 1]) / np.sqrt(2))
    small = paths.straight(StraightMovement(Direction.U, Size.SMALL)).end
    assert np.linalg.norm(small) == pytest.approx(0.06)


@pytest.mark.parametrize("towards", [Direction.L, Direction.R])
@pytest.mark.parametrize("size", [Size.SMALL, None, Size.LARGE])
def test_an_arc_bows_to_its_side_and_ends_where_the_line_does(towards: Direction, size: Size | None) -> None:
    path = paths.straight(StraightMovement(Direction.U, arc=Arc(towards, size)))
    np.testing.assert_allclose(path.end, [0, 0.12, 0], atol=1e-12)
    bow = path.at(EVERY) @ vector(towards)
    assert bow.min() > -1e-9
    assert bow.max() == pytest.approx(0.12 * paths.ARC_DEPTHS[size], rel=0.01)


def test_an_arc_along_its_movement_bows_out_or_in() -> None:
    up, down = (paths.straight(StraightMovement(Direction.U, arc=Arc(d))).at(EVERY) for d in (Direction.U, Direction.D))
    assert up[:, 2].max() > 0.02
    assert down[:, 2].min() < -0.02


def test_a_wave_swings_to_both_sides_and_an_ellipse_says_to_which() -> None:
    wavy = Zigzag(ZigzagStyle.WAVY)
    right = paths.straight(StraightMovement(Direction.R, zigzag=wavy)).at(EVERY)
    assert right[:, 1].max() > 0.02
    assert right[:, 1].min() < -0.02
    assert np.ptp(right[:, 2]) < 1e-9
    out = StraightMovement(Direction.O, zigzag=wavy, ellipse=Ellipse(EllipseDirection.VERTICAL))
    points = paths.straight(out).at(EVERY)
    assert np.ptp(points[:, 1]) > 0.04
    assert np.ptp(points[:, 0]) < 1e-9


def test_a_zigzag_grows() -> None:
    movement = StraightMovement(Direction.R, Size.LARGE, zigzag=Zigzag(ZigzagStyle.ZIGZAG), growth=Growth.INCREASING)
    swing = np.abs(paths.straight(movement).at(EVERY)[:, 1])
    assert swing[120:].max() > 1.5 * swing[:80].max()


@pytest.mark.parametrize("axis", STRAIGHT)
def test_a_circle_turns_clockwise_seen_along_its_axis(axis: Direction) -> None:
    points = paths.circle(CircularMovement(axis)).at(EVERY)
    middle = points[:-1].mean(axis=0)
    from_middle = points - middle
    turn = np.cross(from_middle[:-1], from_middle[1:]).sum(axis=0)
    # By the right-hand rule, as the frame is right-handed.
    np.testing.assert_allclose(turn / np.linalg.norm(turn), vector(axis), atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(from_middle, axis=1), 0.05, rtol=0.02)


def test_a_circle_in_the_plane_of_the_body_begins_at_the_top_and_goes_to_the_signers_right() -> None:
    path = paths.circle(CircularMovement(Direction.O))
    quarter = path.at(np.array([0.25]))[0]
    np.testing.assert_allclose(quarter, [-0.05, -0.05, 0], atol=1e-3)


def test_a_circle_begins_and_ends_where_its_dial_says() -> None:
    half = paths.circle(CircularMovement(Direction.O, start=Direction.D, end=Direction.U))
    np.testing.assert_allclose(half.end, [0, 0.1, 0], atol=1e-9)
    assert half.at(np.array([0.5]))[0, 0] > 0.04  # from 6 to 12 o'clock by the left
    twice = paths.circle(CircularMovement(Direction.O, turns=2))
    assert twice.length == pytest.approx(4 * np.pi * 0.05, rel=0.01)
    more = paths.circle(CircularMovement(Direction.O, start=Direction.U, turns=1, end=Direction.R))
    assert more.length == pytest.approx(2.5 * np.pi * 0.05, rel=0.01)


def test_an_ellipse_is_long_where_it_says() -> None:
    flat = paths.circle(CircularMovement(Direction.O, ellipse=Ellipse(EllipseDirection.HORIZONTAL))).at(EVERY)
    assert np.ptp(flat[:, 0]) > 1.8 * np.ptp(flat[:, 1])
    slanting = paths.circle(CircularMovement(Direction.O, ellipse=Ellipse(EllipseDirection.UP_LEFT))).at(EVERY)
    assert np.ptp(slanting @ [1, 1, 0]) > 1.8 * np.ptp(slanting @ [1, -1, 0])


def test_a_cross_crosses() -> None:
    points = paths.cross(CrossMovement(CrossKind.PLUS)).points
    down, across = points[1] - points[0], points[4] - points[3]
    assert down @ across == pytest.approx(0)
    np.testing.assert_allclose((points[0] + points[1]) / 2, (points[3] + points[4]) / 2, atol=1e-12)


def test_the_size_of_a_circle_between_two_directions_may_stand_behind_the_second() -> None:
    usual = paths.circle(CircularMovement(Direction.O, between=Direction.OL))
    small = paths.circle(CircularMovement(Direction.O, between=Direction.OL, between_size=Size.SMALL))
    assert small.length < 0.7 * usual.length


def test_a_path_ends_where_it_is_told_and_goes_at_an_even_speed() -> None:
    path = paths.circle(CircularMovement(Direction.O)).ending_at(np.array([0.3, 0.0, 0.1]))
    np.testing.assert_allclose(path.end, [0.3, 0, 0.1])
    steps = np.linalg.norm(np.diff(path.at(EVERY), axis=0), axis=1)
    assert steps.max() < 1.2 * steps.mean()
    there = paths.line(np.array([0.0, 0.1, 0.0])).then(paths.line(np.array([0.1, 0.0, 0.0])))
    np.testing.assert_allclose(there.then(there.reversed()).end, 0, atol=1e-12)


def test_nodding_bends_the_palm_and_ends_as_it_began() -> None:
    nod = turns(WristMovement(WristMovementKind.NODDING), 2, EVERY)
    np.testing.assert_allclose(nod[[0, -1]], np.broadcast_to(np.eye(3), (2, 3, 3)), atol=1e-9)
    fingers = nod[:, :, 1]
    assert fingers[:, 2].max() > 0.35
    assert fingers[:, 2].min() < -0.35
    np.testing.assert_allclose(fingers[:, 0], 0, atol=1e-12)


def test_stirring_goes_round_clockwise_seen_along_the_fingers_and_the_other_hand_mirrors_it() -> None:
    stir = WristMovement(WristMovementKind.STIR_CLOCKWISE)
    inner = np.linspace(0.2, 0.8, 200)
    tips = turns(stir, 2, inner)[:, :, 1]
    about = np.cross(tips[:-1], tips[1:]).sum(axis=0)
    assert about[1] > 0  # the right-hand rule about y, which points away from who looks along it
    mirrored = turns(stir, 2, inner, left=True)[:, :, 1]
    np.testing.assert_allclose(mirrored, tips * [-1, 1, 1], atol=1e-12)


def test_finger_play_moves_the_fingers_it_names_within_their_limits() -> None:
    flat = np.zeros(21)
    every = bends(FingerPlay(), flat, 3, EVERY)
    assert (np.ptp(every[:, 5::4], axis=0) > 0.4).all()
    np.testing.assert_allclose(every[[0, -1]], 0, atol=1e-12)
    index = bends(FingerPlay((Digit.INDEX,)), flat, 3, EVERY)
    assert np.ptp(index[:, 5]) > 0.4
    assert np.ptp(np.delete(index, [5, 7], axis=1)) == 0
    folded = flat.copy()
    folded[5::4] = np.radians(85)
    angles = folded + bends(FingerPlay(), folded, 3, EVERY)
    assert np.ptp(angles[:, 5]) > 0.2
    assert (angles <= LIMITS[:, 1] + 1e-12).all()


@pytest.mark.parametrize(
    "manner", [Manner(), Manner(halt=True), Manner(tense=True), Manner(halt=True, degree=Size.LARGE)]
)
def test_speed_runs_from_rest_to_rest(manner: Manner) -> None:
    way = timing.profile(manner).at(np.linspace(-0.1, 1.1, 1201))
    assert way[0] == 0
    assert way[-1] == pytest.approx(1)
    assert (np.diff(way) >= -1e-12).all()
    assert np.diff(way).max() < 0.004


def test_a_sharp_stop_has_its_greatest_speed_late_and_tension_an_even_one() -> None:
    usual, halted, tense = (
        np.diff(timing.profile(manner).at(EVERY)) for manner in (Manner(), Manner(halt=True), Manner(tense=True))
    )
    assert usual.argmax() == pytest.approx(100, abs=1)
    assert halted.argmax() > 125
    assert tense.max() < 0.85 * usual.max()


def test_manner_changes_the_pace() -> None:
    assert timing.pace(Manner(fast=True)) == pytest.approx(1.5)
    assert timing.pace(Manner(slow=True)) == pytest.approx(0.5)
    assert timing.pace(Manner(tense=True)) < 1
    assert timing.pace(Manner(fast=True, degree=Size.LARGE)) > 1.5
    assert timing.pace(Manner(speed=2.0)) == 2
    assert timing.pause(Manner(rest=True)) > 0 == timing.pause(Manner(fast=True))


def test_rotation_vectors_return() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 3))
    vectors *= (rng.uniform(0, np.pi, 200) / np.linalg.norm(vectors, axis=1))[:, None]
    vectors[:3] = [[0, 0, 0], [1e-12, 0, 0], [0, 1e-7, 0]]
    np.testing.assert_allclose(to_vector(from_vector(vectors)), vectors, atol=1e-7)
    half = np.diag([-1.0, -1.0, 1.0])
    np.testing.assert_allclose(np.abs(to_vector(half)), [0, 0, np.pi], atol=1e-9)
    almost = from_vector((np.pi - np.array([1e-6, 1e-9]))[:, None] * vectors[7] / np.linalg.norm(vectors[7]))
    np.testing.assert_allclose(from_vector(to_vector(almost)), almost, atol=1e-6)


def test_halfway_between_rotations_is_half_the_turn() -> None:
    first, second = from_vector(np.array([0.3, 0.1, 0.0])), from_vector(np.array([0.1, 1.2, -0.4]))
    ways = between(first, second, np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(ways[[0, 2]], [first, second], atol=1e-12)
    np.testing.assert_allclose(first.T @ ways[1], ways[1].T @ second, atol=1e-12)
    up, out = np.eye(3)[1], np.eye(3)[2]
    np.testing.assert_allclose(shortest(up, out) @ up, out, atol=1e-12)
