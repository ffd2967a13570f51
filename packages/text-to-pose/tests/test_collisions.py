"""Hands that would go through the body or each other, and those that touch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from text_to_pose.signing.anatomy.body import MEAN_BODY
from text_to_pose.signing.anatomy.body_surface import depth, front
from text_to_pose.signing.anatomy.figure import figure
from text_to_pose.signing.hands.hand_model import forward
from text_to_pose.signing.motion import Contact, HandMotion, Motion
from text_to_pose.signing.placement.touch import Touch
from text_to_pose.signing.rotations import from_vector
from text_to_pose.signing.timing import FASTEST

FLAT = np.zeros(21)
INWARD = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
"""Of a right hand: fingers to the left, palm to the body."""
OUTWARD = INWARD * [1.0, -1.0, 1.0]
"""Of a left one: fingers to the right, palm to the body."""


def path(*places: tuple[float, float, float], frames: int = 30) -> np.ndarray:
    times = np.linspace(0, len(places) - 1, frames)
    return np.stack([np.interp(times, range(len(places)), column) for column in np.array(places).T], axis=1)


def hand(wrist: np.ndarray, rotation: np.ndarray) -> HandMotion:
    return HandMotion(wrist, np.tile(rotation, (len(wrist), 1, 1)), np.tile(FLAT, (len(wrist), 1)))


def both(right: HandMotion, left: HandMotion | None = None) -> Motion:
    frames = len(right)
    hanging = np.array([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]])
    left = hand(np.tile([0.22, -0.5, 0.03], (frames, 1)), hanging) if left is None else left
    return Motion(25.0, right, left, np.zeros((frames, 2, 3)), np.zeros((frames, 3)), ())


@pytest.mark.parametrize("start", [(-0.25, -0.2, 0.02), (-0.12, 0.18, 0.05), (-0.1, 0.05, 0.02)])
def test_hands_do_not_go_through_trunk_neck_and_head(start):
    through = path((start[0], start[1], 0.3), start, (start[0], start[1], 0.3))
    motion = both(hand(through, INWARD))
    result = figure(motion, MEAN_BODY)
    wanted = through[:, None] + forward(motion.right.angles).points @ INWARD.T
    assert depth(MEAN_BODY, wanted).max() > 0.03
    assert depth(MEAN_BODY, result.hands).max() < 0.005
    steps = np.linalg.norm(np.diff(result.joints[:, 16], axis=0), axis=-1)
    assert steps.max() < 3 * np.linalg.norm(np.diff(through, axis=0), axis=-1).max()


def test_hands_do_not_go_through_each_other():
    right = hand(path((-0.35, -0.2, 0.3), (-0.02, -0.2, 0.3)), INWARD)
    left = hand(path((0.35, -0.2, 0.3), (0.02, -0.2, 0.3)), OUTWARD)
    result = figure(both(right, left), MEAN_BODY)
    palms = result.hands[:, :, [0, 5, 9, 13, 17]]
    apart = np.linalg.norm(palms[:, 0, :, None] - palms[:, 1, None], axis=-1)
    assert apart.min() > 0.015
    assert result.moved.max() > 0.01


def test_hands_that_touch_stay_where_they_are():
    place, out = front(MEAN_BODY, 0.0, -0.12)
    target = place + 0.008 * out
    wrist = target - forward(FLAT).points[12] @ INWARD.T
    result = figure(both(hand(np.tile(wrist, (3, 1)), INWARD)), MEAN_BODY)
    assert np.linalg.norm(result.hands[:, 1, 12] - target, axis=-1).max() < 0.005


def test_a_hand_that_no_arm_turns_so_touches_nevertheless():
    place, out = front(MEAN_BODY, -0.05, -0.25)
    touch = Touch("right", forward(FLAT).points[12], place + 0.008 * out)
    rotation = INWARD @ from_vector(np.array([0.8, 0.0, 0.0]))  # fingertips to the chest: beyond the wrist
    wrist = touch.target - rotation @ touch.part
    motion = both(hand(np.tile(wrist, (30, 1)), rotation))

    def missed(motion: Motion) -> float:
        return float(np.linalg.norm(figure(motion, MEAN_BODY).hands[:, 1, 12] - touch.target, axis=-1).max())

    assert missed(motion) > 0.02
    assert missed(replace(motion, contacts=(Contact(touch, np.ones(30)),))) < 0.005


def test_hands_that_make_way_are_no_faster_than_people():
    passing = hand(path((-0.4, -0.25, 0.12), (0.2, -0.25, 0.02), frames=8), INWARD)
    result = figure(both(passing), MEAN_BODY)
    speeds = np.linalg.norm(np.diff(result.joints[:, 16], axis=0), axis=-1) * result.fps
    assert result.moved.max() > 0.05
    asked = np.linalg.norm(np.diff(passing.wrist, axis=0), axis=-1).max() * result.fps
    assert speeds.max() <= 1.01 * max(asked, FASTEST * MEAN_BODY.shoulder_width)


def test_a_motion_without_collisions_is_left_alone():
    result = figure(both(hand(path((-0.3, -0.3, 0.3), (-0.2, 0.1, 0.35)), INWARD)), MEAN_BODY)
    assert result.moved.max() < 1e-12
