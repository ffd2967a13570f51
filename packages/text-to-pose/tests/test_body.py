"""The signer's body: its sizes and its surface."""

from __future__ import annotations

import numpy as np

from text_to_pose.signing.body import CHIN, FOREHEAD_TOP, LEFT_EYE, MEAN_BODY, NOSE_TIP, RIGHT_EYE, Body


def test_mean_body_is_symmetrical_and_faces_out():
    body = MEAN_BODY
    assert np.allclose(body.shoulders[0] * [-1, 1, 1], body.shoulders[1])
    assert np.allclose(body.head[7] * [-1, 1, 1], body.head[8])
    assert body.face[LEFT_EYE, 0] > 0 > body.face[RIGHT_EYE, 0]
    assert body.face[FOREHEAD_TOP, 1] > body.face[NOSE_TIP, 1] > body.face[CHIN, 1] > 0
    assert body.face[NOSE_TIP, 2] > body.face[LEFT_EYE, 2] > body.head[7, 2]
    assert np.allclose(body.head[0], body.face[NOSE_TIP])


def test_drawn_people_differ_as_people_do_and_the_seed_decides():
    people = [Body.drawn(np.random.default_rng(seed)) for seed in range(200)]
    arms = np.array([person.arm for person in people])
    assert abs(arms.mean() / MEAN_BODY.arm - 1) < 0.02
    assert 0.04 < arms.std() / arms.mean() < 0.1
    assert Body.drawn(np.random.default_rng(7)).arm == people[7].arm
    heights = [person.eyes[1] / person.shoulder_width for person in people]
    assert 0.55 < min(heights) < max(heights) < 0.85


def test_scaled_body_keeps_its_shape():
    double = MEAN_BODY.scaled(2.0)
    assert np.isclose(double.arm, 2 * MEAN_BODY.arm)
    assert np.allclose(double.face, 2 * MEAN_BODY.face)
    assert np.allclose(double.hand.lengths, 2 * MEAN_BODY.hand.lengths)
