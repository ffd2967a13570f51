"""How hands are turned, against what signers do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from text_to_pose.hamnosys.directions import COMPASS, Direction
from text_to_pose.hamnosys.postures import FingerDirection, Palm
from text_to_pose.signing.frame import mirrored_rotation, vector
from text_to_pose.signing.placement.orientation import finger_vector, hand_rotation, mirrored_direction, mirrored_palm

EVERY = [(FingerDirection(fingers), Palm(palm)) for fingers, palm in itertools.product(Direction, COMPASS)]


def _rotation(fingers: str, palm: str) -> np.ndarray:
    return hand_rotation(FingerDirection(Direction(fingers)), Palm(Direction(palm)))


@pytest.mark.parametrize(
    ("fingers", "palm", "faces"),
    [
        ("o", "d", "d"),
        ("o", "l", "l"),
        ("o", "ul", "ul"),
        ("u", "d", "o"),  # the open hand of a greeting
        ("u", "u", "i"),
        ("u", "l", "l"),
        ("l", "l", "i"),  # hands before the chest
        ("l", "d", "d"),
        ("r", "r", "i"),
        ("d", "d", "i"),
        ("d", "u", "o"),
        ("uo", "d", "do"),
        ("ol", "l", "il"),
        ("ul", "l", "i"),
        ("ul", "d", "dl"),
        ("il", "r", "ir"),  # the index finger of I
        ("ui", "d", "di"),  # a bent hand at the shoulder
        ("ui", "l", "l"),
        ("i", "d", "d"),
        ("i", "r", "r"),
        ("di", "d", "do"),
    ],
)
def test_the_palm_faces_where_signers_turn_it(fingers: str, palm: str, faces: str) -> None:
    rotation = _rotation(fingers, palm)
    np.testing.assert_allclose(rotation[:, 1], vector(Direction(fingers)), atol=1e-12)
    np.testing.assert_allclose(rotation[:, 2], vector(Direction(faces)), atol=1e-12)


def test_the_thumb_of_a_right_hand_is_up_before_the_chest() -> None:
    np.testing.assert_allclose(_rotation("l", "l")[:, 0], [0, 1, 0], atol=1e-12)


def test_every_orientation_is_a_proper_rotation_and_no_two_palms_are_alike() -> None:
    for fingers in Direction:
        normals = [_rotation(fingers.value, palm.value)[:, 2] for palm in COMPASS]
        for first, second in itertools.combinations(normals, 2):
            assert np.dot(first, second) < 0.72
    for direction, palm in EVERY:
        rotation = hand_rotation(direction, palm)
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)


def test_mirrored_notation_is_the_mirrored_hand() -> None:
    for direction, palm in EVERY:
        mirrored = hand_rotation(mirrored_direction(direction), mirrored_palm(palm))
        np.testing.assert_allclose(mirrored, mirrored_rotation(hand_rotation(direction, palm)), atol=1e-12)


def test_between_is_halfway() -> None:
    fingers = FingerDirection(Direction.U, Direction.O)
    np.testing.assert_allclose(finger_vector(fingers), vector(Direction.UO), atol=1e-12)
    halfway = hand_rotation(FingerDirection(Direction.O), Palm(Direction.D, Direction.L))
    np.testing.assert_allclose(halfway, _rotation("o", "dl"), atol=1e-12)
    across = hand_rotation(FingerDirection(Direction.O), Palm(Direction.U, Direction.UR))
    np.testing.assert_allclose(across[:, 2], [-np.sin(np.pi / 8), np.cos(np.pi / 8), 0], atol=1e-12)


def test_an_absolute_palm_faces_there_as_far_as_the_fingers_let_it() -> None:
    up = FingerDirection(Direction.U)
    np.testing.assert_allclose(
        hand_rotation(up, Palm(Direction.OL, absolute=True))[:, 2], vector(Direction.OL), atol=1e-12
    )
    leaning = hand_rotation(FingerDirection(Direction.UO), Palm(Direction.O, absolute=True))
    np.testing.assert_allclose(leaning[:, 2], vector(Direction.DO), atol=1e-12)
    impossible = hand_rotation(up, Palm(Direction.U, absolute=True))
    assert np.linalg.det(impossible) == pytest.approx(1)
