"""Hands at their places, on the mean body."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pose_core import UserError
from text_to_pose.hamnosys.directions import Direction
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.postures import FingerDirection, Palm
from text_to_pose.signing.anatomy.body import CHIN, MEAN_BODY, NOSE_TIP
from text_to_pose.signing.anatomy.body_surface import depth
from text_to_pose.signing.anatomy.comfort import attainable
from text_to_pose.signing.frame import mirrored_rotation
from text_to_pose.signing.hands.hand_model import forward, mirrored
from text_to_pose.signing.motion import HandPose
from text_to_pose.signing.placement.configuration import Configuration, configure, resting
from text_to_pose.signing.placement.orientation import hand_rotation
from text_to_pose.signing.placement.states import initial_states
from text_to_pose.signing.placement.touch import contact_error

if TYPE_CHECKING:
    from text_to_pose.signing.motion import HandSide


def _configured(notation: str) -> Configuration:
    names = " ".join(f"ham{name}" for name in notation.split())
    return configure(initial_states(parse(names).segments[0]), MEAN_BODY)


def _points(found: Configuration, side: HandSide) -> np.ndarray:
    pose = found.hands[side]
    points = forward(pose.angles, MEAN_BODY.hand).points
    return pose.wrist + (mirrored(points) if side == "left" else points) @ pose.rotation.T


def test_fingertips_of_a_flat_hand_touch_the_chin() -> None:
    found = _configured("flathand extfingerul palml chin touch")
    assert contact_error(found.hands, found.contacts) < 0.01
    tips = _points(found, "right")[[8, 12, 16, 20]]
    assert np.linalg.norm(tips - MEAN_BODY.face[199], axis=1).min() < 0.02


def test_the_tip_of_a_pointing_finger_touches_nose_and_chest() -> None:
    nose = _points(_configured("finger2 extfingerui palml nose touch"), "right")
    assert np.linalg.norm(nose[8] - MEAN_BODY.face[NOSE_TIP]) < 0.01
    chest = _points(_configured("finger2 extfingeril palmr chest touch"), "right")
    assert abs(chest[8, 0]) < 0.01
    assert chest[8, 2] < chest[5, 2] - 0.03


def test_a_flat_hand_lies_on_the_chest() -> None:
    points = _points(_configured("flathand extfingerl palml chest touch"), "right")
    knuckles = points[[5, 9, 13, 17]].mean(axis=0)
    assert abs(knuckles[0]) < 0.02
    assert points[:, 2].min() > 0.08


@pytest.mark.parametrize(
    "notation",
    [
        "symmlr flathand extfingeru palml",
        "symmlr fist extfingero palmd shoulders",
        "symmpar finger2 extfingerol palml chest",
        "symmlr flathand extfingeruo palml touch",
        "symmlr finger2345 extfingerul palml chest touch",
        "symmlr flathand extfingerul palmdl forehead lrat touch",
    ],
)
def test_symmetry_mirrors_the_weak_hand(notation: str) -> None:
    found = _configured(notation)
    right, left = found.hands["right"], found.hands["left"]
    np.testing.assert_allclose(left.rotation, mirrored_rotation(right.rotation), atol=1e-6)
    np.testing.assert_allclose(left.wrist, right.wrist * [-1, 1, 1], atol=1e-6)


def test_hands_that_mirror_each_other_do_not_cross_the_middle() -> None:
    for fingers in ("l", "ol", "ul"):
        assert _points(_configured(f"symmlr flathand extfinger{fingers} palml"), "right")[:, 0].max() < 0
    together = _points(_configured("symmlr flathand extfingeru palml touch"), "right")
    assert -0.02 < together[5:, 0].max() < 0  # all but the thumb, whose ball gives way


def test_a_hand_that_does_not_sign_hangs_at_the_side() -> None:
    found = _configured("flathand extfingeru palmd")
    assert found.hands["left"] is resting("left", MEAN_BODY)
    assert found.hands["left"].wrist[1] < MEAN_BODY.hips[0, 1]


def test_heights_are_in_order() -> None:
    sites = ("headtop", "forehead", "eyes", "nose", "lips", "chin", "neck", "shoulders", "chest", "stomach")
    heights = [
        _points(_configured(f"finger2 extfingerui palml {site} seqbegin touch indexfinger fingertip seqend"), "right")[
            8, 1
        ]
        for site in (*sites, "belowstomach")
    ]
    assert heights == sorted(heights, reverse=True)
    assert heights[sites.index("chin")] > MEAN_BODY.face[CHIN, 1]


def test_the_strong_hand_touches_the_palm_of_the_weak_hand() -> None:
    found = _configured(
        "parbegin finger2 plus flathand parend parbegin extfingerdo palml plus extfingeror palmu parend palm touch"
    )
    assert contact_error(found.hands, found.contacts) < 0.01
    assert found.contacts[0].on == "left"
    tip, palm = _points(found, "right")[8], _points(found, "left")
    assert np.linalg.norm(tip - 0.6 * palm[[5, 9, 13, 17]].mean(axis=0) - 0.4 * palm[0]) < 0.03


def test_a_hand_near_one_on_the_chest_is_before_it_not_in_the_trunk() -> None:
    hands = "symmlr flathand thumboutmod extfingerl palml"
    found = _configured(f"{hands} parbegin fingerpad close plus chest touch parend")
    right, left = _points(found, "right"), _points(found, "left")
    assert right[:, 2].min() > 0
    assert right[[0, 5, 9, 17], 2].mean() > left[[0, 5, 9, 17], 2].mean()


def test_a_named_part_touches() -> None:
    found = _configured("flathand thumboutmod extfingeru palml chest seqbegin touch thumb fingertip seqend")
    thumb = _points(found, "right")[4]
    assert abs(thumb[0]) < 0.01
    assert contact_error(found.hands, found.contacts) < 0.01


def test_an_extended_arm_is_nearly_straight() -> None:
    wrist = _configured("flathand extfingeru palmd shoulders armextended").hands["right"].wrist
    assert np.linalg.norm(wrist - MEAN_BODY.shoulders[1]) > 0.95 * MEAN_BODY.arm


def test_the_weak_hand_alone_signs_with_the_left() -> None:
    found = _configured("nondominant flathand extfingeru palmd")
    assert found.hands["right"] is resting("right", MEAN_BODY)
    assert found.hands["left"].wrist[1] > MEAN_BODY.hips[0, 1]


def test_a_thumb_that_is_named_touches_beside_a_palm_that_faces_the_place() -> None:
    found = _configured("finger2345 thumboutmod extfingerul palmdl forehead seqbegin touch thumb fingertip seqend")
    assert np.linalg.norm(_points(found, "right")[4] - MEAN_BODY.face[151]) < 0.01


def test_few_fingertips_touch_the_face() -> None:
    for shape in ("finger2", "finger23", "finger23 thumbacrossmod", "finger23spread"):
        found = _configured(f"{shape} extfingerul palml forehead lrat touch")
        tips = _points(found, "right")[[8, 12]]
        assert np.linalg.norm(tips - MEAN_BODY.face[104], axis=1).min() < 0.03


def test_the_wrist_of_a_hand_before_the_body_does_not_depend_on_its_shape() -> None:
    first, second = (_configured(f"{shape} extfingeruo palmd").hands["right"] for shape in ("fist", "flathand"))
    np.testing.assert_allclose(first.wrist, second.wrist, atol=1e-9)


def test_first_segments_of_real_signs_touch_and_are_not_in_the_body() -> None:
    """Every fortieth sign, so that it stays quick; benchmarks look at all."""
    data = os.environ.get("POSE_DATA")
    if data is None:
        pytest.skip("the list of signs is not here; POSE_DATA names its folder")
    with Path(data, "hamnosys", "hamnosys.csv").open(encoding="utf-8") as file:
        texts = [row["hamnosys"] for row in csv.DictReader(file)][::40]
    misses, depths = [], []
    for text in texts:
        try:
            sign = parse(text)
        except UserError:
            continue
        found = configure(initial_states(sign.segments[0]), MEAN_BODY)
        misses.append(contact_error(found.hands, found.contacts))
        depths += [depth(MEAN_BODY, _points(found, side)).max() for side in ("left", "right")]
    assert max(misses) < 0.01
    assert np.percentile(depths, 99) < 0.01


def test_an_orientation_that_no_arm_has_becomes_the_nearest_that_it_has() -> None:
    wrist, angles = np.array([-0.1, 0.0, 0.15]), np.zeros(21)
    usual = HandPose(wrist, hand_rotation(FingerDirection(Direction.UL), Palm(Direction.D)), angles)
    assert attainable("right", usual, MEAN_BODY) is usual.rotation
    turned_over = HandPose(wrist, hand_rotation(FingerDirection(Direction.UL), Palm(Direction.UR)), angles)
    nearest = attainable("right", turned_over, MEAN_BODY)
    assert 35 < np.degrees(np.arccos((np.trace(nearest.T @ turned_over.rotation) - 1) / 2)) < 110
    again = HandPose(wrist, nearest, angles)
    assert np.allclose(attainable("right", again, MEAN_BODY), nearest)  # this one it has
